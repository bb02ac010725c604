"""How each variant of a model wants each task asked: the one table of prompts, so that none is worded wrongly.

Prefixes as in PaliGemma (Beyer et al. 2024, arXiv 2407.07726, section 3.2.5 and appendix B), its transfer
configurations (github.com/google-research/big_vision) and PaliGemma 2 (arXiv 2412.03555). The engine adds what
surrounds a prompt (image tokens, the token of the beginning, the new line at the end).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from docproc.errors import Usage

LONGEST = 2000
"""Characters that a user may give: the 512 tokens that the models were trained with hold about so many."""
LANGUAGES = (
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fil", "fr", "he", "hi", "hr", "hu", "id", "it", "ja",
    "ko", "mi", "nl", "no", "pl", "pt", "quz", "ro", "ru", "sv", "sw", "te", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip
"""The codes of Crossmodal-3600 (arXiv 2205.12522), with which the models were trained."""

_NAMES = {"caption-box": "caption of a box", "answer-choice": "answer with choices"}
FIELDS = frozenset({"thing", "things", "language", "box", "choices"})
SPECIAL = re.compile(r"<(?:image|bos|eos|pad|unk|mask|start_of_turn|end_of_turn|loc[0-9]{4}|seg[0-9]{3})>")

Rules = Mapping[str, str]
"""Task -> template of its prompt. "caption-box" asks what is in a box, "answer-choice" which of several answers."""

_DETECT = {"detect": "detect {things}", "segment": "segment {things}"}
# there is no prefix "refer": a description is detected like a name
_PRETRAINED = {"answer": "answer en {thing}", "caption": "caption {language}", "refer": "detect {thing}", **_DETECT}
_PT = {
    **_PRETRAINED,
    "ocr": "ocr",
    "caption-box": "caption {box}",
    "describe": "describe {language}",
    "question": "question {language} {thing}",
}
# "read text" is the wording of big_vision's README; Google lists `ocr` and `describe` for pt alone, Hugging Face's
# announcement of PaliGemma 2 lists both for mix too
_MIX = {**_PRETRAINED, "ocr": "read text", "describe": "describe {language}"}
_NANO = {"ocr": "ocr", "answer": "answer en {thing}", "caption": "caption en", **_DETECT}
_ANSWER = {"answer": "answer en {thing}"}
_BARE = {"answer": "{thing}"}  # trained without any prefix
_CAPTION = {"caption": "caption {language}"}
_CHOICE = "{thing} choose from: {choices}"
_CHAT = {
    "ocr": "Read all text in this image. Write it line by line from top to bottom and nothing else.",
    "answer": "{thing} Answer with the words of the document and nothing else. "
    "If they are not in it, answer: unanswerable",
    "caption": "Describe this image in one short sentence. Language: {language}.",
    "describe": "Describe this image in detail. Language: {language}.",
    "table": "Write the table in this image as an HTML table with rowspan and colspan, and nothing else.",
    "question": "Ask a question about this image whose answer is: {thing}. Write the question alone. "
    "Language: {language}.",
}

GRAMMAR: Mapping[str, Rules] = MappingProxyType(
    {
        "pt": _PT,
        "mix": _MIX,
        "nano": _NANO,
        "chat": _CHAT,
        "ft-docvqa": _BARE,
        "ft-chartqa": _BARE,
        **dict.fromkeys(
            (
                "ft-infovqa", "ft-textvqa", "ft-stvqa", "ft-ocrvqa", "ft-vqav2", "ft-gqa", "ft-okvqa", "ft-tallyqa",
                "ft-vizwizvqa", "ft-rsvqa-hr", "ft-rsvqa-lr", "ft-aokvqa-da",
            ),
            _ANSWER,
        ),
        **dict.fromkeys(
            ("ft-cococap", "ft-coco35l", "ft-textcaps", "ft-scicap", "ft-screen2words", "ft-widgetcap", "ft-docci"),
            _CAPTION,
        ),
        "ft-ai2d": {"answer-choice": "answer en  " + _CHOICE},  # two spaces, as trained
        "ft-aokvqa-mc": {"answer-choice": "answer en " + _CHOICE},
        "ft-refcoco-seg": {"segment": "{thing}", "refer": "{thing}"},
    }
)  # fmt: skip
"""Variant -> task -> template. Several tasks of one word are told apart by what is given with them."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model was trained for: a variant of the table, and the templates of one's own fine-tune of it."""

    variant: str
    own: Rules = field(default_factory=dict)

    def knows(self, task: str) -> bool:
        """Say whether there is a prompt for `task`."""
        return task in self.own or task in GRAMMAR.get(self.variant, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What fills a template: `thing` is the user's, `box` the four location tokens of a region."""

    thing: str = ""
    language: str = "en"
    box: str = ""
    choices: tuple[str, ...] = ()


def variant_of(name: str) -> str:
    """Return the variant that the name of a checkpoint tells: "paligemma2-3b-mix-448" is "mix"; "" if none does."""
    parts = name.lower().replace("_", "-").rpartition("/")[2]
    found = re.search(r"(?:^|-)(pt|mix|ft-[a-z0-9]+(?:-[a-z0-9]+)*?)(?:-(?:224|448|896)\b|-jax|$)", parts)
    alias = {"ft-refcoco": "ft-refcoco-seg", "ft-vizwiz": "ft-vizwizvqa"}
    return alias.get(found[1], found[1]) if found else ""


def write_prompt(trained: Trained, task: str, words: Words) -> str:
    """Return the prompt of `task` for a model.

    Raises Usage when the model was not trained for the task, or something it needs is missing, too long or no
    language it knows.
    """
    template = trained.own.get(task) or _template(trained.variant, task)
    fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    if fields - FIELDS:
        raise Usage(
            f"The prompt {template!r} has unknown fields.", hint=f"Known are {', '.join(sorted(FIELDS))}, in braces."
        )
    return template.format_map(_values(task, words, fields))


def clean(text: str) -> str:
    """Return what a user wrote on one line, without special tokens, in NFC.

    Removing a token may make another of what stood around it, so it is done until there is none.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    while (shorter := SPECIAL.sub("", text)) != text:
        text = shorter
    return " ".join(text.split())


def things(text: str) -> list[str]:
    """Return the things of "stamp; signature", cleaned, each once."""
    return list(dict.fromkeys(filter(None, (clean(part) for part in text.split(";")))))


def _template(variant: str, task: str) -> str:
    if variant not in GRAMMAR:
        raise Usage(
            f"It is not known which prompts a model of variant {variant!r} was trained with.",
            hint=f"Known are {', '.join(GRAMMAR)}; for a fine-tune of your own give its prompts with it.",
        )
    rules = GRAMMAR[variant]
    if task in rules:
        return rules[task]
    able = [name for name, others in GRAMMAR.items() if task in others]
    can = ", ".join(_NAMES.get(name, name) for name in sorted(rules))
    if task == "table":
        hint = "No released PaliGemma reads tables: it must be fine-tuned for that."
    else:
        hint = f"Models that can: {', '.join(able)}." if able else ""
    raise Usage(f"A {variant} model was not trained for {_NAMES.get(task, task)}, only for {can}.", hint=hint)


def _values(task: str, words: Words, fields: set[str]) -> dict[str, str]:
    _short_enough(words)
    if words.language not in LANGUAGES and "language" in fields:
        raise Usage(
            f"There is no language {words.language!r} in these models.", hint=f"Languages: {', '.join(LANGUAGES)}."
        )
    choices = [choice for choice in map(clean, words.choices) if choice]
    values = {
        "thing": clean(words.thing),
        "things": " ; ".join(things(words.thing)),
        "language": words.language,
        "box": words.box,
        "choices": " \t ".join(choices),
    }
    for name in sorted(fields):
        if not values[name]:
            what = {"thing": "words", "things": "the names of things", "box": "a box"}.get(name, "choices")
            raise Usage(f"The task {task!r} needs {what} to ask about.", hint="Special tokens do not count as words.")
    return values


def _short_enough(words: Words) -> None:
    given = len(words.thing) + sum(map(len, words.choices))
    if given > LONGEST:
        raise Usage(
            f"The prompt has {given:,} characters; at most {LONGEST:,} are read.", hint="Ask for less at a time."
        )
