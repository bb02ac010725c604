"""`docproc models promote|rollback|show`: which version of a model is used, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docproc.errors import Conflict, Unavailable, Usage
from docproc.registry import Card, Registry
from docproc.settings import Settings

if TYPE_CHECKING:
    from docproc.evaluate.compare import Row

RULE = "not-worse"
RULES = ("not-worse", "surely-not-worse", "better")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("promote")
@click.argument("name")
@click.option("--version", type=click.IntRange(1), help="Which version [default: the newest].")
@click.option("--on", "folder", type=FOLDER, help="The dataset whose test set decides.")
@click.option(
    "--rule", type=click.Choice(RULES), default=RULE, show_default=True, help="When it may be used; see below."
)
@click.option("--tolerance", type=click.FloatRange(0, 1), default=0.02, show_default=True, help="Of that rule.")
@click.option("--limit", type=click.IntRange(1), help="Measure on the first so many examples.")
@click.option(
    "--html", "html_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the comparison here."
)
@click.option(
    "--force", metavar="REASON", default="", help="Promote it whatever the figures say; the reason is kept."
)
def promote(  # noqa: PLR0913, PLR0917  (one argument per option)
    name: str,
    version: int | None,
    folder: Path | None,
    rule: str,
    tolerance: float,
    limit: int | None,
    html_path: Path | None,
    force: str,
) -> None:
    """Use a version of the model NAME from now on, if it is not worse on the test set of a dataset.

    It is compared with the version in use, or, where none is, with the model it was made from. By the rule not-worse
    no figure of any task may be worse by more than the tolerance, and none may be worse with its 95 % interval wholly
    on that side; by surely-not-worse no interval may reach further down than the tolerance; better is not-worse, and
    the interval of at least one figure must lie wholly on the better side. Workers take the version up between two
    jobs. `docproc models rollback` goes back.
    """
    settings = Settings.from_environment()
    registry = Registry(settings)
    card = _version(registry, name, version)
    now = registry.get(name)
    if now == card:
        click.echo(f"{card.id} is in use already.")
        return
    other = now or _origin(registry, card)
    why: dict[str, Any] = {"forced": force} if force else {}
    if folder and other:
        figures, told = _compared(settings, (other.id, card.id), folder, limit, html_path)
        objections = _objections(figures, rule, tolerance)
        why |= told | {"rule": rule, "tolerance": tolerance, "objections": objections}
        if objections and not force:
            raise Conflict(
                f"{card.id} is not promoted. {' '.join(objections)}",
                hint=f"{other.id} is used as before. --force REASON promotes it all the same.",
                code="not-better",
            )
    elif other and not force:
        raise Usage(
            f"Say where {card.id} is compared with {other.id}.",
            hint="--on DATASET, a folder with test.jsonl; or --force REASON without a comparison.",
        )
    registry.promote(name, card.version, why=why)
    click.echo(f"{card.id} is in use. Workers take it up before their next job.")
    if lost := [one.name for one in registry.adapters(card) if one.base_weights != card.weights]:
        click.echo(f"Made for other weights, and not used with it: {', '.join(lost)}.", err=True)


@click.command("rollback")
@click.argument("name")
@click.option("--reason", default="", help="Kept with the change.")
def rollback(name: str, reason: str) -> None:
    """Use the version of the model NAME that was used before; again, the one before that."""
    registry = Registry(Settings.from_environment())
    left = registry.current(name).version
    version = registry.rollback(name, why={"reason": reason} if reason else {})
    click.echo(f"{name}@{version} is in use again, no longer {name}@{left}.")


@click.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, as_json: bool) -> None:
    """Tell all about the model NAME, or a version, NAME@2: data, recipe, figures, hashes, when it was used, why."""
    registry = Registry(Settings.from_environment())
    name, at, number = name.partition("@")
    cards = [_version(registry, name, int(number) if number.isdecimal() else 0)] if at else registry.versions(name)
    if not cards:
        raise Unavailable(
            f"There is no model {name}.", hint="`docproc models list` shows them.", code="no-checkpoint"
        )
    current = registry.current(name)
    if as_json:
        told = {"name": name, "in_use": current.version, "before": current.before, "log": current.log}
        click.echo(json.dumps(told | {"versions": [asdict(card) for card in cards]}, ensure_ascii=False, indent=1))
        return
    now = registry.get(name)
    click.echo(f"{name}: {_version_called(now)} is in use" if now else f"{name}: no version is in use yet")
    for card in cards:
        for line in _card(card, in_use=card == now):
            click.echo(line)
    for entry in current.log:
        click.echo(_change(entry))


def _version(registry: Registry, name: str, version: int | None) -> Card:
    """Return a version of a model, the newest where none is named; raise Unavailable or Usage when there is none."""
    known = registry.versions(name)
    if not known:
        raise Unavailable(
            f"There is no model {name}.", hint="`docproc models list` shows them.", code="no-checkpoint"
        )
    found = known[-1] if version is None else next((one for one in known if one.version == version), None)
    if found is None:
        there = ", ".join(str(one.version) for one in known)
        raise Usage(f"The model {name} has no such version.", hint=f"There is {there}.")
    return found


def _origin(registry: Registry, card: Card) -> Card | None:
    """Return the model that a version was made from, None where that is not known, or not here."""
    if card.kind == "adapter":
        return registry.base_of(card)
    base = card.about.get("base")
    return registry.get(str(base.get("model", ""))) if isinstance(base, Mapping) else None


def _compared(
    settings: Settings, names: Sequence[str], folder: Path, limit: int | None, html_path: Path | None
) -> tuple[list[Row], dict[str, Any]]:
    """Return the figures of two models on a dataset, and what is kept of them."""
    from docproc.evaluate import compare_report  # noqa: PLC0415  (imports what reads images and tables)
    from docproc.evaluate.compare import as_json  # noqa: PLC0415
    from docproc.evaluate.models import measure_models, open_dataset  # noqa: PLC0415

    data = open_dataset(folder, limit=limit)
    click.echo(data.about, err=True)
    found = measure_models(
        settings, names, data, done=lambda name, count, of: click.echo(f"{name} {count}/{of}", err=True)
    )
    click.echo(compare_report.table(found))
    if html_path:
        html_path.write_text(compare_report.html(found, data.about), "utf-8")
    rows = compare_report.rows(found)
    kept = as_json([row for row in rows if not row.kind])
    on = {"name": data.name, "sha256": data.sha256, "examples": len(found[0].scored)}
    return rows, {"against": names[0], "on": on, "figures": kept}


def _objections(rows: Sequence[Row], rule: str, tolerance: float) -> list[str]:
    from docproc.evaluate.rules import objections  # noqa: PLC0415

    return objections(rows, rule, tolerance)


def _card(card: Card, *, in_use: bool) -> Iterator[str]:
    added = "added" if card.version else "made"
    yield f"{_version_called(card)}{', in use' if in_use else ''}: {card.kind}, {added} {card.added}, {card.source}"
    told = {
        "revision": card.revision, "licence": card.licence, "variant": card.variant, "side": card.side,
        "dtype": card.dtype, "parameters": card.parameters, "weights": card.weights, "base": card.base,
        "base weights": card.base_weights, "tasks": list(card.tasks), "prompts": dict(card.prompts),
        **card.about, "files": dict(card.files),
    }  # fmt: skip
    yield from _lines(told, "  ")


def _version_called(card: Card) -> str:
    return f"version {card.version}" if card.version else "what comes with docproc"


def _lines(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield what is there, a line each, mappings within indented."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        elif value not in ("", 0, None, [], {}):
            yield f"{indent}{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def _change(entry: Mapping[str, Any]) -> str:
    """Return an entry of the log as a line."""
    parts = [f"{entry.get('at')}: {entry.get('from') or 'none'} -> {entry.get('version')}, {entry.get('by')}"]
    if on := entry.get("on"):
        figures = ", ".join(
            f"{one['task']} {one['figure']} {one['first']:.3f} -> {one['second']:.3f}"
            for one in entry.get("figures", ())
        )
        parts.append(
            f"by {entry.get('rule')} on {on['name']} ({on['sha256'][:12]}) against {entry.get('against')}: {figures}"
        )
    parts += [f"forced: {entry['forced']}"] if entry.get("forced") else []
    parts += [f"because: {entry['reason']}"] if entry.get("reason") else []
    return "; ".join(parts)
