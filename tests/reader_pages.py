"""Pages of a few words, for tests of what reads them."""

from docproc.document import Line, Page, Region, Word
from docproc.geometry import Box


def word(text, left, top, ident="", height=10.0):
    box = Box(left, top, left + 5 * len(text), top + height)
    return Word(ident or text, text, box, box.corners)


def page_of(*rows, number=1):
    """A page of lines, each given as its words."""
    lines = tuple(
        Line(f"l{index}", " ".join(one.text for one in row), Box.union(one.box for one in row), (), None, tuple(row))
        for index, row in enumerate(rows)
    )
    regions = (Region("r1", "text", Box(0, 0, 500, 700), 0, None, tuple(line.id for line in lines)),)
    return Page(number, 500.0, 700.0, lines=lines, regions=regions)
