"""What on a page could be an answer: runs of words, each with what labels it from every side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from docproc.document import Cell, KeyValue, Table, Word
from docproc.fields.find import RULES
from docproc.fields.letterhead import like_address
from docproc.fields.paper import Paper
from docproc.geometry import Box
from docproc.qa.text import PageText, Piece
from docproc.values import Kind, find_values

SLOTS = ("key", "left", "above", "column", "row", "heading", "line", "region")
"""What can label a candidate: its key in a pair, what stands left and above, the heads of its column and row in a
table, the heading over it, its line, and the part of its region that it is in."""

ORIGINS = ("role", "pair", "check", "cell", "value", "piece", "block", "names", "sentence", "read")
"""What proposed a candidate."""

_KINDS: Mapping[Kind, str] = {"iban": "id", "vat": "id", "code": "id"}
ROLES = {
    "total": "total amount",
    "subtotal": "subtotal",
    "tax": "tax amount",
    "date": "date",
    "seller": "company name",
    "seller address": "company address",
    "buyer": "customer name",
    "buyer address": "billing address",
    "ship_to address": "shipping address",
    "recipient": "recipient",
    "recipient address": "recipient address",
    "sender": "sender",
    "salutation": "salutation",
    "title of the form": "title",
}
"""Parts that `docproc.fields` has a rule for, and how they are called."""
MOST = 600
"""Candidates of a page."""
LONGEST = 60
"""Words of a candidate."""
_LABEL_END = re.compile("[:\\uff1a=]$")
_NAME = re.compile(r"[A-ZÀ-ÞŠŽ][\w\u2019'.&-]*,?$")
_JOINS = frozenset(
    (
        "of",
        "the",
        "and",
        "&",
        "de",
        "da",
        "di",
        "du",
        "van",
        "von",
        "der",
        "den",
        "la",
        "le",
        "el",
        "bin",
        "binti",
        "y",
    )
)
_NUMBERED = re.compile(r"\([^()]*\d[^()]*\)?\W?")
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words (in reading order) that could answer; `kinds` are those of `docproc.qa.question.KINDS` that they are."""

    page: int
    words: tuple[Word, ...]
    text: str
    origin: str
    kinds: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    sure: float = 1.0
    """How sure the proposer is, 0-1."""
    boxes: tuple[Box, ...] = ()
    """What it rests on where that is no word: a check box."""
    place: int = 0
    """The row of a table that it is in, counted from 1 below the head; 0: in none."""

    @property
    def key(self) -> tuple[str, ...]:
        """What tells one candidate from another."""
        return (self.text, *(word.id for word in self.words))


def candidates(text: PageText) -> tuple[Candidate, ...]:
    """Return what could answer a question on a page, each run of words once (as its first proposer has it)."""
    found: dict[tuple[str, ...], Candidate] = {}
    for one in _roles(text):
        found["role", one.labels["key"], *one.key] = one  # beside what others say of the same words
    for propose in (_pairs, _cells, _values, _pieces, _names, _blocks, _sentences):
        for one in propose(text):
            if len(found) >= MOST:
                return tuple(found.values())
            if one.words and len(one.words) <= LONGEST:
                found.setdefault(one.key, one)
    return tuple(found.values())


def kinds_of(text: str) -> frozenset[str]:
    """Return the kinds of value that a text as a whole is."""
    stripped = text.strip(" .,;:()")
    kinds = {
        _KINDS.get(value.kind, str(value.kind))
        for value in find_values(stripped)
        if value.end - value.start >= 0.8 * len(stripped)
    }
    if not kinds and _is_name(stripped.split()):
        kinds.add("name")
    if _like_address(stripped):
        kinds.add("address")
    return frozenset(kinds)


def of_words(text: PageText, first: int, last: int, origin: str, sure: float = 1.0) -> Candidate:
    """Return words `first` up to `last` as a candidate, with the labels that their place gives them."""
    labels = _labels(text, text.piece_of[first], first)
    said = text.text(first, last)
    return Candidate(text.page.number, text.words[first:last], said, origin, kinds_of(said), labels, sure)


def _roles(text: PageText) -> Iterator[Candidate]:
    """Yield what plays a part that no label says: the company of a letterhead, its address, sums that add up."""
    paper = Paper([text.page])
    for role, label in ROLES.items():
        one = RULES[role](paper)
        at = sorted(text.index[word.id] for _, word in one.places if word.id in text.index) if one else []
        if one is not None and at:
            words = tuple(text.words[index] for index in at)
            labels = {**_labels(text, text.piece_of[at[0]], at[0]), "key": label}
            yield Candidate(text.page.number, words, one.text, "role", kinds_of(one.text), labels, one.confidence)


def _pairs(text: PageText) -> Iterator[Candidate]:
    for pair in text.page.key_values:
        if pair.checked is not None:
            yield _check(text, pair)
            continue
        at = sorted(text.index[word_id] for word_id in pair.value_word_ids if word_id in text.index)
        if not at:
            continue
        words = tuple(text.words[index] for index in at)
        labels = {**_around(text, at[0]), "key": pair.key}
        said = " ".join(word.text for word in words)
        sure = 0.5 if pair.confidence is None else pair.confidence
        yield Candidate(text.page.number, words, said, "pair", kinds_of(said), labels, sure)
        for first, last, kind, said in _values_in(words):
            if last - first < len(words):
                part = words[first:last]
                yield Candidate(text.page.number, part, said, "pair", frozenset({kind}), labels, sure)


def _check(text: PageText, pair: KeyValue) -> Candidate:
    """Return what a check box answers: yes or no; it rests on its label."""
    words = tuple(text.words[text.index[one]] for one in pair.key_word_ids if one in text.index)
    boxes = () if pair.value_box is None else (pair.value_box,)
    said = "yes" if pair.checked else "no"
    sure = 0.5 if pair.confidence is None else pair.confidence
    labels = {"key": pair.key, **({"heading": _heading(text, words[0].id)} if words else {})}
    return Candidate(text.page.number, words, said, "check", frozenset({"check"}), labels, sure, boxes)


def _cells(text: PageText) -> Iterator[Candidate]:
    for table in text.page.tables:
        inside = [at for at, word in enumerate(text.words) if _within(word.box, table.box)]
        heads = _Heads(table)
        for cell in table.cells:
            at = [index for index in inside if _within(text.words[index].box, cell.box)]
            if not at or cell.header:
                continue
            words = tuple(text.words[index] for index in at)
            row, column = heads(cell)
            beside = _labels(text, text.piece_of[at[0]], at[0])
            labels = {**beside, "row": row, "column": column}
            said = " ".join(word.text for word in words)
            place = max(cell.row - heads.last, 0)
            yield Candidate(text.page.number, words, said, "cell", kinds_of(said), labels, place=place)


class _Heads:
    """The heads of the rows and columns of a table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._first: dict[int, Cell] = {}
        self._tops: dict[int, list[str]] = {}
        rows = [cell.row for cell in table.cells if cell.header]
        last_head = max(rows, default=0)
        self.last = last_head
        for cell in sorted(table.cells, key=lambda one: (one.row, one.column)):
            if cell.text.strip() and cell.row not in self._first:
                self._first[cell.row] = cell
            if cell.row <= last_head:
                for column in range(cell.column, cell.column + cell.column_span):
                    self._tops.setdefault(column, []).append(cell.text)

    def __call__(self, cell: Cell) -> tuple[str, str]:
        first = self._first.get(cell.row)
        row = first.text if first is not None and first.id != cell.id else ""
        return row, " ".join(self._tops.get(cell.column, ())) if cell.row > 0 else ""


def _values(text: PageText) -> Iterator[Candidate]:
    """Yield dates, sums, numbers, addresses of mail and web, wherever they stand."""
    for at, piece in enumerate(text.pieces):
        for first, last, kind, said in _values_in(text.words[piece.first : piece.last]):
            start, end = piece.first + first, piece.first + last
            labels = _labels(text, at, start)
            words = text.words[start:end]
            yield Candidate(text.page.number, words, said, "value", frozenset({kind}), labels)


def _pieces(text: PageText) -> Iterator[Candidate]:
    """Yield every piece of a line, and what follows a colon in it."""
    for at, piece in enumerate(text.pieces):
        start = _after_label(text, piece)
        end = _before_number(text, piece)
        for first, last in dict.fromkeys(((start, piece.last), (piece.first, piece.last), (start, end))):
            said = text.text(first, last)
            if first < last and len(said) < 300:
                labels = _labels(text, at, first)
                words = text.words[first:last]
                yield Candidate(text.page.number, words, said, "piece", kinds_of(said), labels)


def _after_label(text: PageText, piece: Piece) -> int:
    for at in range(piece.first, piece.last - 1):
        if _LABEL_END.search(text.words[at].text):
            return at + 1
    return piece.first


def _before_number(text: PageText, piece: Piece) -> int:
    """Return where a number in brackets at the end of a piece begins, as companies have behind their names."""
    for at in range(max(piece.first + 1, piece.last - 3), piece.last):
        if _NUMBERED.fullmatch(text.text(at, piece.last)):
            return at
    return piece.last


def _names(text: PageText) -> Iterator[Candidate]:
    """Yield runs of capitalised words inside longer lines: people, companies, places."""
    for at, piece in enumerate(text.pieces):
        if piece.last - piece.first < 4:
            continue
        start = piece.first
        while start < piece.last:
            end = start
            while end < piece.last and _NAME.match(text.words[end].text):
                end += 1
                if text.words[end - 1].text.endswith(","):
                    break
                if end + 1 < piece.last and text.words[end].text in _JOINS and _NAME.match(text.words[end + 1].text):
                    end += 1
            if 0 < end - start <= 7 and end - start < piece.last - piece.first:
                said = text.text(start, end).strip(".,;:")
                words = text.words[start:end]
                labels = _labels(text, at, start)
                yield Candidate(text.page.number, words, said, "names", frozenset({"name"}), labels)
            start = max(end, start + 1)


def _blocks(text: PageText) -> Iterator[Candidate]:
    """Yield runs of two to six short lines below each other: addresses, names over two lines."""
    below = {above: at for at, above in enumerate(text.above) if above >= 0}
    for at, piece in enumerate(text.pieces):
        run = [at]
        while len(run) < 6 and (following := below.get(run[-1])) is not None:
            one, other = text.pieces[run[-1]].box, text.pieces[following].box
            apart = 1.2 if text.pieces[following].region == piece.region else 0.7
            if other.top - one.bottom > apart * text.height:
                break
            run.append(following)
            pieces = [text.pieces[index] for index in run]
            starts = (piece.first, _after_label(text, piece))
            for first in dict.fromkeys(starts):
                words = [*text.words[first : piece.last]]
                words += [word for one in pieces[1:] for word in text.words[one.first : one.last]]
                if first < piece.last and len(words) <= 40:
                    said = " ".join(word.text for word in words)
                    labels = _labels(text, at, first)
                    kinds = frozenset({"address"} if _like_address(said) else ())
                    yield Candidate(text.page.number, tuple(words), said, "block", kinds, labels)


def _sentences(text: PageText) -> Iterator[Candidate]:
    """Yield whole sentences of running text."""
    start = 0
    for at in range(1, len(text.words) + 1):
        ends = at == len(text.words) or text.region_of[at] != text.region_of[at - 1]
        if ends or _SENTENCE_END.search(text.words[at - 1].text):
            if 5 <= at - start <= LONGEST and text.line_of[start] != text.line_of[at - 1]:
                yield of_words(text, start, at, "sentence")
            start = at


def _labels(text: PageText, at: int, first: int) -> dict[str, str]:
    """Return what labels the words from `first` on of piece number `at`."""
    piece = text.pieces[at]
    labels = _around(text, piece.first)
    before = text.text(piece.first, first)
    beside = [text.text(text.pieces[one].first, text.pieces[one].last) for one in text.left_of[at][:2]]
    labels["left"] = before or (beside[0] if beside else "")
    labels["line"] = " ".join([*reversed(beside), text.text(piece.first, piece.last)])[:300]
    above = text.above[at]
    if above >= 0:
        labels["above"] = text.text(text.pieces[above].first, text.pieces[above].last)[:200]
    return labels


def _around(text: PageText, at: int) -> dict[str, str]:
    """Return the region and the heading of a word."""
    region = text.region_of[at]
    if region < 0:
        return {}
    return {"heading": text.headings[region], "region": text.around[at]}


def _heading(text: PageText, word_id: str) -> str:
    region = text.region_of[text.index[word_id]]
    return text.headings[region] if region >= 0 else ""


def _values_in(words: Sequence[Word]) -> Iterator[tuple[int, int, str, str]]:
    """Yield (first word, last word, kind, text) of the values in a run of words."""
    starts: list[int] = []
    length = 0
    for word in words:
        starts.append(length)
        length += len(word.text) + 1
    for value in find_values(" ".join(word.text for word in words)):
        inside = [
            at for at, start in enumerate(starts) if start < value.end and start + len(words[at].text) > value.start
        ]
        if inside:
            yield inside[0], inside[-1] + 1, _KINDS.get(value.kind, str(value.kind)), value.text


def _within(box: Box, outer: Box) -> bool:
    x, y = box.center
    return outer.left <= x <= outer.right and outer.top <= y <= outer.bottom


def _is_name(words: Sequence[str]) -> bool:
    named = [word for word in words if word.lower() not in _JOINS]
    return 0 < len(named) <= 8 and all(_NAME.match(word) for word in named)


def _like_address(text: str) -> bool:
    return 2 <= len(text.split()) <= 40 and like_address(text, least=3)
