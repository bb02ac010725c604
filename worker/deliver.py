"""Tells webhooks what has happened, in a thread of its own: their servers may be slow."""

from __future__ import annotations

import logging
import threading
import time

from docproc.errors import DocprocError
from docproc.settings import Settings
from docproc.store import webhooks
from docproc.store.database import Database

log = logging.getLogger("docproc.worker")


class Deliverer(threading.Thread):
    """Delivers until the process ends."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(name="deliver", daemon=True)
        self._database, self._settings = database, settings

    def run(self) -> None:
        """Send what is due, and look again after `settings.sweep_seconds`, or at once while there is much."""
        while True:
            sent = 0
            try:
                sent = webhooks.deliver_due(self._database, self._settings)
            except DocprocError as error:
                log.warning("Webhooks could not be told: %s", error)
            if sent < webhooks.AT_ONCE:
                time.sleep(self._settings.sweep_seconds)
