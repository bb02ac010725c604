"""New objects in a PDF: content before a page's own, and the font of the invisible text."""

from __future__ import annotations

import pymupdf

from docproc.parsers.glyphless import ADVANCE, ASCENT, DESCENT, Codes, font_file

FONT = "DocprocText"
"""Name of the font in the resources of a page."""


def prepend(doc: pymupdf.Document, page: pymupdf.Page, content: bytes, font: int) -> None:
    """Put `content` before what the page draws; object `font` is `FONT` in it."""
    stream = doc.get_new_xref()
    doc.update_object(stream, "<<>>")
    doc.update_stream(stream, content)
    own = " ".join(f"{xref} 0 R" for xref in page.get_contents())
    doc.xref_set_key(page.xref, "Contents", f"[{stream} 0 R {own}]")
    _own_resources(doc, page.xref)
    holder, path = _resolved(doc, *_resolved(doc, page.xref, "Resources/"), "Font/")
    doc.xref_set_key(holder, f"{path}{FONT}", f"{font} 0 R")


def _resolved(doc: pymupdf.Document, xref: int, *path: str) -> tuple[int, str]:
    """Return the object that holds the dictionary at `path` of object `xref`, and the path inside that object."""
    whole = "".join(path)
    kind, value = doc.xref_get_key(xref, whole.rstrip("/"))
    return (int(value.split()[0]), "") if kind == "xref" else (xref, whole)


def _own_resources(doc: pymupdf.Document, page: int) -> None:
    """Give the page its inherited Resources as its own: a new dictionary would hide them."""
    node, seen = page, set()
    while node not in seen:
        seen.add(node)
        kind, value = doc.xref_get_key(node, "Resources")
        if kind in ("dict", "xref"):
            if node != page:
                doc.xref_set_key(page, "Resources", value)
            return
        kind, value = doc.xref_get_key(node, "Parent")
        if kind != "xref":
            break
        node = int(value.split()[0])
    doc.xref_set_key(page, "Resources", "<<>>")


def embed_font(doc: pymupdf.Document, font: int, codes: Codes) -> None:
    """Write the Type 0 font (ISO 32000-1, 9.7): every code shows glyph 1, ToUnicode says what it means."""
    descendant, descriptor, file, to_unicode, glyphs = (doc.get_new_xref() for _ in range(5))
    for stream, data in ((file, font_file()), (to_unicode, codes.to_unicode()), (glyphs, b"\0\1" * 0x10000)):
        doc.update_object(stream, "<<>>")
        doc.update_stream(stream, data)
    doc.xref_set_key(file, "Length1", str(len(font_file())))
    name = "/DOCPRC+GlyphLess"
    doc.update_object(
        font,
        f"<</Type/Font/Subtype/Type0/BaseFont{name}/Encoding/Identity-H"
        f"/DescendantFonts[{descendant} 0 R]/ToUnicode {to_unicode} 0 R>>",
    )
    doc.update_object(
        descendant,
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont{name}/DW {ADVANCE}/CIDToGIDMap {glyphs} 0 R"
        f"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        f"/FontDescriptor {descriptor} 0 R>>",
    )
    doc.update_object(
        descriptor,
        f"<</Type/FontDescriptor/FontName{name}/Flags 4/FontBBox[0 {DESCENT} {ADVANCE} {ASCENT}]"
        f"/ItalicAngle 0/Ascent {ASCENT}/Descent {DESCENT}/CapHeight {ASCENT}/StemV 80"
        f"/FontFile2 {file} 0 R>>",
    )
