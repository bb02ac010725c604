"""Examples as the tokens that a model reads and writes, checked before any training."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from docproc.engines.paligemma.checkpoint import Checkpoint
from docproc.engines.paligemma.prompts import LONGEST, clean
from docproc.errors import Usage
from docproc.learn.dataset import Example
from docproc.learn.mask_codes import MaskEncoder
from docproc.tasks.grammar import GRAMMAR, LANGUAGES, Rules, Trained

_FIELDS = {
    "thing": ".+",
    "things": ".+",
    "choices": ".+",
    "box": r"(?:<loc\d{4}>){4}",
    "language": f"(?:{'|'.join(LANGUAGES)})",
}
_SPECIAL = re.compile(r"<(?:image|bos|eos|pad|unk|mask)>")
"""Tokens that an answer must not contain; <loc> and <seg> are words of it."""


class Reads(Protocol):
    """What tells the tokens of a model: its checkpoint, and the tokenizer of transformers."""

    @property
    def checkpoint(self) -> Checkpoint: ...  # noqa: D102

    @property
    def tokenizer(self) -> Any: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Row:
    """An example as tokens: `prefix` is <bos>, prompt and new line, `suffix` what is learnt, <eos> at its end.

    The tokens of the image stand before them and are not kept. `whole` is False where the answer was cut.
    """

    image: Path
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Rows:
    """Examples ready to train on, and notes for people about what was cut or left out."""

    rows: Sequence[Row]
    notes: Sequence[str]


def rows_of(
    examples: Iterable[Example], loaded: Reads, trained: Trained, longest: int, *, masks: MaskEncoder | None = None
) -> Rows:
    """Return examples as tokens; answers of more than `longest` tokens are cut, which a note tells.

    `masks` makes codes of masks; examples of masks are left out without it, which a note tells too. An answer that
    is cut has no <eos>: the model shall not learn to stop there. Raises Usage for a prompt that nobody would ask a
    model of this variant, or one that is too long, and for masks that do not fit their example.
    """
    rows, uncoded = [], 0
    known = [_pattern(template) for template in _templates(trained).values()]
    room = loaded.checkpoint.longest - loaded.checkpoint.image_tokens
    for number, given in enumerate(examples, 1):
        example = masks.coded(given) if masks else given
        if example.masks is not None and "<seg" not in example.suffix:
            uncoded += 1
            continue
        prompt = _prompt(example, number, trained, known)
        prefix = _prefix(loaded.tokenizer, prompt)
        if len(prefix) > LONGEST or len(prefix) >= room:
            raise Usage(
                f"Example {number}: its prefix has {len(prefix)} tokens; at most {min(LONGEST, room)} are read.",
                hint="Shorten it or leave the example out.",
                code="bad-dataset",
            )
        rows.append(
            _row(example.image, prefix, _suffix(loaded.tokenizer, example.suffix), min(longest, room - len(prefix)))
        )
    notes = []
    if cut := sum(not row.whole for row in rows):
        notes.append(f"{cut} of {len(rows)} answers have more than {longest} tokens and are cut; raise --longest.")
    if uncoded:
        notes.append(
            f"{uncoded} examples of masks are left out: nothing here makes their codes. "
            "`docproc models add vae-oid.npz`, of big_vision, does for Google's models."
        )
    return Rows(rows, notes)


def _prompt(example: Example, number: int, trained: Trained, known: Sequence[re.Pattern[str]]) -> str:
    """Return the prompt as the engine will ask it."""
    try:
        prompt = clean(example.prefix)
    except Usage as error:
        raise Usage(f"Example {number}: {error.message}", hint=error.hint, code="bad-dataset") from error
    if not any(pattern.fullmatch(prompt) for pattern in known):
        asked = ", ".join(sorted({f"`{template}`" for template in _templates(trained).values()}))
        raise Usage(
            f"Example {number}: this model ({trained.variant or 'variant unknown'}) is never asked {prompt[:60]!r}, "
            f"only {asked or 'nothing'}.",
            hint=f"Word it so, or say how it will be asked: --prompt '{example.task}={prompt[:40]}'.",
            code="bad-dataset",
        )
    return prompt


def _templates(trained: Trained) -> Rules:
    return {**GRAMMAR.get(trained.variant, {}), **trained.own}


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(_FIELDS.get(part, ".+") if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL
    )


def _prefix(tokenizer: Any, prompt: str) -> tuple[int, ...]:
    """Return <bos>, the prompt and one new line, divided into tokens as the engine does."""
    return tokenizer.bos_token_id, *tokenizer(prompt + "\n", add_special_tokens=False).input_ids


def _suffix(tokenizer: Any, answer: str) -> tuple[int, ...]:
    return *tokenizer(_SPECIAL.sub("", answer), add_special_tokens=False).input_ids, tokenizer.eos_token_id


def _row(image: Path, prefix: tuple[int, ...], suffix: tuple[int, ...], most: int) -> Row:
    """`most` counts without <eos>."""
    whole = len(suffix) <= most + 1
    return Row(image, prefix, suffix if whole else suffix[:most], whole)
