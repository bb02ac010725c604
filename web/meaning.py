"""What a query means, as a vector: made here, in the web process, before the database is asked."""

from __future__ import annotations

from typing import Literal

from docproc.embed import embedder
from docproc.store import search

Mode = Literal["text", "meaning", "both"]


def meaning(query: str, mode: Mode) -> search.Meaning | None:
    """Return what to look for by its meaning, None where only words count; raise Rejected as `search.find` does.

    The model is loaded with the first such query, which takes a moment.
    """
    words = search.meant(query) if mode != "text" else ""
    if not words:
        return None
    return search.Meaning(embedder().embed([words])[0], alone=mode == "meaning")
