"""The tables. Rows are the truth; queue messages and search rows can be made again from them.

Identifiers are `new_id()`: 28 hex digits that sort by time of creation. Times are UTC. What a JSON column holds
is said where it stands.
"""

from docproc.store.tables.base import (
    BULK,
    INTERACTIVE,
    DocumentStatus,
    JobKind,
    PageStatus,
    Role,
    Scope,
    Table,
    new_id,
    utc_now,
)
from docproc.store.tables.documents import (
    AnswerRow,
    AnswerVerdict,
    CorrectionRow,
    DocumentLabel,
    DocumentRow,
    FindingRequest,
    FindingRow,
    PageRow,
    Reading,
    Run,
    Share,
    UnusedFile,
)
from docproc.store.tables.people import AuditRow, IdempotencyKey, Token, User, WebSession
from docproc.store.tables.queue import Delivery, Event, Job, Webhook, Worker
from docproc.store.tables.reviews import PageDoubt, Review, Verdict
from docproc.store.tables.search import SearchPage, SearchVectors

__all__ = [
    "BULK",
    "INTERACTIVE",
    "AnswerRow",
    "AnswerVerdict",
    "AuditRow",
    "CorrectionRow",
    "Delivery",
    "DocumentLabel",
    "DocumentRow",
    "DocumentStatus",
    "Event",
    "FindingRequest",
    "FindingRow",
    "IdempotencyKey",
    "Job",
    "JobKind",
    "PageDoubt",
    "PageRow",
    "PageStatus",
    "Reading",
    "Review",
    "Role",
    "Run",
    "Scope",
    "SearchPage",
    "SearchVectors",
    "Share",
    "Table",
    "Token",
    "UnusedFile",
    "User",
    "Verdict",
    "WebSession",
    "Webhook",
    "Worker",
    "new_id",
    "utc_now",
]
