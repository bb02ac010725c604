"""Runs an ONNX model on the CPU: through OpenVINO where it imports and takes it, through ONNX Runtime elsewhere.

Both give the same numbers within rounding; OpenVINO is two to four times as fast on x86. Neither opens a
connection.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from numpy.typing import NDArray

KERNELS = 100
"""More kept kernels saved no time on lines whose widths come in steps of 128 px."""

Tensor = NDArray[Any]
Result = TypeVar("Result")


class Model(Protocol):
    """A loaded model with one input and one output. Safe to call from several threads."""

    runtime: str

    def map(self, inputs: Iterable[Tensor], finish: Callable[[Tensor], Result]) -> list[Result]:
        """Return `finish(output)` for each input, in order.

        `finish` sees the output in the runtime's own memory and must not keep it: outputs can be tens of
        megabytes, and copying them costs as much as reading them.
        """
        ...


def load_model(
    path: Path, *, threads: int, parallel: bool, runtime: Literal["best", "onnxruntime"] = "best"
) -> Model:
    """Load the ONNX file at `path`.

    `threads` is how many cores to use (0: all). `parallel` says how: one input per core at the same time
    (many small inputs, such as lines), or all cores on one input (a page).
    """
    threads = threads or len(os.sched_getaffinity(0))
    if runtime == "onnxruntime":
        return _OnnxRuntimeModel(path, threads)
    # Importing openvino reports to an analytics service, unless its telemetry package is not there: then it
    # uses a stub of its own.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino  # noqa: F401, PLC0415  (heavy, and not there on every platform)
    except ImportError:
        return _OnnxRuntimeModel(path, threads)
    try:
        return _OpenVinoModel(path, threads, parallel)
    except RuntimeError:  # it has no kernels for this model on this processor: int8 beside bfloat16 on some with AMX
        return _OnnxRuntimeModel(path, threads)


class _OpenVinoModel:
    def __init__(self, path: Path, threads: int, parallel: bool) -> None:
        import openvino as ov  # noqa: PLC0415

        core = ov.Core()
        self._streams = threads if parallel else 1
        options: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": self._streams,
            "ENABLE_CPU_PINNING": False,  # two pinned processes would share one core
            # Kernels are kept for every input size ever seen, 5000 by default: a gigabyte after fifty pages.
            "CPU_RUNTIME_CACHE_CAPACITY": KERNELS if parallel else 0,
        }
        self._compiled = core.compile_model(core.read_model(path), "CPU", options)
        self.runtime = f"openvino {ov.__version__.split('-')[0]}"

    def map(self, inputs: Iterable[Tensor], finish: Callable[[Tensor], Result]) -> list[Result]:
        # Requests belong to one call: OpenVINO's are not safe to share between threads.
        requests = [self._compiled.create_infer_request() for _ in range(self._streams)]
        busy: list[tuple[Any, Tensor]] = []  # the input is shared, so it has to live as long as its request
        results: list[Result] = []

        def collect() -> Any:
            request, _ = busy.pop(0)
            request.wait()
            results.append(finish(request.get_output_tensor(0).data))
            return request

        for tensor in inputs:
            request = requests.pop() if requests else collect()
            request.start_async({0: tensor}, share_inputs=True)
            busy.append((request, tensor))
        while busy:
            collect()
        return results


class _OnnxRuntimeModel:
    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime as ort  # noqa: PLC0415

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.enable_cpu_mem_arena = False  # the arena would keep the memory of the largest page for ever
        options.log_severity_level = 3
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self.runtime = f"onnxruntime {ort.__version__}"

    def map(self, inputs: Iterable[Tensor], finish: Callable[[Tensor], Result]) -> list[Result]:
        return [finish(self._session.run(None, {self._input: tensor})[0]) for tensor in inputs]
