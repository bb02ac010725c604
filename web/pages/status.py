"""How the service is doing, for admins: what waits, who works, what failed, how much is kept."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template

from docproc.models import MODELS
from docproc.store import health, overview
from docproc.store.health import Health
from docproc.store.overview import Storage
from web import auth, context
from web.api.health import checked
from web.pages.words import duration, size

blueprint = Blueprint("status_page", __name__)

SILENCE = timedelta(minutes=2)
"""How long a worker may be silent and still be counted."""


@blueprint.get("/status")
@auth.needs("admin")
def index() -> str:
    """Show the figures."""
    with context().database.read() as session:
        now = health.look(session, SILENCE)
        failures = overview.failures(session)
        storage = overview.storage(session)
        work, engines = overview.work(session), overview.engines(session)
    models = [(model, path.stat().st_size if (path := model.path()) else None) for model in MODELS]
    return render_template(
        "status.html", figures=_figures(now, storage), workers=now.workers, failures=failures, work=work,
        engines=engines, models=models, checks=checked(),
    )  # fmt: skip


def _figures(now: Health, storage: Storage) -> list[tuple[str, str]]:
    each = duration(now.page_seconds / now.pages_timed) if now.pages_timed else "none yet"
    return [
        ("Jobs waiting", f"{sum(now.waiting.values()):,}"),
        ("Being worked on", f"{sum(now.leased.values()):,}"),
        ("Longest wait", duration(now.oldest_seconds) if now.oldest_seconds else "none"),
        ("Documents", f"{sum(now.documents.values()):,}"),
        ("Pages read", f"{now.pages.get('done', 0):,}"),
        ("Pages failed", f"{now.pages.get('failed', 0):,}"),
        ("Time per page", each),
        ("Files", f"{storage.files:,}"),
        ("Stored", size(storage.size)),
    ]
