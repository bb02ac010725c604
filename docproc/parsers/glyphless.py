"""Text that is there but not drawn: a font whose one glyph is empty, and the operators that place words.

The font is embedded once in a file and stands for every character: a code is given to each character as it
turns up, and the font's ToUnicode map says which it is. So any script can be copied and searched, in a few
hundred bytes (the idea is Tesseract's and OCRmyPDF's).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from docproc.geometry import Point

ADVANCE, ASCENT, DESCENT, EM = 500, 800, -200, 1000
"""Units of the font: a character is half as wide as the text is high and fills its box from top to bottom."""
RIGHT_TO_LEFT = (("\u0590", "\u08ff"), ("\ufb1d", "\ufdff"), ("\ufe70", "\ufeff"))
"""Hebrew, Arabic and their like, with presentation forms."""
MOST_CODES = 0xFFFF


class Codes:
    """Gives characters their two-byte codes, from 1, in the order in which they turn up."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def encode(self, text: str) -> str:
        """Return `text` as hex digits for a PDF string; characters that are not printed are left out."""
        return "".join(f"{self._code(char):04X}" for char in text if printable(char))

    def _code(self, char: str) -> int:
        if char not in self._codes and len(self._codes) >= MOST_CODES:
            char = "\ufffd"  # more than 65,535 different characters: Unicode has not many more
        return self._codes.setdefault(char, min(len(self._codes) + 1, MOST_CODES))

    def to_unicode(self) -> bytes:
        """Return the ToUnicode CMap (ISO 32000-1, 9.10.3)."""
        pairs = [f"<{code:04X}> <{_utf16(char)}>" for char, code in self._codes.items()]
        chunks = (pairs[start : start + 100] for start in range(0, len(pairs), 100))
        maps = "".join(f"{len(chunk)} beginbfchar\n" + "\n".join(chunk) + "\nendbfchar\n" for chunk in chunks)
        return CMAP.replace("MAPS", maps).encode("ascii")


CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
MAPSendcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


def printable(char: str) -> bool:
    """Say whether a character can stand in the text layer: no control, no half of a surrogate pair."""
    return char >= " " and not "\x7f" <= char <= "\x9f" and not "\ud800" <= char <= "\udfff"


def _utf16(char: str) -> str:
    return char.encode("utf-16-be").hex().upper()


def right_to_left(text: str) -> bool:
    """Say whether a word reads from right to left."""
    return any(low <= char <= high for char in text for low, high in RIGHT_TO_LEFT)


def visual(text: str) -> str:
    """Return a word as it stands from left to right: the order in which PDFs have text and readers expect it."""
    return text[::-1] if right_to_left(text) else text


def word_operators(text: str, quad: Sequence[Point], font: str, codes: Codes) -> str:
    """Return the operators that lay `text` into `quad`, or nothing when either is empty.

    `quad` is the top-left, top-right, bottom-right and bottom-left corner *of the text* in the user space
    of the page (y up). Right-to-left text runs from its right edge to its left, so that each character lies
    over its own picture although the text stands in reading order.
    """
    digits = codes.encode(text)
    top_left, _, bottom_right, bottom_left = quad
    across, up = _between(bottom_left, bottom_right), _between(bottom_left, top_left)
    width, height = math.hypot(*across), math.hypot(*up)
    if not digits or width < 1e-3 or height < 1e-3:
        return ""
    right, upward = (across[0] / width, across[1] / width), (up[0] / height, up[1] / height)
    stretch = 100 * width / (len(digits) / 4 * height * ADVANCE / EM)
    x, y = (bottom_left[axis] - upward[axis] * height * DESCENT / EM for axis in (0, 1))
    matrix = f"{right[0]:.5f} {right[1]:.5f} {upward[0]:.5f} {upward[1]:.5f} {x:.3f} {y:.3f} Tm"
    return f"/{font} {height:.3f} Tf {stretch:.3f} Tz {matrix} <{digits}> Tj\n"


def _between(start: Point, end: Point) -> Point:
    return end[0] - start[0], end[1] - start[1]


def font_file() -> bytes:
    """Return a TrueType font with two empty glyphs, `.notdef` and the one that is used.

    Only the tables that an embedded CIDFontType2 must have (ISO 32000-1, 9.9), as the OpenType specification
    lays them out.
    """
    box = (0, DESCENT, ADVANCE, ASCENT)
    tables = {
        b"glyf": b"\0\0\0\0",
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh",
            *(0x00010000, 0x00010000, 0, 0x5F0F3CF5, 0, EM, 0, 0, *box, 0, 8, 2, 0, 0),
        ),
        b"hhea": struct.pack(
            ">IhhhHhhhhhhhhhhhH", 0x00010000, ASCENT, DESCENT, 0, ADVANCE, *((0,) * 3), 1, *((0,) * 7), 2
        ),
        b"hmtx": struct.pack(">HhHh", ADVANCE, 0, ADVANCE, 0),
        b"loca": struct.pack(">HHH", 0, 0, 0),
        b"maxp": struct.pack(">IH13H", 0x00010000, 2, *((0,) * 4), 2, *((0,) * 8)),
    }
    directory, body = b"", b""
    offset = 12 + 16 * len(tables)
    for tag, table in sorted(tables.items()):
        directory += tag + struct.pack(">III", _checksum(table), offset + len(body), len(table))
        body += table + b"\0" * (-len(table) % 4)
    font = struct.pack(">IHHHH", 0x00010000, len(tables), 64, 2, 16 * len(tables) - 64) + directory + body
    at = font.index(b"\x5f\x0f\x3c\xf5") - 4
    return font[:at] + struct.pack(">I", (0xB1B0AFBA - _checksum(font)) & 0xFFFFFFFF) + font[at + 4 :]


def _checksum(table: bytes) -> int:
    padded = table + b"\0" * (-len(table) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF
