"""`docproc synth`: draw documents with known truth, or the examples of the repository."""

from __future__ import annotations

from pathlib import Path

import click

from docproc.errors import Usage
from docproc.synth.anyscan import scanned
from docproc.synth.examples import write_examples
from docproc.synth.kinds import KINDS, draw
from docproc.synth.labels import Format, write_set
from docproc.synth.questions import ALL

LIST = "; ".join(f"{name}: {kind.help}" for name, kind in KINDS.items())
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("synth", epilog=f"Kinds: {LIST}.")
@click.option(
    "--kind", type=click.Choice(sorted(KINDS)), help="What to draw [default: kinds with questions in turn]."
)
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many documents.")
@click.option("--out", type=FOLDER, help="Folder of the set: OUT/dev/labels.jsonl and OUT/dev/files.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first.")
@click.option("--format", type=click.Choice(["pdf", "png", "tiff"]), default="pdf", show_default=True)
@click.option("--dpi", type=click.IntRange(36, 600), help="Pixels per inch of scans [default: the kind's].")
@click.option("--worn", is_flag=True, help="Scan all of them, some badly: folds, shadows, bleeding, fax, salt.")
@click.option("--examples", type=FOLDER, help="Write the repository's examples to this folder instead.")
def command(  # noqa: PLR0913, PLR0917  (one argument per option)
    kind: str | None,
    count: int,
    out: Path | None,
    seed: int,
    format: Format,  # noqa: A002
    dpi: int | None,
    worn: bool,
    examples: Path | None,
) -> None:
    """Draw documents with known truth, in the format that `docproc evaluate` reads."""
    if examples:
        for path in write_examples(examples):
            click.echo(path)
        return
    if not out:
        raise Usage("Nothing to draw.", hint="Say --out DIR, perhaps with --kind KIND, or --examples DIR.")
    kinds = (kind,) if kind else ALL
    drawn = (draw(kinds[index % len(kinds)], seed + index) for index in range(count))
    files = write_set(map(scanned, drawn) if worn else drawn, out, format, dpi)
    click.echo(f"{files} files and {out / 'dev' / 'labels.jsonl'}")
