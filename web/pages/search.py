"""Search over all documents that one may read: each hit with its words in context and its place on the page."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from docproc.errors import Rejected
from docproc.geometry import Box
from docproc.store import access, documents, overview, search
from docproc.store.search import Hit, Limit
from web import auth, context
from web.meaning import Mode, meaning

blueprint = Blueprint("search_page", __name__)

PER_PAGE = 20
ALIKE = 4
"""Pages alike in meaning that are shown beside the exact hits."""
SHORTEST = 12
"""Letters of a passage that is alike in meaning: less, such as a page number, means nothing."""
MOST_WORDS = 6
"""Words of a search without hits that are looked for one by one."""
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
PLAIN = re.compile(r"(?<![:\w])\w+(?!:)\b")
OPERATORS = frozenset({"AND", "OR", "NOT"})
STEM, MOST_GUESSED = 3, 2
"""Letters that a word has in common with another one that may be meant, from its beginning; words guessed at."""
LIKE_ENOUGH = 0.7
"""How much such a word must be like it, 0-1 (`difflib`)."""
QUESTION = re.compile(r"(?i)(wh[aeioy]\w*|how|is|are|was|were|does|did|do)\s|.*\?\s*$")
"""What reads like a question: it can be asked, where a search looks for its words alone."""
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
    ("key:total", "pages where a value is labelled so"),
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: the words, and what the filters beside them add."""

    words: str
    label: str = ""
    since: str = ""
    until: str = ""
    own: bool = False

    @classmethod
    def of_request(cls) -> Asked:
        """Return what this request asks for; a day that is none is left out."""
        asked = request.args
        since, until = (day if DAY.fullmatch(day := asked.get(name, "")) else "" for name in ("since", "until"))
        label = asked.get("label", "")[:100].replace('"', "")
        return cls(asked.get("q", "").strip(), label, since, until, "own" in asked)

    @property
    def query(self) -> str:
        """The words and the filters as one query; "" without words."""
        if not self.words:
            return ""
        fields = {"label": f'"{self.label}"' if self.label else "", "after": self.since, "before": self.until}
        filters = [f"{name}:{value}" for name, value in fields.items() if value] + ["owner:me"] * self.own
        return " ".join([f"({self.words})", *filters]) if filters else self.words

    @property
    def kept(self) -> dict[str, str]:
        """What a link to the same search carries."""
        sent = {"label": self.label, "since": self.since, "until": self.until, "own": "1" * self.own}
        return {"q": self.words} | {name: value for name, value in sent.items() if value}


@dataclass(frozen=True, slots=True)
class Said:
    """One of the words of a search without hits: whether any page says it, and what may be meant where none does."""

    word: str
    there: bool
    instead: str = ""
    """The whole search with another word in its place; "" where none is known."""
    like: str = ""
    """That other word."""


@blueprint.get("/search")
def index() -> str:
    """Show the pages that match `q` and the filters, what is alike in meaning, or how to ask."""
    asked, after = Asked.of_request(), request.args.get("after") or None
    mode = _mode(request.args.get("mode", ""))
    told: Rejected | None = None
    hits: Sequence[ShownHit] = ()
    alike: Sequence[ShownHit] = ()
    following: str | None = None
    limits: Sequence[Limit] = ()
    each: Sequence[Said] = ()
    wider = 0
    try:
        hits, following, limits = _find(asked.query, after, mode)
        if mode == "text" and asked.words and not after and not following:
            alike = _alike(asked.query, hits)
        if asked.words and not hits and not after:
            each = _each_word(asked.words)
            wider = len(_find(asked.words, None, mode)[0]) if asked.query != asked.words else 0
    except Rejected as error:
        told = error
    with context().database.read() as session:
        labels = documents.labels(session, access.visible(auth.current()))
    return render_template(
        "search.html", q=asked.words, asked=asked, mode=mode, modes=MODES, hits=hits, alike=alike, next=following,
        told=told, limits=[LIMITS[limit] for limit in limits], fields=FIELDS, labels=labels, each=each,
        wider=wider, many=PER_PAGE, question=QUESTION.match(asked.words) is not None,
    )  # fmt: skip


def _alike(query: str, hits: Sequence[ShownHit]) -> list[ShownHit]:
    """Return the nearest pages in meaning that do not say the words themselves."""
    known = {(hit.document_id, hit.page) for hit in hits}
    found = _find(query, None, "meaning", limit=ALIKE + len(known) if len(known) < PER_PAGE else ALIKE)[0]
    said = {hit: "".join(text for text, _ in hit.snippet).strip(" …") for hit in found}
    apart = [hit for hit in found if (hit.document_id, hit.page) not in known and len(said[hit]) >= SHORTEST]
    return apart[:ALIKE]


def _each_word(words: str) -> list[Said]:
    """Return for each of the words whether any page says it, why nothing says all of them, and what may be meant."""
    apart = list(dict.fromkeys(word for word in PLAIN.findall(words) if word not in OPERATORS))[:MOST_WORDS]
    found = []
    for word in apart:
        if _said(word):
            found.append(Said(word, there=True))
        else:
            like = _like(word) if sum(not one.there for one in found) < MOST_GUESSED else ""
            instead = re.sub(rf"\b{re.escape(word)}\b", like.replace("\\", r"\\"), words) if like else ""
            found.append(Said(word, False, instead, like))
    return found


def _said(query: str) -> set[str]:
    """Return the words, in small letters, that match a query on the first pages that do."""
    with context().database.read() as session:
        hits = search.find(session, auth.current(), query, limit=PER_PAGE).hits
    return {text.lower() for hit in hits for text, marked in hit.parts if marked}


def _like(word: str) -> str:
    """Return the word of some page that is most like this one and begins like it; "" where there is none."""
    for letters in sorted({len(word) - 1, len(word) * 2 // 3, STEM}, reverse=True):
        known = _said(f"{word[:letters]}*") if STEM <= letters < len(word) else ()
        if close := difflib.get_close_matches(word.lower(), known, 1, LIKE_ENOUGH):
            return close[0]
    return ""


def _mode(asked: str) -> Mode:
    """Return a way to search, by words where it is none."""
    return next((mode for mode in MODES if mode == asked), "text")


def _find(
    query: str, after: str | None, mode: Mode, limit: int = PER_PAGE
) -> tuple[Sequence[ShownHit], str | None, Sequence[Limit]]:
    wanted = meaning(query, mode)
    with context().database.read() as session:
        found = search.find(session, auth.current(), query, limit=limit, after=after, meaning=wanted)
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
