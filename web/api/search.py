"""Search over the pages of all documents that one may read."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel, Field

from docproc.store import search
from docproc.store.search import Hit, Limit, nearest
from web import auth, context
from web.api import api
from web.api.models import answer
from web.meaning import Mode, meaning

blueprint = api("search", "Search by words and by meaning, with the boxes of what was found.")


class SearchQuery(BaseModel):
    """What to look for."""

    q: str = Field(
        max_length=20_000,
        description='Words, "phrases", beginn*, AND OR NOT (or -), (groups), and the fields name: date: after: '
        "before: owner: label: in: key: (`key:total`: pages where a value is labelled so)",
    )
    limit: int = Field(20, ge=1, le=search.MOST)
    after: str | None = Field(None, max_length=200, description="The `next` of the hits before")
    mode: Mode = Field(
        "text",
        description="`text`: by words. `meaning`: what is alike in meaning, the words themselves or not. `both`: "
        "the two merged by reciprocal rank. Fields and what is to be left out count in each.",
    )


class Piece(BaseModel):
    """A piece of a snippet."""

    text: str
    match: bool


class SearchHit(BaseModel):
    """A page that was found."""

    document: str
    filename: str
    page: int
    score: float = Field(description="Higher is better; comparable within one search only")
    snippet: str = Field(description="Plain text around the first match; escape it before showing it as HTML")
    parts: list[Piece] = Field(description="The snippet, divided where matches begin and end")
    boxes: list[list[float]] = Field(
        description="[left, top, right, bottom], in points, of every matching word; of the regions of the nearest "
        "passage, where a page was found by its meaning alone"
    )
    found_by: list[str] = Field(description="`text`, `meaning`, or both")

    @classmethod
    def of(cls, hit: Hit) -> SearchHit:
        """Return a hit of the store."""
        return cls(
            document=hit.document,
            filename=hit.filename,
            page=hit.page,
            score=hit.score,
            snippet=hit.snippet,
            parts=[Piece(text=text, match=match) for text, match in hit.parts],
            boxes=[box.rounded().as_list() for box in hit.boxes],
            found_by=list(hit.found_by),
        )


class SearchHits(BaseModel):
    """Hits, best first."""

    hits: list[SearchHit]
    next: str | None = Field(description="Where to go on, as `after`; null at the end")
    complete: bool = Field(description="Whether all pages that match are here, or come after; else `limits` says why")
    limits: list[Limit] = Field(
        description=f"`candidates`: more pages match than the newest {search.CANDIDATES}, which alone are ranked. "
        "`time`: looking for older pages would take too long. `meaning`: not all pages were compared by their "
        f"meaning, as some are not prepared for it yet, or there are more than {nearest.MOST_PASSAGES:,} passages or "
        f"{nearest.MOST_PAGES:,} pages, of which the newest are compared"
    )


@blueprint.get("/search", responses={"200": SearchHits})
def find(query: SearchQuery) -> Response:
    """Find pages by their words or their meaning."""
    wanted = meaning(query.q, query.mode)
    with context().database.read() as session:
        found = search.find(session, auth.current(), query.q, limit=query.limit, after=query.after, meaning=wanted)
    hits = [SearchHit.of(hit) for hit in found.hits]
    return answer(SearchHits(hits=hits, next=found.next, complete=found.complete, limits=list(found.limits)))
