"""Recall of search by words, by meaning and by both: pages with one known fact among pages that docproc draws.

    python benchmarks/meaning.py sqlite:////tmp/meaning.sqlite3

Each fact stands in a drawn page as a line of its own and is asked for in three ways: in its own words, in a
question that shares some of them, and in other words. The database must be empty. Written to results/meaning.md.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from docproc.document import Line, Page, Word
from docproc.embed import embedder
from docproc.geometry import Box
from docproc.settings import Settings
from docproc.store import migrate, readings, search
from docproc.store.access import Principal
from docproc.store.database import Database
from docproc.store.search import vectors
from docproc.store.tables import DocumentRow, Run, User
from docproc.synth.kinds import draw

KINDS = ("print", "report", "invoice", "table", "small-print")
DISTRACTORS = 60
"""Documents of each kind beside those with a fact."""
TOP = 5
OUTPUT = Path(__file__).parent / "results" / "meaning.md"


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a page, and three ways to ask for it."""

    line: str
    words: str
    question: str
    otherwise: str


FACTS = tuple(
    Fact(*one)
    for one in (
        ("The patient must not eat anything before the operation.", "patient operation",
         "when may the patient eat before an operation", "fasting ahead of surgery"),
        ("Payment is due within thirty days of receipt.", "payment thirty days",
         "how many days until payment is due", "deadline for settling the bill"),
        ("The tenant shall give notice three months before moving out.", "tenant notice",
         "how much notice must the tenant give", "ending the lease of an apartment"),
        ("The roof was damaged by hail in the night of the storm.", "roof hail",
         "what damaged the roof", "ice falling from the sky broke the top of the house"),
        ("Our dog was vaccinated against rabies in spring.", "dog rabies",
         "was the dog vaccinated", "shots for a pet"),
        ("The car failed its inspection because of worn brakes.", "car brakes",
         "why did the car fail inspection", "vehicle cannot stop safely"),
        ("She resigned from her post as treasurer of the club.", "resigned treasurer",
         "who resigned as treasurer", "quitting the job of keeping the money"),
        ("The flight to Lisbon was cancelled owing to a strike.", "flight Lisbon",
         "why was the flight cancelled", "airline trip called off by walkout of staff"),
        ("All employees receive a bonus at the end of the year.", "employees bonus",
         "when do employees get a bonus", "extra pay for workers in December"),
        ("The warranty does not cover damage caused by water.", "warranty water",
         "does the warranty cover water damage", "guarantee excludes liquid spills"),
        ("The school will be closed on Friday because of snow.", "school snow",
         "why is the school closed", "no lessons for children in winter weather"),
        ("He inherited the farm from his grandmother.", "inherited farm",
         "who inherited the farm", "land left to a relative in a will"),
        ("The bank raised the interest on the mortgage.", "interest mortgage",
         "did the bank raise the interest", "home loan became more expensive"),
        ("A fire broke out in the kitchen of the restaurant.", "fire kitchen",
         "where did the fire break out", "blaze in a place where meals are cooked"),
        ("The parcel was delivered to the wrong neighbour.", "parcel neighbour",
         "where was the parcel delivered", "package handed to somebody else next door"),
        ("Please wear a helmet on the building site.", "helmet site",
         "must one wear a helmet", "protective headgear for construction workers"),
        ("The museum offers free entry to students.", "museum students",
         "is entry to the museum free", "young people in education pay nothing to see art"),
        ("The engine overheats when driving uphill.", "engine uphill",
         "when does the engine overheat", "motor gets too hot in the mountains"),
        ("The court dismissed the claim for lack of evidence.", "court evidence",
         "why did the court dismiss the claim", "judge rejected the lawsuit without proof"),
        ("The harvest was poor after a summer without rain.", "harvest rain",
         "why was the harvest poor", "drought ruined the crops"),
        ("The password must be changed every ninety days.", "password ninety",
         "how often must the password be changed", "renewing login credentials regularly"),
        ("The river flooded the cellars of the old town.", "river cellars",
         "what flooded the cellars", "high water in basements"),
        ("The choir will sing at the wedding of our daughter.", "choir wedding",
         "where will the choir sing", "music for a marriage ceremony"),
        ("The doctor prescribed antibiotics against the infection.", "doctor antibiotics",
         "what did the doctor prescribe", "medicine to fight bacteria"),
        ("The company moved its headquarters to Dublin.", "headquarters Dublin",
         "where are the headquarters", "main office relocated to the Irish capital"),
        ("The baby was born at dawn and weighs three kilos.", "baby dawn",
         "when was the baby born", "arrival of a newborn child early in the morning"),
        ("The thief broke a window and took the jewels.", "thief jewels",
         "what did the thief take", "burglary in which valuables were stolen"),
        ("The library charges a fee for books returned late.", "library late",
         "what does the library charge for", "penalty when borrowed volumes are overdue"),
        ("The bridge can carry trucks of up to twelve tons.", "bridge trucks",
         "how heavy may trucks on the bridge be", "weight limit for lorries crossing"),
        ("The wine should be stored in a cool and dark place.", "wine dark",
         "where should wine be stored", "keeping bottles of alcohol away from light"),
    )
)  # fmt: skip


def with_line(page: Page, text: str) -> Page:
    """Return the page with one more line, after its others."""
    box = Box(72, page.height - 60, 500, page.height - 48)
    words = tuple(Word(f"fact{at}", one, box, box.corners, 1.0) for at, one in enumerate(text.split()))
    return replace(page, lines=(*page.lines, Line("fact", text, box, box.corners, 1.0, words)))


def fill(database: Database) -> Principal:
    """Add the documents, one of each kind in turn; those with a fact are named by it."""
    with database.write() as session:
        user = User(name="reader", role="reviewer")
        session.add(user)
    for seed in range(DISTRACTORS):
        for place, kind in enumerate(KINDS):
            index = seed * len(KINDS) + place
            fact = FACTS[index // 10] if index % 10 == 0 and index // 10 < len(FACTS) else None
            pages = draw(kind, seed).pages
            add(database, user.id, pages if fact is None else (with_line(pages[0], fact.line), *pages[1:]), fact)
    return Principal(user.id, "reader", "reviewer")


def add(database: Database, user_id: str, pages: tuple[Page, ...], fact: Fact | None) -> None:
    with database.write() as session:
        name = fact.line if fact else "other"
        row = DocumentRow(owner_id=user_id, sha256="0" * 64, filename=name, media_type="application/pdf", size=1)
        session.add(row)
        session.flush()
        run = Run(document_id=row.id, user_id=user_id, options={}, status="done", page_count=len(pages))
        session.add(run)
        session.flush()
        row.run_id = run.id
        for page in pages:
            readings.save(session, run.id, page.number, page)
            search.index_page(session, row, page.number, page)


def prepare(database: Database) -> int:
    """Make all vectors; return how many pages there are."""
    done = 0
    while True:
        with database.write() as session:
            waiting = vectors.claim(session, 20)
        if not waiting:
            return done
        for page in waiting:
            made = embedder().embed(page.texts)
            with database.write() as session:
                vectors.keep(session, page, made)
        done += len(waiting)


def recall(database: Database, who: Principal, way: str, mode: str) -> float:
    """Return the share of facts of which the page is among the first `TOP`."""
    found = 0
    for fact in FACTS:
        query = getattr(fact, way)
        [vector] = embedder().embed([search.meant(query)])
        meaning = None if mode == "text" else search.Meaning(vector, alone=mode == "meaning")
        with database.read() as session:
            hits = search.find(session, who, query, limit=TOP, meaning=meaning).hits
        found += any((hit.filename, hit.page) == (fact.line, 1) for hit in hits)
    return found / len(FACTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    database = Database(Settings(database_url=parser.parse_args().url))
    migrate.upgrade(database)
    who = fill(database)
    pages = prepare(database)
    lines = [
        "# Search by words and by meaning",
        "",
        f"{len(FACTS)} facts, each one line of a page among {pages} pages that docproc draws "
        f"(`python benchmarks/meaning.py`): the share whose page is among the first {TOP} hits.",
        "",
        "| asked | words | meaning | both |",
        "| --- | --- | --- | --- |",
    ]
    for way, told in (
        ("words", "in two of its words"), ("question", "in a question with some of its words"),
        ("otherwise", "in other words"),
    ):  # fmt: skip
        shares = [f"{recall(database, who, way, mode):.2f}" for mode in ("text", "meaning", "both")]
        lines.append(f"| {told} | {' | '.join(shares)} |")
    OUTPUT.write_text("\n".join(lines) + "\n")
    print(OUTPUT.read_text())
    database.close()


if __name__ == "__main__":
    sys.exit(main())
