"""The engine: requests become batches of one shape, images are encoded once, rows stop when they should."""

from __future__ import annotations

import gc
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from transformers.modeling_outputs import BaseModelOutputWithPooling

from docproc.engines import Generation, Limits, VisionRequest
from docproc.engines.paligemma.adapters import Adapters
from docproc.engines.paligemma.checkpoint import SLACK
from docproc.engines.paligemma.decoding import decode_called, fixed_cache, prepare
from docproc.engines.paligemma.loading import load
from docproc.engines.paligemma.prompts import LONGEST, clean, too_long
from docproc.engines.paligemma.quantize import weights_called
from docproc.engines.paligemma.stopping import Certainty, Stops
from docproc.errors import EngineFailed, Usage
from docproc.raster import PageImage
from docproc.registry import Registry
from docproc.settings import Settings

BATCH = {"cpu": 4, "cuda": 16}
SMALL, MANY = 50_000_000, 32
"""Parameters of a small model, of which MANY rows are computed at once anywhere."""
LAST = "channels_last"
"""Told, because a picture three pixels high would be taken for one with its channels first."""
KEPT_IMAGES = 32
"""Encoded images kept for further prompts: at 896 pixels 17 MB each."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A request as tokens; `images` are keys of its pictures."""

    number: int
    ids: tuple[int, ...]
    images: tuple[str, ...]
    limits: Limits
    adapter: str = ""


class PaliGemmaEngine:
    """PaliGemma, either generation; `model` is a registered model or adapter, or the folder of a checkpoint.

    Decoding is greedy. A batch gives what its requests give one by one, because every row attends to itself alone:
    its image and prompt both ways (token types say so, always), its answer causally, padding on the left to nothing.
    """

    name = "paligemma"

    def __init__(
        self, settings: Settings, model: str | Path, *, device: str = "", batch: int = 0, attention: str = ""
    ) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        device = device or settings.vision_devices.partition(",")[0].strip()
        registry = Registry(settings)
        located = registry.locate(str(model))
        weights = weights_called(settings.vision_weights)
        self._loaded = load(located.folder, device=device, attention=attention, weights=weights)
        self._decode = decode_called(settings.vision_decode)
        prepare(self._loaded.model, self._decode)
        self._adapters = Adapters(self._loaded, registry)
        self._adapter = located.adapter.id if located.adapter else ""
        self._adapters.add(self._adapter)
        checkpoint = self._loaded.checkpoint
        self._room = settings.vision_memory or free_memory(self._loaded.device)
        usual = BATCH["cpu" if self._loaded.device == "cpu" else "cuda"]
        self._batch = batch or (MANY if checkpoint.parameters < SMALL else usual)
        self._features: OrderedDict[str, Any] = OrderedDict()
        self.version = f"{checkpoint.generation}@{checkpoint.version}"
        if weights:
            self.version += f":{weights}"
        if located.adapter:
            self.version += f"+{located.adapter.weights}"
        self.side = checkpoint.side
        self.variant = checkpoint.variant

    def generate(self, requests: Sequence[VisionRequest]) -> list[Generation]:
        """Return what was written for each request; raise Usage for a prompt or limits that it cannot take."""
        pictures: dict[str, PageImage] = {}
        rows = [self._row(number, VisionRequest(*request), pictures) for number, request in enumerate(requests)]
        found: dict[int, Generation] = {}
        with torch.inference_mode():
            for batch in self._batches(rows):
                found.update(zip((row.number for row in batch), self._halving(batch, pictures), strict=True))
        return [found[number] for number in range(len(rows))]

    def close(self) -> None:
        """Give the memory of the model back; it cannot be asked any more."""
        self._features.clear()
        del self._loaded, self._adapters
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _row(self, number: int, request: VisionRequest, pictures: dict[str, PageImage]) -> _Row:
        images = [request.images] if isinstance(request.images, PageImage) else list(request.images)
        if not images or request.limits.tokens < 1:
            raise Usage("A request needs an image and at least one token.", hint="Give both.")
        adapter = request.adapter or self._adapter
        self._adapters.add(adapter)
        keys = tuple(_key(image) + self._adapters.of_images(adapter) for image in images)
        pictures.update(zip(keys, images, strict=True))
        ids = self._ids(request.prompt, len(images))
        longest = self._loaded.checkpoint.longest
        if len(ids) + request.limits.tokens > longest:
            raise Usage(
                f"{len(images)} images, the prompt and {request.limits.tokens} new tokens are more than the "
                f"{longest} tokens that the model can hold.",
                hint="Give fewer images or fewer new tokens.",
                code="prompt-too-long",
            )
        row = _Row(number, ids, keys, request.limits, adapter)
        if self._room and self._bytes([row]) > self._room:
            raise Usage(
                f"The request needs {self._bytes([row]) / 1e9:.1f} GB of memory; requests may take "
                f"{self._room / 1e9:.1f} GB.",
                hint="Ask for fewer new tokens or images, or raise DOCPROC_VISION_MEMORY.",
                code="out-of-memory",
            )
        return row

    def _ids(self, prompt: str, images: int) -> tuple[int, ...]:
        """Return images, <bos>, the prompt and one newline as tokens: what the model was trained with."""
        tokenizer = self._loaded.tokenizer
        text = tokenizer(clean(prompt) + "\n", add_special_tokens=False).input_ids
        if len(text) > LONGEST:
            raise too_long(f"{len(text):,} tokens; the limit is {LONGEST}")
        pixels = [self._loaded.image_token] * self._loaded.checkpoint.image_tokens * images
        return *pixels, tokenizer.bos_token_id, *text

    def _batches(self, rows: Sequence[_Row]) -> Iterator[list[_Row]]:
        """Yield rows of one adapter, with as many images and about as long answers, so that little is padding."""
        waiting = sorted(rows, key=lambda row: (row.adapter, len(row.images), row.limits.tokens, row.number))
        while waiting:
            alike = [row for row in waiting[: self._batch] if _shape(row) == _shape(waiting[0])]
            while self._room and len(alike) > 1 and self._bytes(alike) > self._room:
                alike.pop()
            waiting = waiting[len(alike) :]
            yield alike

    def _bytes(self, rows: Sequence[_Row]) -> int:
        """Return the memory that a batch needs beside the model: its cache, padded to its longest row, and slack."""
        loaded = self._loaded
        longest = max(len(row.ids) for row in rows) + max(row.limits.tokens for row in rows)
        return int(longest * len(rows) * loaded.checkpoint.cache * loaded.model.dtype.itemsize * SLACK)

    def _halving(self, rows: Sequence[_Row], pictures: dict[str, PageImage]) -> list[Generation]:
        """Generate; when memory runs out, in halves from now on."""
        try:
            with self._adapters.using(rows[0].adapter):
                return self._write(rows, self._encode(rows, pictures))
        except torch.OutOfMemoryError:
            pass  # left before trying again, because the error holds the tensors of the attempt
        self._features.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(rows) == 1:
            raise EngineFailed(
                "The GPU has too little memory for one request.",
                hint="Take a smaller model or resolution, or fewer images.",
                code="out-of-memory",
            )
        self._batch = half = max(len(rows) // 2, 1)
        parts = (rows[start : start + half] for start in range(0, len(rows), half))
        return [generation for part in parts for generation in self._halving(part, pictures)]

    def _encode(self, rows: Sequence[_Row], pictures: dict[str, PageImage]) -> Any:
        """Return the images of the rows, one after the other, as the language model sees them."""
        wanted = list(dict.fromkeys(key for row in rows for key in row.images))
        missing = [key for key in wanted if key not in self._features]
        for start in range(0, len(missing), self._batch):
            part = missing[start : start + self._batch]
            squeezed = [Image.fromarray(np.ascontiguousarray(pictures[key].pixels)) for key in part]
            pixels = self._loaded.images(squeezed, return_tensors="pt", input_data_format=LAST).pixel_values
            model = self._loaded.model
            features = model.get_image_features(pixels.to(model.device, model.dtype)).pooler_output
            self._features.update(zip(part, features, strict=True))
        found = torch.stack([self._features[key] for row in rows for key in row.images])
        for key in wanted:
            self._features.move_to_end(key)
        while len(self._features) > KEPT_IMAGES:
            self._features.popitem(last=False)
        return found

    def _write(self, rows: Sequence[_Row], features: Any) -> list[Generation]:
        device, pad = self._loaded.model.device, self._loaded.tokenizer.pad_token_id
        longest, most = max(len(row.ids) for row in rows), max(row.limits.tokens for row in rows)
        gaps = [longest - len(row.ids) for row in rows]
        ids = torch.tensor([[pad] * gap + [*row.ids] for gap, row in zip(gaps, rows, strict=True)], device=device)
        mask = torch.tensor([[0] * gap + [1] * (longest - gap) for gap in gaps], device=device)
        stops, certainty = Stops([row.limits for row in rows], longest), Certainty()
        written = self._loaded.model.generate(
            input_ids=ids, attention_mask=mask, token_type_ids=torch.zeros_like(ids),
            mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=features)},
            max_new_tokens=most, past_key_values=fixed_cache(self._loaded.model, self._decode, longest + most),
            stopping_criteria=[stops], logits_processor=[certainty],
        )  # fmt: skip
        scores = certainty.rows()
        tokens = written[:, longest:].tolist()
        return [self._generation(tokens[at], scores[at], stops, at) for at in range(len(rows))]

    def _generation(self, tokens: list[int], scores: list[float], stops: Stops, row: int) -> Generation:
        tokenizer = self._loaded.tokenizer
        end = tokens.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in tokens else len(tokens)
        length, reason = stops.ends.get(row, (len(tokens), "tokens"))
        stopped: Literal["end", "tokens", "time", "repetition", "cancelled"] = reason
        if end < len(tokens) and end <= length:
            length, stopped = end, "end"
        kept = tokens[:length]
        hidden = {*tokenizer.all_special_ids}
        text = tokenizer.decode([token for token in kept if token not in hidden], skip_special_tokens=False)
        return Generation(text, tuple(kept), tuple(scores[:length]), stopped)


def free_memory(device: str) -> int:
    """Return the bytes that requests may take on a GPU: what is free there, less a fifth; 0 (no limit) elsewhere."""
    return int(torch.cuda.mem_get_info(device)[0] * 0.8) if device.startswith("cuda") else 0


def _shape(row: _Row) -> tuple[str, int]:
    return row.adapter, len(row.images)


def _key(image: PageImage) -> str:
    pixels = np.ascontiguousarray(image.pixels)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
