"""How alike texts are: by meaning (vectors, kept for the process), and by the field that they name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from docproc.embed import SIZE, Vectors, embedder
from docproc.labels import asked_for

KEPT = 40_000
"""Texts whose vectors are kept: 15 MB of int8."""
WORDINGS = Path(__file__).with_name("wordings.npz")
LONGEST = 160
"""Characters of a text that are looked at: labels are short, and sentences begin with what they are about."""


class Memory:
    """Vectors of texts, the last used kept as int8. Safe to share between threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, NDArray[np.int8]] = OrderedDict()
        self._lock = Lock()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 384] of length 1 (zeros for an empty text), made for those not known yet."""
        cut = [text[:LONGEST].strip() for text in texts]
        with self._lock:
            found = {text: self._kept[text] for text in cut if text in self._kept}
        new = [text for text in dict.fromkeys(cut) if text and text not in found]
        if new:
            for text, vector in zip(new, embedder().embed(new), strict=True):
                found[text] = np.clip(np.rint(vector * 400), -127, 127).astype(np.int8)  # values stay below .3
        with self._lock:
            for text, kept in found.items():
                self._kept[text] = kept
                self._kept.move_to_end(text)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        nothing = np.zeros(SIZE, np.int8)
        rows = np.stack([found.get(text, nothing) for text in cut]) if cut else np.zeros((0, SIZE), np.int8)
        vectors = rows.astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-6), np.float32)


@cache
def memory() -> Memory:
    """Return the one memory of this process."""
    return Memory()


@cache
def _wordings() -> tuple[Vectors, NDArray[np.int64]]:
    """Return the vectors of how fields are called, and where those of each field begin."""
    fields = list(asked_for().values())
    texts = [wording for wordings in fields for wording in wordings]
    starts = np.cumsum([0, *map(len, fields)])[:-1].astype(np.int64)
    if WORDINGS.is_file():
        with np.load(WORDINGS, allow_pickle=False) as kept:
            if kept["texts"].tolist() == texts:
                return kept["vectors"].astype(np.float32), starts
    return memory().vectors(texts), starts


def keep_wordings() -> None:
    """Write the vectors of how fields are called, so that no process has to make them (a second of work)."""
    texts = [wording for wordings in asked_for().values() for wording in wordings]
    vectors = embedder().embed(texts)
    np.savez_compressed(WORDINGS, texts=np.array(texts), vectors=vectors.astype(np.float16))


def fields_of(vectors: Vectors) -> NDArray[np.float32]:
    """Return float32[n, fields]: how near each vector is to the nearest way of calling each field.

    The embedder knows little of forms: "How much do I have to pay?" is far from "Balance due", but both are near to
    something that a total is called.
    """
    wordings, starts = _wordings()
    return np.asarray(np.maximum.reduceat(vectors @ wordings.T, starts, axis=1), np.float32)
