"""Writes a trained reader as the int8 ONNX file that `docproc.engines.reader` loads."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from docproc.engines.reader_windows import RELATIONS
from docproc.learn.reader_net import Reading

OPSET = 17
AXES = {
    "ids": {0: "b", 1: "n"}, "place": {0: "b", 1: "n"}, "relation": {0: "b", 1: "n", 2: "n"},
    "first": {0: "b", 1: "w"}, "questions": {0: "b", 1: "q", 2: "l"}, "starts": {0: "b", 1: "q", 2: "w"},
    "ends": {0: "b", 1: "q", 2: "w"}, "links": {0: "b", 1: "w", 2: "w"}, "missing": {0: "b", 1: "q"},
}  # fmt: skip
OUTPUTS = 4


def export(net: Reading, target: Path) -> None:
    """Write `net` to `target`: weights int8, one scale per channel; activations are quantised while it runs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415  (the extra `learn`)
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole, prepared = Path(folder, "whole.onnx"), Path(folder, "prepared.onnx")
        export_float(net, whole)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(prepared, target, per_channel=True, weight_type=QuantType.QInt8)


def export_float(net: Reading, target: Path) -> None:
    """Write `net` to `target` in float32."""
    generator = torch.Generator().manual_seed(1)

    def some(high: int, *shape: int) -> torch.Tensor:
        return torch.randint(1, high, shape, generator=generator)

    example = some(30000, 1, 9), some(16, 1, 9, 4), some(RELATIONS, 1, 9, 9), some(8, 1, 5), some(30000, 1, 3, 7)
    names = list(AXES)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's own, and that it is no longer the newest exporter
        torch.onnx.export(
            net.eval(), example, target, input_names=names[:-OUTPUTS], output_names=names[-OUTPUTS:],
            opset_version=OPSET, dynamic_axes=AXES, dynamo=False,
        )  # fmt: skip
