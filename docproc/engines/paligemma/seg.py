"""The masks of `segment`: sixteen code words <seg000>..<seg127> become 64 x 64 pixels.

The decoder is that of the VQ-VAE of big_vision, whose weights `vae-oid.npz` the user brings: a code book of 128
vectors of 512 numbers, a 4 x 4 grid of them, row by row, then convolutions that double it four times.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from docproc.errors import Unavailable, Usage

CODES = 16
"""Code words of one mask."""
CODE_BOOK = 128
GRID = 4
CODE_WIDTH = 512
WIDTH = 128
SIDE = 64
"""Pixels of a decoded mask along each side."""
UPSAMPLING = ((128, 128), (128, 64), (64, 32), (32, 16))
"""Channels in and out of the four transposed convolutions."""


def shapes() -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the arrays in `vae-oid.npz` that decoding needs."""
    kernels = {"decoder.0": (WIDTH, CODE_WIDTH, 1, 1)}
    for block in ("decoder.2.net", "decoder.3.net"):
        kernels |= {f"{block}.{layer}": (WIDTH, WIDTH, size, size) for layer, size in ((0, 3), (2, 3), (4, 1))}
    kernels |= {f"decoder.{4 + 2 * number}": (*ends, 4, 4) for number, ends in enumerate(UPSAMPLING)}
    kernels["decoder.12"] = (1, UPSAMPLING[-1][1], 1, 1)
    found: dict[str, tuple[int, ...]] = {"_vq_vae._embedding": (CODE_BOOK, CODE_WIDTH)}
    for name, shape in kernels.items():
        transposed = name in {f"decoder.{4 + 2 * number}" for number in range(len(UPSAMPLING))}
        found |= {f"{name}.weight": shape, f"{name}.bias": (shape[1] if transposed else shape[0],)}
    return found


class MaskDecoder:
    """Turns code words into masks; `path` is a `vae-oid.npz`."""

    def __init__(self, path: Path) -> None:
        self._weights = _load(path)

    def __call__(self, codes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32[N, 64, 64], above 0 inside, for int64[N, 16] codes 0-127; raise ValueError for others."""
        if codes.ndim != 2 or codes.shape[1] != CODES or not ((codes >= 0) & (codes < CODE_BOOK)).all():
            raise ValueError(f"a mask has {CODES} codes from 0 to {CODE_BOOK - 1}")
        if not len(codes):
            return np.zeros((0, SIDE, SIDE), np.float32)
        grid = self._weights["_vq_vae._embedding"][torch.from_numpy(codes)]
        with torch.inference_mode():
            pixels = self._up(grid.reshape(-1, GRID, GRID, CODE_WIDTH).permute(0, 3, 1, 2))
        return np.asarray(pixels[:, 0].numpy(), np.float32)

    def _up(self, x: Any) -> Any:
        x = self._conv("decoder.0", x).relu()
        for block in ("decoder.2.net", "decoder.3.net"):
            inside = self._conv(f"{block}.0", x, padding=1).relu()
            inside = self._conv(f"{block}.2", inside, padding=1).relu()
            x = x + self._conv(f"{block}.4", inside)
        for number in range(len(UPSAMPLING)):
            weight, bias = self._layer(f"decoder.{4 + 2 * number}")
            x = functional.conv_transpose2d(x, weight, bias, stride=2, padding=1).relu()
        return self._conv("decoder.12", x)

    def _conv(self, name: str, x: Any, padding: int = 0) -> Any:
        weight, bias = self._layer(name)
        return functional.conv2d(x, weight, bias, padding=padding)

    def _layer(self, name: str) -> tuple[Any, Any]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise Unavailable(
            f"There is no {path}: the decoder of masks.",
            hint="Download vae-oid.npz, which comes with big_vision, and give its path.",
            code="no-mask-decoder",
        )
    try:
        with zipfile.ZipFile(path):  # NumPy leaves the file open when it is none
            pass
        with np.load(path) as arrays:
            found = {name: arrays[name] for name in shapes() if name in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Usage(f"{path} is no whole .npz file.", hint="Download vae-oid.npz again.") from error
    for name, shape in shapes().items():
        if name not in found or found[name].shape != shape:
            has = f"has the shape {found[name].shape}" if name in found else "is not there"
            raise Usage(f"{path} is no decoder of masks: {name} {has}.", hint="Give the vae-oid.npz of big_vision.")
    return {name: torch.from_numpy(np.asarray(array, np.float32)) for name, array in found.items()}
