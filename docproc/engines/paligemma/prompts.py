"""What reaches a model as a prompt: one line of text without the tokens that mean something to it."""

from __future__ import annotations

import re

from docproc.errors import Usage

LONGEST = 512
"""Tokens of a prompt: as many as the models saw in training at 448 and 896 pixels."""
MOST_CHARACTERS = 8 * LONGEST
"""Characters that can be no more than LONGEST tokens in any language; longer ones are not even counted."""

_SPECIAL = re.compile(r"<(?:image|bos|eos|pad|unk|mask|loc\d{4}|seg\d{3})>")
_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f]")
_REGION = re.compile(r"caption(?: [a-z]{2,3})?(?: ?<loc\d{4}>){4}")


def clean(prompt: str) -> str:
    """Return the prompt without special tokens, line breaks, control characters and white space around it.

    The newline after a prompt is the model's sign that the answer begins: it is added once, later. Special tokens in
    a question would move <bos> or draw boxes that nobody asked for; only `caption` followed by the four <loc> of a
    region keeps its own. Raises Usage when nothing is left or it is too long.
    """
    if len(prompt) > MOST_CHARACTERS:
        raise too_long(f"{len(prompt):,} characters; the limit is {MOST_CHARACTERS:,}")
    valid = prompt.encode("utf-8", "replace").decode("utf-8")
    line = _CONTROL.sub("", _BREAKS.sub(" ", valid)).strip()
    if _REGION.fullmatch(line):
        return line
    plain = _SPECIAL.sub(" ", line).strip()  # a space, so that what stood around it makes no new one
    if not plain:
        raise Usage("The prompt is empty.", hint="Ask something, for example `caption en`.")
    return plain


def too_long(length: str) -> Usage:
    """Return the error for a prompt of that length."""
    return Usage(f"The prompt has {length}.", hint="Shorten the question.", code="prompt-too-long")
