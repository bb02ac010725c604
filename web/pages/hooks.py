"""Webhooks: who is told when documents are read, what was sent, what came of it, and once more."""

from __future__ import annotations

from flask import Blueprint, flash, render_template, request
from werkzeug.wrappers import Response

from docproc.errors import Rejected
from docproc.store import audit, webhooks
from web import auth, context
from web.pages.frame import back, told

blueprint = Blueprint("hooks_page", __name__)
ME = "hooks_page.index"
SHOWN = 30
"""Messages shown of the log of one webhook."""


@blueprint.get("/webhooks")
def index() -> str:
    """List the webhooks; an admin sees all."""
    return _page()


@blueprint.post("/webhooks")
def add() -> str | Response:
    """Add a webhook and show the secret that signs what it is sent, this once."""
    here, who, url = context(), auth.current(), request.form.get("url", "").strip()[:2000]
    try:
        webhooks.check(here.settings, url)
        with here.database.write() as session:
            row, secret = webhooks.add(session, here.settings, who.user_id, url)
            audit.note(session, who, "webhook.add", row.id, address=auth.address(), details={"url": url})
    except Rejected as error:
        flash(str(error), "error")
        return back(ME)
    return _page(secret, url)


@blueprint.get("/webhooks/<webhook_id>")
def log(webhook_id: str) -> str:
    """Show what was sent to one webhook, newest first."""
    after = request.args.get("after") or None
    with context().database.read() as session:
        row = webhooks.get(session, auth.current(), webhook_id)
        sent = webhooks.deliveries(session, row, after=after, limit=SHOWN + 1)
    following = sent[SHOWN - 1].id if len(sent) > SHOWN else None
    return render_template("webhook.html", hook=row, sent=sent[:SHOWN], next=following)


@blueprint.post("/webhooks/<webhook_id>/change")
def change(webhook_id: str) -> Response:
    """Stop or begin telling a webhook, test the way to it, or delete it."""
    who, what = auth.current(), request.form.get("what", "")
    with context().database.write() as session:
        row = webhooks.get(session, who, webhook_id)
        audit.note(session, who, f"webhook.{what[:20]}", row.id, address=auth.address(), details={"url": row.url})
        if what == "delete":
            webhooks.remove(session, row)
            flash("The webhook is deleted.")
            return back(ME)
        if what == "ping":
            webhooks.ping(session, row)
            flash("A test is sent; the log says what came of it.")
        else:
            row.active = what == "start"
    return back("hooks_page.log", webhook_id=webhook_id)


@blueprint.post("/webhooks/<webhook_id>/replay/<delivery_id>")
def replay(webhook_id: str, delivery_id: str) -> Response:
    """Send a message once more, with the same id and body."""
    who = auth.current()
    with told(), context().database.write() as session:
        row = webhooks.replay(session, webhooks.get(session, who, webhook_id), delivery_id)
        audit.note(session, who, "webhook.replay", row.id, address=auth.address())
        flash("It is sent once more.")
    return back("hooks_page.log", webhook_id=webhook_id)


def _page(secret: str = "", url: str = "") -> str:
    with context().database.read() as session:
        rows = webhooks.listing(session, auth.current())
    return render_template("webhooks.html", hooks=rows, secret=secret, url=url)
