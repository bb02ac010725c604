"""Lists in a document: items under the heads of their columns; on receipts without heads, what has a price."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from docproc.fields.paper import Candidate, Paper, Place
from docproc.fields.schema import Hint
from docproc.fields.typed import fits, typed
from docproc.geometry import Box
from docproc.labels import named, plain
from docproc.pairs.items import Item, rows

OTHER = "\0"
"""Begins the name of a column that nobody asked for."""
MOST_ROWS = 2_000
"""Items of a list."""
_SUMS = frozenset((
    "total", "subtotal", "tax", "cash", "change", "rounding", "discount", "shipping", "service_charge",
    "balance", "payment_method", "tax_rate",
))  # fmt: skip
_LIKE = {
    "amount": ("amount", "line_total"),
    "line_total": ("line_total", "amount"),
    "total": ("line_total", "amount"),
    "unit_price": ("unit_price", "amount"),  # where another column has what it comes to
}
_COUNTED = re.compile(r"^\W*(\d{1,3})\s?[xX*@]\s|\s[xX*]\s?(\d{1,3})\b")

Row = dict[str, Candidate]


@dataclass
class _Line:
    """A row of the list while it is put together: the items of each column."""

    cells: dict[str, list[Item]] = field(default_factory=dict)
    page: int = 1

    @property
    def bottom(self) -> float:
        return max(item.box.bottom for items in self.cells.values() for item in items)


def items_of(paper: Paper, hints: Mapping[str, Hint]) -> list[Row]:
    """Return the rows of the list whose columns `hints` describe: property -> what stands there; no row twice."""
    wanted = {name: _roles(hint) for name, hint in hints.items()}
    found: list[_Line] = []
    columns: dict[str, Box] = {}
    pages = [(page.number, rows(page)) for page in paper.pages]
    for number, page_rows in pages:
        for place, row in enumerate(page_rows):
            head = _heads(row, wanted)
            if len(head) >= 2:
                columns = head
                found += _under(number, page_rows[place + 1 :], columns, wanted)
                break
        else:
            if columns and found:
                found += _under(number, page_rows, columns, wanted)
        if len(found) >= MOST_ROWS:
            break
    result = [_row(paper, line, hints) for line in found[:MOST_ROWS]]
    if not any(result):
        result = [row for number, page_rows in pages for row in _priced(paper, number, page_rows, hints)]
    return [row for row in result if row]


def _roles(hint: Hint) -> tuple[str, ...]:
    return tuple(dict.fromkeys(role for one in hint.roles for role in _LIKE.get(one, (one,))))


def _heads(row: Sequence[Item], wanted: Mapping[str, tuple[str, ...]]) -> dict[str, Box]:
    """Return property -> the box of its head in a row; a head of a table has no values."""
    if any(item.typed for item in row):
        return {}
    scored = []
    for number, item in enumerate(row):
        fields = {one.field: one.score for one in named(item.text)}
        for name, roles in wanted.items():
            score = max((fields.get(role, 0.0) * 0.95**place for place, role in enumerate(roles)), default=0.0)
            if score >= 0.3:
                # of several columns of amounts the last is the one that is added up
                scored.append((score + 0.001 * number, number, name))
    found: dict[str, Box] = {}
    used: set[int] = set()
    for _, number, name in sorted(scored, reverse=True):
        if name not in found and number not in used:
            found[name] = row[number].box
            used.add(number)
    # what stands under other heads is nobody's
    others = {f"{OTHER}{number}": item.box for number, item in enumerate(row) if number not in used}
    return found | others if len(found) >= 2 else {}


def _under(
    page: int, page_rows: Sequence[Sequence[Item]], columns: Mapping[str, Box], wanted: Mapping[str, tuple[str, ...]]
) -> list[_Line]:
    """Return the rows under the heads of columns, until the sums."""
    texts = [name for name, roles in wanted.items() if "description" in roles]
    figures = [name for name, roles in wanted.items() if {"line_total", "amount", "unit_price"} & set(roles)]
    found: list[_Line] = []
    waiting: list[Item] = []
    # alone: the last row had figures and no words; words_first: the words of an item stand above its figures
    sums, alone, words_first = 0, False, False
    for row in page_rows:
        if _is_sum(row):
            sums += 1
            waiting = []
            if (sums > 1 and not found) or (found and _is_total(row)):
                break
            continue
        line = _Line(_assigned(row, columns), page)
        has_figure = any(_is_figure(item) for name in figures for item in line.cells.get(name, ()))
        text = next((name for name in texts if line.cells.get(name)), None)
        if has_figure and (sums == 0 or (text and len(line.cells) >= 3 and not any(item.label for item in row))):
            if not found:
                words_first = bool(waiting)
            if waiting and texts and not _says(line.cells.get(texts[0], ())):
                line.cells[texts[0]] = [*waiting, *line.cells.get(texts[0], ())]
            elif waiting and found and texts:
                found[-1].cells.setdefault(texts[0], []).extend(waiting)
            waiting = []
            found.append(line)
            alone = bool(texts) and not words_first and not _says(line.cells.get(texts[0], ()))
        elif texts and line.cells and set(line.cells) <= {*texts} and sums == 0:
            if alone:
                found[-1].cells.setdefault(texts[0], []).extend(line.cells[texts[0]])
                alone = False
                continue
            near = found[-1].bottom if found else None
            if near is None or line.cells[texts[0]][0].box.top - near < 8 * row[0].box.height:
                waiting = [*waiting, *line.cells[texts[0]]][-4:]
    if waiting and found and texts and waiting[0].box.top - found[-1].bottom < waiting[0].box.height:
        found[-1].cells.setdefault(texts[0], []).extend(waiting)
    return found


def _is_sum(row: Sequence[Item]) -> bool:
    """Whether a row is one of the sums under the items: it begins with a label for one."""
    first = next((item for item in row if any(map(str.isalpha, item.text))), None)
    if first is None:
        return False
    known = named(first.text)
    sure = bool(known) and known[0].field in _SUMS and known[0].score >= 0.6
    sure = sure or plain(first.text).startswith("total")
    return sure or (first.begins_known and bool(known) and known[0].field in _SUMS and len(row) <= 2)


def _is_total(row: Sequence[Item]) -> bool:
    """Whether a row is the sum of all: nothing that follows is an item."""
    first = next((item for item in row if any(map(str.isalpha, item.text))), None)
    known = named(first.text) if first is not None else ()
    return bool(known) and known[0].field == "total" and known[0].score >= 0.9


def _says(items: Sequence[Item]) -> bool:
    """Whether items are words rather than a code."""
    text = " ".join(item.text for item in items)
    letters, digits = sum(map(str.isalpha, text)), sum(map(str.isdigit, text))
    return letters >= 3 and (" " in text or letters > 2 * digits)


def _is_figure(item: Item) -> bool:
    return bool({"money", "number"} & set(item.values)) and sum(map(str.isalpha, item.text)) <= 6


def _assigned(row: Sequence[Item], columns: Mapping[str, Box]) -> dict[str, list[Item]]:
    """Return the items of a row by column: the head that they stand under, else the nearest."""
    found: dict[str, list[Item]] = {}
    for item in row:
        name = min(columns, key=lambda one: _apart(item.box, columns[one]))
        if _apart(item.box, columns[name]) < 6 * item.box.height:
            found.setdefault(name, []).append(item)
    return found


def _apart(item: Box, head: Box) -> float:
    """Return how far an item is from standing under a head; below 0 when it overlaps."""
    gap = max(head.left - item.right, item.left - head.right)
    if gap <= 0:
        shift = abs(item.center[0] - head.center[0])
        return -1 + min(abs(item.left - head.left), abs(item.right - head.right), shift) / 1000
    return min(abs(item.left - head.left), abs(item.right - head.right), gap)


def _row(paper: Paper, line: _Line, hints: Mapping[str, Hint]) -> Row:
    found: Row = {}
    for name, items in line.cells.items():
        if name not in hints:
            continue
        places = tuple((line.page, token.word) for item in items for token in item.tokens)
        candidate = Candidate(" ".join(item.value for item in items), tuple(dict.fromkeys(places)), 0.65)
        if fits(candidate, hints[name], paper):
            found[name] = candidate
    return _confirmed(paper, found, hints)


def _confirmed(paper: Paper, row: Row, hints: Mapping[str, Hint]) -> Row:
    """Return the row with the confidence that quantity times price gives it."""
    roles = {role: name for name, hint in hints.items() for role in hint.roles[:1]}
    names = [roles.get("quantity"), roles.get("unit_price"), roles.get("amount") or roles.get("line_total")]
    if not all(name in row for name in names):
        return row
    count, price, amount = (typed(row[name], hints[name], paper) for name in names if name)
    if not all(isinstance(one, int | float) for one in (count, price, amount)):
        return row
    if abs(count * price - amount) < 0.02 * max(abs(amount), 0.5):
        return {name: Candidate(one.text, one.places, 0.88, one.value) for name, one in row.items()}
    return row


def _priced(
    paper: Paper, number: int, page_rows: Sequence[Sequence[Item]], hints: Mapping[str, Hint]
) -> Iterator[Row]:
    """Yield what has a price at the right end of its row, above the first sum."""
    description = next((name for name, hint in hints.items() if "description" in hint.roles), None)
    amount = next((name for name, hint in hints.items() if {"amount", "line_total"} & set(hint.roles)), None)
    quantity = next((name for name, hint in hints.items() if "quantity" in hint.roles[:1]), None)
    if description is None or amount is None:
        return
    for row in page_rows:
        if _is_sum(row):
            return
        words = [item for item in row if sum(map(str.isalpha, item.text)) >= 3]
        if not words or "money" not in row[-1].values or not row[-1].typed or row[-1] is words[0] or words[0].label:
            continue
        name = Candidate(words[0].value, _places(number, words[:1]), 0.5)
        price = Candidate(row[-1].value, _places(number, row[-1:]), 0.5)
        found = {description: name, amount: price}
        counted = _COUNTED.search(words[0].text)
        if quantity and counted:
            found[quantity] = Candidate(counted[1] or counted[2], name.places, 0.45)
        yield {key: one for key, one in found.items() if fits(one, hints[key], paper)}


def _places(page: int, items: Sequence[Item]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys((page, token.word) for item in items for token in item.tokens))
