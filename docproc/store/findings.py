"""What vision models are asked about documents, and what they found: requests, findings, and the pages they wait for.

A request waits for its pages; for each there is one job, which does at once whatever is asked of that page by then.
So the page is drawn, and seen by the model, once for all that is asked of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.document import Page, Region
from docproc.errors import Conflict, NotFound, Rejected
from docproc.exports.json_findings import finding_to_dict
from docproc.exports.json_reader import Node, read_finding
from docproc.findings import Finding
from docproc.store import events
from docproc.store.tables import DocumentRow, FindingRequest, FindingRow, PageRow, utc_now

MOST_PAGES = 200
"""Pages of one request."""
MOST_ACTIVE = 20
"""Requests of one document that wait at a time: each page's job does all of them."""
ACTIVE = ("queued", "running")
SAME_PICTURE = 0.9
"""A caption of a box is that of a picture when they overlap so far (intersection over union)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: a task about `prompt`, on `pages` (none: all), with `language`, `box`, `choices` as options."""

    task: str
    prompt: str = ""
    pages: Collection[int] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request on one page: findings, or a `problem` (code, message, hint)."""

    request_id: str
    findings: Sequence[Finding] = ()
    invalid: int = 0
    unfinished: int = 0
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with what it has found so far."""

    row: FindingRequest
    findings: Sequence[Mapping[str, Any]] = field(default=())


def add(session: Session, document: DocumentRow, user_id: str, wanted: Wanted) -> FindingRequest:
    """Keep a request for its pages, or for all that are read; jobs are queued by `docproc.store.jobs.find`.

    Raises NotFound for a page that there is not, Conflict for one that is not read, or when too much waits, Rejected
    for too many pages.
    """
    query = select(PageRow.number, PageRow.status).where(PageRow.run_id == (document.run_id or ""))
    known: dict[int, str] = dict(session.execute(query.order_by(PageRow.number)).all())
    numbers = sorted(set(wanted.pages)) or [number for number, status in known.items() if status == "done"]
    _require_read(numbers, known)
    if len(numbers) > MOST_PAGES:
        raise Rejected(
            f"{len(numbers)} pages are asked about; {MOST_PAGES} may be at a time.",
            hint="Name some of them in `pages`.",
            code="too-many-pages",
        )
    if len(active(session, document.id)) >= MOST_ACTIVE:
        raise Conflict(
            f"{MOST_ACTIVE} requests wait for this document already.",
            hint="Wait until some are done, or cancel some.",
            code="too-many-requests",
        )
    row = FindingRequest(
        document_id=document.id,
        user_id=user_id,
        task=wanted.task,
        prompt=wanted.prompt,
        options={**wanted.options, "pages": numbers},
        state={"waiting": numbers, "problems": [], "invalid": 0, "unfinished": 0},
    )
    session.add(row)
    session.flush()
    _tell(session, row)
    return row


def get(session: Session, document: DocumentRow, request_id: str) -> Asked:
    """Return a request of a document; raise NotFound."""
    row = session.get(FindingRequest, request_id, populate_existing=True)
    if row is None or row.document_id != document.id:
        raise NotFound("There is no such request.", hint="GET .../findings lists them.")
    return _asked(session, [row])[0]


def listing(
    session: Session, document: DocumentRow, *, after: str | None = None, limit: int = 20
) -> tuple[list[Asked], str | None]:
    """Return requests, newest first, from `after` on, and where to go on."""
    query = select(FindingRequest).where(FindingRequest.document_id == document.id)
    if after:
        query = query.where(FindingRequest.id < after)
    rows = list(session.scalars(query.order_by(FindingRequest.id.desc()).limit(limit + 1)))
    return _asked(session, rows[:limit]), rows[limit - 1].id if len(rows) > limit else None


def active(session: Session, document_id: str, number: int | None = None) -> list[FindingRequest]:
    """Return the requests that wait, oldest first; those that wait for page `number` where one is given."""
    query = select(FindingRequest).where(FindingRequest.document_id == document_id, FindingRequest.status.in_(ACTIVE))
    rows = session.scalars(query.order_by(FindingRequest.id).execution_options(populate_existing=True))
    return [row for row in rows if number is None or number in row.state["waiting"]]


def cancel(session: Session, row: FindingRequest) -> bool:
    """Stop waiting; what was found stays. Returns False when there was nothing to stop."""
    if row.status not in ACTIVE:
        return False
    row.state = {**row.state, "waiting": []}
    row.status, row.finished_at = "cancelled", utc_now()
    _tell(session, row)
    return True


def delete(session: Session, document: DocumentRow, row: FindingRequest) -> None:
    """Forget a request that is not waited for any more, and what it found."""
    mine = FindingRow.request_id == row.id
    numbers = session.scalars(select(FindingRow.number).where(mine).distinct()).all()
    _tell(session, row)
    session.execute(sql_delete(FindingRequest).where(FindingRequest.id == row.id))
    session.expunge(row)
    for number in numbers:
        _page_changed(session, document, number)


def keep(
    session: Session, document: DocumentRow, run_id: str, number: int, outcomes: Sequence[Outcome], engine: str
) -> None:
    """Write what came of requests on a page; those that were cancelled meanwhile get nothing."""
    waiting = {row.id: row for row in active(session, document.id, number)}
    found = False
    for outcome in outcomes:
        row = waiting.get(outcome.request_id)
        if row is None:
            continue
        for finding in outcome.findings:
            data = finding_to_dict(replace(finding, run=row.id))
            session.add(
                FindingRow(
                    document_id=document.id, request_id=row.id, run_id=run_id, number=number, task=finding.task,
                    prompt=finding.prompt, data=data,
                )
            )  # fmt: skip
            found = True
        row.engine = engine or row.engine
        _page_ended(session, row, number, outcome)
    if found:
        _page_changed(session, document, number)


def on_page(session: Session, document: DocumentRow, number: int) -> list[Finding]:
    """Return all that was found on a page, in the order it was asked."""
    return by_page(session, document, number).get(number, [])


def by_page(session: Session, document: DocumentRow, number: int | None = None) -> Mapping[int, list[Finding]]:
    """Return what was found, page by page."""
    query = select(FindingRow.number, FindingRow.data).where(FindingRow.document_id == document.id)
    if number is not None:
        query = query.where(FindingRow.number == number)
    found: defaultdict[int, list[Finding]] = defaultdict(list)
    for at, data in session.execute(query.order_by(FindingRow.request_id, FindingRow.id)):
        found[at].append(read_finding(Node(data)))
    return found


def shown_with(page: Page, findings: Sequence[Finding]) -> Page:
    """Return the page with its findings; a caption of a picture is its alternative text where it has none."""
    if not findings:
        return page
    captions = [one for one in findings if one.task == "caption" and one.box is not None and one.text]
    regions = tuple(_described(region, captions) for region in page.regions)
    return replace(page, findings=(*page.findings, *findings), regions=regions)


def _described(region: Region, captions: Sequence[Finding]) -> Region:
    if region.label != "picture" or region.alt_text:
        return region
    same = [one.text for one in captions if one.box and one.box.iou(region.box) >= SAME_PICTURE]
    return replace(region, alt_text=same[-1]) if same else region


def _require_read(numbers: Sequence[int], known: Mapping[int, str]) -> None:
    for number in numbers:
        if number not in known:
            raise NotFound(f"There is no page {number}.", hint="Its document's status says which there are.")
        if known[number] != "done":
            raise Conflict(f"Page {number} is not read.", hint="Watch .../events until it is.", code="not-read")
    if not numbers:
        raise Conflict("No page of it is read.", hint="Watch .../events until some are.", code="not-read")


def _asked(session: Session, rows: Sequence[FindingRequest]) -> list[Asked]:
    query = select(FindingRow.request_id, FindingRow.data).where(FindingRow.request_id.in_([row.id for row in rows]))
    found: defaultdict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for request_id, data in session.execute(query.order_by(FindingRow.number, FindingRow.id)):
        found[request_id].append(data)
    return [Asked(row, found[row.id]) for row in rows]


def _page_ended(session: Session, row: FindingRequest, number: int, outcome: Outcome) -> None:
    state = dict(row.state)
    state["waiting"] = [one for one in state["waiting"] if one != number]
    state["invalid"] += outcome.invalid
    state["unfinished"] += outcome.unfinished
    if outcome.problem is not None:
        state["problems"] = [*state["problems"], {"page": number, **outcome.problem}]
    row.state, row.status = state, "running"
    if not state["waiting"]:
        bad, pages = len(state["problems"]), len(row.options["pages"])
        row.status = "done" if not bad else "failed" if bad == pages else "partial"
        row.finished_at = utc_now()
    session.flush()
    _tell(session, row, number)


def _tell(session: Session, row: FindingRequest, number: int | None = None) -> None:
    session.flush()
    data = {"request": row.id, "task": row.task, "status": row.status, "number": number}
    events.emit(session, row.document_id, "findings", data | {"waiting": len(row.state["waiting"])})


def _page_changed(session: Session, document: DocumentRow, number: int) -> None:
    """Count the change, so that the page's ETag and those of exports are others."""
    state = session.get(PageRow, (document.run_id or "", number))
    if state is not None:
        state.found += 1
        state.updated_at = utc_now()
