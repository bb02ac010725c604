"""The queue: what is to be done, who does it, and what came of it.

A row of `jobs` exists exactly as long as its work does. A worker claims one under a lease and must finish it with
the token it got; a worker whose lease ran out meanwhile is told False, and its result is thrown away. What a
finished job leaves behind (reading, page, run, event, search index, the next jobs) is written in the same
transaction that deletes it, so every job has one outcome however often it is run.

Locks are taken in one order: the document, then jobs, pages, the run. `claim` takes a job and its page only.
"""

from docproc.store.jobs.claims import Claim, claim, keep, note, put_back, release, waiting
from docproc.store.jobs.requests import cancel, retry, start
from docproc.store.jobs.results import PageResult, failed, finished, planned, read, rejected
from docproc.store.jobs.sweeping import Swept, sweep

__all__ = [
    "Claim",
    "PageResult",
    "Swept",
    "cancel",
    "claim",
    "failed",
    "finished",
    "keep",
    "note",
    "planned",
    "put_back",
    "read",
    "rejected",
    "release",
    "retry",
    "start",
    "sweep",
    "waiting",
]
