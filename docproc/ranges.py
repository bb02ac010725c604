"""Page numbers as people write them: 1-3,7."""

from __future__ import annotations

from docproc.errors import Usage


def page_numbers(text: str, pages: int) -> list[int]:
    """Return the numbers that "1-3,7" names, each once, of a document of so many `pages`; all for an empty text.

    Raises Usage for what is no page number, or no page of the document.
    """
    numbers: list[int] = []
    for part in text.split(",") if text.strip() else [f"1-{pages}"]:
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or len(first + last) > 12:
            raise Usage(f"{part.strip()!r} is no page number.", hint="Give them like 1,3-5.", code="bad-pages")
        wanted = range(int(first), int(last or first) + 1)
        if not wanted or wanted[0] < 1 or wanted[-1] > pages:
            raise Usage(
                f"There are no pages {part.strip()}: the document has {pages}.",
                hint="Give them like 1,3-5.",
                code="bad-pages",
            )
        numbers.extend(wanted)
    return list(dict.fromkeys(numbers))
