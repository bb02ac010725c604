"""`docproc worker` and `docproc sweep`."""

from __future__ import annotations

import click

from docproc import vision
from docproc.errors import Usage
from docproc.settings import Settings
from docproc.store import jobs, migrate
from docproc.store.database import Database
from docproc.store.jobs import QUEUES


@click.command("worker")
@click.option("--queues", default="cpu", show_default=True, help="What to work on, with commas: cpu,gpu.")
@click.option("--concurrency", type=click.IntRange(1), help="Processes [default: as cores and memory allow].")
@click.option("--parent-pipe", is_flag=True, help="End when standard input ends.")
def worker(queues: str, concurrency: int | None, parent_pipe: bool) -> int:
    """Read what is queued, until Ctrl-C or SIGTERM.

    A worker of the queue gpu loads the vision model of DOCPROC_VISION_MODEL, and ends at once when it cannot.
    """
    from worker import process  # noqa: PLC0415  (Celery and engines: nothing that --help needs)

    settings = Settings.from_environment()
    wanted = [queue.strip() for queue in queues.split(",") if queue.strip()]
    if not wanted or not set(wanted) <= set(QUEUES):
        raise Usage(f"There is no such queue: {queues}.", hint=f"Queues: {', '.join(QUEUES)}.")
    _check(settings)
    if jobs.VISION_QUEUE in wanted:
        click.echo(f"The vision model is {vision.require(settings)}.", err=True)
    if parent_pipe:
        process.follow_parent(0)
    return process.Processes(settings, wanted, concurrency or process.best_concurrency(settings, wanted)).run()


@click.command("sweep")
def sweep() -> None:
    """Find work that was lost, once; workers do it by themselves every few seconds."""
    from worker.queue import announce  # noqa: PLC0415  (Celery: nothing that --help needs)

    settings = Settings.from_environment()
    database = _check(settings)
    swept = jobs.sweep(database, settings)
    for queue in swept.ready:
        announce(settings, queue)
    click.echo(f"{swept.requeued} jobs queued again, {swept.failed} given up.")


def _check(settings: Settings) -> Database:
    database = Database(settings)
    migrate.require_current(database)
    return database
