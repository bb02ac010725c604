"""`docproc process --server`: the reading is done by a server; what comes out is the same."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from docproc.client import Client
from docproc.commands.output import Target
from docproc.document import Problem
from docproc.errors import Conflict, DocprocError, Rejected, Unavailable, Usage
from docproc.exports import Export
from docproc.pipeline import ReadOptions
from docproc.settings import Settings


def connect(url: str) -> Client:
    """Return a client of the server at `url`, with the token of the settings; raise Usage without one."""
    token = Settings.from_environment().token
    if not token:
        hint = "Set DOCPROC_TOKEN; `docproc user token --scope write` makes one."
        raise Usage("A server wants a token.", hint=hint, code="token")
    return Client(url, token)


def process(
    client: Client, path: Path, options: ReadOptions, export: Export, target: Target
) -> list[tuple[int, Problem]]:
    """Have `path` read by the server and write its export; return the problems of pages, by number.

    What the server has read with the same options already is not read again. Raises Rejected when no page could
    be read.
    """
    target.check()
    document = _hand_in(client, path, options)
    _watch(client, document, path.name)
    status = client.wait(document)
    _require_read(status)
    target.write(client.export(document, export.name))
    failed = [(page["number"], page["problem"]) for page in status["pages"] if page["status"] == "failed"]
    return [(number, Problem(why["code"], why["message"], why["hint"])) for number, why in failed]


def _hand_in(client: Client, path: Path, options: ReadOptions) -> str:
    """Upload a file, and ask for another reading where the server has one with other options, or none."""
    wanted = _chosen(options)
    form = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in wanted.items()}
    document = client.upload(path, form | ({"password": options.password} if options.password else {}))
    status = client.status(document)
    if status["options"] != wanted or status["status"] in {"failed", "cancelled"}:
        client.wait(document)
        client.read_again(document, wanted)
    return document


def _chosen(options: ReadOptions) -> dict[str, Any]:
    """Return what is not left to the server, as the API takes it; the password goes its own way."""
    plain = ReadOptions()
    names = [one.name for one in fields(ReadOptions) if one.name not in {"password", "layout"}]
    chosen = {name: getattr(options, name) for name in names if getattr(options, name) != getattr(plain, name)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.items()}


def _watch(client: Client, document: str, name: str) -> None:
    """Show progress until the document is finished, as far as the server has time for those who watch."""
    with tqdm(desc=name, unit="page", leave=False, disable=None, file=sys.stderr) as bar, suppress(Unavailable):
        for event in client.events(document):
            bar.total = event.data.get("pages") or bar.total
            bar.n = (bar.total or 0) - event.data.get("remaining", 0)
            bar.refresh()


def _require_read(status: Mapping[str, Any]) -> None:
    if status["status"] in {"done", "partial"}:
        return
    problem = status["problem"] or {}
    message = problem.get("message") or f"The document is {status['status']}."
    if status["status"] == "cancelled":
        raise Conflict("Reading was cancelled on the server.", hint="Run it again to have it read.", code="cancelled")
    kind = Rejected if status["status"] == "rejected" or status["pages"] else DocprocError
    raise kind(message, hint=problem.get("hint", ""), code=problem.get("code") or status["status"])
