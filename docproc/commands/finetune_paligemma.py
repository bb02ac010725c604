"""`docproc finetune paligemma`: a model of one's own, from a dataset."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from docproc.errors import Unavailable, Usage
from docproc.settings import Settings

NEEDED = {
    "torch": ("paligemma", ("torch", "transformers", "peft", "safetensors")),
    "jax": ("jax", ("jax", "optax", "ml_dtypes", "transformers", "safetensors")),
}
"""Framework -> extra of docproc, packages."""
PARTS = ("vision", "projector", "decoder", "embeddings")
OF_PLAN = (
    "method", "rate", "batch", "micro", "epochs", "steps", "minutes", "decay", "dropout", "smoothing", "mean", "rank",
    "rehearse", "longest", "seed",
)  # fmt: skip


@click.command("paligemma")
@click.argument("dataset", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--model", required=True, help="What it starts from: a registered model, or the folder of a checkpoint."
)
@click.option("--name", required=True, help="What the result is called; a name that is taken gets a new version.")
@click.option(
    "--method",
    type=click.Choice(["lora", "qlora", "full"]),
    help="Adapter, adapter on 4 bits, or all weights [lora].",
)
@click.option("--preset", default="", help="A recipe: docvqa, chartqa, infovqa, textvqa, stvqa, ocrvqa, refcoco-seg, "
              "scicap, spotting, tables, music, molecules (as published), small.")  # fmt: skip
@click.option("--freeze", type=click.Choice([*PARTS, "none"]), multiple=True,
              help="Leave this part as it is; several times [lora: vision and embeddings, full: none].")  # fmt: skip
@click.option("--resolution", type=click.IntRange(0), default=0, help="Side of pictures in pixels: 224, 448, 896.")
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True), help="Highest learning rate [1e-4].")
@click.option("--batch", type=click.IntRange(1), help="Examples of a step, on all devices together [8].")
@click.option("--micro", type=click.IntRange(1), help="Examples at a time on a device; the rest waits its turn.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), help="How often each example is seen [10].")
@click.option("--steps", type=click.IntRange(1), help="Stop after so many steps.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--decay", type=click.FloatRange(0, 1), help="Weight decay, not multiplied by the rate.")
@click.option("--dropout", type=click.FloatRange(0, 1), help="Share of what decoder layers say that is dropped.")
@click.option("--smoothing", type=click.FloatRange(0, 1), help="Label smoothing.")
@click.option("--mean", type=click.Choice(["example", "token"]), help="What weighs the same in the loss [example].")
@click.option("--rank", type=click.IntRange(1), help="Rank of the adapter [16].")
@click.option("--rehearse", type=click.FloatRange(0, 100),
              help="Pictures of what the model can do already, shown for each example [adapter: 3].")  # fmt: skip
@click.option("--longest", type=click.IntRange(1), help="Tokens of an answer; longer ones are cut [512].")
@click.option("--seed", type=click.IntRange(0), help="Order of the examples, start of an adapter [0].")
@click.option("--bf16", is_flag=True, help="Multiply in bfloat16; on a GPU always.")
@click.option("--checkpointing", is_flag=True, help="Compute layers twice to save memory.")
@click.option("--prompt", "prompts", multiple=True, metavar="TASK=PROMPT", help="A prompt that is new to the model.")
@click.option("--framework", type=click.Choice([*NEEDED]), default="torch", show_default=True,
              help="What computes; jax takes all GPUs or TPUs of this machine.")  # fmt: skip
@click.option("--device", default="", help="cpu or cuda [a GPU if there is one].")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path),
              help="Where the training is kept until it is done [DATA/training/NAME].")  # fmt: skip
@click.option("--restart", is_flag=True, help="Begin again, whatever was kept of this training.")
def command(dataset: Path, freeze: tuple[str, ...], prompts: tuple[str, ...], framework: str, **options: Any) -> None:
    """Train a PaliGemma further on DATASET: train.jsonl, validation.jsonl, images.

    A training that was ended, by a kill too, goes on when the same command is given again. Several GPUs:
    `torchrun --nproc-per-node 2 -m docproc finetune paligemma ...`. The result is a new version that nobody uses
    before `docproc models promote NAME`.
    """
    extra, needed = NEEDED[framework]
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise Unavailable(f"Not installed: {', '.join(missing)}.", hint=f"pip install 'docproc[{extra}]'")
    from docproc.learn.tune.request import Request  # noqa: PLC0415  (as the next)

    module = importlib.import_module(
        f"docproc.learn.{'tune' if framework == 'torch' else 'jax'}.run"
    )  # takes seconds
    said = {key: value for key, value in options.items() if key in OF_PLAN and value is not None}
    said |= {key: True for key in ("bf16", "checkpointing") if options[key]}
    if freeze:
        said["frozen"] = tuple(one for one in PARTS if one in freeze)
    request = Request(
        folder=dataset, said=said, prompts=dict(_prompt(one) for one in prompts), side=options["resolution"],
        **{key: options[key] for key in ("model", "name", "preset", "device", "output", "restart")},
    )  # fmt: skip
    card = module.finetune(request, Settings.from_environment(), lambda text: tqdm.write(text, file=sys.stderr))
    if card is not None:
        figures = card.about["figures"]
        click.echo(
            f"{card.id}: loss {figures['loss_first']:.3f} -> {figures['loss_last']:.3f} in {figures['steps']} steps"
        )
        if "validation_loss_after" in figures:
            before, after = figures["validation_loss_before"], figures["validation_loss_after"]
            click.echo(f"on validation examples: {before:.3f} -> {after:.3f}")
        click.echo(f"Try it with --model {card.id}; `docproc models promote {card.name}` puts it into use.")


def _prompt(text: str) -> tuple[str, str]:
    task, equals, prompt = text.partition("=")
    if not (task and equals and prompt):
        raise Usage(f"{text!r} is no TASK=PROMPT.", hint="For example: --prompt 'answer={thing}'.")
    return task, prompt
