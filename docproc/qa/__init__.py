"""Questions about documents: answers with the words they rest on, or "not found".

    index = Index.of(pages)                       # once; made of what was read, no pixels
    answer = index.ask("What is the total?")      # an Answer: text, confidence, evidence, or not_found

A page gives candidates (values, pairs, cells, names, lines, blocks), a question says what it wants, numbers say how
well each fits (`features`), and a small network ranks them with "none of them" among them (`ranker`). An answer is
always made of words of the page: nothing can be invented. Instructions inside a document are words like others.
"""

from docproc.qa.index import ENGINE, Index
from docproc.qa.question import Question

__all__ = ["ENGINE", "Index", "Question"]
