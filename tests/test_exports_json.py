"""The JSON reading: it reads back equal, follows its published schema, and says where it is malformed."""

from __future__ import annotations

import copy
import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.document import (
    Cell,
    Document,
    KeyValue,
    Label,
    Line,
    Page,
    Problem,
    Region,
    Source,
    Table,
    TextSource,
    Tile,
    Word,
)  # fmt: skip
from docproc.errors import Rejected
from docproc.exports import json as export
from docproc.exports.json_findings import answer_to_dict
from docproc.exports.json_reader import Node, read_answer
from docproc.findings import Answer, Evidence, Finding, Mask
from docproc.geometry import Box

from .exports_samples import SAMPLES

TEXTS = st.text(st.characters(), max_size=8)  # lone surrogates, too
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SHARES = st.none() | st.floats(0, 1)
COUNTS = st.integers(0, 9)
POLYGONS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5).map(tuple)


def boxes() -> st.SearchStrategy[Box]:
    pairs = st.lists(NUMBERS, min_size=2, max_size=2).map(sorted)
    return st.tuples(pairs, pairs).map(lambda sides: Box(sides[0][0], sides[1][0], sides[0][1], sides[1][1]))


WORDS = st.builds(Word, TEXTS, TEXTS, boxes(), POLYGONS, SHARES)
LINES = st.builds(Line, TEXTS, TEXTS, boxes(), POLYGONS, SHARES, st.lists(WORDS, max_size=2).map(tuple))
CELLS = st.builds(Cell, TEXTS, COUNTS, COUNTS, st.integers(1, 4), st.integers(1, 4), TEXTS, boxes(), st.booleans())
TABLES = st.builds(Table, TEXTS, boxes(), COUNTS, COUNTS, st.lists(CELLS, max_size=2).map(tuple), TEXTS)
TILES = st.builds(Tile, boxes(), NUMBERS)
PROBLEMS = st.builds(Problem, TEXTS, TEXTS, TEXTS)


def masks() -> st.SearchStrategy[Mask]:
    grids = st.tuples(st.integers(1, 9), st.integers(1, 9))
    return st.tuples(boxes(), grids).map(lambda m: Mask(m[0], *m[1], (1, m[1][0] * m[1][1] - 1)))


FINDINGS = st.builds(
    Finding,
    task=TEXTS,
    prompt=TEXTS,
    page=st.integers(1, 9),
    label=TEXTS,
    box=st.none() | boxes(),
    polygon=POLYGONS,
    mask=st.none() | masks(),
    text=TEXTS,
    confidence=SHARES,
    run=TEXTS,
)
PAIRS = st.builds(
    KeyValue,
    id=TEXTS,
    key=TEXTS,
    value=TEXTS,
    key_box=boxes(),
    value_box=st.none() | boxes(),
    key_word_ids=st.lists(TEXTS, max_size=2).map(tuple),
    value_word_ids=st.lists(TEXTS, max_size=2).map(tuple),
    checked=st.none() | st.booleans(),
    confidence=SHARES,
)
EVIDENCE = st.lists(st.builds(Evidence, st.integers(1, 9), TEXTS, boxes()), max_size=2).map(tuple)
ANSWERS = st.builds(
    Answer,
    text=TEXTS,
    confidence=SHARES,
    not_found=st.booleans(),
    ungrounded=st.booleans(),
    engine=TEXTS,
    evidence=EVIDENCE,
)


@st.composite
def pages(draw: st.DrawFn) -> Page:
    lines = tuple(draw(st.lists(LINES, max_size=3, unique_by=lambda line: line.id)))
    ids = st.lists(st.sampled_from([line.id for line in lines]), max_size=2) if lines else st.just([])
    regions = st.builds(
        Region, TEXTS, st.sampled_from(get_args(Label)), boxes(), COUNTS, SHARES, ids.map(tuple), st.none() | TEXTS
    )
    return Page(
        number=draw(st.integers(1, 5000)),
        width=draw(NUMBERS),
        height=draw(NUMBERS),
        rotation=draw(st.sampled_from([0, 90, 180, 270])),
        skew=draw(NUMBERS),
        dpi=draw(NUMBERS),
        dpi_assumed=draw(st.booleans()),
        drawn_by=draw(TEXTS),
        text_source=draw(st.sampled_from(get_args(TextSource))),
        agreement=draw(SHARES),
        tiles=tuple(draw(st.lists(TILES, max_size=2))),
        lines=lines,
        regions=tuple(draw(st.lists(regions, max_size=2))),
        tables=tuple(draw(st.lists(TABLES, max_size=1))),
        key_values=tuple(draw(st.lists(PAIRS, max_size=2))),
        findings=tuple(draw(st.lists(FINDINGS, max_size=2))),
        problems=tuple(draw(st.lists(PROBLEMS, max_size=1))),
    )


SOURCES = st.builds(Source, TEXTS, TEXTS, TEXTS, st.integers(0))
DOCUMENTS = st.builds(
    Document, SOURCES, st.lists(pages(), max_size=2).map(tuple), st.dictionaries(TEXTS, TEXTS, max_size=2)
)


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS)
def test_it_reads_back_equal(document: Document) -> None:
    assert export.read(export.write(document, None)) == document


@settings(max_examples=50, deadline=None)
@given(pages())
def test_one_page_comes_back_equal(page: Page) -> None:
    assert export.page_from_dict(json.loads(json.dumps(export.page_to_dict(page)))) == page


@given(ANSWERS)
def test_answers_come_back_equal(answer: Answer) -> None:
    assert read_answer(Node(json.loads(json.dumps(answer_to_dict(answer))))) == answer


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS)
def test_what_is_written_follows_the_published_schema(document: Document) -> None:
    library = pytest.importorskip("jsonschema", reason="pip install 'docproc[test]'")
    library.Draft202012Validator(export.schema()).validate(export.document_to_dict(document))


def test_a_mask_whose_runs_do_not_fill_it_is_rejected() -> None:
    mask = Mask(Box(0, 0, 2, 2), 2, 2, (4,))
    page = Page(1, 9.0, 9.0, findings=(Finding(task="segment", prompt="segment cat", page=1, mask=mask),))
    value = export.page_to_dict(page)
    for size, counts in ([2, 3], [4]), ([2], [4]), ([0, 2], []), ([2, 2], [5, -1]), ([1 << 20, 1 << 20], [1 << 40]):
        value["findings"][0]["mask"].update(size=size, counts=counts)
        with pytest.raises(Rejected, match="mask"):
            export.page_from_dict(value)


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_follow_the_published_schema_and_read_back_equal(sample: str) -> None:
    library = pytest.importorskip("jsonschema", reason="pip install 'docproc[test]'")
    data = export.write(SAMPLES[sample], None)
    library.Draft202012Validator.check_schema(export.schema())
    library.Draft202012Validator(export.schema()).validate(json.loads(data))
    assert export.read(data) == SAMPLES[sample]
    assert export.read(data.decode("utf-8")) == SAMPLES[sample]


def walk(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every key in a JSON value."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in [(*path, key), *walk(item, (*path, key))]]
    if isinstance(value, list):
        return [found for index, item in enumerate(value[:1]) for found in walk(item, (*path, index))]
    return []


WHOLE = json.loads(export.write(SAMPLES["table"], None))
DERIVED = ("text",)
"""Keys of a page that are written for people and programs and not read back."""


def test_reader_and_schema_miss_the_same_keys() -> None:
    library = pytest.importorskip("jsonschema", reason="pip install 'docproc[test]'")
    validator = library.Draft202012Validator(export.schema())
    for path in walk(WHOLE):
        broken = copy.deepcopy(WHOLE)
        *parents, last = path
        holder = broken
        for step in parents:
            holder = holder[step]
        del holder[last]
        if parents and parents[-1] == "engines":
            continue
        assert not validator.is_valid(broken), path
        if len(path) == 3 and last in DERIVED:
            continue
        with pytest.raises(Rejected, match=f"{last} is missing"):
            export.read(json.dumps(broken))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("pages", 0, "lines", 0, "box"), [3, 0, 1, 1], r"pages\[0\]\.lines\[0\]\.box should be \[left"),
        (("pages", 0, "lines", 0, "box"), [1, 2], r"pages\[0\]\.lines\[0\]\.box"),
        (("pages", 0, "lines", 0, "confidence"), 1.5, r"lines\[0\]\.confidence should be a number from 0 to 1"),
        (("pages", 0, "lines", 0, "polygon"), [[1]], r"polygon should be a list of \[x, y\]"),
        (("pages", 0, "regions", 0, "label"), "blob", r"regions\[0\]\.label should be one of caption"),
        (("pages", 0, "regions", 0, "line_ids"), ["nobody"], r"line_ids\[0\] should be the id of a line"),
        (("pages", 0, "number"), 0, "number should be a whole number from 1"),
        (("pages", 0, "number"), True, "number should be a whole number"),
        (("pages", 0, "rotation"), 45, "rotation should be one of 0, 90, 180, 270"),
        (("pages", 0, "dpi_assumed"), 1, "dpi_assumed should be true or false"),
        (("pages", 0, "width"), "wide", "width should be a number"),
        (("pages",), {}, "pages should be a list"),
        (("source",), [], "source should be an object"),
        (("engines",), [], "engines should be an object"),
        (("schema_version",), "2.0", "schema version 2.0"),
    ],
)
def test_malformed_readings_are_rejected_with_their_place(place: tuple[Any, ...], value: Any, message: str) -> None:
    broken = copy.deepcopy(WHOLE)
    holder = broken
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    with pytest.raises(Rejected, match=message):
        export.read(json.dumps(broken))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"schema_version": "1.0"}', b"NaN"]
)
def test_what_is_no_reading_is_rejected(data: bytes) -> None:
    with pytest.raises(Rejected):
        export.read(data)


def test_numbers_that_json_does_not_have_are_rejected() -> None:
    text = json.dumps(WHOLE).replace('"skew": 0.0', '"skew": Infinity')
    with pytest.raises(Rejected, match="skew should be a number"):
        export.read(text)


def test_unknown_keys_are_allowed() -> None:
    assert export.read(json.dumps({**WHOLE, "more": 1})) == SAMPLES["table"]
