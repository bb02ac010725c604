"""Which documents are trained on, which are looked at while training, and which are only ever measured on.

The name of a document decides alone: for a file the SHA-256 of its bytes, for a drawn one its kind and seed. So a
document that is in the test set stays there for ever, in every later export, on every machine, after a backup was
restored, and when the same bytes are uploaded again or corrected later; the test set grows with the documents, and
nothing has to be remembered for that. This is why the shares are no setting: with other shares, documents that a
model was trained on would become documents it is measured on.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

Split = Literal["train", "validation", "test"]
VALIDATION, TEST = 0.1, 0.1
"""Shares of documents that are kept from training."""


def split_of(document: str) -> Split:
    """Return the split of a document by its name."""
    drawn = int.from_bytes(hashlib.sha256(f"docproc/{document}".encode()).digest()[:8], "big") / 2**64
    return "test" if drawn < TEST else "validation" if drawn < TEST + VALIDATION else "train"


def name_of(path: Path) -> str:
    """Return the name of the document in a file: `sha256:` and the SHA-256 of its bytes."""
    with path.open("rb") as file:
        return named(hashlib.file_digest(file, "sha256").hexdigest())


def named(sha256: str) -> str:
    """Return the name of the document of these bytes."""
    return f"sha256:{sha256}"
