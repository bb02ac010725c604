"""What the sandbox child takes away from itself before it touches a file."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
"""Constants of Linux: `<linux/prctl.h>`, `<linux/sched.h>`."""


def confine(limits: Mapping[str, int]) -> None:
    """Set `limits`: `memory` (bytes of address space), `file_bytes` (largest file written), `parent` (pid).

    Where the system allows it there is no network either, and no way to gain privileges. What it does not
    allow is left out: memory, time and file size are the limits that must hold.
    """
    if sys.platform == "linux":
        _leave_network()
        _die_with(limits["parent"])
    for kind, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_AS, limits["memory"]),
    ):
        # macOS refuses RLIMIT_AS; a limit that is already lower stays
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (amount, amount))


def _leave_network() -> None:
    """Move into a network namespace without any interface, through a user namespace where that is needed."""
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def _die_with(parent: int) -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        raise SystemExit
