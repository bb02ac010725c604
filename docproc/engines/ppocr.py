"""The three PP-OCR models inside the `rapidocr` wheel: where is text, what does it say, is it upside down.

Pre- and post-processing follow PaddleOCR (Apache-2.0), whose DB post-processing (Liao et al. 2020,
arXiv 1911.08947) is taken from the wheel. We run the models ourselves, because the wheel's own front keeps
per-call arguments on the object, swallows errors and pads every line of a batch to the widest one.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.engines.beam import Step, likeliest
from docproc.engines.onnx import Model, Tensor, load_model
from docproc.engines.scripts import is_written_in, scripts_of
from docproc.errors import Unavailable
from docproc.raster import Pixels

LINE_HEIGHT = 48
"""Height in pixels of every crop the recogniser and the classifier read (fixed by their training)."""
STEP = 8
"""Pixels of a crop's width per step of the recogniser's output."""

DOUBT_BELOW = 0.9
"""Lines with a character below this keep what else it may be."""
LEAST_POSSIBLE, LEAST_ALTERNATIVE = 0.01, 0.005
"""Probabilities under which a character, and a whole alternative, are not thought of."""
MOST_ALTERNATIVES = 4
SURE = 0.92
"""A line that the int8 recogniser reads with less is read again by the original."""
QUICK = Path(__file__).parent / "weights" / "PP-OCRv6_rec_small_int8.onnx"

Quads = NDArray[np.float32]
"""float32[N, 4, 2]: corners in pixels, top-left, top-right, bottom-right, bottom-left of the text."""


def wheel_model(name: str) -> Path:
    """Return the path of a model file inside the `rapidocr` wheel; raise Unavailable when it is not there."""
    spec = find_spec("rapidocr")
    path = Path(spec.origin).parent / "models" / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise Unavailable(
            f"The model file {name} is missing from the rapidocr package.",
            hint="Run `pip install --force-reinstall 'rapidocr>=3.10,<4'`.",
        )
    return path


class Detector:
    """PP-OCRv6 small text detection: a page to the quads of its lines."""

    def __init__(self, threads: int) -> None:
        from rapidocr.ch_ppocr_det.utils import DBPostProcess  # noqa: PLC0415  (pulls in shapely)

        self._model = load_model(wheel_model("PP-OCRv6_det_small.onnx"), threads=threads, parallel=False)
        # The wheel's own settings for this model (its config.yaml).
        self._boxes = DBPostProcess(
            thresh=0.3, box_thresh=0.5, max_candidates=4000, unclip_ratio=1.6, use_dilation=True
        )
        self.runtime = self._model.runtime

    def detect(self, pixels: Pixels, *, side: int) -> Quads:
        """Return the lines of `pixels`, looked at with the longest side brought down to `side` pixels."""
        height, width = pixels.shape[:2]
        scale = min(1.0, side / max(height, width))
        # Small images are brought up: the model needs strokes of a few pixels.
        scale = max(scale, min(736 / min(height, width), side / max(height, width)))
        size = (_multiple_of_32(width * scale), _multiple_of_32(height * scale))
        shrunk = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        batch = cv2.dnn.blobFromImage(shrunk, 1 / 127.5, size, (127.5, 127.5, 127.5), swapRB=True)
        [quads] = self._model.map([batch], lambda output: self._boxes(output, (height, width))[0])
        return np.asarray(quads, np.float32).reshape(-1, 4, 2)


def _multiple_of_32(length: float) -> int:
    return max(32, round(length / 32) * 32)


def cut_line(pixels: Pixels, quad: NDArray[np.float32], *, squeeze: float = 1.0) -> Pixels:
    """Return the line inside `quad` straightened to uint8[48, W, 3]; 0.5 as `squeeze` makes it half as wide."""
    width = max(math.dist(quad[0], quad[1]), math.dist(quad[3], quad[2]))
    height = max(math.dist(quad[0], quad[3]), math.dist(quad[1], quad[2]), 1.0)
    out_width = max(round(width / height * LINE_HEIGHT * squeeze), STEP)
    target = np.array([[0, 0], [out_width, 0], [out_width, LINE_HEIGHT], [0, LINE_HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    size = (out_width, LINE_HEIGHT)
    line = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(line, np.uint8)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the recogniser read in one crop.

    `characters[i]` was seen with probability `scores[i]` around pixel `centers[i]` of the crop's width, in the steps
    from `first[i]` to `last[i]` of the output. `steps` are what each step may be as well; none where all is sure.
    """

    characters: str
    scores: NDArray[np.float32]
    centers: NDArray[np.float32]
    first: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    last: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    steps: tuple[Step, ...] = ()

    @property
    def confidence(self) -> float:
        """Mean probability of the characters, 0-1; 0 for no text."""
        return float(self.scores.mean()) if len(self.scores) else 0.0

    def alternatives(self, start: int, end: int, count: int = MOST_ALTERNATIVES) -> tuple[str, ...]:
        """Return what else the characters from `start` to before `end` may be, the likeliest first."""
        if not self.steps:
            return ()
        begin = self.last[start - 1] + 1 if start else 0
        stop = self.first[end] if end < len(self.first) else len(self.steps)
        read = unicodedata.normalize("NFC", self.characters[start:end])
        found = [
            (unicodedata.normalize("NFC", " ".join(text.split())), share)
            for text, share in likeliest(self.steps[begin:stop], count + 2)
        ]
        texts = dict.fromkeys(text for text, share in found if share >= LEAST_ALTERNATIVE and text != read)
        return tuple(texts)[:count]


class Recognizer:
    """PP-OCRv6 small text recognition: a line crop to characters with their places.

    Where OpenVINO runs it, an int8 model (`docproc.learn.quantize`) reads first, in two thirds of the time, and the
    original reads again what that one doubts: old print, handwriting, letters of rare scripts. Elsewhere it would be
    slower than the original, which then reads alone.
    """

    def __init__(self, threads: int, languages: Sequence[str] = ()) -> None:
        path = wheel_model("PP-OCRv6_rec_small.onnx")
        self._exact = load_model(path, threads=threads, parallel=True)
        self._quick = load_model(QUICK, threads=threads, parallel=True) if _is_fast(self._exact) else None
        if self._quick is not None and not _is_fast(self._quick):
            self._quick = None
        self._classes = ["", *_alphabet(path), " "]  # CTC: 0 is blank; the space comes last
        self.alphabet = frozenset(self._classes[1:])
        self._allowed = _allowed(self._classes, languages)
        self.runtime = self._exact.runtime

    def read(self, crops: Sequence[Pixels]) -> list[Reading]:
        """Read line crops, uint8[48, W, 3] each."""
        if self._quick is None:
            return self._read(self._exact, crops)
        readings = self._read(self._quick, crops)
        doubtful = [index for index, reading in enumerate(readings) if reading.confidence < SURE]
        again = self._read(self._exact, [crops[index] for index in doubtful])
        for index, reading in zip(doubtful, again, strict=True):
            readings[index] = reading
        return readings

    def _read(self, model: Model, crops: Sequence[Pixels]) -> list[Reading]:
        by_width = sorted(range(len(crops)), key=lambda index: crops[index].shape[1])
        readings = model.map((padded(crops[index]) for index in by_width), self._decode)
        places = {index: place for place, index in enumerate(by_width)}
        return [readings[places[index]] for index in range(len(crops))]

    def _decode(self, output: Tensor) -> Reading:
        """Greedy CTC (Graves et al. 2006): the best class of each step, repeats and blanks dropped."""
        steps = output[0]  # float32[T, classes], probabilities
        best = (
            steps.argmax(axis=1) if self._allowed is None else self._allowed[steps[:, self._allowed].argmax(axis=1)]
        )
        first = np.flatnonzero((best != 0) & (best != np.r_[0, best[:-1]]))
        after = np.flatnonzero(np.r_[best[1:] != best[:-1], True])  # last step of each run
        last = after[np.searchsorted(after, first)]
        scores = np.asarray(steps[first, best[first]], np.float32)
        return Reading(
            "".join(self._classes[index] for index in best[first]),
            scores,
            ((first + last + 1) * (STEP / 2)).astype(np.float32),
            first,
            last,
            self._possible(steps) if len(scores) and scores.min() < DOUBT_BELOW else (),
        )

    def _possible(self, steps: Tensor) -> tuple[Step, ...]:
        """Return what each step may be, without what is unlikely or not allowed."""
        found: list[list[tuple[str, float]]] = [[] for _ in steps]
        allowed = None if self._allowed is None else set(self._allowed.tolist())
        for at, index in zip(*np.nonzero(steps > LEAST_POSSIBLE), strict=True):
            if allowed is None or index in allowed:
                found[at].append((self._classes[index], float(steps[at, index])))
        return tuple(found)


def _is_fast(model: Model) -> bool:
    return model.runtime.startswith("openvino")


def _allowed(classes: Sequence[str], languages: Sequence[str]) -> NDArray[np.intp] | None:
    """Return the classes whose letters `languages` are written in, None when nothing narrows them."""
    if not languages:
        return None
    scripts = scripts_of(languages)
    return np.array([index for index, text in enumerate(classes) if is_written_in(text, scripts)], np.intp)


def _alphabet(path: Path) -> list[str]:
    import onnxruntime as ort  # noqa: PLC0415  (reads the metadata without a parser of our own)

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return list(session.get_modelmeta().custom_metadata_map["character"].split("\n"))


def padded(crop: Pixels) -> Tensor:
    """Return a line crop, uint8[48, W, 3], as the recogniser takes it: float32[1, 3, 48, W'], -1 to 1."""
    # Widths come in steps of 128, because the runtime prepares (and keeps) kernels for each.
    return _padded_to(crop, -(-crop.shape[1] // 128) * 128)


class LineClassifier:
    """PP-OCR mobile v2 line orientation: tells a line that is upside down."""

    WIDTH = 192

    def __init__(self, threads: int) -> None:
        path = wheel_model("ch_ppocr_mobile_v2.0_cls_mobile.onnx")
        self._model = load_model(path, threads=threads, parallel=True)

    def upside_down(self, crops: Sequence[Pixels]) -> list[float]:
        """Return the probability that each crop (uint8[48, W, 3]) is upside down."""
        return self._model.map(self._batches(crops), lambda output: float(output[0, 1]))

    def _batches(self, crops: Sequence[Pixels]) -> Iterator[Tensor]:
        for crop in crops:
            height, width = crop.shape[:2]
            fitted = min(max(round(width * LINE_HEIGHT / height), 1), self.WIDTH)
            yield _padded_to(cv2.resize(crop, (fitted, LINE_HEIGHT)), self.WIDTH)


def _padded_to(crop: Pixels, width: int) -> Tensor:
    batch = np.zeros((1, 3, LINE_HEIGHT, width), np.float32)
    batch[:, :, :, : crop.shape[1]] = cv2.dnn.blobFromImage(
        np.ascontiguousarray(crop), 1 / 127.5, (crop.shape[1], LINE_HEIGHT), (127.5, 127.5, 127.5), swapRB=True
    )
    return batch
