"""`docproc finetune nano` and `docproc finetune masks`: the small PaliGemma that comes with the package."""

from __future__ import annotations

import importlib.util
import signal
import sys
from dataclasses import replace
from pathlib import Path

import click
from tqdm import tqdm

from docproc.errors import Unavailable, Usage
from docproc.registry import Registry
from docproc.settings import Settings

NEEDED = ("torch", "transformers", "safetensors")
RECIPES = Path(__file__).parents[1] / "learn" / "nano" / "recipes"


@click.command("nano")
@click.argument("recipe")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default="nano", show_default=True,
              help="Folder for the training and its result.")  # fmt: skip
@click.option("--fonts", type=click.Path(exists=True, file_okay=False, path_type=Path), multiple=True,
              help="Look for fonts here too; several times.")  # fmt: skip
@click.option(
    "--from", "start", metavar="MODEL", help="Start from its weights: a folder, or a model's name, like nano."
)
@click.option("--steps", type=click.IntRange(1), help="Stop after so many steps, whatever the recipe says.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--threads", type=click.IntRange(1), help="Cores to compute on.")
def nano(  # noqa: PLR0913, PLR0917  (one argument per option)
    recipe: str, output: Path, fonts: tuple[Path, ...], start: str | None, steps: int | None, minutes: float | None,
    threads: int | None,
) -> None:  # fmt: skip
    """Train a small PaliGemma, from nothing or from a model of the same shape, on documents that docproc draws.

    RECIPE is a TOML file, or ci, cpu or gpu: those that come with docproc. A run that was ended goes on from what
    is in its folder. Writes OUTPUT/model, which `docproc models add` takes, and OUTPUT/curve.png.
    """
    _require()
    from docproc.learn.nano import curve, export  # noqa: PLC0415  (torch takes seconds)
    from docproc.learn.nano.drawing import MASKS  # noqa: PLC0415
    from docproc.learn.nano.recipe import read  # noqa: PLC0415
    from docproc.learn.nano.trainer import Progress, Trainer  # noqa: PLC0415

    plan = read(_recipe(recipe))
    if steps or minutes:
        plan = replace(plan, steps=steps or 0, minutes=0.0 if steps else minutes or 0.0)
    plan = replace(plan, fonts=(*plan.fonts, *map(str, fonts)), threads=threads or plan.threads)
    if start:
        plan = replace(plan, start=str(_weights(start)))
    trainer = Trainer(plan, output)
    signal.signal(signal.SIGTERM, trainer.stop)
    with tqdm(total=1000, file=sys.stderr, bar_format="{l_bar}{bar}| {postfix}") as bar:

        def tell(now: Progress) -> None:
            bar.n = int(now.done * 1000)
            bar.set_postfix_str(
                f"step {now.step}, loss {now.loss:.3f}, "
                + ", ".join(f"{task} {far.right:.2f} at {far.level:.2f}" for task, far in now.far.items())
                + f", {now.speed:,.0f} tokens/s, {now.left / 60:.0f} min left"
            )

        trainer.run(tell)
    export.write(trainer.model, output / "model", masks=MASKS if MASKS.is_file() else None)
    click.echo(f"{output / 'model'}: {trainer.step} steps, {trainer.seconds / 60:.1f} minutes")
    click.echo(str(curve.draw(output)))


@click.command("masks")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default="masks", show_default=True,
              help="Folder for vae-oid.npz and the encoder.")  # fmt: skip
@click.option("--steps", type=click.IntRange(40), default=1000, show_default=True, help="Batches of 64 masks.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which masks are drawn.")
def masks(output: Path, steps: int, seed: int) -> None:
    """Train the code words of masks, their encoder and decoder, on masks that docproc draws."""
    _require()
    from docproc.learn.nano import vqvae  # noqa: PLC0415  (torch takes seconds)

    output.mkdir(parents=True, exist_ok=True)
    with tqdm(total=steps, file=sys.stderr) as bar:

        def tell(_: int, loss: float) -> None:
            bar.update()
            bar.set_postfix_str(f"loss {loss:.3f}")

        down, up, book = vqvae.train(steps, seed=seed, told=tell)
    vqvae.write(output / "vae-oid.npz", up, book)
    vqvae.write_encoder(output / "mask-encoder.safetensors", down, book)
    click.echo(f"IoU of 300 other masks: {vqvae.iou(down, output / 'vae-oid.npz', book):.3f}")


def _recipe(name: str) -> Path:
    path = Path(name)
    own = RECIPES / f"{name}.toml"
    if not path.is_file() and not own.is_file():
        known = ", ".join(sorted(each.stem for each in RECIPES.glob("*.toml")))
        raise Usage(f"There is no recipe {name}.", hint=f"Give a TOML file, or one of: {known}.")
    return path if path.is_file() else own


def _weights(name: str) -> Path:
    """Return the folder of a model's weights: the folder itself, or that of a model of that name."""
    if Path(name).is_dir():
        return Path(name)
    registry = Registry(Settings.from_environment())
    if not (card := registry.get(name)):
        raise Usage(f"There is no model or folder {name}.", hint="`docproc models list` names the models.")
    return registry.path(card)


def _require() -> None:
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise Unavailable(f"Not installed: {', '.join(missing)}.", hint="pip install 'docproc[paligemma]'")
