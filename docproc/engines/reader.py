"""Reads answers off pages: MiniLM with the places of words, int8, on ONNX Runtime; see `docproc/learn/reader.py`.

    reader = Reader()
    spans, = reader.read(["What is the total?"], document.pages)
    spans[0].text, spans[0].page, spans[0].word_ids, spans[0].margin

It points at words and writes none. A span is as likely as its `margin` is high; whether that is enough to answer is
for the caller to say. All questions about a window cost little more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.document import Page
from docproc.engines.reader_windows import Placed, Window, page_windows, question_ids, windows
from docproc.errors import Unavailable

MODEL = Path(__file__).parent / "weights" / "reader_int8.onnx"
LONGEST = 32
"""Words of the longest answer."""
KEPT = 5
"""Spans that are told of each window."""
AT_ONCE = 16
"""Questions that are put to a window at a time."""

Floats = NDArray[np.float32]
Scores = tuple[Floats, Floats, Floats, Floats]
"""Start and end float32[Q, W], how start (row) and end go together float32[W, W], no answer float32[Q]."""
Scorer = Callable[[Window, NDArray[np.int64]], Scores]
"""Scores a window for questions, int64[Q, L], 0 where one has ended."""


@dataclass(frozen=True, slots=True)
class Span:
    """Words of one page that may be the answer.

    `text` leaves out a label that is one word with its value ("Date:3.5.2021"). `score` and `no_answer` are logits
    of one softmax over all spans of the window and "no answer here"; `share` is what the span gets of it, 0-1. Not
    calibrated.
    """

    page: int
    word_ids: tuple[str, ...]
    text: str
    score: float
    no_answer: float
    share: float

    @property
    def margin(self) -> float:
        """How much more likely than no answer, in logits; comparable between windows."""
        return self.score - self.no_answer


class Reader:
    """Finds spans that answer questions; safe to share between threads. `threads` 0 means one per core.

    The model is loaded with the first question; raises Unavailable where its file is not there. `scorer` stands in
    for it while one is trained.
    """

    name = "reader"
    version = "int8-1"

    def __init__(self, threads: int = 1, model: Path = MODEL, scorer: Scorer | None = None) -> None:
        self._threads, self._path, self._scorer = threads, model, scorer

    def read(self, questions: Sequence[str], pages: Sequence[Page]) -> list[list[Span]]:
        """Return for each question the spans of all pages that may answer it, the likeliest first."""
        found = self._read(questions, [window for page in pages for window in page_windows(page)])
        return [_best(spans) for spans in found]

    def read_windows(self, question: str, given: Sequence[Sequence[Placed]]) -> list[Span]:
        """Return the spans that may answer one question, the likeliest first.

        Each of `given` is some words in reading order with the numbers of their pages; what is longer than a window
        is read in several.
        """
        return _best(self._read([question], [window for words in given for window in windows(words)])[0])

    def _read(self, questions: Sequence[str], given: Sequence[Window]) -> list[list[Span]]:
        ids = [question_ids(question) for question in questions]
        found: list[list[Span]] = [[] for _ in questions]
        score = self._scorer or self._run
        for window in given:
            for start in range(0, len(ids), AT_ONCE):
                scores = score(window, padded(ids[start : start + AT_ONCE]))
                for index, spans in enumerate(spans_of(window, scores), start):
                    found[index] += spans
        return found

    def _run(self, window: Window, questions: NDArray[np.int64]) -> Scores:
        inputs = {
            "ids": window.ids, "place": window.place, "relation": window.relation.astype(np.int64),
            "first": window.first, "questions": questions,
        }  # fmt: skip
        starts, ends, links, missing = self._session.run(None, {name: value[None] for name, value in inputs.items()})
        return starts[0], ends[0], links[0], missing[0]

    @cached_property
    def _session(self) -> Any:
        if not self._path.is_file():
            raise Unavailable(
                f"The weights of the reader are not there: {self._path}.",
                hint="Install docproc again, or make them with docproc finetune reader.",
                code="no-reader",
            )
        import onnxruntime as ort  # noqa: PLC0415  (a hundred milliseconds, and only with a question)

        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait do nothing
        options.enable_cpu_mem_arena = False  # windows differ in size: it would keep what the largest took
        options.log_severity_level = 3
        return ort.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])


def padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Return the rows as one array, int64[n, longest], with 0 where a row has ended."""
    array = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for line, row in zip(array, rows, strict=True):
        line[: len(row)] = row
    return array


def spans_of(window: Window, scores: Scores) -> Iterator[list[Span]]:
    """Yield for each question its likeliest spans in a window; none overlaps one that is likelier."""
    starts, ends, links, missing = scores
    count, longest = starts.shape[1], min(LONGEST, starts.shape[1])
    first = np.arange(count)[:, None]
    last = first + np.arange(longest)[None]
    inside = last < count
    last = np.where(inside, last, count - 1)
    pages = np.array([part.page for part in window.parts])
    allowed = inside & (pages[last] == pages[:, None])
    pairs = np.where(allowed, links[first, last], -np.inf)
    for start, end, none in zip(starts, ends, missing, strict=True):
        total = start[:, None] + end[last] + pairs
        top = max(float(total.max()), float(none))
        whole = np.exp(total - top).sum() + np.exp(none - top)
        yield [
            _span(window, begin, begin + length, float(total[begin, length]), float(none), top, float(whole))
            for begin, length in _peaks(total)
        ]  # fmt: skip


def _peaks(total: Floats) -> list[tuple[int, int]]:
    """Return start and length - 1 of the best spans, best first, that do not overlap."""
    flat = total.ravel()
    some = min(KEPT * 8, len(flat))
    order = np.argpartition(-flat, some - 1)[:some]
    order = order[np.argsort(-flat[order], kind="stable")]
    kept: list[tuple[int, int]] = []
    for begin, length in zip(*np.unravel_index(order, total.shape), strict=True):
        apart = all(begin > at + more or begin + length < at for at, more in kept)
        if apart and np.isfinite(total[begin, length]):
            kept.append((int(begin), int(length)))
    return kept[:KEPT]


def _span(  # noqa: PLR0913, PLR0917  (numbers of one span)
    window: Window, first: int, last: int, score: float, none: float, top: float, whole: float
) -> Span:
    parts = window.parts[first : last + 1]
    ids = tuple(dict.fromkeys(part.word.id for part in parts))
    share = float(np.exp(score - top) / whole)
    return Span(parts[0].page, ids, " ".join(part.text for part in parts), score, none, share)


def _best(spans: Sequence[Span]) -> list[Span]:
    """Return spans by margin, each words once: windows of a page overlap."""
    best: dict[tuple[int, tuple[str, ...]], Span] = {}
    for span in sorted(spans, key=lambda span: -span.margin):
        best.setdefault((span.page, span.word_ids), span)
    return list(best.values())
