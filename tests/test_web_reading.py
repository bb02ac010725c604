"""What pages of the portal are made of: words for people, blocks of a reading, crops around hits."""

from datetime import UTC, datetime, timedelta

from docproc.document import Cell, Line, Page, Region, Table, Word
from docproc.geometry import Box
from web.pages import words
from web.pages.reading import doubts, shown
from web.pages.search import around


def test_how_things_are_said():
    assert [words.size(count) for count in (0, 999, 1500, 250_000, 4_200_000, 5 * 10**12)] == [
        "0 B", "999 B", "1.5 kB", "250 kB", "4.2 MB", "5.0 TB",
    ]  # fmt: skip
    assert [words.duration(seconds) for seconds in (0.25, 59.94, 61, 3725)] == [
        "0.2 s", "59.9 s", "1 min 1 s", "1 h 2 min",
    ]  # fmt: skip
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    spans = (timedelta(seconds=3), timedelta(minutes=1), timedelta(hours=5), timedelta(days=8), timedelta(days=80))
    assert [words.ago(now - span, now) for span in spans] == [
        "just now", "1 minute ago", "5 hours ago", "1 week ago", "1 March 2026",
    ]  # fmt: skip


def test_the_crop_around_a_hit_stays_on_the_page():
    for box in (Box(0, 0, 20, 10), Box(590, 780, 612, 792), Box(0, 300, 612, 500), Box(300, 300, 340, 312)):
        crop = around(box, 612, 792)
        assert 0 <= crop.left <= box.left, box
        assert box.right <= crop.right + 1e-6 <= 612 + 2e-6, box
        assert 0 <= crop.top <= box.top, box
        assert box.bottom <= crop.bottom + 1e-6 <= 792 + 2e-6, box


def test_cells_of_a_table_keep_their_spans_and_doubtful_words_are_marked():
    def word(name: str, text: str, left: float, confidence: float | None) -> Word:
        box = Box(left, 10, left + 40, 20)
        return Word(name, text, box, box.corners, confidence)

    words_of = (word("w1", "Total", 10, 0.99), word("w2", "l2.50", 60, 0.4))
    box = Box(10, 10, 100, 20)
    line = Line("l1", "Total l2.50", box, box.corners, 0.9, words_of)
    cells = (
        Cell("c1", 0, 0, 1, 2, "Total l2.50", Box(0, 0, 200, 25), header=True),
        Cell("c2", 1, 0, 1, 1, "a", Box(0, 25, 100, 50)),
    )
    table = Table("t1", Box(0, 0, 200, 50), 2, 2, cells, "r1")
    region = Region("r1", "table", Box(0, 0, 200, 50), 0, line_ids=("l1",))
    page = Page(1, 612, 792, lines=(line,), regions=(region,), tables=(table,))
    [block] = shown(page, [Box(10, 10, 50, 20)])
    assert [[(cell.tag, cell.column_span, cell.text) for cell in row] for row in block.rows] == [
        [("th", 2, "Total l2.50")],
        [("td", 1, "a"), ("td", 1, "")],
    ]
    [first, second] = block.rows[0][0].lines[0].words
    assert (first.hit, first.doubtful, first.space) == (True, False, True)
    assert (second.hit, second.doubtful, second.space) == (False, True, False)
    assert [word.text for _, word in doubts(page)] == ["l2.50"]
