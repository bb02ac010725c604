"""`docproc user ...`: users, one-time links and tokens, on the database itself: who may run it is admin already."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast, get_args

import click

from docproc.settings import Settings
from docproc.store import audit, migrate, sessions, tokens, users
from docproc.store.database import Database
from docproc.store.tables import Role, Scope, utc_now

HERE = "http://127.0.0.1:8000"
"""Where `docproc serve` answers unless told otherwise."""

_data = click.option(
    "--data", type=click.Path(path_type=Path), help="The data folder (otherwise DOCPROC_DATA_DIR, or the default)."
)
_password = click.option("--password", "asks", is_flag=True, help="Ask for a password.")
_stdin = click.option("--password-stdin", "reads", is_flag=True, help="Read the password from stdin.")
_role = click.option("--role", type=click.Choice(get_args(Role)), required=True, help="What the user may do.")


@click.group("user")
def command() -> None:
    """Manage users: viewers read, reviewers also upload and correct, admins do everything."""


@command.command("add")
@click.argument("name")
@_role
@_password
@_stdin
@_data
def add(*, name: str, role: str, asks: bool, reads: bool, data: Path | None) -> None:
    """Add a user; without a password, print a link that signs them in once."""
    hashed = _ask(name, asks=asks, reads=reads)
    with _opened(data) as (settings, database), database.write() as session:
        user = users.add(session, name, cast(Role, role), password_hash=hashed)
        audit.note(session, None, "user.add", user.name, details={"role": role})
        link = None if hashed else sessions.start(session, user, "link")
    click.echo(f"Added {user.name} as {role}.", err=True)
    if link:
        _show(settings, link)


@command.command("link")
@click.argument("name")
@click.option("--forget-password", is_flag=True, help="Take the password away, so that a new one can be set.")
@_data
def link(*, name: str, forget_password: bool, data: Path | None) -> None:
    """Print a link that signs the user in once, within a day."""
    with _opened(data) as (settings, database), database.write() as session:
        user = users.named(session, name)
        users.require_enabled(user)
        if forget_password:
            users.forget_password(session, user)
        secret = sessions.start(session, user, "link")
        audit.note(session, None, "user.link", user.name, details={"forget_password": forget_password})
    _show(settings, secret)


@command.command("token")
@click.option("--user", "name", help="Whose token it is; the only admin's without it.")
@click.option("--scope", type=click.Choice(get_args(Scope)), required=True, help="What it may do.")
@click.option("--name", "label", default="", help="What it is for.")
@click.option("--days", type=click.IntRange(min=1), help="How long it is good; until it is revoked without it.")
@_data
def token(*, name: str | None, scope: str, label: str, days: int | None, data: Path | None) -> None:
    """Make a token for programs and print it, alone; it cannot be shown again."""
    ends = utc_now() + timedelta(days=days) if days else None
    with _opened(data) as (_, database), database.write() as session:
        user = users.named(session, name) if name else users.only_admin(session)
        row, secret = tokens.make(session, user, cast(Scope, scope), name=label, expires_at=ends)
        audit.note(session, None, "token.make", row.id, details={"scope": scope, "user": user.name})
    click.echo(secret)


@command.command("password")
@click.argument("name")
@_stdin
@_data
def password(*, name: str, reads: bool, data: Path | None) -> None:
    """Set a user's password, and sign them out everywhere."""
    hashed = _ask(name, asks=not reads, reads=reads)
    with _opened(data) as (_, database), database.write() as session:
        user = users.named(session, name)
        user.password_hash = hashed
        sessions.end_all(session, user.id)
        audit.note(session, None, "user.password", user.name)
    click.echo(f"The password of {user.name} is set.", err=True)


@command.command("role")
@click.argument("name")
@_role
@_data
def role(*, name: str, role: str, data: Path | None) -> None:
    """Give a user another role."""
    with _opened(data) as (_, database), database.write() as session:
        user = users.named(session, name)
        users.change_role(session, user, cast(Role, role))
        audit.note(session, None, "user.role", user.name, details={"role": role})


@command.command("disable")
@click.argument("name")
@_data
def disable(*, name: str, data: Path | None) -> None:
    """Keep a user out from now on. What they own stays."""
    with _opened(data) as (_, database), database.write() as session:
        user = users.named(session, name)
        users.disable(session, user)
        audit.note(session, None, "user.disable", user.name)


@command.command("enable")
@click.argument("name")
@_data
def enable(*, name: str, data: Path | None) -> None:
    """Let a disabled user in again."""
    with _opened(data) as (_, database), database.write() as session:
        user = users.named(session, name)
        users.enable(user)
        audit.note(session, None, "user.enable", user.name)


@command.command("list")
@_data
def listing(*, data: Path | None) -> None:
    """List all users: name, role, how they sign in."""
    with _opened(data) as (_, database), database.read() as session:
        for user in users.listing(session):
            how = "password" if user.password_hash else "link or token"
            click.echo(f"{user.name}\t{user.role}\t{'disabled' if user.disabled_at else how}")


@contextmanager
def _opened(data: Path | None) -> Iterator[tuple[Settings, Database]]:
    """Open the database; an embedded one is made, or brought up to date, when it is not there yet."""
    settings = Settings.from_environment()
    settings = replace(settings, data_dir=data) if data else settings
    database = Database(settings)
    try:
        if database.is_sqlite:
            migrate.upgrade(database)
        migrate.require_current(database)
        yield settings, database
    finally:
        database.close()


def _ask(name: str, *, asks: bool, reads: bool) -> str | None:
    if reads:
        return users.hash_password(sys.stdin.readline().rstrip("\r\n"), name=name)
    if asks:
        given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return users.hash_password(given, name=name)
    return None


def _show(settings: Settings, secret: str) -> None:
    click.echo(sessions.link_url(settings.public_url or _served(settings) or HERE, secret))


def _served(settings: Settings) -> str:
    """Return the address that `docproc serve` wrote into this data folder; "" when it never ran."""
    try:
        return (settings.data_dir.expanduser() / sessions.SERVED).read_text("utf-8").strip()
    except OSError:
        return ""
