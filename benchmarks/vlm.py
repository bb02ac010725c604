"""PaliGemma with random weights: pages and tokens per second, against transformers' own generate and the roofline.

    python benchmarks/vlm.py                                              (tiny, on a CPU)
    python benchmarks/vlm.py --models 3b-1,3b-2 --sides 224,448,896 --batches 1,8,32 --tokens 512   (a GPU)

What is written is nonsense, what is computed is not: the shapes are the real ones. `plain` asks one page after the
other as transformers' documentation does; `engine` is docproc's, with batches; `again` is a further prompt on pages
that it has seen. The roofline takes what this device reaches in large products of matrices and in copying, measured
in the same run: images and prompts at the one, every step of writing at the other. Writes results/vlm.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import (
    Gemma2Config,
    GemmaConfig,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessor,
    SiglipVisionConfig,
)

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma import tiny
from docproc.engines.paligemma.engine import PaliGemmaEngine
from docproc.evaluate.report import markdown
from docproc.raster import PageImage
from docproc.settings import Settings

RESULTS = Path(__file__).with_name("results")
PROMPT = "caption en"


@dataclass(frozen=True, slots=True)
class Size:
    """Widths, layers and heads: of SigLIP, and of Gemma of a generation with its vocabulary."""

    generation: int
    vision: tuple[int, int, int, int]
    text: tuple[int, int, int, int, int, int]
    words: int


SIGLIP = (1152, 4304, 27, 16)
SIZES = {
    "tiny-1": Size(1, (48, 96, 2, 4), (64, 128, 3, 4, 1, 16), 2_048),
    "tiny-2": Size(2, (48, 96, 2, 4), (64, 128, 4, 4, 2, 16), 2_048),
    "17m": Size(1, (320, 1280, 8, 5), (320, 960, 6, 5, 1, 64), 2_048),
    "3b-1": Size(1, SIGLIP, (2048, 16384, 18, 8, 1, 256), 257_216),
    "3b-2": Size(2, SIGLIP, (2304, 9216, 26, 8, 4, 256), 257_216),
    "10b-2": Size(2, SIGLIP, (3584, 14336, 42, 16, 8, 256), 257_216),
}
"""SigLIP: width, inner width, layers, heads; Gemma: the same, heads of keys, width of a head."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device by what it reaches: products of matrices (FLOP/s) and reading memory (bytes/s)."""

    name: str
    flops: float
    bandwidth: float


def build(size: Size, side: int, folder: Path, dtype: Any) -> None:
    """Write a checkpoint with random weights, drawn on the device that has most memory."""
    images = SiglipImageProcessor(size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    images.image_seq_length = (side // 14) ** 2
    processor = PaliGemmaProcessor(images, tiny.tokenizer())
    width, inner, layers, heads, keys, head = size.text
    text: dict[str, Any] = {
        "vocab_size": size.words, "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": keys, "head_dim": head, "max_position_embeddings": 8192,
        "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2, "hidden_activation": "gelu_pytorch_tanh",
    }  # fmt: skip
    config = PaliGemmaConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=size.vision[0], intermediate_size=size.vision[1], num_hidden_layers=size.vision[2],
            num_attention_heads=size.vision[3], image_size=side, patch_size=14, vision_use_head=False,
        ),
        text_config=GemmaConfig(**text) if size.generation == 1 else Gemma2Config(**text, query_pre_attn_scalar=head),
        image_token_index=processor.image_token_id, vocab_size=size.words, projection_dim=width, hidden_size=width,
        pad_token_id=0, eos_token_id=1, bos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = PaliGemmaForConditionalGeneration(config)
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "docproc.json").write_text(json.dumps({"variant": "mix"}) + "\n", "utf-8")


def measure_device(dtype: Any) -> Device:
    """Return what the device reaches."""
    cuda = torch.cuda.is_available()
    side, count = (8192, 20) if cuda else (1024, 5)
    one = torch.randn(side, side, device="cuda" if cuda else "cpu").to(dtype)
    flops = 2 * side**3 * count / seconds(lambda: [one @ one for _ in range(count)])
    large = torch.empty((1 << 30 if cuda else 1 << 26) // one.element_size(), dtype=dtype, device=one.device).zero_()
    bandwidth = 2 * large.nbytes * count / seconds(lambda: [large.clone() for _ in range(count)])
    cores = torch.get_num_threads()
    name = torch.cuda.get_device_name() if cuda else f"{cores} threads of a CPU ({platform.machine()})"
    return Device(f"{name}, {str(dtype).removeprefix('torch.')}", flops, bandwidth)


def seconds(work: Callable[[], Any]) -> float:
    """Return the seconds of the second time, the first being for kernels that are compiled."""
    took = 0.0
    for _ in range(2):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        took = time.perf_counter() - start
    return took


def floor(size: Size, side: int, batch: int, tokens: float, device: Device, width: int) -> float:
    """Return the seconds that a batch takes at least on this device."""
    images = (side // 14) ** 2
    prefix = images + 16
    hidden, inner, layers, heads, keys, head = size.text
    decoder = layers * (hidden * head * (2 * heads + 2 * keys) + 3 * hidden * inner)
    vision, vision_inner, vision_layers, _ = size.vision
    tower = vision_layers * (4 * vision * vision + 2 * vision * vision_inner)
    siglip = 2 * tower * images + 4 * vision_layers * vision * images**2
    prefill = 2 * decoder * prefix + 4 * layers * heads * head * prefix**2
    cache = 2 * layers * keys * head * width
    step = (decoder + size.words * hidden) * width + batch * cache * (prefix + tokens / 2)
    flops = 2 * (decoder + size.words * hidden) * batch
    write = max(step / device.bandwidth, flops / device.flops)
    return batch * (siglip + prefill) / device.flops + tokens * write


def pages(count: int, side: int, seed: int) -> list[PageImage]:
    """Return pages of noise, none like another."""
    random = np.random.default_rng(seed)
    return [PageImage(random.integers(0, 256, (side, side, 3), np.uint8), 96.0) for _ in range(count)]


def plain(engine: PaliGemmaEngine, shown: list[PageImage], tokens: int) -> int:
    """Ask one page after the other as transformers' documentation does; return the tokens written."""
    loaded, written = engine._loaded, 0  # noqa: SLF001
    processor = PaliGemmaProcessor(loaded.images, loaded.tokenizer)
    for page in shown:
        inputs = processor(images=Image.fromarray(page.pixels), text="<image>" + PROMPT, return_tensors="pt")
        inputs.pop("labels", None)
        with torch.inference_mode():
            inputs = inputs.to(loaded.model.device, dtype=loaded.model.dtype)
            found = loaded.model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
        written += found.shape[1] - inputs["input_ids"].shape[1]
    return written


def rows(arguments: argparse.Namespace, device: Device, dtype: Any) -> Iterator[list[str]]:
    """Yield a row of the table for each model, resolution and batch."""
    for name in arguments.models.split(","):
        for side in map(int, arguments.sides.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                build(SIZES[name], side, Path(folder), dtype)
                for batch in map(int, arguments.batches.split(",")):
                    engine = PaliGemmaEngine(Settings(), Path(folder), batch=batch)
                    asked = Asked(engine, side, Limits(arguments.tokens))
                    yield row(SIZES[name], name, asked, batch, device)


@dataclass(slots=True)
class Asked:
    """An engine that is asked about pages; `written` tokens of the last time."""

    engine: PaliGemmaEngine
    side: int
    limits: Limits
    written: int = 0
    seed: int = 0

    def ask(self, prompt: str, shown: list[PageImage]) -> None:
        """Ask the same about each page."""
        found = self.engine.generate([VisionRequest(page, prompt, self.limits) for page in shown])
        self.written = sum(len(one.token_ids) + (one.stopped == "end") for one in found)

    def fresh(self, count: int) -> list[PageImage]:
        """Return pages that were never shown."""
        self.seed += 1
        return pages(count, self.side, self.seed)


def row(size: Size, name: str, asked: Asked, batch: int, device: Device) -> list[str]:
    """Measure one batch; the first words of the row are its model, resolution and batch."""
    engine, tokens = asked.engine, asked.limits.tokens
    took = seconds(lambda: asked.ask(PROMPT, asked.fresh(batch)))
    each = asked.written / batch
    seen = asked.fresh(batch)
    asked.ask(PROMPT, seen)
    again = seconds(lambda: asked.ask("answer en what is this?", seen))
    alone = seconds(lambda: plain(engine, asked.fresh(min(batch, 2)), tokens)) / min(batch, 2)
    width = engine._loaded.model.dtype.itemsize  # noqa: SLF001
    bound = floor(size, asked.side, batch, each, device, width)
    return [
        name, str(asked.side), str(batch), f"{each:.0f}", f"{batch / took:.2f}", f"{batch * each / took:.0f}",
        f"{batch / again:.2f}", f"{1 / alone:.2f}", f"{alone * batch / took:.1f}", f"{took / bound:.1f}",
    ]  # fmt: skip


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="tiny-1,tiny-2", help=", ".join(SIZES))
    parser.add_argument("--sides", default="56,112")
    parser.add_argument("--batches", default="1,4,16")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--note", default="", help="What else is to be known of the machine.")
    parser.add_argument("--output", type=Path, default=RESULTS / "vlm.md")
    arguments = parser.parse_args()
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    device = measure_device(dtype)
    head = ["model", "px", "batch", "tokens", "pages/s", "tokens/s", "again", "plain", "times plain", "of the floor"]
    table = markdown([head, *rows(arguments, device, dtype)])
    lines = [
        "# PaliGemma with random weights",
        "",
        f"{date.today():%Y-%m-%d}, {device.name}: {device.flops / 1e12:.2f} TFLOP/s in products of matrices, "
        f"{device.bandwidth / 1e9:.0f} GB/s in copying. `python benchmarks/vlm.py --models {arguments.models} "
        f"--sides {arguments.sides} --batches {arguments.batches} --tokens {arguments.tokens}`",
        *(["", arguments.note] if arguments.note else []),
        "",
        "Pages per second: docproc's engine on pages it has not seen, on pages it has seen (again), and the generate "
        "of transformers, one page after the other (plain). Tokens are those written per page. `of the floor`: how "
        "many times as long the engine takes as this device would at its measured best.",
        "",
        table,
    ]
    arguments.output.write_text("\n".join(lines), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
