"""Telling workers that there is work: all of this package that the web process imports."""

from __future__ import annotations

from docproc.settings import Settings


def announce(settings: Settings, queue: str = "cpu", count: int = 1) -> None:
    """Tell the workers of `queue` that there is work, `count` times; never raises for a broker that is down."""
