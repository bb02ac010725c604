"""Files in an object store through fsspec: `s3://bucket/prefix`. What is read is kept in a cache on this machine.

Keys and region come from where they usually do (AWS_ACCESS_KEY_ID, AWS_PROFILE, the machine's role); the address
of a server that is not Amazon's stands in the URL: `s3://bucket/prefix?endpoint_url=http://minio:9000`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

import fsspec

from docproc.errors import Unavailable, Usage
from docproc.settings import Settings

CACHE_BYTES = 10_000_000_000
"""How much the cache may hold; beyond, what was not used for longest goes."""
S3_CLIENT = {"connect_timeout": 5, "read_timeout": 60, "retries": {"total_max_attempts": 1}}
"""For botocore; s3fs itself tries five times, and both together would keep people waiting for half a minute."""


class Bucket:
    """Where files are kept in distributed mode."""

    def __init__(self, settings: Settings) -> None:
        address, _, query = settings.storage_url.partition("?")
        self._protocol, _, root = address.partition("://")
        self._root = root.strip("/")
        self._options: dict[str, Any] = {name: values[-1] for name, values in parse_qs(query).items()}
        self._cache = settings.data_dir.expanduser() / "cache"
        if not self._root or set(self._options) - {"endpoint_url"}:
            raise Usage(
                f"DOCPROC_STORAGE_URL={settings.storage_url} is not understood.",
                hint="It looks like s3://bucket/prefix?endpoint_url=http://minio:9000.",
            )
        if self._protocol == "s3":
            self._options["config_kwargs"] = S3_CLIENT

    def take(self, path: Path, sha256: str) -> None:
        """Upload the file at `path`; an object has its name when it is whole."""
        with self._files() as files:
            files.put_file(str(path), self._key(sha256))

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """Give a copy in the cache, where it stays while the block lasts."""
        file = self._held(sha256)
        try:
            yield self._copy(sha256)
        finally:
            os.close(file)

    def __str__(self) -> str:
        return f"{self._protocol}://{self._root}"

    def is_there(self) -> bool:
        """Whether the bucket is there."""
        with self._files() as files:
            return bool(files.exists(self._root.partition("/")[0]))

    def exists(self, sha256: str) -> bool:
        """Whether there is an object of that name."""
        with self._files() as files:
            return bool(files.exists(self._key(sha256)))

    def delete(self, sha256: str, older_than: float) -> bool:
        """Delete what was put more than `older_than` seconds ago."""
        try:
            with self._files() as files:
                if files.modified(self._key(sha256)).timestamp() > time.time() - older_than:
                    return False
                files.rm_file(self._key(sha256))
        except FileNotFoundError:
            return False
        self._copy(sha256).unlink(missing_ok=True)
        return True

    def every(self) -> Iterator[str]:
        """Yield the names."""
        with suppress(FileNotFoundError), self._files() as files:
            for _, _, names in files.walk(self._root):
                yield from names

    def _key(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def _copy(self, sha256: str) -> Path:
        return self._cache / sha256[:2] / sha256

    @contextmanager
    def _files(self) -> Iterator[Any]:
        """Give fsspec's file system, which keeps one per process and thread; say plainly when it does not answer."""
        try:
            files = fsspec.filesystem(self._protocol, use_listings_cache=False, **self._options)
        except (ImportError, ValueError) as error:
            raise Unavailable(
                f"Files at {self._protocol}:// need a package: {error}.", hint='pip install "docproc[s3]".'
            ) from error
        try:
            yield files
        except FileNotFoundError:
            raise
        except _client_errors() as error:
            raise Unavailable(
                f"The storage {self._protocol}://{self._root} cannot be used: {error}.",
                hint="Is it running, and are DOCPROC_STORAGE_URL and its keys right?",
                code="storage",
            ) from error

    def _held(self, sha256: str) -> int:
        """Return an open handle of the copy in the cache, locked so that it is not cleared away."""
        path = self._copy(sha256)
        while True:
            with suppress(FileNotFoundError):
                handle = os.open(path, os.O_RDONLY)
                fcntl.flock(handle, fcntl.LOCK_SH)
                if path.exists():  # else it was cleared away before we had the lock
                    os.utime(path)
                    return handle
                os.close(handle)
            self._fetch(sha256)

    def _fetch(self, sha256: str) -> None:
        """Bring an object into the cache; raise FileNotFoundError when there is none, or it is damaged."""
        path = self._copy(sha256)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        coming = path.with_name(f".{sha256}.{secrets.token_hex(8)}.part")
        try:
            with self._files() as files:
                files.get_file(self._key(sha256), str(coming))
            with coming.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise FileNotFoundError(errno.ENOENT, "The object is damaged", self._key(sha256))
            self._make_room(coming.stat().st_size)
            coming.replace(path)
        finally:
            coming.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        """Clear away what was used longest ago, as far as nobody uses it now, until `size` bytes more fit."""
        kept = []
        for path in self._cache.glob("*/*"):
            with suppress(FileNotFoundError):
                found = path.stat()
                coming = path.suffix == ".part" and found.st_mtime > time.time() - 86_400
                if not coming:
                    kept.append((found.st_mtime, found.st_size, path))
        excess = sum(length for _, length, _ in kept) + size - CACHE_BYTES
        for _, length, path in sorted(kept):
            if excess <= 0:
                break
            with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                excess -= length


def _client_errors() -> tuple[type[Exception], ...]:
    """Return what clients of object stores raise."""
    try:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415  (comes with s3fs)
    except ImportError:
        return (OSError,)
    return (OSError, cast("type[Exception]", BotoCoreError))
