"""Masks as the code words that a model writes: what the decoder of `segment` draws, the other way round.

The encoder of big_vision's VQ-VAE (Ning et al. 2023, arXiv 2301.02229) lies in the same `vae-oid.npz` as its decoder;
that of docproc's own model lies beside its decoder, in `mask-encoder.safetensors`. In NumPy, as training in JAX does
without PyTorch.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from docproc.errors import Usage
from docproc.learn.dataset import Example, Masks, read_masks, with_codes

BESIDE = "mask-encoder.safetensors"
BOOK = "_vq_vae._embedding"
CODES, CODE_BOOK = 16, 128
HALVINGS = ("encoder.0", "encoder.2", "encoder.4", "encoder.6")
BLOCKS = ("encoder.8.net", "encoder.9.net")
LAST = "encoder.10"
Numbers = NDArray[np.float32]


class MaskEncoder:
    """Turns masks into code words, with the arrays of a file (`encoder.N.weight`, ... and the code book)."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}

    def __call__(self, masks: Masks) -> NDArray[np.int64]:
        """Return int64[N, 16], codes 0-127 in rows of a 4 x 4 grid, of bool[N, 64, 64]."""
        if not len(masks):
            return np.zeros((0, CODES), np.int64)
        x: Numbers = masks[:, None].astype(np.float32) * 2 - 1
        for name in HALVINGS:
            x = np.maximum(self._conv(name, x, padding=1, stride=2), 0)
        for block in BLOCKS:
            inside = np.maximum(self._conv(f"{block}.0", x, padding=1), 0)
            inside = np.maximum(self._conv(f"{block}.2", inside, padding=1), 0)
            x = x + self._conv(f"{block}.4", inside)
        found = self._conv(LAST, x).transpose(0, 2, 3, 1)
        book = self._arrays[BOOK]
        far = (book**2).sum(1) - 2 * found @ book.T  # squared distances, but for what all have in common
        return np.asarray(far.argmin(-1).reshape(len(masks), CODES), np.int64)

    def coded(self, example: Example) -> Example:
        """Return a segmentation example with the codes of its masks in the suffix; others as they are.

        Raises Usage when there are not as many masks as things.
        """
        if example.masks is None or "<seg" in example.suffix:
            return example
        return with_codes(example, self(read_masks(example)).tolist())

    def _conv(self, name: str, x: Numbers, padding: int = 0, stride: int = 1) -> Numbers:
        kernel, bias = self._arrays[f"{name}.weight"], self._arrays[f"{name}.bias"]
        around = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        seen = sliding_window_view(around, kernel.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
        made = np.tensordot(seen, kernel, axes=([1, 4, 5], [1, 2, 3])) + bias
        return np.asarray(made.transpose(0, 3, 1, 2), np.float32)


def encoder_of(decoder: Path | None) -> MaskEncoder | None:
    """Return the encoder that belongs to the decoder of masks in a file; None where there is none.

    Raises Usage when a file is damaged, or of another form.
    """
    if decoder is None:
        return None
    own = decoder.parent / BESIDE
    path = own if own.is_file() else decoder
    try:
        arrays = _arrays(path)
    except (OSError, ValueError, zipfile.BadZipFile, SafetensorError) as error:
        raise Usage(f"{path} is damaged: {error}.", hint="Get it again.", code="truncated") from error
    if f"{LAST}.weight" not in arrays:  # a decoder alone
        return None
    layers = (*HALVINGS, *(f"{block}.{at}" for block in BLOCKS for at in (0, 2, 4)), LAST)
    needed = {BOOK, *(f"{layer}.{part}" for layer in layers for part in ("weight", "bias"))}
    if missing := sorted(needed - set(arrays)):
        raise Usage(f"{path} is no encoder of masks: {missing[0]} is not there.", hint="Get vae-oid.npz again.")
    width = arrays[f"{LAST}.weight"].shape[0]
    if arrays[BOOK].shape != (CODE_BOOK, width):
        raise Usage(f"{path} has a code book of the shape {arrays[BOOK].shape}.", hint="Get vae-oid.npz again.")
    return MaskEncoder(arrays)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix == ".safetensors":
        found: dict[str, NDArray[Any]] = load_file(path)
        return {BOOK if name == "book" else name: array for name, array in found.items()}
    with zipfile.ZipFile(path):  # NumPy leaves the file open when it is none
        pass
    with np.load(path) as file:
        return {name: file[name] for name in file.files if name == BOOK or name.startswith("encoder.")}
