"""Trying a model out before anybody waits for it: what it is, what it needs, and what it makes of a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageDraw, ImageFont

from docproc.engines import load_masks, load_vision
from docproc.engines.paligemma import checkpoint, lora
from docproc.errors import DocprocError
from docproc.raster import PageImage
from docproc.registry.card import Card
from docproc.registry.folder import Located, Registry
from docproc.settings import Settings
from docproc.tasks import Ask
from docproc.tasks.grammar import Trained
from docproc.tasks.pages import Model, find

SMOKE = (Ask(task="caption"), Ask(task="ocr"), Ask(task="answer", thing="What is the total?"))
"""What a smoke page is asked: the first of it that the model was trained for."""
WIDTHS = {"float32": 4, "bfloat16": 2}
"""Bytes of a number on a CPU and on a GPU."""


def probe(settings: Settings, model: str) -> Iterator[str]:
    """Yield lines about a registered model or a folder while it is tried out; `--model` takes the same words.

    Raises Unavailable, Usage or EngineFailed where it fails.
    """
    registry = Registry(settings)
    card = registry.get(model)
    if card is not None:
        yield from _recorded(registry, card)
        if card.kind == "masks":
            yield _masks(registry.path(card) / "vae-oid.npz")
            return
    located = registry.locate(model)
    if located.adapter:
        yield _adapter(registry.path(located.adapter), located.folder)
    if not located.card or located.card.kind == "paligemma":
        yield from _described(located)
    engine = "openvino" if located.card and located.card.kind == "exported" else "paligemma"
    yield from _smoke(settings, engine, model)


def _recorded(registry: Registry, card: Card) -> Iterator[str]:
    if damaged := registry.damaged(card):
        raise DocprocError(
            f"{', '.join(damaged)} of {card.name} changed or are gone since it was added.",
            hint="Remove the model and add it again." if card.version else "Install docproc again.",
            code="model-damaged",
        )
    yield f"files: {len(card.files)}, all as they were when added ({card.added})"
    revision = f" at {card.revision}" if card.revision else ""
    licence = f", licence {card.licence}" if card.licence else ""
    yield f"source: {card.source}{revision}{licence}"


def _adapter(folder: Path, base: Path) -> str:
    found = lora.check(folder, base)
    where = "the language model and what images pass" if found.images else "the language model alone"
    return f"LoRA adapter of rank {found.rank} on {len(found.modules)} modules of {where}"


def _described(located: Located) -> Iterator[str]:
    found = checkpoint.check(located.folder)
    yield (
        f"PaliGemma {'2 ' if found.generation == 2 else ''}{found.variant or 'of unknown variant'}, "
        f"{found.side} x {found.side} px ({found.image_tokens} tokens per image), "
        f"{found.parameters / 1e9:.3g} billion parameters stored as {found.dtype}, weights {found.version}"
    )
    free = psutil.virtual_memory().available
    for name, width in WIDTHS.items():
        needs = found.needs(width=width)
        parts = ", ".join(f"{part} {_size(getattr(needs, part))}" for part in ("weights", "cache", "activations"))
        yield f"memory in {name}, one page and 512 tokens: {_size(needs.total)} ({parts})"
    fewer = ", ".join(f"{kind} {_size(found.memory(width=2, weights=kind))}" for kind in checkpoint.QUANTISED)
    yield f"the same in bfloat16 on a GPU with quantised weights: {fewer}"
    yield f"free here: {_size(free)}"


def _smoke(settings: Settings, engine: str, model: str) -> Iterator[str]:
    began = time.perf_counter()
    loaded = load_vision(engine, settings, model)
    yield f"loads in {time.perf_counter() - began:.1f} s as {loaded.name} {loaded.version}"
    ask = next((one for one in SMOKE if Trained(loaded.variant).knows(one.task)), None)
    if ask is None:
        yield f"no smoke page: a model of variant {loaded.variant!r} is asked in ways that are not known here"
        return
    began = time.perf_counter()
    found = find(Model(loaded), ask, smoke_page())
    text = found.findings[0].text if found.findings else ""
    seconds = time.perf_counter() - began
    yield f"smoke page, {ask.task}: {' '.join(text.split())[:100]!r} in {seconds:.1f} s (views: {len(found.views)})"


def smoke_page() -> PageImage:
    """Return a small page with a heading, a few lines and a stamp, 72 dpi."""
    sheet = Image.new("RGB", (420, 595), "white")
    draw = ImageDraw.Draw(sheet)
    for at, line in enumerate(
        ("Invoice 2026-117", "Date: 12 May 2026", "Paper, 5 reams   24.50", "Total: 24.50 EUR")
    ):
        draw.text((40, 40 + 40 * at), line, fill="black", font=ImageFont.load_default(size=20))
    draw.ellipse((280, 440, 380, 540), outline="red", width=4)
    return PageImage(np.asarray(sheet, np.uint8), 72.0)


def _masks(path: Path) -> str:
    decode = load_masks(path)
    inside = float((decode(np.arange(16)[None]) > 0).mean())
    return f"decoder of masks: loads and draws; {inside:.0%} of a smoke mask is inside"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
