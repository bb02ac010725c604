"""How search and lists hold up as pages grow: synthetic rows, a stated mix of queries, a table and a plot.

    python benchmarks/scale.py sqlite:////tmp/scale.sqlite3 --pages 1000,10000,100000
    python benchmarks/scale.py postgresql://root@127.0.0.1/scale --pages 1000,10000,100000,1000000

The database must be empty, or be one that this script filled before: it goes on from there. Words follow Zipf's
law over 50,000 made-up words, 150 to 350 on a page, 10 pages to a document, 50 owners. Index rows are made by a short
cut that is compared, page by page of a sample, with what the service itself writes; there are no readings, as neither
searches nor lists look at them. With `--output results/scale` the table and the plot are written as
scale-DATABASE.md and .png.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import insert, select, text
from tqdm import tqdm

from docproc.document import Line, Page, Region, Word
from docproc.geometry import Box
from docproc.settings import Settings
from docproc.store import access, documents, migrate, search
from docproc.store.access import Principal
from docproc.store.database import Database
from docproc.store.search import postgres, sqlite
from docproc.store.search.texts import LEVEL, Text
from docproc.store.tables import DocumentLabel, DocumentRow, Run, SearchPage, User
from web.server import GARBAGE

WORDS, OWNERS, RUNS, PER_DOCUMENT, BATCH, SAMPLE = 50_000, 50, 200, 10, 1_000, 200
MANY = 5_000
"""Pages for which PostgreSQL makes its index after they are in."""
TOKENS_INDEX = (
    "SET maintenance_work_mem = '512MB'",
    "CREATE INDEX ix_search_pages_tokens ON search_pages USING gin (tokens) WITH (fastupdate = off)",
)
NAMES = ("{word} ", "{number}.pdf", "zz", "no such name")
"""Parts of file names that lists are asked for: in a thousandth of them, in few, in none."""
LIMIT_MS = 100
JSON = json.JSONEncoder(separators=(",", ":")).encode
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def word(index: int) -> str:
    """Return the made-up word of a rank, 0 the most common; all different."""
    rest, made = index, ""
    while True:
        made, rest = SYLLABLES[rest % 70] + made, rest // 70 - 1
        if rest < 0:
            return made


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pages by number: the same number gives the same words."""

    weights: np.ndarray
    words: list[str]
    frames: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Number of words -> the JSON of their places and boxes, the same on every page of so many."""

    @classmethod
    def make(cls) -> Corpus:
        """Return the corpus, the same every time."""
        ranks = np.arange(1, WORDS + 1, dtype=float)
        weights = np.cumsum(1 / ranks)
        return cls(weights / weights[-1], [word(index) for index in range(WORDS)])

    def page(self, index: int) -> list[str]:
        """Return the words of a page."""
        rng = np.random.default_rng([7, index])
        ranks = np.searchsorted(self.weights, rng.random(rng.integers(150, 350)))
        return [self.words[rank] for rank in ranks]


def grow(database: Database, corpus: Corpus, target: int) -> float:
    """Bring the database to `target` pages; return the seconds it took."""
    begin = time.perf_counter()
    with database.read() as session:
        have = session.query(SearchPage).count()
    if not have:
        _people(database)
    with database.read() as session:
        owners = list(session.scalars(select(User.id).where(User.name.like("owner%")).order_by(User.name)))
        runs = list(session.scalars(select(Run.id).order_by(Run.id)))
    builds_later = not database.is_sqlite and target - have >= MANY
    if builds_later:
        _run(database, "DROP INDEX ix_search_pages_tokens")
    for start in tqdm(range(have, target, BATCH), desc=f"{target:,} pages", disable=have >= target):
        with database.write() as session:
            _add(session, corpus, range(start, min(start + BATCH, target)), owners, runs)
    if builds_later:
        _run(database, *TOKENS_INDEX)
    _run(database, "ANALYZE" if database.is_sqlite else "VACUUM ANALYZE")
    return time.perf_counter() - begin


def _run(database: Database, *statements: str) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))


def _people(database: Database) -> None:
    with database.write() as session:
        session.add_all(User(name=f"owner{index:02}", role="reviewer") for index in range(OWNERS))
        session.add_all([User(name="boss", role="admin"), User(name="guest", role="viewer")])
        session.flush()
        boss = session.scalars(select(User.id).where(User.name == "boss")).one()
        document = DocumentRow(
            owner_id=boss, sha256="0" * 64, filename="first.pdf", media_type="application/pdf", size=1
        )
        session.add(document)
        session.flush()
        session.add_all(
            Run(document_id=document.id, user_id=boss, options={}, status="done", page_count=PER_DOCUMENT)
            for _ in range(RUNS)
        )


def _reading(words: list[str], number: int) -> Page:
    lines = []
    for row in range(0, len(words), 9):
        made = tuple(
            Word(f"w{row + at}", one, (box := Box(50 + 55.5 * at, 40 + row * 2.1, 100 + 55.5 * at, 52 + row * 2.1)),
                 box.corners, 0.987)
            for at, one in enumerate(words[row : row + 9])
        )  # fmt: skip
        box = Box.union(one.box for one in made)
        lines.append(Line(f"l{row}", " ".join(one.text for one in made), box, box.corners, 0.98, made))
    region = Region("r0", "text", Box(40, 30, 570, 780), 0, 0.9, tuple(line.id for line in lines))
    return Page(number, 612, 792, lines=tuple(lines), regions=(region,))


def packed(words: list[str], corpus: Corpus) -> bytes:
    """Return what the service keeps of `_reading(words, ...)` to show hits, without making a page and its tokens."""
    count = len(words)
    if count not in corpus.frames:
        text = Text.of_page(_reading(words, 1))
        *_, places, steps = json.loads(zlib.decompress(text.pack()))
        corpus.frames[count] = JSON(places), JSON(steps)
    places, steps = corpus.frames[count]
    lines = [words[at : at + 9] for at in range(0, count, 9)]
    return zlib.compress(f"[{JSON(lines)},[0],{JSON(words)},{places},{steps}]".encode(), LEVEL)


def check(corpus: Corpus) -> None:
    """Compare the short cut with what the service writes."""
    for index in range(SAMPLE):
        words = corpus.page(index)
        text = Text.of_page(_reading(words, 1))
        assert words == text.tokens, index
        assert packed(words, corpus) == text.pack(), index


def _add(session, corpus, indexes, owners, runs) -> None:
    backend = sqlite if session.get_bind().dialect.name == "sqlite" else postgres
    docs, labels, pages = [], [], []
    first = backend.next_id(session)
    for index in indexes:
        which, number = divmod(index, PER_DOCUMENT)
        moment = BEGIN + timedelta(minutes=which)
        name = f"{int(moment.timestamp() * 1000):012x}{which:016x}"
        if number == 0:
            docs.append({
                "id": name, "owner_id": owners[which % OWNERS], "sha256": f"{which:064x}", "size": 1,
                "filename": f"{corpus.words[which % 1000]} {which}.pdf", "media_type": "application/pdf",
                "page_count": PER_DOCUMENT, "status": "done", "run_id": runs[which % RUNS],
                "created_at": moment, "updated_at": moment,
            })  # fmt: skip
            if which % 10 == 0:
                labels.append({"document_id": name, "name": f"label{which % 100 // 10}"})
        tokens = corpus.page(index)
        pages.append({
            "id": first + index - indexes[0], "document_id": name, "number": number + 1, "tokens": tokens,
            "shown": packed(tokens, corpus),
        })  # fmt: skip
    session.execute(insert(DocumentRow), docs)
    if labels:
        session.execute(insert(DocumentLabel), labels)
    if backend is sqlite:
        session.execute(insert(SearchPage), [{**page, "tokens": " ".join(page["tokens"])} for page in pages])
        return
    for page in pages:
        page["tokens"] = postgres.vector(page["tokens"], page["id"])
    with session.connection().connection.cursor() as cursor, cursor.copy(
        "COPY search_pages (id, document_id, number, tokens, shown) FROM STDIN"
    ) as copy:  # fmt: skip
        for page in pages:
            copy.write_row(tuple(page.values()))
    session.execute(text("SELECT setval('search_pages_id_seq', :last)"), {"last": pages[-1]["id"]})


def queries(corpus: Corpus, pages: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield (kind, query): the stated mix."""
    rng = np.random.default_rng(3)
    kinds = ["rare", "common", "two words", "phrase", "common phrase", "prefix", "not", "label", "date", "name"]
    for at in range(count):
        kind = kinds[at % len(kinds)]
        common, middle = corpus.words[rng.integers(0, 30)], corpus.words[rng.integers(100, 2000)]
        rare = corpus.words[rng.integers(20_000, WORDS)]
        on_page = corpus.page(int(rng.integers(0, pages)))
        place = int(rng.integers(0, len(on_page) - 3))
        day = (BEGIN + timedelta(minutes=int(rng.integers(0, max(1, pages // PER_DOCUMENT))))).date()
        yield (
            kind,
            {
                "rare": rare,
                "common": common,
                "two words": f"{common} {middle}",
                "phrase": '"{}"'.format(" ".join(on_page[place : place + 3])),
                "common phrase": f'"{common} {corpus.words[rng.integers(0, 30)]}"',
                "prefix": f"{middle[:4]}*",
                "not": f"{middle} NOT {common}",
                "label": f"{common} label:label{rng.integers(0, 10)}",
                "date": f"{middle} date:{day}",
                "name": f'{middle} name:"{corpus.words[rng.integers(0, 1000)]} "',
            }[kind],
        )


class Took(NamedTuple):
    """Milliseconds by the clock, and of CPU: of this process and of PostgreSQL's, where that runs on this machine."""

    clock: float
    cpu: float


class Watch:
    """Measures what uses the database, one thing at a time. The CPU time says what a machine without load takes."""

    def __init__(self, database: Database) -> None:
        self._backend: Path | None = None
        if not database.is_sqlite:
            with database.read() as session:  # the one connection of the pool
                pid = session.scalar(text("SELECT pg_backend_pid()"))
            stat = Path(f"/proc/{pid}/schedstat")
            self._backend = stat if database.url.host in {"127.0.0.1", "localhost"} and stat.exists() else None

    def measure(self, action: Callable[[], object]) -> Took:
        """Return the milliseconds that an action takes."""
        begin, cpu = time.perf_counter(), self._cpu()
        action()
        return Took((time.perf_counter() - begin) * 1000, (self._cpu() - cpu) * 1000)

    def _cpu(self) -> float:
        backend = int(self._backend.read_text().split()[0]) / 1e9 if self._backend else 0.0
        return time.thread_time() + backend


def search_times(database: Database, corpus: Corpus, pages: int, count: int) -> dict[str, list[Took]]:
    """Return kind -> what each query took, asked by an admin, an owner of a fiftieth, and a stranger."""
    times: dict[str, list[Took]] = {}
    watch = Watch(database)
    who = [_principal(database, name) for name in ("boss", "owner07", "guest")]
    for at, (kind, query) in enumerate(queries(corpus, pages, count)):
        one = who[(at // 10) % 3]
        took = watch.measure(lambda one=one, query=query: _search(database, one, query))
        times.setdefault(kind, []).append(took)
        times.setdefault(f"({one.name.rstrip('0123456789')})", []).append(took)
    return times


def _search(database: Database, who: Principal, query: str) -> None:
    with database.read() as session:
        search.find(session, who, query)


def list_times(database: Database, wanted: Iterable[documents.Filter]) -> list[Took]:
    """Return what listing 50 documents took, and the next 50."""
    times = []
    watch = Watch(database)
    for at, one in enumerate(wanted):
        who = _principal(database, ("boss", "owner07", "guest")[at % 3])
        after: list[str | None] = [None]

        def page(who: Principal = who, one: documents.Filter = one, after: list[str | None] = after) -> None:
            with database.read() as session:
                found = documents.page_of(session, access.visible(who), one, after=after[0], limit=50)
                after[0] = found.next

        times += [watch.measure(page), watch.measure(page)]
    return times


def filters(corpus: Corpus, pages: int, count: int) -> Iterator[documents.Filter]:
    """Yield what to list: parts of file names."""
    rng = np.random.default_rng(5)
    for at in range(count):
        number = rng.integers(0, max(1, pages // PER_DOCUMENT))
        part = NAMES[at // 3 % len(NAMES)].format(word=corpus.words[rng.integers(0, 1000)], number=number)
        yield documents.Filter(name=part)


def _principal(database: Database, name: str) -> Principal:
    with database.read() as session:
        row = session.scalars(select(User).where(User.name == name)).one()
    return Principal(row.id, row.name, row.role)


def summary(times: list[float]) -> dict[str, float]:
    """Return what is told of some times, in milliseconds."""
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
    return {"p50": round(statistics.median(times), 1), "p95": round(p95, 1), "max": round(max(times), 1)}


def report(rows: list[dict[str, object]], dialect: str) -> str:
    """Return the table as Markdown; times are p50 / p95 / longest, in milliseconds."""
    columns = [name for name in rows[0] if name != "pages"]
    heads = [f"{row['pages']:,} pages" for row in rows]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} over the last 5 minutes"
    lines = [
        f"# Search as pages grow, {dialect}",
        "",
        f"{machine}. Milliseconds: p50 / p95 / longest, of queries in turn by an admin, an owner and a stranger.",
        "Pages hold 150 to 350 made-up words; the 20 hits of a query are resolved to snippets and boxes. CPU:",
        "what of it a processor worked, here and in the database; the rest is waiting for a machine that others use.",
        "",
        f"| | {' | '.join(heads)} |",
        f"| --- |{' --- |' * len(rows)}",
    ]  # fmt: skip
    for name in columns:
        values = (row.get(name, "") for row in rows)
        told = (" / ".join(map(str, one.values())) if isinstance(one, dict) else str(one) for one in values)
        lines.append(f"| {name} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def plot(rows: list[dict[str, object]], path: Path, dialect: str) -> None:
    """Draw p50 and p95 of searches and lists over the number of pages."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (the extra `bench`)

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    pages = [row["pages"] for row in rows]
    for name, style in (("search", "o"), ("list", "s"), ("list by name", "^")):
        for part, line in (("p50", "--"), ("p95", "-")):
            axes.plot(pages, [row[name][part] for row in rows], f"{style}{line}", label=f"{name} {part}")
    axes.axhline(LIMIT_MS, color="grey", linewidth=0.8)
    axes.set(xscale="log", xlabel="pages", ylabel="milliseconds", ylim=(0, None), title=dialect)
    axes.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--pages", default="1000,5000,20000")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--output", type=Path, help="path without suffix")
    asked = parser.parse_args()
    database = Database(Settings(database_url=asked.url))
    migrate.upgrade(database)
    corpus = Corpus.make()
    check(corpus)
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    rows = []
    for pages in map(int, asked.pages.split(",")):
        seconds = grow(database, corpus, pages)
        search_times(database, corpus, pages, 20)
        found = search_times(database, corpus, pages, asked.queries)
        parts = {
            "search": [one for kind, times in found.items() if not kind.startswith("(") for one in times],
            "list": list_times(database, [documents.Filter()] * 30),
            "list by name": list_times(database, filters(corpus, pages, 60)),
            **found,
        }
        row: dict[str, object] = {"pages": pages, "filled in s": round(seconds), "load": round(os.getloadavg()[0], 1)}
        row |= {name: summary([one.clock for one in times]) for name, times in parts.items()}
        for name in ("search", "list", "list by name"):
            row[f"{name}, CPU"] = summary([one.cpu for one in parts[name]])
        print(json.dumps(row), flush=True)
        rows.append(row)
    if asked.output:
        dialect = database.engine.dialect.name
        name = asked.output.with_name(f"{asked.output.name}-{dialect}")
        name.with_suffix(".md").write_text(report(rows, dialect))
        plot(rows, name.with_suffix(".png"), dialect)
    database.close()


if __name__ == "__main__":
    sys.exit(main())
