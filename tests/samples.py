"""What several tests read."""

from pathlib import Path

import pymupdf

EXAMPLES = Path(__file__).parents[1] / "examples"
LETTER = ("Dear Ms Marlowe,", "the harbour crane was painted on 4 May 2021.", "Yours sincerely, Zeno Quist")


def drawn_letter(path: Path) -> Path:
    """Write a born-digital page with the three lines of the letter."""
    with pymupdf.open() as pdf:
        page = pdf.new_page(width=595, height=842)
        for index, text in enumerate(LETTER):
            page.insert_text((72, 100 + 40 * index), text, fontsize=14)
        pdf.save(path)
    return path
