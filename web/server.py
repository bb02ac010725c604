"""The web server: gunicorn, one process with threads, as streams of events hold one each."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from docproc import logs
from docproc.settings import Settings
from web import create_app

THREADS = 32
GARBAGE = (20_000, 20, 20)
"""When Python looks for garbage; answers are many small values that are gone by themselves."""
GRACE = 8
"""Seconds in which requests may be finished after SIGTERM; Docker kills after ten."""


class Through(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's own log goes where ours goes."""

    def setup(self, cfg: Any) -> None:
        """Take away the handlers that gunicorn adds."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The application under gunicorn; `bind` is `host:port`, or `fd://3` for a socket that is open already."""

    def __init__(self, settings: Settings, bind: str) -> None:
        self._settings, self._bind = settings, bind
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn how to run."""
        options: dict[str, Any] = {
            "bind": self._bind,
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "graceful_timeout": GRACE,
            "keepalive": 20,
            "forwarded_allow_ips": "",  # whom to trust is a setting of ours: `trusted_proxies`
            "control_socket_disable": True,
            "logger_class": Through,
            "loglevel": "warning",
            "proc_name": "docproc web",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the process that answers."""
        logs.configure()
        app = create_app(self._settings)
        gc.collect()
        gc.freeze()  # what was loaded stays: looking through it again and again would take a third of all time
        gc.set_threshold(*GARBAGE)
        return app


def follow_parent() -> None:
    """End this process when standard input ends: whoever holds the other end of the pipe has died."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):  # unbuffered: a buffer's lock, held at exit, is fatal
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
