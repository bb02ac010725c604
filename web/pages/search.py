"""Search over all documents that one may read: each hit with its words in context and its place on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from docproc.errors import Rejected
from docproc.geometry import Box
from docproc.store import overview, search
from docproc.store.search import Hit, Limit
from web import auth, context
from web.meaning import Mode, meaning

blueprint = Blueprint("search_page", __name__)

PER_PAGE = 20
CROP_WIDTH, CROP_HEIGHT = 250.0, 80.0
"""Points of the page around a hit that are shown."""
MODES: Mapping[Mode, str] = {"text": "These words", "both": "Words and meaning", "meaning": "Meaning"}
"""Ways to search, as they are called."""
LIMITS: Mapping[Limit, str] = {
    "candidates": f"More pages match than are ranked: these are the best of the newest {search.CANDIDATES}.",
    "time": "Looking through everything takes too long: older pages may be missing. A rarer word finds them.",
    "meaning": "Not all pages are compared by their meaning: the newest are being prepared, or there are more than "
    "can be.",
}
"""What is said when there may be more to find."""
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
    by_meaning: bool
    """Whether it was found by its meaning alone; the boxes are those of a passage then."""
    width: float
    height: float
    crop: Box | None


@blueprint.get("/search")
def index() -> str:
    """Show the pages that match `q`, or how to ask."""
    query, after = request.args.get("q", "").strip(), request.args.get("after") or None
    mode = _mode(request.args.get("mode", ""))
    told: Rejected | None = None
    hits: Sequence[ShownHit] = ()
    following: str | None = None
    limits: Sequence[Limit] = ()
    try:
        hits, following, limits = _find(query, after, mode)
    except Rejected as error:
        told = error
    return render_template(
        "search.html", q=query, mode=mode, modes=MODES, hits=hits, next=following, told=told,
        limits=[LIMITS[limit] for limit in limits], fields=FIELDS,
    )  # fmt: skip


def _mode(asked: str) -> Mode:
    """Return a way to search, by words where it is none."""
    return next((mode for mode in MODES if mode == asked), "text")


def _find(query: str, after: str | None, mode: Mode) -> tuple[Sequence[ShownHit], str | None, Sequence[Limit]]:
    wanted = meaning(query, mode)
    with context().database.read() as session:
        found = search.find(session, auth.current(), query, limit=PER_PAGE, after=after, meaning=wanted)
        sizes = overview.page_sizes(session, [(hit.document, hit.page) for hit in found.hits])
    return [_shown(hit, sizes) for hit in found.hits], found.next, found.limits


def _shown(hit: Hit, sizes: Mapping[tuple[str, int], tuple[float, float]]) -> ShownHit:
    width, height = sizes.get((hit.document, hit.page), (0.0, 0.0))
    crop = around(hit.boxes[0], width, height) if hit.boxes and width and height else None
    by_meaning = hit.found_by == ("meaning",)
    return ShownHit(hit.document, hit.page, hit.filename, hit.parts, hit.boxes, by_meaning, width, height, crop)


def around(box: Box, width: float, height: float) -> Box:
    """Return the part of a page of that size to show around `box`: as large as `CROP_*`, within the page."""
    across, down = min(max(CROP_WIDTH, box.width * 1.2), width), min(max(CROP_HEIGHT, box.height * 1.5), height)
    x, y = box.center
    left = min(max(x - across / 2, 0.0), width - across)
    top = min(max(y - down / 2, 0.0), height - down)
    return Box(left, top, left + across, top + down)
