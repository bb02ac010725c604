"""`docproc models`: the models that are here, where they come from and under which licence."""

from __future__ import annotations

import hashlib

import click

from docproc.errors import DocprocError
from docproc.models import MODELS


@click.group("models")
def command() -> None:
    """List and check the models. All of them came inside pip packages; none is fetched."""


@command.command("list")
def list_() -> None:
    """List the models: name, what for, size, licence, package."""
    for model in MODELS:
        path = model.path()
        size = f"{path.stat().st_size / 1e6:.1f} MB" if path else "missing"
        click.echo(f"{model.name}\n    {model.purpose}; {size}; {model.licence}; package {model.package}")


@command.command("check")
def check() -> None:
    """Say whether every model file is there, with its SHA-256."""
    missing = []
    for model in MODELS:
        path = model.path()
        if path is None:
            missing.append(model)
        else:
            click.echo(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {model.name}")
    if missing:
        names = ", ".join(f"{model.name} (pip install --force-reinstall {model.package})" for model in missing)
        raise DocprocError(f"Missing: {names}.", code="models-missing")
