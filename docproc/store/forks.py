"""A process forks only while none of its databases is open.

SQLite keeps in memory which locks this process holds, and a child inherits that without the locks: one that is
forked while a transaction is open takes the database for locked as long as it lives, and one that is forked beside
an open connection goes without locks of its own. On PostgreSQL both would speak on one socket. So a fork waits
until no transaction is open, and closes the connections, which open again when used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from sqlalchemy import Engine

WAIT = 30.0
"""Seconds after which a fork no longer waits: it was asked for inside a transaction."""


class _Guard:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._engines: WeakSet[Engine] = WeakSet()
        self._transactions = 0

    def watch(self, engine: Engine) -> None:
        with self._changed:
            self._engines.add(engine)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._changed:
            self._transactions += 1
        try:
            yield
        finally:
            with self._changed:
                self._transactions -= 1
                self._changed.notify_all()

    def before(self) -> None:
        self._changed.acquire()
        self._changed.wait_for(lambda: self._transactions == 0, WAIT)
        for engine in self._engines:
            engine.dispose()

    def after(self) -> None:
        self._changed.release()

    def after_in_child(self) -> None:
        self._transactions = 0  # the threads that had any are not here
        self._changed.release()


_guard = _Guard()
os.register_at_fork(before=_guard.before, after_in_parent=_guard.after, after_in_child=_guard.after_in_child)

watch = _guard.watch
"""Have this engine's connections closed before every fork."""
transaction = _guard.transaction
"""Open a transaction inside this: no fork happens meanwhile."""
