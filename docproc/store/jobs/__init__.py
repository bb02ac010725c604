"""The queue: what is to be done, who does it, and what came of it.

A row of `jobs` exists exactly as long as its work does. A worker claims one under a lease and must finish it with
the token it got; a worker whose lease ran out meanwhile is told False, and its result is thrown away. What a
finished job leaves behind (reading, page, run, event, search index, the next jobs) is written in the same
transaction that deletes it, so every job has one outcome however often it is run.

Locks are taken in one order: the document, then jobs, pages, the run. `claim` takes a job and its page only.
"""

from docproc.store.jobs.claims import (
    Claim,
    busy,
    claim,
    forfeit,
    keep,
    postpone,
    put_back,
    ready,
    release,
    release_all,
    waiting,
    waiting_of,
)
from docproc.store.jobs.finding import VISION_QUEUE, asked, cancel_finding, find, found
from docproc.store.jobs.requests import cancel, retry, start
from docproc.store.jobs.results import Facts, PageResult, failed, finished, planned, read, rejected
from docproc.store.jobs.rows import QUEUES, queue_of
from docproc.store.jobs.showing import show
from docproc.store.jobs.sweeping import Swept, heard_of, sweep

__all__ = [
    "QUEUES",
    "VISION_QUEUE",
    "Claim",
    "Facts",
    "PageResult",
    "Swept",
    "asked",
    "busy",
    "cancel",
    "cancel_finding",
    "claim",
    "failed",
    "find",
    "finished",
    "forfeit",
    "found",
    "heard_of",
    "keep",
    "planned",
    "postpone",
    "put_back",
    "queue_of",
    "read",
    "ready",
    "rejected",
    "release",
    "release_all",
    "retry",
    "show",
    "start",
    "sweep",
    "waiting",
    "waiting_of",
]
