"""Any image-text-to-text model that transformers knows by its config.json: SmolVLM2, Gemma 3, LLaVA and others.

The model's own chat template writes the prompt; what is asked comes from the chat table of `docproc.tasks.grammar`.
Nothing is downloaded, and no code that lies beside the weights is run. Needs the extra `paligemma`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, GenerationConfig
from transformers.utils import logging

from docproc.engines import Generation, VisionRequest
from docproc.engines.paligemma.stopping import Certainty, Stops
from docproc.errors import EngineFailed, Unavailable, Usage
from docproc.raster import PageImage
from docproc.settings import Settings

BATCH = {"cpu": 1, "cuda": 8}
LONGEST = 4000
"""Characters of a prompt."""


class GenericEngine:
    """A chat model with eyes; `model` is the folder of a checkpoint for transformers. Decoding is greedy."""

    name = "generic"
    variant = "chat"
    side = 0
    """Its processor cuts and scales images as it was trained."""

    def __init__(self, settings: Settings, model: str | Path, *, device: str = "", batch: int = 0) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        folder = Path(model)
        device = device or settings.vision_devices.partition(",")[0].strip()
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._processor, self._model = _load(folder, self._device)
        self._tokenizer = self._processor.tokenizer
        self._batch = batch or BATCH[self._device.partition(":")[0]]
        kind = str(self._model.config.model_type)
        self.version = f"{kind}@{_digest(folder)}"
        ends = self._model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        self._ends = {*ends, self._tokenizer.eos_token_id} - {None}

    def generate(self, requests: Sequence[VisionRequest]) -> list[Generation]:
        """Return what was written for each request; raise Usage for one that it cannot take."""
        asked = [VisionRequest(*request) for request in requests]
        found: list[Generation] = []
        for batch in self._batches(asked):
            found.extend(self._write(batch))
        return found

    def _batches(self, asked: Sequence[VisionRequest]) -> Iterator[Sequence[VisionRequest]]:
        """Yield requests in their order, those with as many images together."""
        start = 0
        while start < len(asked):
            count = len(_images(asked[start]))
            end = start + 1
            while end < min(len(asked), start + self._batch) and len(_images(asked[end])) == count:
                end += 1
            yield asked[start:end]
            start = end

    def _write(self, batch: Sequence[VisionRequest]) -> list[Generation]:
        with torch.inference_mode():
            inputs = self._inputs(batch)
            length = inputs["input_ids"].shape[1]
            stops, certainty = Stops([request.limits for request in batch], length), Certainty()
            try:
                written = self._model.generate(
                    **inputs, generation_config=self._greedy(max(request.limits.tokens for request in batch)),
                    stopping_criteria=[stops], logits_processor=[certainty],
                )  # fmt: skip
            except torch.OutOfMemoryError as error:
                raise EngineFailed(
                    "The GPU has too little memory for the request.",
                    hint="Take a smaller model, or fewer images.",
                    code="out-of-memory",
                ) from error
        tokens, scores = written[:, length:].tolist(), certainty.rows()
        return [self._generation(tokens[row], scores[row], stops, row) for row in range(len(batch))]

    def _inputs(self, batch: Sequence[VisionRequest]) -> Any:
        texts, pictures = [], []
        for request in batch:
            images = _images(request)
            if not images or not 0 < len(request.prompt.strip()) <= LONGEST or request.limits.tokens < 1:
                raise Usage(
                    f"A request needs an image, a prompt of 1 to {LONGEST} characters and at least one token.",
                    hint="Shorten the question.",
                    code="prompt-too-long",
                )
            prompt = _plain(request.prompt, self._tokenizer.all_special_tokens)
            content = [{"type": "image"} for _ in images] + [{"type": "text", "text": prompt}]
            message = {"role": "user", "content": content}
            texts.append(self._processor.apply_chat_template([message], add_generation_prompt=True))
            pictures.append([Image.fromarray(image.pixels) for image in images])
        inputs = self._processor(
            text=texts, images=pictures, padding=True, padding_side="left", return_tensors="pt",
            add_special_tokens=not str(texts[0]).startswith(self._tokenizer.bos_token or "\0"),
        )  # fmt: skip
        return inputs.to(self._device, dtype=self._model.dtype)

    def _greedy(self, tokens: int) -> Any:
        pad = self._tokenizer.pad_token_id
        return GenerationConfig(
            do_sample=False, num_beams=1, use_cache=True, max_new_tokens=tokens, eos_token_id=sorted(self._ends),
            pad_token_id=pad if pad is not None else min(self._ends),
        )  # fmt: skip

    def _generation(self, tokens: list[int], scores: list[float], stops: Stops, row: int) -> Generation:
        end = next((at for at, token in enumerate(tokens) if token in self._ends), len(tokens))
        length, reason = stops.ends.get(row, (len(tokens), "tokens"))
        if end < len(tokens) and end <= length:
            kept = tokens[:end]
            return Generation(self._text(kept), tuple(kept), tuple(scores[:end]), "end")
        kept = tokens[:length]
        return Generation(self._text(kept), tuple(kept), tuple(scores[:length]), reason)

    def _text(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))


def _load(folder: Path, device: str) -> tuple[Any, Any]:
    if not (folder / "config.json").is_file():
        raise Unavailable(
            f"There is no checkpoint in {folder}.",
            hint="Give the folder of a model in the format of transformers.",
            code="no-checkpoint",
        )
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        processor = AutoProcessor.from_pretrained(folder, **local)
        model, told = AutoModelForImageTextToText.from_pretrained(
            folder, config=config, dtype=torch.float32 if device == "cpu" else torch.bfloat16, use_safetensors=True,
            output_loading_info=True, **local,
        )  # fmt: skip
    except ImportError as error:
        raise Unavailable(f"The model in {folder} needs more packages: {error}", code="no-extra") from error
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise Usage(
            f"The model in {folder} cannot be loaded: {str(error).strip().splitlines()[0]}",
            hint="It must be a whole image-text-to-text model in the format of transformers, with its processor.",
            code="wrong-architecture",
        ) from error
    if told["missing_keys"]:
        raise Usage(f"The weights in {folder} are not whole.", hint="Copy the checkpoint again.", code="incomplete")
    if not getattr(processor, "chat_template", None):
        raise Usage(
            f"The model in {folder} has no chat template.",
            hint="Take a variant that follows instructions; PaliGemma has the engine paligemma.",
            code="no-chat-template",
        )
    return processor, model.to(device).eval()


def _images(request: VisionRequest) -> list[PageImage]:
    return [request.images] if isinstance(request.images, PageImage) else list(request.images)


def _plain(prompt: str, special: Sequence[str]) -> str:
    """Return a prompt without the model's special tokens: what a user writes must not end the user's turn."""
    while any(token in prompt for token in special):
        for token in special:
            prompt = prompt.replace(token, " ")
    return prompt.strip()


def _digest(folder: Path) -> str:
    """Return what tells these weights from others: a hash of the configuration and of the sizes of all files."""
    facts = [f"{path.name}:{path.stat().st_size}" for path in sorted(folder.iterdir()) if path.is_file()]
    return hashlib.sha256((folder / "config.json").read_bytes() + "\n".join(facts).encode()).hexdigest()[:12]
