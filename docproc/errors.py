"""What can go wrong, by what the caller does about it. Every message says what to do next."""

from __future__ import annotations


class DocprocError(Exception):
    """A problem that is told in one line: `what happened` and, as far as we know, `what to do`."""

    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Usage(DocprocError):
    """The call itself is wrong (an unknown engine, a setting that is no number). Never retried."""

    code = "usage"
    exit_code = 2


class Rejected(DocprocError):
    """The file cannot be accepted (broken, encrypted, over a limit). Never retried."""

    code = "rejected"
    exit_code = 4


class Unavailable(DocprocError):
    """Something that is needed is not here (a program, an extra, weights). May work later."""

    code = "unavailable"
    exit_code = 1


def no_extra(what: str, error: ModuleNotFoundError, extra: str = "paligemma") -> Unavailable:
    """Return what to raise where a package of an extra is missing; `what` says who wants it: "Adapters need"."""
    return Unavailable(
        f"{what} {error.name}, which is not installed.",
        hint=f"Install the extra: pip install 'docproc[{extra}]'.",
        code="no-extra",
    )


class EngineFailed(DocprocError):
    """Reading a page failed although the file is acceptable. Costs that page only."""

    code = "engine-failed"
    exit_code = 5


class NotFound(DocprocError):
    """What was asked for is not there, or not for this user to know of. Never retried."""

    code = "not-found"
    exit_code = 3


class Forbidden(DocprocError):
    """The user is known and may not do this."""

    code = "forbidden"


class Conflict(DocprocError):
    """It cannot be done in the state that things are in (not finished yet, changed by another in between)."""

    code = "conflict"
