"""Gives memory back to the system: the C library keeps what page-sized buffers leave in pieces."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache


def give_back_memory() -> None:
    """Ask the C library to return free memory; does nothing where that is not glibc. Takes a millisecond."""
    if trim := _trim():
        trim(0)


@cache
def _trim() -> ctypes._NamedFuncPointer | None:
    name = ctypes.util.find_library("c")
    library = ctypes.CDLL(name) if name else None
    return getattr(library, "malloc_trim", None)
