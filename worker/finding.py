"""What vision models are asked about a page: all of it at once, on one drawing of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from docproc.errors import DocprocError, Unavailable, Usage
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.store import jobs, readings
from docproc.store.database import Database
from docproc.store.findings import Outcome
from docproc.store.tables import FindingRequest
from docproc.tasks import Ask
from docproc.tasks.pages import Found, Model, find_all
from worker.desk import Desk

SECONDS = 240.0
"""Longest time that a model may take for a page: less than a job may."""
FINAL = frozenset({"no-mask-decoder", "prompt-too-long"})
"""Codes of what is missing for good: trying again would not help."""

Save = Callable[..., bool]


def find_on_page(database: Database, held: jobs.Claim, desk: Desk, save: Save) -> bool:
    """Do a job of the kind `find`; return False when it was lost meanwhile.

    Raises what drawing the page and asking the model do; a request that the model cannot do fails alone.
    """
    requests = jobs.asked(database, held)
    if not requests:
        return save(jobs.found, held, [], "")
    with desk.vision() as model:
        with database.read() as session:
            page = readings.load(session, held.run_id, held.number)
        image = desk.draw(held, rotation=page.rotation if page else 0)
        box = Box(0, 0, page.width, page.height) if page and page.width and page.height else image.box
        outcomes = _ask(model, requests, image, held.number, box)
        engine = f"{model.engine.name} {model.engine.version}"
    return save(jobs.found, held, outcomes, engine)


def _ask(model: Model, requests: Sequence[FindingRequest], image: PageImage, number: int, page: Box) -> list[Outcome]:
    asks = [ask_of(request) for request in requests]
    try:
        found = find_all(model, asks, image, number=number, page=page, seconds=SECONDS)
        return [_outcome(request, one) for request, one in zip(requests, found, strict=True)]
    except (Usage, Unavailable) as error:
        if len(requests) > 1:
            return [one for request in requests for one in _ask(model, [request], image, number, page)]
        if isinstance(error, Unavailable) and error.code not in FINAL:
            raise
        return [Outcome(requests[0].id, problem=_problem(error))]


def ask_of(request: FindingRequest) -> Ask:
    """Return a request of the store as the tasks know it."""
    options: dict[str, Any] = request.options
    box = options.get("box")
    return Ask(
        task=request.task,
        thing=request.prompt,
        language=options.get("language", "en"),
        box=Box.from_list(box) if box else None,
        choices=tuple(options.get("choices", ())),
    )


def _outcome(request: FindingRequest, found: Found) -> Outcome:
    return Outcome(request.id, found.findings, found.invalid, found.unfinished)


def _problem(error: DocprocError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "hint": error.hint}
