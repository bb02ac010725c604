"""The loop of the sandbox child: one request in, one reply out, until the parent goes away."""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from docproc.errors import DocprocError, EngineFailed
from docproc.parsers import VERBS
from docproc.parsers.limits import confine
from docproc.parsers.wire import Blob, receive, send

Verb = Callable[..., tuple[dict[str, Any], Blob]]
CPU_MARGIN = 5
"""Seconds of processor time beyond a request's limit, so that the parent's clock strikes first."""


UNWANTED = ("pymupdf.layout", "pymupdf4llm", "onnxruntime")
"""PyMuPDF imports these when it finds them: a second, 60 MB, and the telemetry of ONNX Runtime's wheel."""


def serve(channel: socket.socket, limits: Mapping[str, int]) -> None:
    """Confine this process to `limits`, say that it is ready, answer requests until the channel closes."""
    confine(limits)
    for name in UNWANTED:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it is an ImportError now
    verbs: dict[str, Verb] = {}
    send(channel, {"ok": True, "values": {}})
    while True:
        try:
            request, _ = receive(channel, largest=0)
        except EOFError:
            return
        _limit_processor_time(request["seconds"])
        send(channel, *_answer(verbs, request))


def _answer(verbs: dict[str, Verb], request: Mapping[str, Any]) -> tuple[dict[str, Any], Blob]:
    try:
        values, blob = _verb(verbs, request["verb"])(**request["arguments"])
    except DocprocError as error:
        return _failure(error), b""
    except MemoryError:
        return _failure(EngineFailed("", code="parser-memory")), b""
    return {"ok": True, "values": values}, blob


def _verb(verbs: dict[str, Verb], name: str) -> Verb:
    if name not in verbs:
        module, _, function = VERBS[name].partition(":")
        verbs[name] = getattr(import_module(module), function)
    return verbs[name]


def _failure(error: DocprocError) -> dict[str, Any]:
    kind = type(error).__name__
    return {"ok": False, "kind": kind, "message": error.message, "hint": error.hint, "code": error.code}


def _limit_processor_time(seconds: float) -> None:
    """Let this process use so much more processor time, and poppler, which inherits the limit, about as much.

    It ends a parser whose parent was killed before it could stop it.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + CPU_MARGIN
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
