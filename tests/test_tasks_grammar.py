"""Prompts: exactly as each variant was trained, and nothing of a user's that could be taken for more than words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.errors import Usage
from docproc.tasks.grammar import GRAMMAR, LANGUAGES, SPECIAL, Trained, Words, clean, things, variant_of, write_prompt


def prompt(variant: str, task: str, **words: object) -> str:
    return write_prompt(Trained(variant), task, Words(**words))


@pytest.mark.parametrize(
    ("variant", "task", "words", "expected"),
    [
        ("pt", "ocr", {}, "ocr"),
        ("pt", "answer", {"thing": "Was kostet es?"}, "answer en Was kostet es?"),
        ("mix", "answer", {"thing": "what is the total?"}, "answer en what is the total?"),
        ("pt", "caption", {"language": "de"}, "caption de"),
        ("pt", "caption-box", {"box": "<loc0001>" * 4}, "caption <loc0001><loc0001><loc0001><loc0001>"),
        ("pt", "describe", {}, "describe en"),
        ("mix", "detect", {"thing": "stamp;signature"}, "detect stamp ; signature"),
        ("mix", "segment", {"thing": " table "}, "segment table"),
        ("mix", "refer", {"thing": "the round stamp"}, "detect the round stamp"),
        ("pt", "question", {"thing": "12 May", "language": "fr"}, "question fr 12 May"),
        ("ft-docvqa", "answer", {"thing": "What is the date?"}, "What is the date?"),
        ("ft-chartqa", "answer", {"thing": "Which bar is highest?"}, "Which bar is highest?"),
        ("ft-infovqa", "answer", {"thing": "q?"}, "answer en q?"),
        ("ft-textvqa", "answer", {"thing": "q?"}, "answer en q?"),
        ("ft-stvqa", "answer", {"thing": "q?"}, "answer en q?"),
        ("ft-ocrvqa", "answer", {"thing": "q?"}, "answer en q?"),
        ("ft-scicap", "caption", {}, "caption en"),
        ("ft-refcoco-seg", "refer", {"thing": "the giraffe on the right"}, "the giraffe on the right"),
        ("ft-refcoco-seg", "segment", {"thing": "the giraffe on the right"}, "the giraffe on the right"),
        ("ft-ai2d", "answer-choice", {"thing": "q?", "choices": ("a", "b")}, "answer en  q? choose from: a \t b"),
        ("ft-aokvqa-mc", "answer-choice", {"thing": "q?", "choices": ("a", "b")}, "answer en q? choose from: a \t b"),
    ],
)  # fmt: skip
def test_a_prompt_is_worded_as_the_model_was_trained(variant, task, words, expected):
    assert prompt(variant, task, **words) == expected


@pytest.mark.parametrize(
    ("variant", "task", "words", "said"),
    [
        ("pt", "table", {}, "fine-tuned"),
        ("mix", "table", {}, "fine-tuned"),
        ("mix", "question", {"thing": "x"}, "Models that can: pt"),
        ("ft-docvqa", "detect", {"thing": "x"}, "Models that can: pt, mix"),
        ("ft-ai2d", "answer", {"thing": "x"}, "only for answer with choices"),
        ("ft-docvqa", "answer-choice", {"thing": "x", "choices": ("a",)}, "ft-ai2d"),
        ("pt-v9", "ocr", {}, "variant 'pt-v9'"),
        ("pt", "caption", {"language": "tlh"}, "Languages: ar"),
        ("pt", "answer", {"thing": ""}, "needs words"),
        ("pt", "answer", {"thing": "<image><loc0001>"}, "needs words"),
        ("pt", "detect", {"thing": " ; ;"}, "names of things"),
        ("ft-ai2d", "answer-choice", {"thing": "x", "choices": ("<eos>",)}, "needs choices"),
        ("pt", "answer", {"thing": "x" * 10_000}, "10,000 characters"),
        ("ft-ai2d", "answer-choice", {"thing": "x", "choices": ("y" * 9_999,)}, "10,000 characters"),
    ],
)
def test_what_the_model_cannot_do_is_said_with_what_can(variant, task, words, said):
    with pytest.raises(Usage) as caught:
        prompt(variant, task, **words)
    assert said in str(caught.value)


def test_a_fine_tune_of_ones_own_brings_its_prompts():
    trained = Trained("pt", {"table": "table html", "answer": "field: {thing}"})
    assert write_prompt(trained, "table", Words()) == "table html"
    assert write_prompt(trained, "answer", Words(thing="total")) == "field: total"
    assert write_prompt(trained, "ocr", Words()) == "ocr"
    with pytest.raises(Usage, match="unknown fields"):
        write_prompt(Trained("pt", {"ocr": "{thing.__class__}"}), "ocr", Words(thing="x"))


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("a <image> b", "a b"),
        ("<lo<eos>c0001>x", "x"),
        ("one\ntwo\r\n\tthree\u2028four", "one two three four"),
        ("e\u0301", "é"),
        ("{thing} {0}", "{thing} {0}"),
        ("a < b > c <td>", "a < b > c <td>"),
        ("\ud800x", "x"),
    ],
)
def test_words_of_a_user_are_one_line_without_special_tokens(given, left):
    assert clean(given) == left
    assert left in prompt("mix", "answer", thing=given)


TOKENS = st.sampled_from(
    ["<image>", "<bos>", "<eos>", "<pad>", "<unk>", "<loc0001>", "<seg127>", "<lo", "c0001>", "\n"]
)


@given(st.lists(TOKENS | st.text(max_size=3), max_size=12).map("".join))
def test_no_special_token_or_new_line_survives(text):
    assert not SPECIAL.search(clean(text))
    assert "\n" not in clean(text)
    assert clean(clean(text)) == clean(text)
    assert all(";" not in thing for thing in things(text))


@pytest.mark.parametrize("variant", GRAMMAR)
def test_every_prompt_of_the_table_can_be_written(variant):
    words = Words(thing="a thing", box="<loc0000>" * 4, choices=("a", "b"))
    for task in GRAMMAR[variant]:
        written = write_prompt(Trained(variant), task, words)
        assert written.strip() == written
        assert "{" not in written


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("google/paligemma-3b-pt-224", "pt"),
        ("google/paligemma2-3b-mix-448", "mix"),
        ("paligemma2-28b-pt-896", "pt"),
        ("google/paligemma-3b-ft-docvqa-448", "ft-docvqa"),
        ("google/paligemma-3b-ft-docvqa-896-jax", "ft-docvqa"),
        ("google/paligemma-3b-ft-refcoco-seg-448", "ft-refcoco-seg"),
        ("google/paligemma-3b-ft-rsvqa-hr-224", "ft-rsvqa-hr"),
        ("google/paligemma-3b-ft-science-qa-224", "ft-science-qa"),
        ("google/paligemma2-10b-ft-docci-448", "ft-docci"),
        ("pali_gemma_3b_mix_224", "mix"),
        ("my-own-model", ""),
        ("opt-350m", ""),
    ],
)
def test_the_name_of_a_checkpoint_tells_its_variant(name, variant):
    assert variant_of(name) == variant


def test_the_languages_are_those_of_crossmodal_3600():
    assert len(LANGUAGES) == 36
    assert {"en", "de", "zh", "quz", "fil"} <= set(LANGUAGES)
