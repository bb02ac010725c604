"""The vision model of the settings in a process that runs for weeks: always in the version that is promoted.

Whoever asks it looks first whether another version was promoted, or rolled back to, since. The weights of the one
before leave memory before the next come, as both may not fit; so whoever comes meanwhile waits until those who ask
the one before have their answers. A version that cannot be loaded costs a line in the log: the one before is loaded
again, and the other tried no more until something else is promoted.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from docproc.errors import DocprocError
from docproc.settings import Settings
from docproc.tasks.pages import Model
from docproc.vision import Choice, choose, load

PATIENCE = 60.0
"""Seconds that those who ask the version before are waited for; then it is asked once more, and the change tried at
the next question."""

log = logging.getLogger(__name__)


class Promoted:
    """A vision model that follows the registry; threads may share it.

    `wrap` is put around a model when it is loaded; `loading` is entered while one is.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        engine: str = "",
        wrap: Callable[[Model], Model] = lambda model: model,
        loading: Callable[[], AbstractContextManager[None]] = nullcontext,
        patience: float = PATIENCE,
    ) -> None:
        self._settings, self._engine = settings, engine
        self._wrap, self._loading, self._patience = wrap, loading, patience
        self._changed = threading.Condition()
        self._changing = False
        self._asked = 0
        self._model: Model | None = None
        self._choice: Choice | None = None
        self._refused: Choice | None = None

    @contextmanager
    def model(self) -> Iterator[Model]:
        """Yield the model to be asked within the block; raise Usage or Unavailable when it cannot be loaded."""
        with self._changed:
            self._changed.wait_for(lambda: not self._changing)
            self._look()
            model = self._model
            assert model is not None  # noqa: S101  (loaded, or an error was raised)
            self._asked += 1
        try:
            yield model
        finally:
            with self._changed:
                self._asked -= 1
                self._changed.notify_all()

    def _look(self) -> None:
        """Take up what is promoted now; the lock is held."""
        wanted = choose(self._settings, engine=self._engine)
        if self._model is not None and wanted in (self._choice, self._refused):
            return
        self._changing = True  # who comes now waits; who is there ends
        try:
            if self._changed.wait_for(lambda: not self._asked, self._patience):
                with self._loading():
                    self._change(wanted)
        finally:
            self._changing = False
            self._changed.notify_all()

    def _change(self, wanted: Choice) -> None:
        model, before = self._model, self._choice
        if model is not None and before is not None and _same_weights(wanted, before):
            self._model, self._choice = load(self._settings, wanted, model.engine), wanted
            return
        self._model = None
        if model is not None:
            if close := getattr(model.engine, "close", None):
                close()
            del model
            gc.collect()  # weights, before the next ones come
        try:
            self._model, self._choice = self._wrap(load(self._settings, wanted)), wanted
        except DocprocError as error:
            if before is None:
                raise
            log.error("%s cannot be used, %s goes on: %s", wanted.model, before.model, error)
            self._model, self._refused = self._wrap(load(self._settings, before)), wanted
        else:
            self._refused = None
            if before is not None:
                log.info("%s is used from now on, no longer %s", wanted.model, before.model)


def _same_weights(one: Choice, other: Choice) -> bool:
    return (one.engine, one.model) == (other.engine, other.model)
