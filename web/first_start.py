"""What `docproc serve` does before anybody can use it: folder, tables, secret, a first user, a first document."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from docproc.errors import DocprocError
from docproc.intake import HEAD, accepted_type
from docproc.settings import Settings
from docproc.store import documents, migrate, secret, sessions, users
from docproc.store.database import Database
from docproc.store.documents import Incoming
from docproc.store.files import Files
from docproc.store.tables import BULK, User

log = logging.getLogger("docproc.serve")
ADMIN = "admin"
SAMPLE_SECONDS = 60.0


def prepare(settings: Settings) -> Database:
    """Make the data folder, the secret key and, on SQLite, the tables; return the database."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret.key(settings)
    database = Database(settings)
    if database.is_sqlite:
        migrate.upgrade(database)
    else:
        migrate.require_current(database)
    return database


def welcome(database: Database) -> tuple[User | None, str | None]:
    """Return the admin, when this is the first start, and the secret of a link that signs in once.

    While nobody has ever signed in there is a new link at every start.
    """
    with database.write() as session:
        everybody = users.listing(session)
        if not everybody:
            admin = users.add(session, ADMIN, "admin")
            return admin, sessions.start(session, admin, "link")
        if len(everybody) == 1 and everybody[0].password_hash is None:
            only = everybody[0]
            if only.role == "admin" and not sessions.of_user(session, only.id):
                return None, sessions.start(session, only, "link")
        return None, None


def add_sample(settings: Settings, database: Database, owner: User) -> None:
    """Hand in the example documents, so that there is something to see; without them all works as well."""
    with tempfile.TemporaryDirectory(prefix="docproc-") as folder:
        command = [sys.executable, "-m", "docproc", "synth", "--examples", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SAMPLE_SECONDS)
            for path in sorted(Path(folder).glob("*.pdf")):
                _add(settings, database, owner, path)
        except (subprocess.SubprocessError, DocprocError, OSError) as error:
            log.warning("the example documents could not be added: %s", error)


def _add(settings: Settings, database: Database, owner: User, path: Path) -> None:
    with path.open("rb") as file:
        media_type = accepted_type(file.read(HEAD))
        file.seek(0)
        stored = Files(settings).put(file, limit=settings.max_bytes)
    incoming = Incoming(filename=path.name, media_type=media_type, priority=BULK)  # one's own file goes before them
    with database.write() as session:
        row, created = documents.add(session, owner.id, stored, incoming)
        if created:
            documents.label(session, row, "example")
