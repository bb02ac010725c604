"""Tables of invented figures: what stands where, and what can be asked about a cell, a row or a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from docproc.document import Word
from docproc.synth.questions.data import lines, words
from docproc.synth.questions.desk import Desk
from docproc.synth.questions.values import Values, make

MEASURED = ("region", "product", "country", "department")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a topic: the names it may have, how its values are made, and its own questions."""

    names: tuple[str, ...]
    make: str
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """What a table is about."""

    titles: tuple[str, ...]
    rows: Column
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts: `head` names the rows, `names` the columns; `asks` are the questions of each column."""

    title: str
    head: str
    rows: tuple[str, ...]
    names: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    asks: tuple[tuple[str, ...], ...]
    measure: str = ""
    others: tuple[str, ...] = ()
    """Rows that could be there and are not."""


@cache
def topics() -> tuple[Topic, ...]:
    """Return the topics of `data/tables.txt`."""
    found, titles, columns = list[Topic](), tuple[str, ...](), list[Column]()
    for line in (*lines("tables.txt"), "= "):
        if line.startswith("= "):
            if columns:
                found.append(Topic(titles, columns[0], tuple(columns[1:])))
            titles, columns = tuple(line[2:].split(" | ")), []
            continue
        names, how, asks = (*line.removeprefix("* ").split(" : "), "")[:3]
        columns.append(Column(tuple(names.split(" / ")), how, tuple(asks.split(" | ")) if asks else ()))
    return tuple(found)


def invented(values: Values, *, most: int = 9, wide: int = 4, years: bool | None = None) -> Grid:
    """Return a table: of a measure over years, or of several facts about each row."""
    random = values.random
    if values.chance(0.45) if years is None else years:
        return _over_years(values, most)
    topic = random.choice(topics())
    names = list(dict.fromkeys(_one(values, topic.rows.make) for _ in range(most + 3)))
    count = random.randint(min(3, len(names) - 1), min(most, len(names) - 1))
    rows, others = names[:count], names[count:]
    columns = random.sample(topic.columns, random.randint(1, min(wide, len(topic.columns))))
    texts = tuple(tuple(_one(values, column.make) for column in columns) for _ in rows)
    heads = tuple(random.choice(column.names) for column in columns)
    return Grid(
        random.choice(topic.titles),
        random.choice(topic.rows.names),
        tuple(rows),
        heads,
        texts,
        tuple(column.asks for column in columns),
        others=tuple(others),
    )


def _over_years(values: Values, most: int) -> Grid:
    random = values.random
    source, measure = random.choice(MEASURED), values.word("measure")
    names = random.sample(words(source), random.randint(3, most) + 2)
    first, count = random.randint(1960, 2019), random.randint(1, 5)
    scale = random.choice((90, 900, 9000, 90000))
    style = random.choice(("{:,}", "{}", "{:,}", "share", "{:,}.5"))

    def text() -> str:
        number = random.randint(scale // 20, scale)
        return f"{random.randint(1, 99)}.{random.randint(0, 9)}%" if style == "share" else style.format(number)

    years = tuple(str(first + index * random.choice((1, 1, 5))) for index in range(count))
    title = f"{measure.capitalize()} by {source}" + random.choice(
        ("", f", {years[0]}", " (thousands)", f" in {values.word('country')}")
    )
    rows = tuple(names[:-2])
    years = tuple(sorted(set(years)))
    texts = tuple(tuple(text() for _ in years) for _ in rows)
    return Grid(title, source.capitalize(), rows, years, texts, ((),) * len(years), measure, tuple(names[-2:]))


def _one(values: Values, how: str) -> str:
    made = make(values, how)
    return made if isinstance(made, str) else ", ".join(made)


def ask_cells(desk: Desk, grid: Grid, found: Mapping[tuple[int, int], Sequence[Word]]) -> None:
    """Remember what can be asked of a table whose cells have been written; column 0 holds the names of the rows."""
    desk.tabular = True
    slots = {"head": grid.head.lower(), "measure": grid.measure}
    for row, name in enumerate(grid.rows):
        for column, col in enumerate(grid.names):
            if not found.get((row, column + 1)):
                continue
            own = {
                **slots,
                "row": name,
                "col": col if grid.measure else _plain(col),
                "value": grid.texts[row][column],
            }
            desk.say("", found[row, column + 1], kind="table", asks=_asks(grid, column), slots=own)
            unique = sum(texts[column] == own["value"] for texts in grid.texts) == 1
            if unique and not grid.measure and desk.values.chance(0.2):
                desk.say("", found[row, 0], kind="table", asks=words("ask.reverse"), slots=own)
    _extremes(desk, grid, found, slots)
    _negatives(desk, grid, slots)


def _asks(grid: Grid, column: int) -> tuple[str, ...]:
    return words("ask.year") if grid.measure else grid.asks[column] + words("ask.cell")


def _plain(name: str) -> str:
    return name if name.isupper() or "(" in name else name.lower()


def _number(text: str) -> float | None:
    digits = "".join(c for c in text if c.isdigit())
    return float(digits) if digits and len(digits) > len(text) * 0.4 else None


def _extremes(
    desk: Desk, grid: Grid, found: Mapping[tuple[int, int], Sequence[Word]], slots: Mapping[str, str]
) -> None:
    """Remember the highest and lowest of columns of plain numbers, where there is one of either."""
    for column, col in enumerate(grid.names):
        numbers = [_number(texts[column]) for texts in grid.texts]
        whole = [number for number in numbers if number is not None]
        plain = grid.measure or any(
            name in grid.names[column] for name in ("Population", "Stock", "Count", "Staff", "Price")
        )
        if len(whole) < len(grid.rows) or len(set(whole)) < len(whole) or len(whole) < 3 or not plain:
            continue
        if len({len(texts[column].rpartition(".")[2]) for texts in grid.texts if "." in texts[column]}) > 1:
            continue
        own = {**slots, "col": f"{grid.measure} in {col}" if grid.measure else _plain(col)}
        for asks, best in (("ask.most", max(whole)), ("ask.least", min(whole))):
            if desk.values.chance(0.5) and (words_ := found.get((numbers.index(best), 0))):
                desk.say("", words_, kind="table", asks=words(asks), slots=own)


def _negatives(desk: Desk, grid: Grid, slots: Mapping[str, str]) -> None:
    """Remember questions about rows and columns that could be there and are not."""
    random = desk.random
    column = random.randrange(len(grid.names))
    col = grid.names[column] if grid.measure else _plain(grid.names[column])
    for other in grid.others[:2]:
        desk.lack("", _asks(grid, column), {**slots, "row": other, "col": col, "value": ""}, "table")
    name = random.choice(grid.rows)
    if grid.measure:
        year = str(int(grid.names[-1]) + random.randint(1, 9))
        desk.lack("", words("ask.year"), {**slots, "row": name, "col": year}, "table")
    else:
        for topic in topics():
            if grid.title not in topic.titles:
                continue
            rest = [one for one in topic.columns if not set(one.names) & set(grid.names)]
            if rest and (one := random.choice(rest)):
                own = {**slots, "row": name, "col": _plain(one.names[0])}
                desk.lack("", one.asks + words("ask.cell"), own, "table")
