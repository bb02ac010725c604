"""Telling workers that there is work: all of this package that the web process imports."""

from __future__ import annotations

import logging

from kombu.exceptions import ChannelError, OperationalError

from docproc.settings import Settings
from worker.app import TASK, make

log = logging.getLogger("docproc.worker")


def announce(settings: Settings, queue: str = "cpu", count: int = 1) -> None:
    """Tell the workers of `queue` that there is work, `count` times; never raises for a broker that is down.

    Call it after the commit. What is lost, the sweep of the workers finds by itself.
    """
    try:
        for _ in range(count):
            make(settings).send_task(TASK, queue=queue, retry=False)
    except (OperationalError, ChannelError, OSError) as error:
        log.warning("The broker cannot be reached, work is found by the sweep: %s", error)
