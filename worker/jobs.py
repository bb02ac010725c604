"""One job from claim to outcome. Every job may run twice: only who holds the lease writes what came of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

from docproc.document import Page
from docproc.embed import Embedder
from docproc.errors import DocprocError, EngineFailed, Rejected, Unavailable, Usage
from docproc.memory import give_back_memory
from docproc.settings import Settings
from docproc.store import jobs
from docproc.store.database import Database
from docproc.store.files import Files
from worker.desk import Desk
from worker.finding import find_on_page
from worker.heartbeat import Heartbeat, fields
from worker.meaning import embed_waiting

log = logging.getLogger("docproc.worker")
ALONG = 8
"""Pages that a vision model is asked about at a time."""
ALONG_SECONDS = 15.0
"""How long one message has further pages taken up: Celery kills who is much longer at it than one job may take."""
PATIENCE = (1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to write a result that is ready, when the database is away."""
Problem = dict[str, Any]


class Worker:
    """Does jobs, one at a time, in the process that made it."""

    def __init__(self, settings: Settings, queues: Sequence[str], name: str) -> None:
        self.settings, self.queues, self.name = settings, tuple(queues), name
        self.database = Database(settings)
        self._desk = Desk(self.database, Files(settings), settings)
        self._embedder = Embedder(settings.threads)
        self._heartbeat = Heartbeat(self.database, settings, self._again)
        self._heartbeat.start()
        self._reading = threading.Lock()  # pages are read one at a time
        self._desk.loading = self._heartbeat.loading

    def claim(self) -> jobs.Claim | None:
        """Claim the best job; None when there is none."""
        return jobs.claim(self.database, self.queues, self.name, self.settings)

    def work(self, held: jobs.Claim) -> None:
        """Do a job; whatever happens, it is finished, queued again or given up.

        Jobs that ask a vision model are done several at a time, so that it has more than one page to look at.
        """
        if held.kind != "find":
            self._work(held)
            return
        until = time.monotonic() + ALONG_SECONDS
        with ThreadPoolExecutor(ALONG, "find") as pool:
            others = [pool.submit(self._work_along, until) for _ in range(ALONG - 1)]
            self._work(held)
            self._work_along(until)
        for other in others:
            other.result()

    def _work_along(self, until: float) -> None:
        """Claim and do jobs of vision models until none waits, or it is `until`."""
        while time.monotonic() < until:
            try:
                held = jobs.claim(self.database, [jobs.VISION_QUEUE], self.name, self.settings)
            except Unavailable as error:
                log.warning("No job can be claimed: %s", error)
                return
            if held is None:
                return
            self._work(held)

    def _work(self, held: jobs.Claim) -> None:
        began = time.monotonic()
        with self._heartbeat.watching(held), nullcontext() if held.kind == "find" else self._reading:
            if not guarded(lambda: self._attempt(held), "A job failed unexpectedly", fields(held)):
                self._again(held, INTERNAL)
        seconds = round(time.monotonic() - began, 3)
        log.info("%s ended", held.kind, extra={"fields": fields(held) | {"seconds": seconds}})
        give_back_memory()

    def embed(self, limit: int) -> bool:
        """Make the vectors of up to `limit` pages that wait for theirs; return whether there were any."""
        found = False

        def some() -> None:
            nonlocal found
            found = embed_waiting(self.database, self._embedder, limit)

        return guarded(some, "Pages could not be prepared for search by meaning") and found

    def close(self) -> None:
        """End the parser process and close the database."""
        self._desk.close()
        self.database.close()

    def _attempt(self, held: jobs.Claim) -> None:
        try:
            if not KINDS[held.kind](self, held):
                log.info("The result came too late and is dropped", extra={"fields": fields(held)})
        except Rejected as error:
            self._save(jobs.failed if held.number else jobs.rejected, held, _problem(error))
        except Usage as error:
            self._save(jobs.failed, held, _problem(error))
        except Unavailable as error:
            log.warning("Postponed: %s", error, extra={"fields": fields(held)})
            self._save(jobs.postpone, held, _problem(error))
        except EngineFailed as error:
            self._again(held, _problem(error))

    def _intake(self, held: jobs.Claim) -> bool:
        began = time.monotonic()
        upload = self._desk.open(held).upload
        facts = jobs.Facts(upload.media_type, upload.pages, seconds=time.monotonic() - began)
        return self._save(jobs.planned, held, facts)

    def _page(self, held: jobs.Claim) -> bool:
        began = time.monotonic()
        opened = self._desk.open(held)
        reader = self._desk.reader(opened.options)
        page, timings = reader.timed_page(opened.upload, held.number)
        if page.failed:
            self._again(held, _page_problem(page), page)
            return True
        result = jobs.PageResult(
            page=page,
            seconds=time.monotonic() - began,
            engines=reader.engines,
            version=VERSION,
            timings=timings,
        )
        return self._save(jobs.read, held, result)

    def _finish(self, held: jobs.Claim) -> bool:
        began = time.monotonic()
        return jobs.show(self.database, held) and self._save(jobs.finished, held, time.monotonic() - began)

    def _again(self, held: jobs.Claim, problem: Problem, page: Page | None = None) -> None:
        """Have the job tried again, or give it up when it was tried often enough."""
        log.warning("Attempt failed: %s", problem["message"], extra={"fields": fields(held) | problem})
        if held.attempt < self.settings.page_attempts:
            self._save(jobs.put_back, held, problem)
        else:
            self._save(jobs.failed, held, problem, page)

    def _save(self, verb: Callable[..., bool], held: jobs.Claim, *arguments: Any) -> bool:
        """Write an outcome; wait for a database that is away for a moment."""
        for seconds in PATIENCE:
            try:
                return verb(self.database, held, *arguments)
            except Unavailable as error:
                log.warning("The result cannot be written yet: %s", error, extra={"fields": fields(held)})
                time.sleep(seconds)
        return verb(self.database, held, *arguments)

    def _find(self, held: jobs.Claim) -> bool:
        return find_on_page(self.database, held, self._desk, self._save)


KINDS: Mapping[str, Callable[[Worker, jobs.Claim], bool]] = {
    "intake": Worker._intake,  # noqa: SLF001
    "page": Worker._page,  # noqa: SLF001
    "finish": Worker._finish,  # noqa: SLF001
    "find": Worker._find,  # noqa: SLF001
}
VERSION = version("docproc")
INTERNAL = {
    "code": "internal",
    "message": "Reading failed for a reason that we did not foresee.",
    "hint": "The log of the worker tells more; please report it.",
}


def guarded(work: Callable[[], None], failed: str, about: Mapping[str, Any] | None = None) -> bool:
    """Do `work`; log what it raises, a bug as one, and return False: it must not end the process."""
    try:
        work()
    except DocprocError as error:
        log.warning("%s: %s", failed, error, extra={"fields": about or {}})
        return False
    except Exception:
        log.exception("%s", failed, extra={"fields": about or {}})
        return False
    return True


def _problem(error: DocprocError) -> Problem:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _page_problem(page: Page) -> Problem:
    first = page.problems[0]
    return {"code": first.code, "message": first.message, "hint": first.hint}
