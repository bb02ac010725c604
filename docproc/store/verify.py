"""Is every original there, and still what was handed in? Reads all files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.store.database import Database
from docproc.store.files import Files
from docproc.store.tables import DocumentRow, UnusedFile


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: files by their SHA-256, and what uploads that were cut off left behind."""

    sound: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    orphans: tuple[str, ...]
    """Files that no document refers to and that nothing is going to delete."""
    leftovers: tuple[Path, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is lost."""
        return not self.missing and not self.damaged


def verify(database: Database, files: Files, progress: Callable[[int, int], None] | None = None) -> Verified:
    """Read every file that a document refers to and compare its SHA-256; list what nobody refers to.

    `progress` is told how many files of how many are read. Uploads and deletions may go on meanwhile.
    """
    with database.read() as session:
        wanted = _referred(session)
    missing: list[str] = []
    damaged: list[str] = []
    for done, sha256 in enumerate(sorted(wanted), 1):
        if not files.check(sha256):
            (damaged if files.exists(sha256) else missing).append(sha256)
        if progress:
            progress(done, len(wanted))
    with database.read() as session:  # what was deleted for good meanwhile is no loss
        still = _referred(session)
    missing = [sha256 for sha256 in missing if sha256 in still]
    orphans = _orphans(database, files)
    sound = len(wanted) - len(missing) - len(damaged)
    return Verified(sound, tuple(missing), tuple(damaged), orphans, tuple(files.leftovers()))


def _orphans(database: Database, files: Files) -> tuple[str, ...]:
    found = set(files.every())
    with database.read() as session:  # after the listing: an upload stores its file first
        known = _referred(session) | set(session.scalars(select(UnusedFile.sha256)))
    return tuple(sorted(found - known))


def _referred(session: Session) -> set[str]:
    return set(session.scalars(select(DocumentRow.sha256).distinct()))
