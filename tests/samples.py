"""What several tests read."""

from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
LETTER = ("Dear Ms Marlowe,", "the harbour crane was painted on 4 May 2021.", "Yours sincerely, Zeno Quist")
