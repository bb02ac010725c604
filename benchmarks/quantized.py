"""What fewer bits and OpenVINO cost and save on a CPU, on a random PaliGemma 2 of 43 million parameters.

`python benchmarks/quantized.py` takes some minutes and writes benchmarks/results/quantized.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from docproc.engines import Generation, Limits, VisionEngine, VisionRequest
from docproc.engines.paligemma import tiny
from docproc.engines.paligemma.engine import PaliGemmaEngine
from docproc.engines.paligemma.export import export
from docproc.engines.paligemma.exported import ExportedEngine
from docproc.raster import PageImage
from docproc.registry import Registry
from docproc.settings import Settings

RESULT = Path(__file__).parent / "results" / "quantized.md"
PAGES, WHOLE, TOKENS = 12, 4, 24
NAMES = {
    "float32": "float32", "bfloat16": "bfloat16", "int8": "int8 (torchao)", "int4": "4 bits (bitsandbytes nf4)",
    "openvino": "OpenVINO float32", "openvino-int8": "OpenVINO int8", "openvino-int4": "OpenVINO 4 bits (head int8)",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", threads=threads)
        base = Path(folder) / "base"
        build(base)
        requests = asked()
        first, whole = None, None
        for kind in NAMES:
            engine, size = load(kind, base, settings, Path(folder))
            engine.generate([_with(requests[0], 2)])  # kernels are made at the first call
            began = time.process_time()
            ones = engine.generate([_with(request, 1) for request in requests])
            prefill = (time.process_time() - began) / PAGES
            began = time.process_time()
            alls = engine.generate(requests[:WHOLE])
            writing = time.process_time() - began - WHOLE * prefill
            first, whole = first or ones, whole or alls
            rows[kind] = (
                size,
                _same(first, ones),
                _moved(first, ones),
                _prefix(whole, alls),
                prefill,
                1000 * writing / (WHOLE * (TOKENS - 1)),
            )
            print(kind, rows[kind], flush=True)
            del engine
    RESULT.write_text(report(rows, threads), "utf-8")
    print(RESULT)


def build(folder: Path) -> None:
    """Write the random model: 224 px, 8 layers of width 512, a vision tower of 6 layers of width 384."""
    processor = tiny.PaliGemmaProcessor(_images(), tiny.tokenizer())
    config = tiny.config(2, rows=len(processor.tokenizer), image=processor.image_token_id)
    text, vision = config.text_config, config.vision_config
    for name, value in {"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8, "head_dim": 64,
                        "num_key_value_heads": 4, "query_pre_attn_scalar": 64}.items():  # fmt: skip
        setattr(text, name, value)
    text.num_hidden_layers, text.layer_types = 8, ["sliding_attention", "full_attention"] * 4
    vision.hidden_size, vision.intermediate_size, vision.num_hidden_layers, vision.image_size = 384, 1536, 6, 224
    vision.projection_dim = config.projection_dim = config.hidden_size = 512
    model = tiny.random_model(type(config)(**config.to_dict()))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "docproc.json").write_text(json.dumps({"variant": "mix"}), "utf-8")


def load(kind: str, base: Path, settings: Settings, folder: Path) -> tuple[VisionEngine, float]:
    """Return an engine with weights of a kind, and the megabytes of its language model."""
    if kind.startswith("openvino"):
        target = folder / kind
        target.mkdir()
        export(str(base), target, Registry(settings), weights=kind.partition("-")[2])
        return ExportedEngine(settings, target), (target / "decoder.bin").stat().st_size / 1e6
    weights = kind if kind.startswith("int") else ""
    given = Settings(data_dir=settings.data_dir, threads=settings.threads, vision_weights=weights)
    engine = PaliGemmaEngine(given, base, device="cpu")
    if kind == "bfloat16":
        engine._loaded.model.to(torch.bfloat16)  # noqa: SLF001
    decoder = engine._loaded.model.model.language_model  # noqa: SLF001
    return engine, sum(map(_bytes, decoder.parameters())) / 1e6


def asked() -> list[VisionRequest]:
    """Return prompts about pages of noise and bars."""
    random = np.random.default_rng(0)
    pages = [random.integers(0, 256, (300, 200, 3), np.uint8) for _ in range(PAGES)]
    for at, page in enumerate(pages):
        page[20 * (at % 12) : 20 * (at % 12) + 40] = 10 * at
    prompts = ("ocr", "caption en", "detect stamp ; signature", "answer en what is the total?")
    return [VisionRequest(PageImage(page, 72.0), prompts[at % 4], Limits(TOKENS)) for at, page in enumerate(pages)]


def report(rows: dict[str, tuple[float, ...]], threads: int) -> str:
    """Return the table."""
    machine = platform.processor() or platform.machine()
    head = (
        f"# Fewer bits, and OpenVINO\n\n`python benchmarks/quantized.py --threads {threads}` on {machine}, torch "
        f"{torch.__version__}. A random PaliGemma 2 of 43 million parameters, 224 px, {PAGES} pages of noise; times "
        "are of the CPU, all threads together. A random model says one thing over and over, "
        "whatever its weights: the loss shows in the probability of what it says, compares kinds of weights and "
        "predicts no accuracy.\n\n"
        "| language model | MB | same first token | its probability moves by | same tokens before the first other, "
        f"of {TOKENS} | CPU s per page and prompt | CPU ms per further token |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    )
    lines = (
        f"| {NAMES[kind]} | {size:.0f} | {same:.0%} | {moved:.4f} | {prefix:.1f} | {prefill:.2f} | {speed:.1f} |\n"
        for kind, (size, same, moved, prefix, prefill, speed) in rows.items()
    )
    return head + "".join(lines)


def _with(request: VisionRequest, tokens: int) -> VisionRequest:
    return request._replace(limits=Limits(tokens))


def _same(one: Sequence[Generation], other: Sequence[Generation]) -> float:
    return float(np.mean([a.token_ids == b.token_ids for a, b in zip(one, other, strict=True)]))


def _moved(one: Sequence[Generation], other: Sequence[Generation]) -> float:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a.token_ids == b.token_ids and a.scores]
    return float(np.mean([abs(a.scores[0] - b.scores[0]) for a, b in pairs])) if pairs else float("nan")


def _prefix(one: Sequence[Generation], other: Sequence[Generation]) -> float:
    def common(a: Sequence[int], b: Sequence[int]) -> int:
        return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))

    return float(np.mean([common(a.token_ids, b.token_ids) for a, b in zip(one, other, strict=True)]))


def _bytes(weight: Any) -> int:
    if hasattr(weight, "__tensor_flatten__") and type(weight).__name__ == "Int8Tensor":
        return sum(getattr(weight, name).nbytes for name in weight.__tensor_flatten__()[0])
    state = getattr(weight, "quant_state", None)
    return int(weight.data.nbytes + (state.absmax.nbytes if state is not None else 0))


def _images() -> Any:
    found = tiny.SiglipImageProcessor(
        size={"height": 224, "width": 224}, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=3
    )
    found.image_seq_length = (224 // tiny.PATCH) ** 2
    return found


if __name__ == "__main__":
    main()
