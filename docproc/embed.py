"""Texts to vectors whose nearness says how alike their meaning is: what search by meaning rests on.

    vectors = embedder().embed(["How much is due?", "The total amount is 12.50"])    # float32[2, 384], length 1
    vectors[0] @ vectors[1]                                                          # cosine, -1 to 1

all-MiniLM-L6-v2 knows English best. It stands beside the engines, not among them, because the web process uses it
as well: a query is a line that takes milliseconds. ONNX Runtime is loaded with the first text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.engines.onnx import load_model

WEIGHTS = Path(__file__).parent / "engines" / "weights"
MODEL = WEIGHTS / "all-MiniLM-L6-v2_int8.onnx"
VOCABULARY = WEIGHTS / "all-MiniLM-L6-v2_vocab.txt"
SIZE = 384
"""Numbers in a vector."""
LENGTH = 128
"""Tokens that are looked at, as the model was trained; what comes after them is not."""
AT_ONCE = 16
_LONGEST_WORD = 100
_FIRST, _LAST, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_HAN = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip

Vectors = NDArray[np.float32]


class Embedder:
    """Turns texts into vectors; safe to share between threads. `threads` 0 means one per core."""

    name = "all-MiniLM-L6-v2"
    version = "int8-1"

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 384], each of length 1, in the order of `texts`; the first time the model is loaded."""
        ids = [wordpieces(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))  # alike in length: little is padding
        batches = [order[start : start + AT_ONCE] for start in range(0, len(order), AT_ONCE)]
        found = self._model.map((_padded([ids[index] for index in batch]) for batch in batches), np.copy)
        vectors = np.zeros((len(ids), SIZE), np.float32)
        for batch, some in zip(batches, found, strict=True):
            vectors[batch] = some
        return vectors

    @cached_property
    def _model(self) -> Any:
        # OpenVINO takes four times as long over weights that are quantised in this way.
        return load_model(MODEL, threads=self._threads, parallel=False, runtime="onnxruntime")


@cache
def embedder() -> Embedder:
    """Return the one embedder of this process."""
    return Embedder()


def wordpieces(text: str) -> list[int]:
    """Return the tokens of a text as BERT counts them, at most `LENGTH`, the first and the last mark included."""
    vocabulary = _vocabulary()
    ids: list[int] = []
    for word in _words(text[: LENGTH * _LONGEST_WORD]):
        ids += _pieces(word)
        if len(ids) > LENGTH - 2:
            break
    return [vocabulary[_FIRST], *ids[: LENGTH - 2], vocabulary[_LAST]]


def pieces(word: str) -> tuple[int, ...]:
    """Return the tokens of one word as printed, without marks; nothing where it has no letter or sign."""
    return tuple(piece for part in _words(word) for piece in _pieces(part))


def rank_of(word: str) -> int | None:
    """Return the place of a small-letter word in the vocabulary, which has usual words first; None: not in it."""
    return _vocabulary().get(word)


def _padded(ids: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    batch = np.zeros((len(ids), max(map(len, ids))), np.int64)
    for row, one in zip(batch, ids, strict=True):
        row[: len(one)] = one
    return batch


@cache
def _vocabulary() -> dict[str, int]:
    return {word: index for index, word in enumerate(VOCABULARY.read_text("utf-8").split("\n"))}


@lru_cache(maxsize=65536)
def _pieces(word: str) -> tuple[int, ...]:
    """Return the longest pieces known, from the left; a word with a piece that is not known is unknown whole."""
    vocabulary = _vocabulary()
    found: list[int] = []
    start = 0
    while start < len(word):
        prefix = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if prefix + word[start:end] in vocabulary), 0)
        if not end or len(word) > _LONGEST_WORD:
            return (vocabulary[_UNKNOWN],)
        found.append(vocabulary[prefix + word[start:end]])
        start = end
    return tuple(found)


def _words(text: str) -> list[str]:
    """Return the words: lower case, without accents; signs and Han characters are words of their own."""
    cleaned = "".join(map(_cleaned, text))
    plain = unicodedata.normalize("NFD", cleaned)
    lower = "".join(one.lower() for one in plain if unicodedata.category(one) != "Mn")
    return "".join(map(_apart, lower)).split()


@lru_cache(maxsize=65536)
def _cleaned(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character in "\x00\ufffd" or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}:
        return ""
    if unicodedata.category(character) == "Zs":
        return " "
    code = ord(character)
    return f" {character} " if any(first <= code <= last for first, last in _HAN) else character


@lru_cache(maxsize=65536)
def _apart(character: str) -> str:
    is_sign = character.isascii() and not character.isalnum() and not character.isspace()
    return f" {character} " if is_sign or unicodedata.category(character)[0] == "P" else character
