"""Files in an object store through fsspec: `s3://bucket/prefix`. What is read is kept in a cache on this machine.

Keys and region come from where they usually do (AWS_ACCESS_KEY_ID, AWS_PROFILE, the machine's role); the address
of a server that is not Amazon's stands in the URL: `s3://bucket/prefix?endpoint_url=http://minio:9000`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import fsspec

from docproc.errors import Unavailable, Usage
from docproc.settings import Settings

CACHE_BYTES = 10_000_000_000
"""How much the cache may hold; beyond, what was not used for longest goes."""


class Bucket:
    """Where files are kept in distributed mode."""

    def __init__(self, settings: Settings) -> None:
        address, _, query = settings.storage_url.partition("?")
        self._protocol, _, root = address.partition("://")
        self._root = root.strip("/")
        self._options = {name: values[-1] for name, values in parse_qs(query).items()}
        self._cache = settings.data_dir.expanduser() / "cache"
        if not self._root or set(self._options) - {"endpoint_url"}:
            raise Usage(
                f"DOCPROC_STORAGE_URL={settings.storage_url} is not understood.",
                hint="It looks like s3://bucket/prefix?endpoint_url=http://minio:9000.",
            )

    def take(self, path: Path, sha256: str) -> None:
        """Upload the file at `path`; an object has its name when it is whole."""
        self._files().put_file(str(path), self._key(sha256))

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """Give a copy in the cache, where it stays while the block lasts."""
        while True:
            path = self._cached(sha256)
            with suppress(FileNotFoundError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                if not path.exists():  # cleared away before we had the lock
                    continue
                os.utime(path)
                yield path
                return

    def exists(self, sha256: str) -> bool:
        """Whether there is an object of that name."""
        return bool(self._files().exists(self._key(sha256)))

    def delete(self, sha256: str, older_than: float) -> bool:
        """Delete what was put more than `older_than` seconds ago."""
        files = self._files()
        try:
            if files.modified(self._key(sha256)).timestamp() > time.time() - older_than:
                return False
            files.rm_file(self._key(sha256))
        except FileNotFoundError:
            return False
        return True

    def every(self) -> Iterator[str]:
        """Yield the names."""
        with suppress(FileNotFoundError):
            for _, _, names in self._files().walk(self._root):
                yield from names

    def _key(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def _files(self) -> Any:
        """Return fsspec's file system, which keeps one per process and thread."""
        try:
            return fsspec.filesystem(self._protocol, use_listings_cache=False, **self._options)
        except (ImportError, ValueError) as error:
            raise Unavailable(
                f"Files at {self._protocol}:// need a package: {error}.", hint='pip install "docproc[s3]".'
            ) from error

    def _cached(self, sha256: str) -> Path:
        path = self._cache / sha256[:2] / sha256
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        coming = path.with_name(f".{sha256}.{secrets.token_hex(8)}.part")
        try:
            self._files().get_file(self._key(sha256), str(coming))
            with coming.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise FileNotFoundError(0, "the object is damaged", str(path))
            coming.replace(path)
        finally:
            coming.unlink(missing_ok=True)
        return path
