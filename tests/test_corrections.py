"""Corrections on pages: every operation, what it leaves alone, and finding places again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from exports_samples import columns_page, failed_page, picture_page, table_page
from hypothesis import given, settings
from hypothesis import strategies as st
from read_documents import done, letter, line_text

from docproc.corrections import Correction, apply, apply_what_fits
from docproc.document import Page, Word
from docproc.errors import Rejected
from docproc.exports.json import page_from_dict, page_to_dict

pytestmark = pytest.mark.slow


def words(page: Page) -> dict[str, Word]:
    return {word.id: word for line in page.lines for word in line.words}


def test_a_replaced_word_keeps_its_id_and_place_and_is_certain():
    page = letter()
    after = done(page, {"op": "replace", "id": "aw2", "text": "brown"})
    assert line_text(after, "a") == "the quick brown fox"
    assert words(after)["aw2"] == replace(words(page)["aw2"], text="brown", confidence=1.0)
    assert after.lines_by_id["b"] is page.lines_by_id["b"]
    assert line_text(page, "a") == "the quick brovvn fox"  # the page it was made of is as it was


def test_the_same_text_confirms_a_word():
    after = done(letter(), {"op": "replace", "id": "aw0", "text": "the"})
    assert words(after)["aw0"].confidence == 1.0
    assert after.text == letter().text


def test_a_word_may_turn_out_to_be_several():
    page = letter()
    after = done(page, {"op": "replace", "id": "bw0", "text": "he  jumped"})
    assert line_text(after, "b") == "he jumped over"
    parts = after.lines_by_id["b"].words[:2]
    assert [part.id for part in parts] == ["c0-w1", "c0-w2"]
    assert parts[0].box.right < parts[1].box.left
    assert parts[0].box.left == words(page)["bw0"].box.left
    assert parts[1].box.right == words(page)["bw0"].box.right


def test_a_line_that_is_typed_anew_keeps_the_words_that_stay():
    page = letter()
    after = done(page, {"op": "replace", "id": "a", "text": "the very quick brown fox"})
    line = after.lines_by_id["a"]
    assert line.text == "the very quick brown fox"
    assert [word.text for word in line.words] == line.text.split()
    assert [word.id for word in line.words] == ["aw0", "c0-w1", "aw1", "aw2", "aw3"]
    assert {word.confidence for word in line.words} == {1.0}
    assert line.words[3].box == words(page)["aw3"].box.__class__(*words(page)["aw2"].box.as_list())


def test_a_line_without_words_takes_a_text():
    page = letter()
    bare = replace(page, lines=tuple(replace(line, words=()) for line in page.lines))
    assert line_text(done(bare, {"op": "replace", "id": "a", "text": "typed"}), "a") == "typed"


def test_typing_han_keeps_it_unspaced():
    after = done(letter(), {"op": "replace", "id": "h", "text": "東京都廳"})
    assert line_text(after, "h") == "東京都廳"
    after = done(letter(), {"op": "replace", "id": "hw3", "text": "廳"})
    assert line_text(after, "h") == "東京都廳"
    assert [word.id for word in after.lines_by_id["h"].words] == ["hw0", "hw1", "hw2", "hw3"]


def test_a_word_is_split_and_merged_back():
    page = letter()
    after = done(page, {"op": "split", "id": "aw1", "at": 2}, {"op": "merge", "ids": ["c0-w1", "c0-w2"]})
    assert line_text(done(page, {"op": "split", "id": "aw1", "at": 2}), "a") == "the qu ick brovvn fox"
    assert line_text(after, "a") == line_text(page, "a")
    assert after.lines_by_id["a"].words[1].box == words(page)["aw1"].box


def test_words_from_right_to_left_are_split_at_their_right():
    page = letter()
    first, second = done(page, {"op": "split", "id": "rw1", "at": 2}).lines_by_id["r"].words[:2]
    assert first.text + second.text == words(page)["rw1"].text
    assert first.box.left >= second.box.right - 0.01


def test_lines_are_split_and_merged():
    page = letter()
    after = done(page, {"op": "split", "id": "a", "at": 2})
    assert after.regions[1].line_ids == ("c0-l1", "c0-l2", "b")
    assert [line.text for line in after.lines[1:3]] == ["the quick", "brovvn fox"]
    assert after.lines[1].box.right < after.lines[2].box.left
    merged = done(page, {"op": "merge", "ids": ["a", "b"]})
    assert merged.regions[1].line_ids == ("c0-l1",)
    assert merged.lines[1].text == "the quick brovvn fox jumps over"
    assert merged.text.split() == page.text.split()


def test_merging_lines_of_two_regions_removes_the_one_left_empty():
    after = done(letter(), {"op": "merge", "ids": ["t", "a"]}, {"op": "delete", "id": "b"})
    assert [region.id for region in after.regions] == ["r0", "r2", "r3"]
    assert [region.order for region in after.regions] == [0, 1, 2]


def test_a_word_is_added_where_its_box_says():
    after = done(letter(), {"op": "add", "line": "b", "text": "high", "box": [200, 115, 230, 127]})
    assert line_text(after, "b") == "jumps over high"
    assert after.lines_by_id["b"].box.right == 230
    first = done(letter(), {"op": "add", "line": "b", "text": "It", "box": [200, 115, 230, 127], "after": None})
    assert line_text(first, "b") == "It jumps over"


def test_a_line_is_added_to_a_region_or_makes_its_own():
    inside = done(letter(), {"op": "add", "region": "r1", "text": "a line", "box": [40, 130, 90, 142]})
    assert inside.regions[1].line_ids == ("a", "b", "c0-l1")
    assert [line.id for line in inside.lines][:4] == ["t", "a", "b", "c0-l1"]
    alone = done(letter(), {"op": "add", "text": "a stamp", "box": [300, 400, 380, 420]})
    assert alone.regions[-1].line_ids == ("c0-l1",)
    assert alone.text.endswith("a stamp")


def test_deleting_the_last_word_takes_line_and_region():
    after = done(letter(), *({"op": "delete", "id": f"tw{i}"} for i in range(3)))
    assert "t" not in after.lines_by_id
    assert after.regions[0].id == "r1"


def test_regions_are_labelled_and_ordered():
    after = done(
        letter(), {"op": "label", "id": "r1", "label": "caption"}, {"op": "order", "id": "r3", "after": None}
    )
    assert [(region.id, region.order) for region in after.regions] == [("r3", 0), ("r0", 1), ("r1", 2), ("r2", 3)]
    assert after.regions[2].label == "caption"
    assert [line.id for line in after.lines] == ["h", "t", "a", "b", "r"]
    assert after.text.startswith("東京都庁")


def test_cells_follow_their_words_until_a_person_types_them():
    page = table_page()
    cell = {cell.id: cell for cell in done(page, {"op": "replace", "id": "t00w0", "text": "Broad"}).tables[0].cells}
    assert cell["c00"].text == "Broad | head"
    assert cell["c02"].text == "Third"
    typed = done(
        page,
        {"op": "cell", "id": "c00", "text": "Mine\nalone"},
        {"op": "replace", "id": "t00w0", "text": "Broad"},
    )
    assert typed.tables[0].cells[0].text == "Mine\nalone"
    assert done(page, {"op": "cell", "id": "c02", "text": ""}).tables[0].cells[1].text == ""


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "no operation None"),
    ({"op": "explode"}, "no operation 'explode'"),
    ({"op": ["replace"]}, "no operation"),
    ({"op": "replace", "id": "nope", "text": "x"}, "no word or line"),
    ({"op": "replace", "id": ["aw0"], "text": "x"}, "no word or line"),
    ({"op": "replace", "id": "r0", "text": "x"}, "no word or line"),
    ({"op": "replace", "id": "aw0", "text": " \n "}, "empty"),
    ({"op": "replace", "id": "aw0", "text": 5}, "string"),
    ({"op": "replace", "id": "aw0", "text": "a\x00b"}, "control"),
    ({"op": "replace", "id": "aw0", "text": "\ud800"}, "control"),
    ({"op": "replace", "id": "aw0", "text": "x" * 10_001}, "characters"),
    ({"op": "split", "id": "aw0", "at": 3}, "from 1 to 2"),
    ({"op": "split", "id": "aw0", "at": True}, "from 1 to 2"),
    ({"op": "split", "id": "a", "at": 4}, "from 1 to 3"),
    ({"op": "merge", "ids": ["aw0"]}, "two or more"),
    ({"op": "merge", "ids": ["aw0", "aw0"]}, "twice"),
    ({"op": "merge", "ids": ["aw0", "aw2"]}, "no neighbours"),
    ({"op": "merge", "ids": ["aw3", "bw0"]}, "no neighbours"),
    ({"op": "merge", "ids": ["aw0", "b"]}, "with each other"),
    ({"op": "add", "line": "a", "text": "x", "box": [0, 0, 10]}, "box"),
    ({"op": "add", "line": "a", "text": "x", "box": [0, 0, float("nan"), 5]}, "box"),
    ({"op": "add", "line": "a", "text": "x", "box": [0, 0, 10**400, 5]}, "box"),
    ({"op": "add", "line": "a", "text": "x", "box": [10, 10, 5, 20]}, "order"),
    ({"op": "add", "line": "a", "text": "x", "box": [900, 10, 950, 20]}, "outside"),
    ({"op": "add", "line": "a", "text": "x", "box": [0, 0, 10, 9], "after": "bw0"}, "another line"),
    ({"op": "add", "region": "r0", "text": "x", "box": [0, 0, 10, 9], "after": "b"}, "another region"),
    ({"op": "label", "id": "r0", "label": "stamp"}, "no label"),
    ({"op": "label", "id": "r0", "label": {}}, "no label"),
    ({"op": "order", "id": "r0"}, "`after` is missing"),
    ({"op": "order", "id": "r0", "after": "r0"}, "after itself"),
    ({"op": "cell", "id": "r0", "text": "x"}, "no cell"),
]


@pytest.mark.parametrize(("operation", "why"), WRONG, ids=lambda one: json.dumps(one)[:60])
def test_what_cannot_be_done_is_refused_with_its_place(operation, why):
    with pytest.raises(Rejected, match=why) as told:
        done(letter(), {"op": "replace", "id": "aw0", "text": "The"}, operation)
    assert told.value.code == "bad-correction"
    assert told.value.message.startswith("operations[1]: ")


def test_nothing_can_be_added_to_a_page_that_failed():
    with pytest.raises(Rejected):
        done(failed_page(), {"op": "add", "text": "x", "box": [0, 0, 10, 10]})


def test_what_does_not_fit_is_left_out_and_named():
    wrong = Correction("bad", {"op": "delete", "id": "nope"})
    right = Correction("good", {"op": "delete", "id": "b"})
    page, left_out = apply_what_fits(letter(), [wrong, right])
    assert left_out == [wrong]
    assert "b" not in page.lines_by_id


# Properties


def operations_on(page: Page) -> st.SearchStrategy[dict[str, Any]]:
    """Return operations that name things of the page, most of them possible."""
    word_ids, line_ids = sorted(words(page)), sorted(page.lines_by_id)
    regions, cells = [one.id for one in page.regions], [cell.id for table in page.tables for cell in table.cells]
    text = st.text("abcé東 \n", min_size=1, max_size=12)
    box = st.tuples(st.integers(0, 300), st.integers(0, 500)).map(lambda at: [*at, at[0] + 40, at[1] + 12])
    wide = st.tuples(st.integers(0, 200), st.integers(0, 300), st.integers(50, 200), st.integers(20, 200)).map(
        lambda at: [at[0], at[1], at[0] + at[2], at[1] + at[3]]
    )
    edges = st.lists(st.integers(0, 400), min_size=2, max_size=5, unique=True).map(sorted)
    word_or_line, one_word = st.sampled_from(word_ids + line_ids), st.sampled_from(word_ids)
    a_line, region = st.sampled_from(line_ids), st.sampled_from(regions)
    after = st.sampled_from([*regions, None])
    choices = [
        st.fixed_dictionaries({"op": st.just("replace"), "id": word_or_line, "text": text}),
        st.fixed_dictionaries({"op": st.just("split"), "id": word_or_line, "at": st.integers(1, 4)}),
        st.fixed_dictionaries({"op": st.just("merge"), "ids": st.lists(a_line, min_size=2, max_size=3)}),
        st.fixed_dictionaries({"op": st.just("merge"), "ids": st.lists(one_word, min_size=2, max_size=2)}),
        st.fixed_dictionaries({"op": st.just("add"), "line": a_line, "text": text, "box": box}),
        st.fixed_dictionaries({"op": st.just("add"), "text": text, "box": box}),
        st.fixed_dictionaries({"op": st.just("add"), "region": region, "text": text, "box": box}),
        st.fixed_dictionaries({"op": st.just("delete"), "id": word_or_line}),
        st.fixed_dictionaries({"op": st.just("label"), "id": region, "label": st.sampled_from(["title", "text"])}),
        st.fixed_dictionaries({"op": st.just("order"), "id": region, "after": after}),
        st.fixed_dictionaries({"op": st.just("region"), "label": st.sampled_from(["caption", "table"]), "box": wide}),
        st.fixed_dictionaries({"op": st.just("resize"), "id": region, "box": wide}),
        st.fixed_dictionaries({"op": st.just("delete"), "id": region}),
        st.fixed_dictionaries({"op": st.just("grid"), "id": region, "rows": edges, "columns": edges}),
    ]
    if cells:
        choices.append(st.fixed_dictionaries({"op": st.just("cell"), "id": st.sampled_from(cells), "text": text}))
    return st.one_of(choices)


PAGES = (letter(), columns_page(), table_page(), picture_page())
pages_and_operations = st.sampled_from(PAGES).flatmap(
    lambda page: st.tuples(st.just(page), st.lists(operations_on(page), max_size=6))
)


def corrections(operations: list[dict[str, Any]]) -> list[Correction]:
    return [Correction(f"c{index}", one) for index, one in enumerate(operations)]


def letters(text: str) -> set[str]:
    return set(text) - set(" \n")


@settings(max_examples=300, deadline=None)
@given(pages_and_operations)
def test_a_corrected_page_holds_together(given_page):
    page, operations = given_page
    after, _ = apply_what_fits(page, corrections(operations))
    assert page_from_dict(page_to_dict(after)) == after
    ids = [line.id for line in after.lines] + list(words(after)) + [region.id for region in after.regions]
    assert len(ids) == len(set(ids))
    assert sorted(one for region in after.regions for one in region.line_ids) == sorted(after.lines_by_id)
    assert [region.order for region in after.regions] == list(range(len(after.regions)))
    assert [one for region in after.regions for one in region.line_ids] == [line.id for line in after.lines]
    for line in after.lines:
        assert line.words
        assert "".join(line.text.split()) == "".join(word.text for word in line.words)
        assert all(word.text and word.text.split() == [word.text] for word in line.words)
        assert all(word.box.grown(0.02).share_inside(line.box.grown(0.05)) > 0.99 for word in line.words)


@settings(max_examples=200, deadline=None)
@given(pages_and_operations)
def test_nothing_is_invented(given_page):
    page, operations = given_page
    after, _ = apply_what_fits(page, corrections(operations))
    typed = "".join(one.get("text", "") for one in operations)
    assert letters(after.text) <= letters(page.text) | letters(typed)


@settings(max_examples=200, deadline=None)
@given(pages_and_operations)
def test_words_not_touched_keep_everything_and_their_order(given_page):
    page, operations = given_page
    for_texts = [one for one in operations if one["op"] in ("replace", "delete", "split", "cell", "label")]
    after, _ = apply_what_fits(page, corrections(for_texts))
    named = {one["id"] for one in for_texts}
    kept = [word for line in page.lines for word in line.words if not named & {line.id, word.id}]
    left = [word for line in after.lines for word in line.words]
    kept_lines_split = {one["id"] for one in for_texts if one["op"] == "split"}
    assert [word for word in left if word in kept] == kept or kept_lines_split


@settings(max_examples=100, deadline=None)
@given(pages_and_operations)
def test_all_at_once_is_one_after_the_other_and_undo_is_without(given_page):
    page, operations = given_page
    todo = corrections(operations)
    _, left_out = apply_what_fits(page, todo)
    todo = [one for one in todo if one not in left_out]
    one_by_one, before = page, page
    for correction in todo:
        before, one_by_one = one_by_one, apply(one_by_one, [correction])
    assert apply(page, todo) == one_by_one
    assert apply(page, todo[:-1]) == before
