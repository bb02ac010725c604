"""`docproc serve`, everything in one command, and `docproc web`, the web server alone."""

from __future__ import annotations

import fcntl
import http.client
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import click

from docproc.errors import Conflict
from docproc.settings import Settings
from web.supervisor import Child, Supervisor

BACKLOG = 512
_host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all.")
_port = click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)


@click.command("web")
@_host
@_port
@click.option("--fd", type=int, hidden=True, help="A socket that is listening already.")
@click.option("--parent-pipe", is_flag=True, hidden=True, help="End when standard input ends.")
def web(host: str, port: int, fd: int | None, *, parent_pipe: bool) -> None:
    """Serve portal and API, until Ctrl-C or SIGTERM. Workers are started apart: `docproc worker`."""
    from docproc import logs  # noqa: PLC0415  (nothing that --help needs)
    from docproc.store import migrate  # noqa: PLC0415
    from docproc.store.database import Database  # noqa: PLC0415
    from web.server import Server, follow_parent  # noqa: PLC0415

    settings = Settings.from_environment()
    migrate.require_current(Database(settings))
    settings.data_dir.expanduser().mkdir(parents=True, exist_ok=True, mode=0o700)  # else /readyz waits for an upload
    if parent_pipe:
        follow_parent()
    logs.configure()
    sys.argv = sys.argv[:1]  # gunicorn would read our options
    Server(settings, f"{_bracketed(host)}:{port}" if fd is None else f"fd://{fd}").run()


@click.command("serve")
@_host
@_port
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder for everything that is kept.")
@click.option("--no-sample", is_flag=True, help="Begin without example documents.")
def serve(host: str, port: int, data: Path | None, *, no_sample: bool) -> None:
    """Run everything: portal, API and workers. Ctrl-C ends it; what was begun goes on at the next start."""
    from docproc import logs  # noqa: PLC0415  (nothing that --help needs)
    from web import first_start  # noqa: PLC0415

    logs.configure()
    settings = Settings.from_environment()
    settings = replace(settings, data_dir=(data or settings.data_dir).expanduser().absolute())
    click.echo(f"Starting docproc with its data in {settings.data_dir}; this takes a few seconds.", err=True)
    with _listening(host, port) as listener, _alone(settings.data_dir) as lock:
        address = settings.public_url or f"http://{_bracketed(host)}:{listener.getsockname()[1]}"
        lock.write_text(address, "utf-8")
        with closing(first_start.prepare(settings)) as database:
            admin, link = first_start.welcome(database)
            if admin is not None and not no_sample:
                first_start.add_sample(settings, database, admin)
        with Supervisor(_children(settings, listener)) as supervisor:
            ready = False
            while supervisor.look():
                if not ready and (ready := _answers(listener)):
                    _greet(address, link)


def _greet(address: str, link: str | None) -> None:
    from docproc.store import sessions  # noqa: PLC0415

    click.echo(f"docproc is running: {address}")
    if link:
        click.echo(f"Sign in, once, with: {sessions.link_url(address, link)}")
    sys.stdout.flush()


def _children(settings: Settings, listener: socket.socket) -> list[Child]:
    run, environment = [sys.executable, "-m", "docproc"], settings.environment()
    fd = listener.fileno()
    return [
        Child("web", [*run, "web", "--parent-pipe", "--fd", str(fd)], environment, (fd,)),
        # Reading takes all there is: people who look at something must not wait for it.
        Child("worker", [*run, "worker", "--parent-pipe"], environment, nice=10),
        *(
            [Child("vision", [*run, "worker", "--parent-pipe", "--queues", "gpu"], environment, nice=10)]
            if settings.vision_model
            else []
        ),
    ]


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen, here, so that nobody is turned away while the web server is started again."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise Conflict(
            f"Nothing can listen on {host}, port {port}: {error.strerror or error}.",
            hint="Is docproc running already? --port takes another one, 0 a free one.",
            code="port",
        ) from error
    with listener:
        yield listener


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Hold the data folder, and give the file that says so; raise Conflict when another `docproc serve` has it."""
    from docproc.store import sessions  # noqa: PLC0415  (nothing that --help needs)

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / sessions.SERVED
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            hint = "--data takes another folder."
            raise Conflict(f"Another docproc serves {folder}.", hint=hint, code="data-folder") from None
        yield path


def _answers(listener: socket.socket) -> bool:
    host, port = listener.getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared, not bound)
    connection = http.client.HTTPConnection(here, port, timeout=1.0)
    with closing(connection):
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
