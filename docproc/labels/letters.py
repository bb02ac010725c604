"""How letters begin and end, in several languages."""

import re

GREETING = re.compile(
    r"^(dear|hello|hi|to whom it may concern|sehr geehrte|liebe|cher|chère|madame|monsieur|geachte|beste|estimad|"
    r"querid|gentile|egregi|caro|prezad)\b",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"^(with )?(yours|sincerely|best (wishes|regards)|(kind|warm)(est)? regards|regards|respectfully|"
    r"mit freundlichen|freundliche|mit besten|cordialement|met vriendelijke|atentamente|saludos|cordiali|distinti|"
    r"atenciosamente)\b",
    re.IGNORECASE,
)

__all__ = ["CLOSING", "GREETING"]
