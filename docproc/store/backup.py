"""A backup: one tar file with tables as JSON lines, originals, cards of models, and a manifest with the hash of each.

The tables are read in one transaction, so that they fit together while work goes on; as they are written in no
database's own words, what was kept in SQLite can be restored into PostgreSQL and back. Left out is what can be
made again (the search index) and what ends with the process (workers, sessions of browsers).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import lzma
import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import sqlalchemy
from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.errors import Rejected, Unavailable
from docproc.settings import Settings
from docproc.store import migrate, models_kept, secret
from docproc.store.database import Database
from docproc.store.files import Files
from docproc.store.tables import Table

FORMAT = 1
LEFT_OUT = {"search_pages", "search_vectors", "web_sessions", "workers"}
MANIFEST = "manifest.json"
SECRET = secret.FILE
Progress = Callable[[str], None]
"""Told of every part that is written or read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A member of the archive: its SHA-256 and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `missing` are files that were lost already when it was made."""

    revision: str
    parts: dict[str, Part] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    docproc: str = ""
    created_at: str = ""
    format: int = FORMAT


def write(
    database: Database, settings: Settings, path: Path, *, with_secret: bool = False, with_models: bool = False,
    progress: Progress | None = None,
) -> Manifest:  # fmt: skip
    """Write a backup to `path` (compressed when it ends in .gz or .tgz), read it back and compare.

    Only a backup that is whole gets its name. The secret key is left out unless asked for: with it, whoever finds
    the backup can open what is sealed in it (passwords of PDFs, secrets of webhooks). Of registered models the cards
    are in it, with their hashes and figures, and which versions are used; their files `with_models` alone.
    """
    migrate.require_current(database)
    part = path.with_name(f".{path.name}.part")
    try:
        with _archive(part, compressed=path.suffix in {".gz", ".tgz"}) as tar:
            writer = _Writer(tar, path.parent, progress or (lambda _: None))
            manifest = writer.write(database, settings, with_secret=with_secret, with_models=with_models)
        verify(part)
        part.replace(path)
    except OSError as error:
        raise Unavailable(
            f"The backup could not be written: {error.strerror or error}.", hint="Is there room for it?"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def verify(path: Path) -> Manifest:
    """Read a backup from end to end; raise Rejected (`bad-backup`) unless it is whole."""
    found: dict[str, Part] = {}
    manifest = None
    try:
        for name, stream in members(path):
            if name == MANIFEST:
                manifest = read_manifest(stream.read())
            else:
                found[name] = _measured(stream)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise bad_backup(str(error) or "it is cut off") from error
    if manifest is None:
        raise bad_backup("it has no manifest; it was cut off")
    for name in sorted(found.keys() | manifest.parts.keys()):
        if found.get(name) != manifest.parts.get(name):
            raise bad_backup(f"{name} is not what the manifest says")
    return manifest


def members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and content of each part."""
    with tarfile.open(path, "r:*") as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is None:
                raise bad_backup(f"{member.name} is no file")
            yield member.name, stream


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest; raise Rejected when it is none or of a later format."""
    try:
        value = json.loads(data)
        if value["format"] > FORMAT:
            raise bad_backup("a later docproc wrote it; install that")
        value["parts"] = {name: Part(**part) for name, part in value["parts"].items()}
        value["missing"] = tuple(value["missing"])
        return Manifest(**value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise bad_backup(f"its manifest is not understood ({error})") from error


def bad_backup(why: str) -> Rejected:
    """Return the error that says why this is no backup to rely on."""
    return Rejected(f"This is no whole backup: {why}.", hint="Nothing was restored from it.", code="bad-backup")


class _Writer:
    def __init__(self, tar: tarfile.TarFile, scratch: Path, progress: Progress) -> None:
        self.tar, self.scratch, self.progress = tar, scratch, progress
        self.parts: dict[str, Part] = {}

    def write(
        self, database: Database, settings: Settings, *, with_secret: bool, with_models: bool
    ) -> Manifest:  # fmt: skip
        rows: dict[str, int] = {}
        wanted: set[str] = set()
        with database.read() as session:
            if not database.is_sqlite:  # on SQLite every transaction sees one state
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            for table in Table.metadata.sorted_tables:
                if table.name not in LEFT_OUT:
                    rows[table.name] = self._table(session, table)
            wanted.update(session.scalars(select(Table.metadata.tables["documents"].c.sha256).distinct()))
        missing = tuple(sha256 for sha256 in sorted(wanted) if not self._file(Files(settings), sha256))
        for name, path in models_kept.known(settings, weights=with_models):
            with path.open("rb") as file:
                self._add(name, file)
        if with_secret:
            self._bytes(SECRET, secret.text(settings).encode())
        manifest = Manifest(
            revision=migrate.current(database) or "",
            parts=dict(self.parts),
            rows=rows,
            missing=missing,
            docproc=version("docproc"),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._bytes(MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
        return manifest

    def _table(self, session: Session, table: sqlalchemy.Table) -> int:
        count = 0
        with tempfile.TemporaryFile(dir=self.scratch) as file:
            for row in session.execute(select(table).execution_options(yield_per=500)).mappings():
                file.write(json.dumps({name: _plain(value) for name, value in row.items()}).encode() + b"\n")
                count += 1
            self._add(f"tables/{table.name}.jsonl", file)
        return count

    def _file(self, files: Files, sha256: str) -> bool:
        if not files.exists(sha256):
            return False
        with files.local(sha256) as path, path.open("rb") as file:
            self._add(f"files/{sha256}", file)
        return True

    def _bytes(self, name: str, data: bytes) -> None:
        with io.BytesIO(data) as file:
            self._add(name, file)

    def _add(self, name: str, file: IO[bytes]) -> None:
        self.progress(name)
        file.seek(0)
        part = _measured(file)
        file.seek(0)
        info = tarfile.TarInfo(name)
        info.size, info.mode = part.size, 0o600
        self.tar.addfile(info, file)
        self.parts[name] = part


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value


def _measured(stream: IO[bytes]) -> Part:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    return Part(digest.hexdigest(), size)


@contextmanager
def _archive(path: Path, *, compressed: bool) -> Iterator[tarfile.TarFile]:
    """Open a new archive that only its owner may read, and bring it to the disk at the end."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        with ExitStack() as stack:
            out: Any = file
            if compressed:  # level 1: most of it is compressed already
                out = stack.enter_context(gzip.GzipFile("", "wb", 1, file))
            yield stack.enter_context(tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT))
        file.flush()
        os.fsync(handle)
