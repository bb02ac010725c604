"""Search over all documents that one may read: each hit with its words in context and its place on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from docproc.errors import Rejected
from docproc.geometry import Box
from docproc.store import overview, search
from docproc.store.search import Hit
from web import auth, context

blueprint = Blueprint("search_page", __name__)

PER_PAGE = 20
CROP_WIDTH, CROP_HEIGHT = 250.0, 80.0
"""Points of the page around a hit that are shown."""
FIELDS = (
    ("name:invoice", "in documents whose file name contains it"),
    ("label:tax", "in documents with this label"),
    ("owner:ada", "in documents of this user (owner:me: your own)"),
    ("after:2024-01 before:2024-07", "handed in between these days, months or years"),
)


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit as shown; `crop` is the part of the page to show, None where its size is not known."""

    document_id: str
    page: int
    filename: str
    snippet: tuple[tuple[str, bool], ...]
    boxes: tuple[Box, ...]
    width: float
    height: float
    crop: Box | None


@blueprint.get("/search")
def index() -> str:
    """Show the pages that match `q`, or how to ask."""
    query, after = request.args.get("q", "").strip(), request.args.get("after") or None
    told: Rejected | None = None
    hits: Sequence[ShownHit] = ()
    following = None
    try:
        hits, following = _find(query, after)
    except Rejected as error:
        told = error
    return render_template("search.html", q=query, hits=hits, next=following, told=told, fields=FIELDS)


def _find(query: str, after: str | None) -> tuple[Sequence[ShownHit], str | None]:
    with context().database.read() as session:
        found = search.find(session, auth.current(), query, limit=PER_PAGE, after=after)
        sizes = overview.page_sizes(session, [(hit.document, hit.page) for hit in found.hits])
    return [_shown(hit, sizes) for hit in found.hits], found.next


def _shown(hit: Hit, sizes: Mapping[tuple[str, int], tuple[float, float]]) -> ShownHit:
    width, height = sizes.get((hit.document, hit.page), (0.0, 0.0))
    crop = around(hit.boxes[0], width, height) if hit.boxes and width and height else None
    return ShownHit(hit.document, hit.page, hit.filename, hit.parts, hit.boxes, width, height, crop)


def around(box: Box, width: float, height: float) -> Box:
    """Return the part of a page of that size to show around `box`: as large as `CROP_*`, within the page."""
    across, down = min(max(CROP_WIDTH, box.width * 1.2), width), min(max(CROP_HEIGHT, box.height * 1.5), height)
    x, y = box.center
    left = min(max(x - across / 2, 0.0), width - across)
    top = min(max(y - down / 2, 0.0), height - down)
    return Box(left, top, left + across, top + down)
