"""PDF/A-2b (ISO 19005-2) of the searchable PDF.

Pictures, and PDFs that draw nothing but pictures, are made to conform here: what the standard forbids is left
behind, or was never there. Everything else goes through Ghostscript, where that is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import pymupdf
from PIL import ImageCms

from docproc.errors import EngineFailed
from docproc.parsers.ghostscript import convert
from docproc.parsers.image_pdf import pdf_of_image, stand_upright
from docproc.parsers.mupdf import MUPDF_ERRORS
from docproc.parsers.overlay import lay_text, opened_for, read_layers

FORBIDDEN = re.compile(
    r"/(DeviceCMYK|DeviceN|Separation|LZWDecode|JPXDecode|Crypt|Alternates|OPI|PS|Pattern|Shading|TR2?|HTP"
    r"|EmbeddedFile|Font|ExtGState|OCG|OCMD|Ref|F)\b|/N 4\b"
)
"""Objects with one of these are left to Ghostscript: most are forbidden, some only may be."""
PICTURE_OPERATORS = re.compile(
    rb"\s*(?:[-+.\d]+|/[\w.+-]+|q|Q|cm|Do|re|m|l|h|W\*?|n|f\*?|[gG]|rg|RG|[A-Za-z]+\s+BMC|BMC|EMC|\[|\])(?=[\s/\[\]]|$)"
)
PAGE_KEYS = {"Type", "Parent", "Resources", "MediaBox", "CropBox", "Contents", "Rotate", "UserUnit"}
CATALOG_KEYS = {"Type", "Pages", "Outlines", "PageLabels"}

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<pdf:Producer>docproc</pdf:Producer>
<xmp:CreatorTool>docproc</xmp:CreatorTool>
<xmp:CreateDate>{now}</xmp:CreateDate>
<xmp:ModifyDate>{now}</xmp:ModifyDate>
<xmp:MetadataDate>{now}</xmp:MetadataDate>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(
    path: str, layers: str, *, media_type: str, password: str | None = None, max_pixels: int
) -> tuple[dict[str, Any], bytes]:
    """Return `({"kept": [...], "made_by": ...}, PDF/A-2b)`; else as `overlay.write`.

    Raises Unavailable when the file needs Ghostscript and that is not here or does not do it well.
    """
    pages = read_layers(layers)
    try:
        return _written(path, pages, media_type, password, max_pixels)
    except MUPDF_ERRORS as error:
        raise EngineFailed(f"MuPDF cannot write the PDF/A: {error}.", code="overlay") from error


def _written(
    path: str, pages: list[Any], media_type: str, password: str | None, max_pixels: int
) -> tuple[dict[str, Any], bytes]:
    if media_type != "application/pdf":
        doc = pdf_of_image(path, pages, max_pixels=max_pixels, no_cmyk=True)
        return {"kept": [], "made_by": "docproc"}, _conforming(doc, stand_upright(pages), {})
    original, kept = opened_for(path, pages, password)
    doc = _rebuilt(original)
    if doc is not None:
        return {"kept": kept, "made_by": "docproc"}, _conforming(doc, pages, original.metadata)
    lay_text(original, pages)
    plain = original.tobytes(garbage=1, encryption=pymupdf.PDF_ENCRYPT_NONE)
    return {"kept": kept, "made_by": "ghostscript"}, convert(plain, srgb())


def srgb() -> bytes:
    """Return an ICC profile of sRGB."""
    profile: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile


def _conforming(doc: pymupdf.Document, pages: list[Any], metadata: dict[str, str]) -> bytes:
    lay_text(doc, pages)
    catalog = doc.pdf_catalog()
    for key in doc.xref_get_keys(catalog):
        if key not in CATALOG_KEYS:
            doc.xref_set_key(catalog, key, "null")
    for page in doc:
        for key in doc.xref_get_keys(page.xref):
            if key not in PAGE_KEYS:
                doc.xref_set_key(page.xref, key, "null")
    for xref in _images(doc):
        doc.xref_set_key(xref, "Interpolate", "false")
    profile = doc.get_new_xref()
    doc.update_object(profile, "<</N 3>>")
    doc.update_stream(profile, srgb())
    intent = (
        "<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)"
        f"/Info(sRGB IEC61966-2.1)/DestOutputProfile {profile} 0 R>>"
    )
    doc.xref_set_key(catalog, "OutputIntents", f"[{intent}]")
    doc.set_xml_metadata(_xmp(metadata))
    # what Info says stands in the XMP; two places could disagree
    doc.xref_set_key(-1, "Info", "null")
    found: bytes = doc.tobytes(garbage=3, deflate=True, encryption=pymupdf.PDF_ENCRYPT_NONE)
    return found


def _xmp(metadata: dict[str, str]) -> str:
    title, author = (escape(NOT_XML.sub("", metadata.get(key) or "")) for key in ("title", "author"))
    return XMP.format(title=title, author=author, now=datetime.now(UTC).isoformat(timespec="seconds"))


def _images(doc: pymupdf.Document) -> Iterator[int]:
    for xref in range(1, doc.xref_length()):
        if doc.xref_get_key(xref, "Subtype") == ("name", "/Image"):
            yield xref


def _rebuilt(original: pymupdf.Document) -> pymupdf.Document | None:
    """Return the pages in a new file, or None when they are more than pictures that PDF/A takes."""
    if any(kind != pymupdf.LINK_GOTO for *_, kind in _outline_kinds(original)):
        return None
    doc = pymupdf.open()
    doc.insert_pdf(original, links=False, annots=False, widgets=False)
    if any(page.first_annot or page.first_widget for page in original) or any(_faults(doc)):
        return None
    doc.set_toc(original.get_toc())
    return doc


def _outline_kinds(doc: pymupdf.Document) -> Iterator[tuple[int, int]]:
    for level, _, _, target in doc.get_toc(simple=False):
        yield level, target["kind"]


def _faults(doc: pymupdf.Document) -> Iterator[str]:
    """Yield what keeps a file of pictures from being PDF/A, as far as that can be told without drawing it."""
    for page in doc:
        if not _only_pictures(page.read_contents()):
            yield f"page {page.number + 1} draws more than pictures"
    for xref in range(1, doc.xref_length()):
        text = doc.xref_object(xref, compressed=True)
        found = FORBIDDEN.search(text)
        if found:
            yield f"object {xref} has {found.group()}"
        elif "/Subtype/Form" in text and not _only_pictures(doc.xref_stream(xref) or b""):
            yield f"object {xref} draws more than pictures"


def _only_pictures(content: bytes) -> bool:
    place = 0
    while found := PICTURE_OPERATORS.match(content, place):
        place = found.end()
    return not content[place:].strip()
