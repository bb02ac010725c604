"""The originals, each kept once under its SHA-256 and never changed: in the data folder, or in an object store.

A file is written beside its place, hashed on the way, flushed to disk and only then given its name, so that
whatever has a name is whole. Deleting leaves what is young alone: an upload stores its file a moment before the
row that refers to it, and must not lose it in between.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from docproc.errors import Rejected, Unavailable
from docproc.settings import Settings
from docproc.store.bucket import Bucket
from docproc.store.folder import Folder

GRACE = 3600.0
"""Seconds within which a file is not deleted although no row refers to it yet."""
_CHUNK = 1 << 20
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is kept: its SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int


class Place(Protocol):
    """Where files are kept by name."""

    def take(self, path: Path, sha256: str) -> None:
        """Keep the file at `path`, which is moved or removed, under its name; replaces what has that name."""
        ...

    def local(self, sha256: str) -> AbstractContextManager[Path]:
        """Give a path on this machine; raise FileNotFoundError when there is none of that name."""
        ...

    def exists(self, sha256: str) -> bool:
        """Whether there is a file of that name."""
        ...

    def delete(self, sha256: str, older_than: float) -> bool:
        """Delete what was last put more than `older_than` seconds ago; return whether it did."""
        ...

    def every(self) -> Iterator[str]:
        """Yield the names, in no order."""
        ...

    def is_there(self) -> bool:
        """Whether the place itself is there: a disk may not be mounted, a bucket gone."""
        ...


class Files:
    """The originals. Safe to share between threads and over a fork."""

    def __init__(self, settings: Settings) -> None:
        self.incoming = settings.data_dir.expanduser() / "files" / "incoming"
        folder = Folder(settings.data_dir.expanduser() / "files")
        self._place: Place = Bucket(settings) if settings.storage_url else folder

    def put(self, stream: IO[bytes], *, limit: int) -> Stored:
        """Keep what `stream` holds, at most `limit` bytes.

        Raises Rejected (`too-large`, `empty`), and Unavailable when it cannot be written (the disk is full).
        Nothing is left of what was not kept.
        """
        with self._temporary() as path:
            stored = _copy(stream, path, limit)
            self._place.take(path, stored.sha256)
        return stored

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """Give a path at which the file can be read, on this machine, until the block ends.

        Raises Unavailable when the file is not there.
        """
        with ExitStack() as stack:
            try:
                path = stack.enter_context(self._place.local(_checked(sha256)))
            except FileNotFoundError as error:
                raise Unavailable(
                    f"The file {sha256} is missing from the storage.",
                    hint="`docproc doctor --verify` lists what is missing; restore it from a backup.",
                    code="file-missing",
                ) from error
            yield path

    def require(self) -> None:
        """Raise Unavailable when files cannot be kept just now."""
        if not self._place.is_there():
            hint = "Is the disk mounted, the bucket made, the setting right?"
            raise Unavailable(f"Where files are kept is not there: {self._place}.", hint=hint, code="storage")
        with self._temporary() as path:
            path.write_bytes(b"docproc")

    def exists(self, sha256: str) -> bool:
        """Whether the file is there."""
        return self._place.exists(_checked(sha256))

    def delete(self, sha256: str, *, older_than: float = GRACE) -> bool:
        """Delete a file unless it was put less than `older_than` seconds ago; return whether it is deleted."""
        return self._place.delete(_checked(sha256), older_than)

    def every(self) -> Iterator[str]:
        """Yield the SHA-256 of all files, in no order."""
        return (name for name in self._place.every() if _NAME.fullmatch(name))

    def check(self, sha256: str) -> bool:
        """Whether the file is there and its bytes are the ones it is named for; reads all of it."""
        try:
            with self._place.local(_checked(sha256)) as path, path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False

    def leftovers(self, *, older_than: float = GRACE) -> list[Path]:
        """Return what uploads that were cut off by a kill have left behind."""
        horizon = time.time() - older_than
        found = []
        for path in self.incoming.glob("*.part"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < horizon:
                    found.append(path)
        return found

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.incoming / f"{secrets.token_hex(12)}.part"
        try:
            yield path
        except OSError as error:
            raise Unavailable(
                f"The file could not be stored: {error.strerror or error}.",
                hint="Is there room left where files are kept, and may docproc write there?",
                code="storage",
            ) from error
        finally:
            path.unlink(missing_ok=True)


def _copy(stream: IO[bytes], path: Path, limit: int) -> Stored:
    """Write `stream` to a new file at `path` and on to the disk, hashing on the way."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise Rejected(
                    f"The file is larger than {limit:,} bytes.",
                    hint="Split it, or raise DOCPROC_MAX_BYTES.",
                    code="too-large",
                )
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if not size:
        raise Rejected("The file is empty.", hint="Was it saved before it was sent?", code="empty")
    return Stored(digest.hexdigest(), size)


def _checked(sha256: str) -> str:
    """Return the name, once it is sure that it is one: names become paths."""
    if not _NAME.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256")
    return sha256
