"""Requests of many threads become batches for one model: a queue and a thread.

Who asks waits for its answers; the thread takes what waits, requests of one shape together (the model has one
resolution; as many images, about as long an answer), and asks the model. The first request of a batch waits a
moment for company, and no longer. What waits is bounded in bytes of pixels: beyond, who asks waits, and after
`PATIENCE` is told so. Whoever gives up takes its requests back: those that wait are dropped, those under way end at
the next token.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field, replace

from docproc.engines import Generation, Limits, VisionEngine, VisionRequest
from docproc.errors import DocprocError, EngineFailed, Unavailable
from docproc.raster import PageImage

MOMENT = 0.05
"""Seconds that a batch which is not full waits for company."""
MOST = 64
"""Requests handed to the model at once; it makes batches of what its memory holds."""
MOST_BYTES = 1_000_000_000
"""Pixels that may wait."""
PATIENCE = 120.0
"""Seconds that one waits for room."""
STEPS = (16, 64, 256, 1024)
"""Tokens: answers up to the same step go together."""
BUGS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request and who waits for it."""

    request: VisionRequest
    shape: tuple[int, int]
    bytes: int
    since: float = field(default_factory=time.monotonic)
    answer: Future[Generation] = field(default_factory=Future)
    cancelled: threading.Event = field(default_factory=threading.Event)


class Batching:
    """A vision engine that many threads may ask at a time; `engine` itself is asked by one thread alone."""

    def __init__(
        self,
        engine: VisionEngine,
        *,
        moment: float = MOMENT,
        most: int = MOST,
        most_bytes: int = MOST_BYTES,
        patience: float = PATIENCE,
    ) -> None:
        self.name, self.version, self.side, self.variant = engine.name, engine.version, engine.side, engine.variant
        self._engine, self._moment, self._most = engine, moment, most
        self._most_bytes, self._patience = most_bytes, patience
        self._changed = threading.Condition()
        self._queue: list[_Waiting] = []
        self._bytes = 0
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="batches", daemon=True)
        self._thread.start()

    def generate(
        self, requests: Sequence[VisionRequest], *, cancelled: Callable[[], bool] = lambda: False
    ) -> list[Generation]:
        """Return what was written for each request; `cancelled` is asked now and then and ends it by EngineFailed.

        Raises what the engine does, and Unavailable when too much waits already.
        """
        mine = [self._put(VisionRequest(*request)) for request in requests]
        answers = [one.answer for one in mine]
        try:
            while wait_for(answers, timeout=0.1).not_done:
                if cancelled():
                    raise EngineFailed("The request was cancelled.", code="cancelled")
            return [answer.result() for answer in answers]
        finally:
            self._withdraw([one for one in mine if not one.answer.done()])

    def close(self) -> None:
        """End the thread after the batch it is at, and close the engine; what still waits is told."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        if close := getattr(self._engine, "close", None):
            close()

    def _put(self, request: VisionRequest) -> _Waiting:
        images = [request.images] if isinstance(request.images, PageImage) else list(request.images)
        step = next((index for index, tokens in enumerate(STEPS) if request.limits.tokens <= tokens), len(STEPS))
        one = _Waiting(request, (len(images), step), sum(image.pixels.nbytes for image in images))
        one.request = request._replace(limits=replace(request.limits, cancelled=_both(request.limits, one.cancelled)))
        with self._changed:
            room = self._changed.wait_for(
                lambda: self._closed or not self._bytes or self._bytes + one.bytes <= self._most_bytes, self._patience
            )
            if self._closed or not room:
                raise Unavailable(
                    "Too many requests wait for the model.", hint="Ask again in a minute.", code="too-many-requests"
                )
            self._queue.append(one)
            self._bytes += one.bytes
            self._changed.notify_all()
        return one

    def _withdraw(self, rest: Sequence[_Waiting]) -> None:
        with self._changed:
            for one in rest:
                one.cancelled.set()
                if one in self._queue:
                    self._take([one])

    def _serve(self) -> None:
        while batch := self._next():
            self._answer(batch)

    def _next(self) -> list[_Waiting]:
        """Return requests of one shape, the oldest among them; none when it is closed."""
        with self._changed:
            while not self._closed and (left := self._to_wait()) != 0:
                self._changed.wait(left)
            if self._closed:
                self._refuse(list(self._queue))
                return []
            batch = [one for one in self._queue if one.shape == self._queue[0].shape][: self._most]
            self._take(batch)
            return batch

    def _to_wait(self) -> float | None:
        """Return the seconds until a batch is due: None while nothing waits."""
        if not self._queue:
            return None
        if len(self._queue) >= self._most:
            return 0
        return max(self._queue[0].since + self._moment - time.monotonic(), 0)

    def _take(self, batch: Sequence[_Waiting]) -> None:
        for one in batch:
            self._queue.remove(one)
            self._bytes -= one.bytes
        self._changed.notify_all()

    def _refuse(self, batch: Sequence[_Waiting]) -> None:
        self._take(batch)
        for one in batch:
            one.answer.set_exception(Unavailable("The model is being closed.", hint="Ask again."))

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        """Ask the model; when it fails for several, each is asked alone, so that one costs itself only."""
        try:
            written = self._engine.generate([one.request for one in batch])
        except DocprocError as error:
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            for one in batch:
                self._answer([one])
            return
        except BUGS as error:  # who asked is told; the thread goes on, or everybody after would wait for ever
            log.exception("A batch failed")
            for one in batch:
                one.answer.set_exception(EngineFailed(f"The model failed: {error}.", code="internal"))
            return
        for one, generation in zip(batch, written, strict=True):
            one.answer.set_result(generation)


def _both(limits: Limits, event: threading.Event) -> Callable[[], bool]:
    return lambda: event.is_set() or (limits.cancelled is not None and limits.cancelled())
