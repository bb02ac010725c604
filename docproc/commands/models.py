"""`docproc models`: those that came inside pip packages, and those that a person added."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from docproc.commands.models_versions import promote, rollback, show
from docproc.errors import DocprocError, Usage
from docproc.models import MODELS
from docproc.registry import Card, Registry
from docproc.registry.licences import Licence
from docproc.settings import Settings


@click.group("models")
def command() -> None:
    """List, add, check, compare and remove models. Only `add`, with the name of a repository, downloads anything."""


@command.command("list")
def list_() -> None:
    """List the models: name, what for, size, licence, where from."""
    for model in MODELS:
        path = model.path()
        size = f"{path.stat().st_size / 1e6:.1f} MB" if path else "missing"
        click.echo(f"{model.name}\n    {model.purpose}; {size}; {model.licence}; package {model.package}")
    registry = Registry(Settings.from_environment())
    for card in registry.cards():
        megabytes = sum((registry.path(card) / name).stat().st_size for name in card.files) / 1e6
        licence = f"{card.licence}; " if card.licence else ""
        version = f"version {card.version}; " if card.version > 1 else ""
        source = f"from {card.source}" if card.version else f"{card.source}, always here"
        click.echo(f"{card.name}\n    {_what(card)}; {version}{megabytes:.1f} MB; {licence}{source}{_measured(card)}")
    for name in registry.names():
        waiting = [
            str(card.version) for card in registry.versions(name) if card.version > registry.current(name).version
        ]
        if waiting:
            click.echo(f"{name}\n    not in use: version {', '.join(waiting)}; `docproc models promote {name}`")


@command.command("add")
@click.argument("source")
@click.option("--name", default="", help="What --model will call it [default: the name of the source].")
@click.option("--variant", default="", help="pt, mix, ft-...: which prompts it knows [default: told by its name].")
@click.option("--revision", default="", help="Branch, tag or commit of a repository [default: its main branch].")
@click.option("--tokenizer", type=click.Path(path_type=Path), help="For an .npz: the folder of any PaliGemma.")
@click.option("--base", default="", help="For an adapter: the model it was trained on.")
@click.option("--task", "tasks", multiple=True, help="For an adapter: a task that it answers when its base is asked.")
@click.option("--prompt", "prompts", multiple=True, metavar="TASK=PROMPT", help="How a fine-tune wants a task asked.")
@click.option("--accept-licence", is_flag=True, help="Accept the licence that is shown.")
def add(source: str, prompts: tuple[str, ...], accept_licence: bool, **said: object) -> None:
    """Add the model at SOURCE: a folder, a big_vision .npz, an adapter's folder, vae-oid.npz or a Hugging Face id.

    A folder or file is linked or copied into the data folder. From Hugging Face it is downloaded, after its licence
    was accepted; sign in with `hf auth login` or HF_TOKEN.
    """
    from docproc.registry import sources  # noqa: PLC0415  (`docproc models list` needs none of it)

    wanted = sources.Wanted(prompts=dict(_prompt(one) for one in prompts), **said)  # type: ignore[arg-type]
    registry = Registry(Settings.from_environment())
    card = sources.add(registry, source, wanted, accept=lambda licence: _accept(licence, told=accept_licence))
    click.echo(
        f"{card.name}: {_what(card)}. Ask it with --model {card.name}; `docproc models check {card.name}` tries it."
    )
    if card.kind in ("paligemma", "exported") and not card.variant:
        click.echo("Nothing tells its variant, so it cannot be asked: remove it and add it with --variant.", err=True)


@command.command("check")
@click.argument("name", default="")
def check(name: str) -> None:
    """Try out the model NAME (or one in a folder); without it, say whether the files of all models are there."""
    settings = Settings.from_environment()
    if name:
        from docproc.registry.probe import probe  # noqa: PLC0415  (loads engines)

        for line in probe(settings, name):
            click.echo(line)
        return
    missing = []
    for model in MODELS:
        path = model.path()
        if path is None:
            missing.append(model)
        else:
            click.echo(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {model.name}")
    registry = Registry(settings)
    damaged: list[str] = []
    for card in registry.cards():
        damaged.extend(f"{card.name}/{file}" for file in registry.damaged(card))
        for file, digest in card.files.items():
            click.echo(f"{digest}  {card.name}/{file}")
    if missing:
        names = ", ".join(f"{model.name} (pip install --force-reinstall {model.package})" for model in missing)
        raise DocprocError(f"Missing: {names}.", code="models-missing")
    if damaged:
        raise DocprocError(
            f"Changed or gone: {', '.join(damaged)}.",
            hint="Remove and add again what you added; what comes with docproc comes back with it.",
            code="model-damaged",
        )


@command.command("export")
@click.argument("model")
@click.option("--name", default="", help="What --model will call it [default: NAME-openvino].")
@click.option("--weights", default="", help="int8 or int4 for the language model; needs nncf.")
def export(model: str, name: str, weights: str) -> None:
    """Write the registered MODEL once more as OpenVINO runs it, for machines without a GPU."""
    from docproc.registry.exporting import export_model  # noqa: PLC0415  (loads torch)

    card = export_model(Registry(Settings.from_environment()), model, name=name, weights=weights)
    click.echo(f"{card.name}: {_what(card)}. Ask it with --model {card.name}.")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove the model NAME with its files from the data folder."""
    Registry(Settings.from_environment()).remove(name)
    click.echo(f"{name} is removed.")


for versions in (promote, rollback, show):
    command.add_command(versions)


def _what(card: Card) -> str:
    if card.kind == "masks":
        return "decoder of masks"
    if card.kind == "adapter":
        tasks = f", for {', '.join(card.tasks)}" if card.tasks else ""
        return f"LoRA adapter of {card.base}{tasks}"
    generation = "PaliGemma 2" if card.generation == 2 else "PaliGemma"
    exported = ", exported for OpenVINO" if card.kind == "exported" else ""
    return f"{generation} {card.variant or '(variant unknown)'}, {card.side} px, {card.dtype}{exported}"


def _measured(card: Card) -> str:
    """Return the figures of a model that comes with docproc, which nobody else has measured."""
    figures = card.about.get("figures")
    told = [f"{name} {value:.3g}" for name, value in figures.items()] if isinstance(figures, Mapping) else []
    return f"; {', '.join(told)}" if told and not card.version else ""


def _prompt(text: str) -> tuple[str, str]:
    task, equals, prompt = text.partition("=")
    if not (task and equals and prompt):
        raise Usage(f"{text!r} is no TASK=PROMPT.", hint="For example: --prompt 'answer={thing}'.")
    return task, prompt


def _accept(licence: Licence, *, told: bool) -> bool:
    """Show a licence; return whether it is accepted, by the flag or by a person at a terminal."""
    click.echo(licence.text, err=True)
    return told or (sys.stdin.isatty() and click.confirm("Do you accept these terms?", err=True))
