"""Pages to vectors, for search by meaning: when nothing else is to be done, as it costs a quarter of reading them.

No job rows and no lease: a page that waits is marked by its index row, and one whose worker dies is taken again.
"""

from __future__ import annotations

from docproc.embed import Embedder
from docproc.store.database import Database
from docproc.store.search import vectors

AT_ONCE = 8
"""Pages; they keep a job that comes meanwhile waiting for a few seconds at most."""


def embed_waiting(database: Database, embedder: Embedder, limit: int) -> bool:
    """Make the vectors of up to `limit` pages that wait; return whether there were any."""
    with database.read() as session:
        if not vectors.any_waiting(session):
            return False
    with database.write() as session:
        pages = vectors.claim(session, limit)
    made = embedder.embed([text for page in pages for text in page.texts])
    with database.write() as session:
        start = 0
        for page in pages:
            vectors.keep(session, page, made[start : start + len(page.texts)])
            start += len(page.texts)
    return bool(pages)
