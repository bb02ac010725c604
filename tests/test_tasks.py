"""Every task: the contract for whatever a model writes, and what each finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc import masks
from docproc.engines import Generation
from docproc.errors import Usage
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks import TASKS, Ask, Parsed, Seen
from docproc.tasks.asking import View
from docproc.tasks.grammar import Trained
from docproc.tasks.table import read_table, write_html
from docproc.tasks.views import squared

SHEET = PageImage(np.full((600, 400, 3), 255, np.uint8), 72.0)
PAGE = View(SHEET, SHEET.box)
BOX = "<loc0256><loc0128><loc0767><loc0895>"
CODES = "".join(f"<seg{code:03d}>" for code in range(16))


def disc(codes):
    """Return a disc for each row of codes."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    return np.repeat((0.8 - np.hypot(x, y))[None].astype(np.float32), len(codes), axis=0)


def parse(task: str, text: str, *, thing: str = "cat", box: Box | None = None, decoder=disc, view=PAGE) -> Parsed:
    return TASKS[task].parse(
        Seen(
            ask=Ask(task=task, thing=thing, box=box),
            number=3,
            page=PAGE.box,
            view=view,
            prompt="the prompt",
            generation=Generation(text, (1, 2), (0.5, 0.5)),
            decoder=decoder,
        )
    )


PIECES = st.sampled_from(
    ["<loc0000>", "<loc0512>", "<loc1023>", "<loc9999>", "<seg000>", "<seg127>", "<seg500>", CODES, BOX, "<loc",
     " ; ", "<table>", "<tr>", "<td>", "<td rowspan=9999 colspan='0'>", "</td>", "</table>", '<td coords="', "<!--",
     "&#0;", "<script>", "cat", "\x00", "\ud800", "é", "\n", "<eos>", "<image>", "<![CDATA[", "<?"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("task", TASKS)
@given(text=st.lists(PIECES | st.text(max_size=4), max_size=25).map("".join))
def test_whatever_a_model_writes_gives_findings_on_the_page_and_never_an_error(task, text):
    parsed = parse(task, text)
    assert parsed.invalid >= 0
    for finding in parsed.findings:
        assert (finding.task, finding.page, finding.prompt) == (task, 3, "the prompt")
        assert finding.box is None or finding.box.clipped(PAGE.box) == finding.box
        assert finding.confidence is None or 0 <= finding.confidence <= 1
        assert not set(finding.text + finding.label) & {"\x00", "\ud800"}
        if finding.mask:
            assert finding.mask.box == finding.box
            assert masks.to_grid(finding.mask).any()
            assert all(finding.box.grown(0.01).contains(corner) for corner in finding.polygon)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_asks_with_special_tokens_of_a_user_removed(task):
    trained = Trained("pt", {"table": "table"})
    ask = Ask(task=task, thing="a <image>cat<loc0001>", box=Box(10, 10, 20, 20))
    prompt = TASKS[task].prompt(ask, PAGE, trained)
    assert "<image>" not in prompt
    assert "<loc0001>" not in prompt
    assert TASKS[task].side in (224, 448, 896)
    assert bool(TASKS[task].needs) == ("cat" in prompt)


@pytest.mark.parametrize("task", ["answer", "detect", "segment", "refer", "question"])
def test_what_a_task_needs_must_be_given(task):
    with pytest.raises(Usage, match="needs"):
        TASKS[task].prompt(Ask(task=task), PAGE, Trained("pt"))


def test_detect_finds_boxes_with_labels():
    parsed = parse("detect", f"{BOX} cat ; <loc0000><loc0000><loc1023><loc1023> dog ; {BOX[:-4]}", thing="cat;dog")
    assert [(finding.label, finding.box) for finding in parsed.findings] == [
        ("cat", Box(50.05, 150.15, 349.95, 449.85)),
        ("dog", Box(0, 0, 400, 600)),
    ]
    assert parsed.invalid == 1


def test_an_object_without_a_label_is_the_one_that_was_asked_for():
    assert parse("detect", BOX).findings[0].label == "cat"
    assert parse("detect", BOX, thing="cat ; dog").findings[0].label == ""


def test_segment_finds_masks_in_boxes():
    [finding] = parse("segment", f"{BOX}{CODES} cat").findings
    assert finding.mask.box == finding.box
    share = masks.to_grid(finding.mask).mean()
    assert share == pytest.approx(np.pi * 0.8**2 / 4, abs=0.02)
    assert Box.around(finding.polygon).iou(Box(80, 180, 320, 420)) > 0.95


@pytest.mark.parametrize(
    "text", [f"{BOX} cat", f"{BOX}{CODES[:-8]} cat", f"{BOX}{CODES.replace('<seg015>', '<seg128>')}"]
)
def test_a_mask_without_its_16_codes_makes_no_sense(text):
    parsed = parse("segment", text)
    assert (parsed.findings, parsed.invalid > 0) == ([], True)


def test_an_empty_mask_makes_no_sense():
    parsed = parse("segment", f"{BOX}{CODES}", decoder=lambda codes: np.full((len(codes), 64, 64), -1, np.float32))
    assert (parsed.findings, parsed.invalid) == ([], 1)


def test_the_decoder_gets_the_codes_of_all_objects_at_once():
    asked = []
    parse("segment", f"{BOX}{CODES} ; {BOX}{CODES}", decoder=lambda codes: (asked.append(codes), disc(codes))[1])
    [codes] = asked
    assert codes.tolist() == [list(range(16))] * 2


def test_boxes_in_the_padding_are_cut_at_the_page():
    square = squared(SHEET)
    assert (square.image.width, square.image.height) == (600, 600)
    parsed = parse(
        "segment",
        f"<loc0000><loc0341><loc1023><loc1023>{CODES} ; <loc0000><loc0700><loc1023><loc1023>{CODES}",
        view=square,
    )
    [finding] = parsed.findings
    assert finding.box == Box(200, 0, 400, 600)
    assert finding.mask.box == finding.box
    assert parsed.invalid == 1
    columns = masks.to_grid(finding.mask).any(axis=0)
    assert columns[-1]
    assert not columns[0]  # the left half of the disc, cut through its middle


def test_refer_finds_the_one_thing():
    ids = tuple(256_000 + place for place in (256, 128, 767, 895, 0, 0, 9, 9))
    sure = Generation(f"{BOX} ; <loc0000><loc0000><loc0009><loc0009>", ids, (0.2,) * 4 + (0.9,) * 4)
    ask = Ask(task="refer", thing="the cat; asleep")
    seen = Seen(ask=ask, number=1, page=PAGE.box, view=PAGE, prompt="p", generation=sure)
    [finding] = TASKS["refer"].parse(seen).findings
    assert (finding.label, finding.confidence, finding.box.left) == ("the cat; asleep", 0.9, 0)
    assert TASKS["refer"].prompt(ask, PAGE, Trained("mix")) == "detect the cat, asleep"
    [finding] = parse("refer", f"{BOX}{CODES}").findings
    assert finding.mask is not None


def test_text_is_plain():
    assert parse("caption", " a  cat<eos>\n asleep\x00 ").findings[0].text == "a cat asleep"
    assert parse("ocr", "line one\nline two\n").findings[0].text == "line one\nline two"
    assert parse("answer", " \n<eos>").findings == ()
    assert parse("answer", "42").findings[0].confidence == 0.5


def test_a_caption_of_a_box_is_pointed_at_or_cropped():
    ask = Ask(task="caption", box=Box(0, 0, 200, 600))
    assert TASKS["caption"].prompt(ask, PAGE, Trained("pt")) == "caption <loc0000><loc0000><loc1023><loc0512>"
    assert TASKS["caption"].prompt(ask, PAGE, Trained("mix")) == "caption en"
    german = Ask(task="caption", language="de", box=Box(0, 0, 200, 600))
    assert TASKS["caption"].prompt(german, PAGE, Trained("pt")) == "caption de"


HTML = (
    "<table><thead><tr><th>Item</th><th colspan=2>Price &amp; tax</th></tr></thead>"
    "<tr><td rowspan='2'>pen</td><td>1</td><td coords=\"<loc0512><loc0512><loc1023><loc1023>\">2</td></tr>"
    "<tr><td>3</td><td><b>4</b><script>alert(1)</script></td></tr></table><table><tr><td>more</table>"
)


def test_a_table_is_read_into_cells():
    table = read_table(HTML, PAGE, PAGE.box)
    assert (table.rows, table.columns) == (3, 3)
    cells = {(cell.row, cell.column): cell for cell in table.cells}
    assert {place: cell.text for place, cell in cells.items()} == {
        (0, 0): "Item", (0, 1): "Price & tax", (1, 0): "pen", (1, 1): "1", (1, 2): "2", (2, 1): "3",
        (2, 2): "4alert(1)",
    }  # fmt: skip
    assert (cells[0, 1].column_span, cells[1, 0].row_span, cells[0, 0].header, cells[1, 1].header) == (
        2,
        2,
        True,
        False,
    )
    assert cells[1, 0].box == Box(0, 200, 133.33, 600)
    assert cells[1, 2].box == Box(200.2, 300.29, 400, 600)


def test_the_html_of_a_table_is_written_anew():
    [finding] = parse("table", HTML).findings
    assert finding.text == (
        '<table><tr><th>Item</th><th colspan="2">Price &amp; tax</th></tr>'
        '<tr><td rowspan="2">pen</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4alert(1)</td></tr></table>'
    )
    assert write_html(read_table(finding.text, PAGE, PAGE.box)) == finding.text
    assert isinstance(finding, Finding)


def test_a_table_that_never_stops_is_cut():
    table = read_table("<table>" + "<tr><td rowspan=9999 colspan=300>x" * 600, PAGE, PAGE.box)
    assert table.rows <= 500
    assert table.columns <= 500


@pytest.mark.parametrize(("text", "invalid"), [("", 0), ("no table", 1), ("<table></table>", 1)])
def test_what_is_no_table_is_counted(text, invalid):
    assert parse("table", text) == Parsed(invalid=invalid)
