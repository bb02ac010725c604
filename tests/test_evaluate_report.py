"""From labels on disk to the report, with readings made by hand."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from docproc.document import Cell, Document, Line, Page, Region, Source, Table, Word
from docproc.errors import EngineFailed, Rejected
from docproc.evaluate import html, report
from docproc.evaluate.cli import command
from docproc.evaluate.dataset import Truth, load, parse
from docproc.evaluate.metrics import METRICS
from docproc.evaluate.score import SetResult, evaluate_set
from docproc.evaluate.tables import pair_tables
from docproc.evaluate.worst import worst_places
from docproc.geometry import Box
from docproc.raster import PageImage

NASTY = "<script>alert('x')</script> & <img src=https://evil.example/x.png>"

GOOD = {
    "file": "dev/files/good.png",
    "width": 200,
    "height": 400,
    "text": "Hello world\nagain",
    "words": [
        {"text": "Hello world", "box": [20, 20, 120, 40]},
        {"text": "again", "box": [20, 60, 80, 80]},
        {"text": "boxless"},
    ],
    "regions": [{"label": "text", "box": [20, 20, 120, 80]}, {"label": "table", "box": [20, 200, 180, 300]}],
    "tables": [
        {
            "rows": 1,
            "cols": 2,
            "cells": [{"row": 0, "col": 0, "text": "a"}, {"row": 0, "col": 1, "text": "b"}],
            "box": [20, 200, 180, 300],
        }
    ],
    "tests": [{"page": 1, "type": "present", "text": "again"}, {"page": 1, "type": "absent", "text": "Hello"}],
}
BROKEN = {"file": "dev/files/broken.png", "text": "lost words", "tests": [{"type": "present", "text": "lost"}]}


def write_set(folder: Path, *rows: dict[str, Any]) -> Path:
    (folder / "dev" / "files").mkdir(parents=True)
    (folder / "dev" / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n", "utf-8")
    for row in rows:
        (folder / row["file"]).touch()
    return folder


def line(name: str, text: str, box: Box) -> Line:
    words = tuple(Word(f"{name}-{word}", word, box, box.corners) for word in text.split())
    return Line(name, text, box, box.corners, 0.9, words)


def reading(path: Path, first: str = "Hello world") -> Document:
    """A reading of GOOD on a page of 100 x 200 points: half a point per pixel."""
    if "broken" in path.name:
        raise EngineFailed(f"cannot read {NASTY}")
    lines = (line("l1", first, Box(10, 10, 60, 20)), line("l2", "again", Box(10, 30, 40, 40)))
    table_box = Box(10, 100, 90, 150)
    cells = (
        Cell("c1", 0, 0, 1, 1, "a", Box(10, 100, 50, 150)),
        Cell("c2", 0, 1, 1, 1, NASTY, Box(50, 100, 90, 150)),
    )
    regions = (
        Region("r1", "text", Box(10, 10, 60, 40), 0, 0.9, ("l1", "l2")),
        Region("r2", "table", table_box, 1, 0.9),
    )
    tables = (Table("t1", table_box, 1, 2, cells, "r2"),)
    page = Page(1, 100, 200, lines=lines, regions=regions, tables=tables)
    return Document(Source(path.name, "", "image/png", 0), (page,))


@pytest.fixture
def result(tmp_path: Path) -> SetResult:
    [labelled] = load(write_set(tmp_path / "mine", GOOD, BROKEN))
    return evaluate_set(labelled, lambda path: reading(path, NASTY))


def test_a_perfect_reading_scores_one(tmp_path: Path) -> None:
    row = {key: value for key, value in GOOD.items() if key not in ("tests", "tables")}
    [labelled] = load(write_set(tmp_path / "mine", row))
    [scored] = evaluate_set(labelled, reading).documents
    assert scored.scores == {
        "cer": 0.0, "wer": 0.0, "word_precision": 1.0, "word_recall": 1.0, "word_f1": 1.0, "order": 1.0,
        "layout_map": pytest.approx(1.0),
    }  # fmt: skip
    assert worst_places(scored, False, 9) == []


def test_a_document_that_fails_counts_as_empty(result: SetResult) -> None:
    good, broken = result.documents
    assert broken.scores == {
        "cer": 1.0, "wer": 1.0, "word_precision": 0.0, "word_recall": 0.0, "word_f1": 0.0, "order": 0.0,
        "facts": 0.0, "facts_supported": 0.0,
    }  # fmt: skip
    assert broken.problem.startswith("cannot read")
    assert result.failed == 1
    assert result.scores["word_f1"] == pytest.approx(good.scores["word_f1"] / 2)
    assert result.scores["facts"] == pytest.approx(2 / 3)  # of three facts together, not a mean of 1 and 0
    assert good.scores["cell_f1"] == 0.5
    assert result.scores["cell_f1"] == 0.5  # only one of the two has tables


def test_a_missed_page_costs_layout_and_tables(tmp_path: Path) -> None:
    [labelled] = load(write_set(tmp_path / "mine", {**GOOD, "file": "dev/files/broken.png"}))
    scores = evaluate_set(labelled, reading).scores
    assert (scores["layout_map"], scores["cell_f1"], scores["adjacency_f1"], scores["teds"]) == (0, 0, 0, 0)


def test_pixels_become_points_on_turned_pages() -> None:
    truth = Truth(Path("x.png"), size=(200, 400))
    box = Box(20, 40, 60, 80)
    assert truth.place(box, Page(1, 100, 200)) == Box(10, 20, 30, 40)
    assert truth.place(box, Page(1, 200, 100, rotation=90)) == Box(160, 10, 180, 30)
    assert truth.place(box, Page(1, 100, 200, rotation=180)) == Box(70, 160, 90, 180)
    assert truth.place(box, Page(1, 200, 100, rotation=270)) == Box(20, 70, 40, 90)
    assert Truth(Path("x.pdf")).place(box, Page(1, 100, 200)) == box
    assert Truth(Path("x.pdf")).place(box, Page(1, 200, 100, rotation=90)) == Box(120, 20, 160, 60)
    assert Truth(Path("x.pdf")).place(box, Page(1, 0, 0)) == box


def test_sets_are_found_below_a_folder_and_files_beside_the_labels(tmp_path: Path) -> None:
    write_set(tmp_path / "b", GOOD)
    flat = tmp_path / "a"
    flat.mkdir()
    (flat / "labels.jsonl").write_text('{"file": "x.png", "text": "SHOUT"}\n')
    first, second = load(tmp_path)
    assert (first.name, second.name) == ("a", "b")
    assert first.truths[0].path == flat / "x.png"
    assert (first.upper_case, second.upper_case) == (True, False)


@pytest.mark.parametrize(
    "labels", ["no json", '{"text": "no file"}', '{"file": "x", "regions": [{"box": [1]}]}', "[]"]
)
def test_broken_labels_are_rejected_with_their_line(tmp_path: Path, labels: str) -> None:
    (tmp_path / "labels.jsonl").write_text('{"file": "x"}\n' + labels + "\n")
    with pytest.raises(Rejected, match="line 2"):
        load(tmp_path)


def test_a_folder_without_labels_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no labels"):
        load(tmp_path)


def test_a_table_over_two_pages_is_put_together() -> None:
    row = {
        "file": "x.pdf",
        "regions": [
            {"label": "table", "table": "1", "page": page, "box": [0, 0, 100, 100]} for page in (1, 2)
        ],
        "tables": [{"table": "1", "cells": [{"row": n, "col": 0, "text": str(n)} for n in range(2)]}],
    }  # fmt: skip
    box = Box(0, 0, 100, 100)

    def page(number: int, *boxes: Box) -> Page:
        text = str(number - 1)
        tables = tuple(Table("t", at, 1, 1, (Cell("c", 0, 0, 1, 1, text, at),)) for at in boxes)
        return Page(number, 200, 200, tables=tables)

    document = Document(Source("x", "", "", 0), (page(1, box), page(2, Box(110, 0, 200, 50), box)))
    matched, spurious = pair_tables(parse(row, Path()), document)
    assert matched.true == matched.read
    assert spurious.true == ()


@pytest.mark.parametrize(
    ("expect", "error", "right"),
    [
        ("ok", None, 1.0),
        ("ok", Rejected("broken"), 0.0),
        ("reject", Rejected("broken"), 1.0),
        ("password", Rejected("locked", code="password"), 1.0),
        ("password", Rejected("broken"), 0.0),
        ("ok_or_reject", Rejected("broken"), 1.0),
        ("ok_or_reject", EngineFailed("crashed"), 0.0),
    ],
)
def test_hostile_files(tmp_path: Path, expect: str, error: Exception | None, right: float) -> None:
    def read(path: Path) -> Document:
        if error:
            raise error
        return reading(path)

    [labelled] = load(write_set(tmp_path / "mine", {"file": "dev/files/x.pdf", "expect": expect}))
    assert evaluate_set(labelled, read).scores == {"as_expected": right}


def test_json_holds_every_figure_and_its_definition(result: SetResult) -> None:
    content = json.loads(report.to_json([result]))
    [one] = content["sets"]
    assert one["scores"] == result.scores
    assert set(one["scores"]) <= set(content["definitions"])
    assert [doc["file"] for doc in one["documents"]] == ["good.png", "broken.png"]
    assert [fact["passed"] for fact in one["documents"][0]["facts"]] == [True, True]
    assert one["failed"] == 1


def test_the_table_names_what_it_shows(result: SetResult) -> None:
    text = report.table([result])
    head, row = text.splitlines()[:2]
    assert head.split()[:3] == ["set", "documents", "failed"]
    assert row.split()[:3] == ["mine", "2", "1"]
    assert "broken.png  (cannot read" in text
    for name in result.scores:
        assert METRICS[name].definition in text


class Page5(HTMLParser):
    """Collects tags, and text outside of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def draw(path: Path, document: Document, number: int) -> PageImage:
    if not document.pages:
        raise EngineFailed("no such page")
    return PageImage(np.full((400, 200, 3), 255, np.uint8), dpi=144)


def test_html_stands_alone_and_escapes_what_was_read(result: SetResult) -> None:
    text = html.report([result], draw)
    page = Page5(text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object"}
    sources = [attributes["src"] or "" for _, attributes in page.tags if "src" in attributes]
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "href" not in {key for _, attributes in page.tags for key in attributes}
    # OCR text holds an address; it may only stand as text, never where a browser would fetch it.
    assert not re.search(r"url\(|@import", text)
    assert "alert('x')" in page.text
    assert "https://evil.example" in page.text
    assert "prefers-color-scheme: dark" in text


def test_html_shows_both_sides_of_a_place(result: SetResult) -> None:
    good = result.documents[0]
    places = worst_places(good, False, 4)
    assert [(place.kind, place.true) for place in places] == [("text", "Hello world"), ("table", "")]
    assert places[0].box == Box(10, 10, 60, 20)
    assert places[1].box == Box(10, 100, 90, 150)
    text = html.report([result], draw)
    assert "<td>b</td>" in text
    assert "lost words" in Page5(text).text


def test_help_defines_every_figure() -> None:
    shown = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    for metric in METRICS.values():
        assert " ".join(f"{metric.title}: {metric.definition}".split()) in shown
