"""Invented documents with questions: the same every time, and every answer is on its page."""

import json
from functools import cache
from itertools import chain, islice
from random import Random

import pymupdf
import pytest
from click.testing import CliRunner

from docproc.document import Page
from docproc.errors import Usage
from docproc.geometry import Box
from docproc.synth import draw
from docproc.synth.cli import command
from docproc.synth.labels import row, samples
from docproc.synth.questions import ALL, questioned, questioned_pages
from docproc.synth.questions.data import fields, half, held_out, words
from docproc.synth.questions.grid import topics
from docproc.synth.questions.prose import patterns

pytestmark = pytest.mark.slow

EDGES = " .,;:!?()\"'“”"


@cache
def some(kind, noise=False, split="train"):
    return tuple(questioned_pages(7, 30, [kind], noise=noise, split=split))


def by_id(page: Page) -> dict:
    return {word.id: word for line in page.lines for word in line.words}


def test_the_same_seed_gives_the_same_pages_and_another_seed_others():
    first, again, other = (list(questioned_pages(seed, 12)) for seed in (3, 3, 4))
    assert first == again
    assert not {page.text for page, _ in first} & {page.text for page, _ in other}


@pytest.mark.parametrize("kind", ALL)
def test_every_answer_is_what_its_words_say(kind):
    answered = 0
    for page, asked in some(kind):
        known = by_id(page)
        for one in asked:
            printed = " ".join(known[word_id].text for word_id in one.word_ids)
            assert bool(one.answers) == bool(one.word_ids)
            if one.answers and one.answers[0] not in {"yes", "no"}:
                assert one.answers[0].strip(EDGES) == printed.strip(EDGES)
                answered += 1
    assert answered > 60


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("kind", ALL)
def test_words_keep_to_the_page_and_regions_hold_every_line_once(kind, noise):
    for page, asked in some(kind, noise):
        whole = Box(0, 0, page.width, page.height)
        known = by_id(page)
        assert len(known) == sum(len(line.words) for line in page.lines)
        placed = [line_id for region in page.regions for line_id in region.line_ids]
        assert sorted(placed) == sorted(line.id for line in page.lines)
        for word in known.values():
            assert word.box.share_inside(whole) == pytest.approx(1.0)
            assert word.text == word.text.strip() != ""
        for one in asked:
            assert set(one.word_ids) <= set(known)
        for pair in page.key_values:
            assert set(pair.key_word_ids + pair.value_word_ids) <= set(known)
            assert pair.value == " ".join(known[word_id].text for word_id in pair.value_word_ids)
        for table in page.tables:
            assert table.region_id in {region.id for region in page.regions}
            assert all(cell.row < table.rows and cell.column < table.columns for cell in table.cells)


def test_about_three_questions_in_ten_have_no_answer():
    asked = [one for _, all_ in questioned_pages(1, 300, noise=False) for one in all_]
    assert sum(not one.answers for one in asked) / len(asked) == pytest.approx(0.3, abs=0.02)
    assert {one.kind for one in asked} == {
        "date", "money", "name", "address", "number", "text", "table", "check", "sentence",
    }  # fmt: skip


def test_noise_changes_words_and_lines_and_loses_few_answers():
    clean = [one for kind in ALL for one in some(kind)]
    noisy = [one for kind in ALL for one in some(kind, noise=True)]
    texts = [{word.text for word in by_id(page).values()} for page, _ in clean]
    read = [{word.text for word in by_id(page).values()} for page, _ in noisy]
    changed = sum(bool(after - before) for before, after in zip(texts, read, strict=True))
    assert len(clean) * 0.4 < changed < len(clean)
    before, after = (sum(len(asked) for _, asked in pages) for pages in (clean, noisy))
    assert 0.97 * before < after <= before
    doubtful = [word.confidence for page, _ in noisy for word in by_id(page).values() if word.confidence < 0.9]
    assert len(doubtful) > 200
    labels = {region.label for page, _ in noisy for region in page.regions if len(page.regions) == 1}
    assert {"text", "picture"} <= labels


def test_no_wording_of_a_question_is_in_both_halves():
    wordings = {ask for field in fields().values() for ask in field.asks}
    wordings |= {ask for name in ("label", "ticked", "choice", "cell", "year") for ask in words(f"ask.{name}")}
    wordings |= {ask for topic in topics() for column in topic.columns for ask in column.asks} | set(
        words("off topic")
    )
    train, test = (set(half(tuple(sorted(wordings)), split)) for split in ("train", "test"))
    assert train | test == wordings
    assert not {plain(one) for one in train} & {plain(one) for one in test}
    assert 0.1 < len(test) / len(wordings) < 0.3


def plain(wording: str) -> str:
    return wording.casefold().strip(" ?.:")


def test_sentences_are_held_out_with_all_their_questions():
    halves = {
        side: {
            ask for one in patterns() if held_out(one.text) == side for ask in chain(*(asks for _, asks in one.asks))
        }
        for side in (False, True)
    }
    assert len(halves[True]) > 30
    assert not halves[True] & halves[False]


def test_labels_and_questions_of_the_test_half_are_not_met_in_training():
    asked = {split: questions(split) for split in ("train", "test")}
    short = {one for one in asked["test"] if one in asked["train"]}
    # What both have in common is made of what stands on the page ("Tel. No.?"), by patterns that differ.
    assert len(short) < 0.03 * len(asked["test"])


def questions(split) -> set[str]:
    return {plain(one.question) for kind in ALL for _, asked in some(kind, split=split) for one in asked}


def test_every_field_has_wordings_to_train_and_some_to_test():
    asked = [field for field in fields().values() if field.asks]
    assert all(half(field.asks, "train") for field in asked)
    assert all(half(field.asks, "test") for field in asked if len(field.asks) > 3)
    assert all(near in fields() for field in asked for near in field.near)


def test_ticked_boxes_are_asked_for_both_ways():
    asked = [
        one for _, all_ in questioned_pages(2, 120, ["form"], noise=False) for one in all_ if one.field == "ticked"
    ]
    assert {one.answers[0] for one in asked} == {"yes", "no"}
    assert all(one.word_ids for one in asked)
    pairs = [pair for page, _ in some("form") for pair in page.key_values]
    assert {pair.checked for pair in pairs} == {True, False, None}
    assert any(pair.checked is None and not pair.value for pair in pairs)


@pytest.mark.parametrize("kind", ALL)
def test_what_is_drawn_is_what_is_remembered_without_drawing(kind):
    with pymupdf.open() as document:
        page, asked = questioned(kind, Random(5), "test", document)  # noqa: S311
        found = [word[:5] for word in document[0].get_text("words")]
        assert document[0].rect.height == pytest.approx(page.height, abs=0.01)
    assert (page, asked) == questioned(kind, Random(5), "test")  # noqa: S311
    # A glyph that no font of the page has (a ballot box) is written in another font, and may be read in pieces.
    assert len(found) == pytest.approx(len(by_id(page)), abs=2)
    for word in by_id(page).values():
        near = [one for one in found if one[4] == word.text and abs(one[0] - word.box.left) < 0.5]
        assert any(Box(*one[:4]).contains(word.box.center) for one in near) or not word.text.isascii(), word


def test_a_drawn_set_has_questions_with_boxes_and_fields():
    drawn = draw("receipt", 2)
    one = row(samples(drawn, "png", 100)[0])
    assert one["fields"]["total"]
    assert {question["kind"] for question in one["questions"]} >= {"name", "money"}
    answered = [question for question in one["questions"] if question["answers"]]
    assert 0 < len(answered) < len(one["questions"])
    boxes = {tuple(word["box"]): word["text"] for word in one["words"]}
    for question in answered:
        printed = " ".join(boxes[tuple(box)] for box in question["boxes"])
        assert question["answers"][0].strip(EDGES) == printed.strip(EDGES)
    assert "questions" not in row(samples(draw("print", 1), "png", 50)[0])


def test_the_command_draws_the_kinds_with_questions_in_turn(tmp_path):
    arguments = ["--count", "3", "--out", str(tmp_path), "--format", "png", "--dpi", "50"]
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "dev" / "labels.jsonl").read_text("utf-8").splitlines()]
    assert [one["kind"] for one in rows] == list(ALL[:3])
    assert all(one["questions"] and one["fields"] for one in rows)


def test_an_unknown_kind_is_refused():
    with pytest.raises(Usage, match="banknote"):
        list(islice(questioned_pages(1, 1, ["banknote"]), 1))
