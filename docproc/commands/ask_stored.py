"""Questions to documents that a service keeps: over its API, or on the data folder, as whoever may read that may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from docproc.commands import there
from docproc.embed import embedder
from docproc.errors import Conflict, NotFound
from docproc.exports.json_reader import Node, read_answer
from docproc.findings import Answer
from docproc.qa import Index, Question
from docproc.ranges import page_numbers
from docproc.settings import Settings
from docproc.store import access, answers, migrate
from docproc.store.database import Database

OPERATOR = access.Principal("", "operator", "admin")
"""Who may read the data folder may read every document."""


def ask_document(settings: Settings, document_id: str, questions: Sequence[str], pages: str) -> list[Answer]:
    """Return the answers of a document in the data folder.

    Raises NotFound when it is not there, Conflict when nothing of it is read.
    """
    found = []
    with _opened(settings) as database:
        for text in questions:
            question = Question.of(text)
            vector = embedder().embed([question.text])[0]
            with database.read() as session:
                row = access.document(session, OPERATOR, document_id, "read")
                numbers = page_numbers(pages, row.page_count or 0) if pages else []
                about = answers.pages_about(session, OPERATOR, row, question, vector, numbers=numbers)
            if not about:
                raise Conflict(f"No page of {row.filename} is read.", hint="Wait until it is.", code="not-read")
            found.append(Index.of(about).ask(text))
    return found


def ask_all(settings: Settings, text: str) -> list[tuple[str, str, Answer]]:
    """Return (document, file name, answer) of all documents in the data folder that answer, the surest first."""
    question = Question.of(text)
    vector = embedder().embed([question.text])[0]
    with _opened(settings) as database, database.read() as session:
        places = answers.places_about(session, OPERATOR, question, vector)
    found = [(row.id, row.filename, Index.of(pages).ask(text)) for row, pages in places]
    given = [one for one in found if not one[2].not_found]
    return sorted(given, key=lambda one: -(one[2].confidence or 0.0))


def ask_there(url: str, document_id: str, questions: Sequence[str], pages: str) -> list[Answer]:
    """Return the answers of a document on a server."""
    with there.connect(url) as client:
        values = client.ask(document_id, questions, pages=pages)
    return [read_answer(Node(value)) for value in values]


def ask_all_there(url: str, text: str) -> list[tuple[str, str, Answer]]:
    """Return (document, file name, answer) of all documents on a server that answer, the surest first."""
    with there.connect(url) as client:
        values = client.ask_all(text)
    return [(value["document"], value["filename"], read_answer(Node(value))) for value in values]


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings)
    try:
        if database.is_sqlite and not (settings.data_dir.expanduser() / "docproc.sqlite3").exists():
            raise NotFound(
                f"There is no such file, and no database in {settings.data_dir}.",
                hint="Name a file; or a document, with DOCPROC_DATA_DIR or --server saying where it is kept.",
            )
        migrate.require_current(database)
        yield database
    finally:
        database.close()
