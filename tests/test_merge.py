import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from docproc.document import Line, Word
from docproc.geometry import Box
from docproc.merge import merge

PAGE = Box(0, 0, 1000, 600)


def line(text: str, left: float, top: float, *, pitch: float = 10.0, confidence: float = 0.9) -> Line:
    """A line whose characters are `pitch` points wide and 12 high."""
    words, at = [], left
    for part in text.split(" "):
        box = Box(at, top, at + pitch * len(part), top + 12)
        words.append(Word("", part, box, box.corners, confidence))
        at = box.right + pitch
    box = Box.union(word.box for word in words)
    return Line("", text, box, box.corners, confidence, tuple(words))


def seen_through(view: Box, whole: Line) -> Line | None:
    """What a perfect engine reads of `whole` through `view`: words cut by its edge lose letters."""
    if not (view.top <= whole.box.top and whole.box.bottom <= view.bottom):
        return None
    parts = []
    for word in whole.words:
        pitch = word.box.width / len(word.text)
        letters = [
            (index, letter)
            for index, letter in enumerate(word.text)
            if word.box.left + index * pitch >= view.left - 1e-6
            and word.box.left + (index + 1) * pitch <= view.right + 1e-6
        ]
        if letters:
            left = word.box.left + letters[0][0] * pitch
            text = "".join(letter for _, letter in letters)
            box = Box(left, word.box.top, left + pitch * len(text), word.box.bottom)
            parts.append(Word("", text, box, box.corners, word.confidence))
    if not parts:
        return None
    box = Box.union(part.box for part in parts)
    return Line("", " ".join(part.text for part in parts), box, box.corners, 0.9, tuple(parts))


def test_a_piece_of_a_word_gives_way_to_the_word():
    whole, piece = line("INVOICE", 500, 100), line("INV", 500, 100, confidence=0.99)
    views = [(Box(0, 0, 530, 600), [piece]), (Box(400, 0, 1000, 600), [whole])]
    assert [one.text for one in merge(PAGE, views)] == ["INVOICE"]


def test_a_line_cut_by_a_seam_is_joined_from_its_halves():
    whole = line("the quick brown fox jumps over the lazy dog again and again", 100, 50)
    views = [Box(0, 0, 450, 600), Box(300, 0, 750, 600), Box(600, 0, 1000, 600)]
    read = [(view, [piece]) for view in views if (piece := seen_through(view, whole))]
    assert [one.text for one in merge(PAGE, read)] == [whole.text]


def test_lines_under_each_other_stay_apart():
    lines = [line("one", 10, 10), line("two", 10, 24), line("three", 10, 38)]
    assert [one.text for one in merge(PAGE, [(PAGE, lines)])] == ["one", "two", "three"]


words = st.text("abcdefgh", min_size=1, max_size=9)
pages = st.lists(
    st.tuples(st.lists(words, min_size=1, max_size=9).map(" ".join), st.floats(0, 60)), min_size=1, max_size=8
).map(lambda rows: [line(text, round(left), 20 + 30 * row) for row, (text, left) in enumerate(rows)])
VIEWS = [Box(x, y, x + 400, y + 240) for y in (0, 180, 360) for x in (0, 300, 600)]


@given(pages, st.randoms(use_true_random=False))
def test_merging_is_whole_idempotent_and_independent_of_order(lines, rng: random.Random):
    views = [(view, [piece for one in lines if (piece := seen_through(view, one))]) for view in VIEWS]
    merged = merge(PAGE, views)
    assert [one.text for one in merged] == [one.text for one in lines]
    assert merge(PAGE, [(PAGE, merged)]) == merged
    rng.shuffle(views)
    assert merge(PAGE, views) == merged


boxes = st.tuples(st.floats(0, 900), st.floats(0, 560), words).map(lambda t: line(t[2], t[0], t[1]))


@given(st.lists(st.tuples(st.sampled_from(VIEWS), st.lists(boxes, max_size=4)), max_size=4))
def test_merging_invents_nothing_whatever_was_read(views):
    read = Counter(word.text for _, lines in views for one in lines for word in one.words)
    merged = Counter(word.text for one in merge(PAGE, views) for word in one.words)
    assert merged <= read
