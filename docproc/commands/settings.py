"""`docproc settings`: every setting with its value and what it does."""

from __future__ import annotations

import click

from docproc.settings import Settings


@click.command("settings")
def command() -> None:
    """List the settings; each is an environment variable."""
    now = Settings.from_environment()
    for variable, default, text in Settings.table():
        value = getattr(now, variable.removeprefix("DOCPROC_").lower())
        changed = "" if str(value) == default else f" (default {default})"
        click.echo(f"{variable}={value}{changed}\n    {text}")
