"""Exported checkpoints on a CPU through OpenVINO: neither torch nor transformers is imported or needed.

Written out, what a PaliGemma computes: image tokens, <bos>, prompt and newline see each other; what is written sees
them and what was written before; padding stands on the left and is seen by nobody.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docproc.engines import Generation, Limits, VisionRequest
from docproc.engines.paligemma.prompts import LONGEST, clean, too_long
from docproc.engines.paligemma.repeats import LOOK_EVERY, loops
from docproc.errors import Unavailable, Usage
from docproc.raster import PageImage
from docproc.registry import Registry
from docproc.settings import Settings

IMAGES, DECODER, EMBEDDING = "images.xml", "decoder.xml", "embedding.npy"
TOKENIZER, FACTS = "tokenizer.json", "exported.json"
BATCH = 4
HIDDEN = np.float32(np.finfo(np.float32).min)
"""Added to what must not be seen."""

Floats = NDArray[np.float32]


@dataclass(slots=True)
class _Row:
    """A request under way: its place, its tokens (0 for images), how many images, and what was written."""

    number: int
    ids: list[int]
    images: Sequence[PageImage]
    limits: Limits
    tokens: list[int]
    scores: list[float]
    stopped: Any = None


class ExportedEngine:
    """A PaliGemma that `docproc models export` wrote; `model` is its name, or its folder. Decoding is greedy."""

    name = "openvino"

    def __init__(self, settings: Settings, model: str | Path) -> None:
        folder = Registry(settings).locate(str(model)).folder
        if not (folder / FACTS).is_file():
            raise Usage(
                f"{model} is no exported model.", hint="`docproc models export` makes one.", code="wrong-source"
            )
        self._facts: dict[str, Any] = json.loads((folder / FACTS).read_text("utf-8"))
        self.side, self.variant = int(self._facts["side"]), str(self._facts["variant"])
        weights = self._facts["weights"]
        self.version = f"{self._facts['version']}:openvino" + (f"-{weights}" if weights else "")
        self._embedding: Floats = np.load(folder / EMBEDDING, mmap_mode="r")
        self._tokenizer = _tokenizer(folder / TOKENIZER)
        core, options = _openvino(), {
            "INFERENCE_NUM_THREADS": settings.threads or len(os.sched_getaffinity(0)),
            "INFERENCE_PRECISION_HINT": "f32",  # bf16 is the default where there are units for it
            "CPU_RUNTIME_CACHE_CAPACITY": 0,  # every token is another shape: kernels would be kept for each
        }  # fmt: skip
        self._images, self._decoder = (
            core.compile_model(core.read_model(folder / name), "CPU", options) for name in (IMAGES, DECODER)
        )

    def generate(self, requests: Sequence[VisionRequest]) -> list[Generation]:
        """Return what was written for each request; raise Usage for a prompt or limits that it cannot take."""
        rows = [self._row(number, VisionRequest(*request)) for number, request in enumerate(requests)]
        waiting = sorted(rows, key=lambda row: (len(row.images), row.limits.tokens, row.number))
        for start in range(0, len(waiting), BATCH):
            self._write(waiting[start : start + BATCH])
        return [self._generation(row) for row in rows]

    def _row(self, number: int, request: VisionRequest) -> _Row:
        images = [request.images] if isinstance(request.images, PageImage) else list(request.images)
        if not images or request.limits.tokens < 1:
            raise Usage("A request needs an image and at least one token.", hint="Give both.")
        if request.adapter:
            raise Usage(
                "An exported model has no adapters beside it.",
                hint=f"Export {request.adapter} itself.",
                code="wrong-adapter",
            )
        text = self._tokenizer.encode(clean(request.prompt) + "\n", add_special_tokens=False).ids
        if len(text) > LONGEST:
            raise too_long(f"{len(text):,} tokens; the limit is {LONGEST}")
        ids = [0] * (self._facts["image_tokens"] * len(images)) + [self._facts["bos"], *text]
        if len(ids) + request.limits.tokens > self._facts["longest"]:
            raise Usage(
                f"{len(images)} images, the prompt and {request.limits.tokens} new tokens are more than the "
                f"{self._facts['longest']} tokens that the model can hold.",
                hint="Give fewer images or fewer new tokens.",
                code="prompt-too-long",
            )
        return _Row(number, ids, images, request.limits, [], [])

    def _write(self, rows: Sequence[_Row]) -> None:
        """Write the answers of a batch into its rows."""
        began = time.monotonic()
        longest = max(len(row.ids) for row in rows)
        gaps = np.array([longest - len(row.ids) for row in rows])
        embedded = np.zeros((len(rows), longest, self._embedding.shape[1]), np.float32)
        for at, (row, gap) in enumerate(zip(rows, gaps, strict=True)):
            embedded[at, gap:] = self._embedding[row.ids]
            features = self._features(row.images)
            embedded[at, gap : gap + len(features)] = features
        seen = np.arange(longest) >= gaps[:, None]
        positions = np.maximum(np.arange(1, longest + 1) - gaps[:, None], 1)
        mask = np.broadcast_to(seen[:, None, None], (len(rows), 1, longest, longest))
        facts = self._facts
        past = [np.zeros((len(rows), facts["heads"], 0, facts["head"]), np.float32)] * (2 * facts["layers"])
        while True:
            logits, *past = self._step(embedded, mask, positions, past)
            tokens = logits.argmax(-1)
            scores = 1 / np.exp(logits - logits.max(-1, keepdims=True)).sum(-1)
            for row, token, score in zip(rows, tokens.tolist(), scores.tolist(), strict=True):
                self._take(row, token, score, time.monotonic() - began)
            if all(row.stopped for row in rows):
                return
            embedded = self._embedding[tokens][:, None]
            seen = np.concatenate([seen, np.ones((len(rows), 1), bool)], 1)
            mask, positions = seen[:, None, None], positions[:, -1:] + 1

    def _step(self, embedded: Floats, mask: Any, positions: Any, past: list[Floats]) -> list[Floats]:
        hidden = np.where(mask, np.float32(0), HIDDEN)
        inputs = [np.ascontiguousarray(embedded), hidden, np.ascontiguousarray(positions, np.int64), *past]
        found = self._decoder(dict(enumerate(inputs)))
        return [found[at].copy() for at in range(len(past) + 1)]

    def _take(self, row: _Row, token: int, score: float, passed: float) -> None:
        """Give a row its next token, or end it."""
        if row.stopped:
            return
        if token == self._facts["eos"]:
            row.stopped = "end"
            return
        row.tokens.append(token)
        row.scores.append(score)
        limits = row.limits
        if len(row.tokens) >= limits.tokens:
            row.stopped = "tokens"
        elif limits.seconds is not None and passed >= limits.seconds:
            row.stopped = "time"
        elif limits.cancelled is not None and limits.cancelled():
            row.stopped = "cancelled"
        elif len(row.tokens) % LOOK_EVERY == 0 and (length := loops([row.tokens]).get(0)):
            del row.tokens[length:], row.scores[length:]
            row.stopped = "repetition"

    def _features(self, images: Sequence[PageImage]) -> Floats:
        pixels = np.stack([self._pixels(image) for image in images])
        found: Floats = self._images({0: pixels})[0]
        return found.reshape(-1, found.shape[-1])

    def _pixels(self, image: PageImage) -> Floats:
        """Return float32[3, side, side] from -1 to 1: squeezed, as all checkpoints were trained."""
        picture = Image.fromarray(np.ascontiguousarray(image.pixels))
        small = np.asarray(picture.resize((self.side, self.side), Image.Resampling.BICUBIC), np.float32)
        return (small / 127.5 - 1).transpose(2, 0, 1)

    def _generation(self, row: _Row) -> Generation:
        hidden = set(self._facts["hidden"])
        text = self._tokenizer.decode([one for one in row.tokens if one not in hidden], skip_special_tokens=False)
        return Generation(text, tuple(row.tokens), tuple(row.scores), row.stopped)


def _tokenizer(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415  (part of the extra)
    except ModuleNotFoundError as error:
        raise Unavailable(
            "Exported models need tokenizers, which is not installed.", hint="pip install tokenizers", code="no-extra"
        ) from error
    return Tokenizer.from_file(str(path))


def _openvino() -> Any:
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # else it reports its use
    try:
        import openvino  # noqa: PLC0415  (not there on every platform)
    except ModuleNotFoundError as error:
        raise Unavailable(
            "Exported models need openvino, which is not installed.", hint="pip install openvino", code="no-extra"
        ) from error
    return openvino.Core()
