"""A new type of document, learnt from 200 examples: what the small model answers before and after, also elsewhere.

    python benchmarks/finetune.py --model nano --examples 200

The new type is a strip of a boarding pass, "LH 2107 AMS OSL 23C 14:55": five values without labels, which a model
that reads values beside their labels cannot name. Elsewhere is what the model was made for: lines of text, of words
its training never showed, and values with labels. All that is measured is in fonts that neither training showed, and
strips share no flight and no time with those that are learnt. The recipe is `small`, which rehearses what the model
can do already; `--rehearse 0` leaves that out.
Prints a table and writes it to results/finetune.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma.checkpoint import read_json
from docproc.engines.paligemma.engine import PaliGemmaEngine
from docproc.evaluate.answers import anls
from docproc.evaluate.report import aligned, markdown
from docproc.learn import dataset
from docproc.learn.dataset import Example
from docproc.learn.nano import fonts, lines, pieces
from docproc.learn.tune.request import Request
from docproc.learn.tune.run import finetune
from docproc.raster import PageImage
from docproc.registry import Registry
from docproc.registry.sources import Wanted, add
from docproc.settings import Settings
from docproc.tasks.rows import squares

RESULTS = Path(__file__).parent / "results"
FIELDS = ("flight", "from", "to", "seat", "time")
AIRLINES = ("LH", "KL", "AF", "BA", "SK", "AY", "IB", "TP")
PORTS = ("AMS", "OSL", "CDG", "LHR", "FRA", "MUC", "ARN", "HEL", "MAD", "LIS", "ZRH", "VIE")
HELD_OUT = ("P052", "NotoSansMono", "URWGothic", "Lato")
"""Families of fonts that the small model never saw (docproc/learn/nano/recipes)."""
OF_PLAN = ("rate", "rank", "batch", "epochs", "steps", "minutes", "rehearse")
TOKENS = 80
"""What a model may write at most."""


@dataclass(frozen=True)
class Drawn:
    """A picture, the prompt, and what is right."""

    pixels: np.ndarray
    prefix: str
    suffix: str
    task: str
    document: str


def strip(random: Random, font: Path, size: tuple[int, int], *, test: bool) -> tuple[np.ndarray, dict[str, str]]:
    """Draw one strip; flights and minutes are even in training and odd when it is measured."""
    odd = int(test)
    start, end = random.sample(PORTS, 2)
    values = {
        "flight": f"{random.choice(AIRLINES)} {2 * random.randint(50, 4999) + odd}",
        "from": start,
        "to": end,
        "seat": f"{random.randint(1, 39)}{random.choice('ABCDEF')}",
        "time": f"{random.randint(5, 22):02}:{2 * random.randint(0, 29) + odd:02}",
    }
    written = " ".join(values[name] for name in FIELDS)
    drawn = lines.worn(random, lines.draw(random, written, font, 0.4).pixels, 0.3)
    return squares(drawn, *size)[0].pixels, values


def strips(count: int, faces: Sequence[Path], size: tuple[int, int], *, test: bool) -> Iterator[Drawn]:
    """Draw strips, each asked for one of its values, the values in turn."""
    random = Random(f"strips {test}")
    for number in range(count):
        pixels, values = strip(random, random.choice(faces), size, test=test)
        name = FIELDS[number % len(FIELDS)]
        yield Drawn(pixels, f"answer en {name}", values[name], "answer", f"strip/{test}/{number}")


def elsewhere(task: str, count: int, faces: Sequence[Path], size: tuple[int, int], *, test: bool) -> Iterator[Drawn]:
    """Draw lines to be read ("ocr"), or values with labels ("answer")."""
    random = Random(f"{task} {test}")
    for number in range(count):
        font, name = random.choice(faces), f"{task}/{test}/{number}"
        if task == "ocr":
            pixels, written, _ = lines.example(random, [font], 40, 0.5, *size, test=test)
            yield Drawn(pixels, "ocr", written, task, name)
        else:
            label = random.choice(pieces.LABELS)
            pixels, value = pieces.answer(random, label, font, *size, level=0.4)
            yield Drawn(pixels, f"answer en {label}", value, task, name)


def write(folder: Path, splits: dict[str, list[Drawn]]) -> None:
    """Write a dataset."""
    kept = {
        split: [
            Example(
                image=dataset.keep_image(folder, one.pixels), prefix=one.prefix, suffix=one.suffix, task=one.task,
                document=one.document, kind="strip",
            )
            for one in some
        ]
        for split, some in splits.items()
    }  # fmt: skip
    dataset.write(folder, kept)


def right(engine: PaliGemmaEngine, asked: Sequence[Drawn]) -> float:
    """Return the mean ANLS of what the engine says; where nothing is right, saying nothing is."""
    requests = [
        VisionRequest(PageImage(np.repeat(one.pixels[..., None], 3, 2), 72.0), one.prefix, Limits(TOKENS))
        for one in asked
    ]
    said = [one.text.strip() for one in engine.generate(requests)]
    scores = [
        anls(text, [one.suffix]) if one.suffix else float(not text) for text, one in zip(said, asked, strict=True)
    ]
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="nano", help="a registered model, or the folder of one like nano")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--measured", type=int, default=200, help="examples of each kind that are measured")
    parser.add_argument("--threads", type=int, default=2)
    for name in OF_PLAN:
        parser.add_argument(f"--{name}", type=float, help="instead of the recipe's")
    parser.add_argument("--quiet", action="store_true", help="write no results")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(data_dir=Path(place), threads=told.threads)
        registry, model = Registry(settings), told.model
        if Path(model).is_dir():
            model = add(registry, model, Wanted(name="small"), accept=lambda _: True).name
        head, rows = measured(told, settings, model, Path(place) / "data")
    names = ("asked", "before", "after", "gained")
    print(head, aligned([names, *rows]), sep="\n")
    if not told.quiet:
        (RESULTS / "finetune.md").write_text(f"# Fine-tuning\n\n{head}.\n\n{markdown([names, *rows])}\n", "utf-8")


def measured(
    told: argparse.Namespace, settings: Settings, model: str, folder: Path
) -> tuple[str, list[tuple[str, ...]]]:
    """Train, and return what was done, and the rows of the table."""
    located = Registry(settings).locate(model)
    side, patch = _sizes(located.folder)
    size, families = (side, patch), fonts.find()
    shown = [paths[0] for family, paths in families.items() if family not in HELD_OUT]
    faces = [paths[0] for family, paths in families.items() if family in HELD_OUT] or shown
    learnt = list(strips(told.examples, shown, size, test=False))
    write(folder, {"train": learnt, "validation": list(strips(10, faces, size, test=True))})
    sets = {"boarding passes": list(strips(told.measured, faces, size, test=True))}
    for task, name in (("ocr", "lines"), ("answer", "values with labels")):
        sets[f"elsewhere: {name}"] = list(elsewhere(task, told.measured, faces, size, test=True))
    engine = PaliGemmaEngine(settings, model, device="cpu", batch=32)
    before = {name: right(engine, some) for name, some in sets.items()}
    said = {name: whole(value) for name in OF_PLAN if (value := getattr(told, name)) is not None}
    began, spent = time.monotonic(), time.process_time()
    wanted = Request(folder=folder, model=model, name="strips", preset="small", said=said, device="cpu")
    card = finetune(wanted, settings, print)
    seconds, spent = time.monotonic() - began, time.process_time() - spent
    if card is None:
        raise SystemExit("Run it in one process.")
    engine = PaliGemmaEngine(settings, card.id, device="cpu", batch=32)
    after = {name: right(engine, some) for name, some in sets.items()}
    figures, recipe = card.about["figures"], card.about["recipe"]
    head = (
        f"{told.model}, {told.examples} examples of a new type, each question {told.measured} times. LoRA of rank "
        f"{recipe['rank']}, batches of {recipe['batch']}, {recipe['rehearse']:g} pictures rehearsed for each, rate "
        f"{recipe['rate']:g}: {figures['steps']} steps, {spent:.0f} s of CPU ({seconds:.0f} s by the clock, with "
        f"{told.threads} threads)"
    )
    return head, [
        (name, f"{before[name]:.3f}", f"{after[name]:.3f}", f"{after[name] - before[name]:+.3f}") for name in sets
    ]


def whole(value: float) -> float:
    """Return a number as an integer where it is one: of steps there are no halves."""
    return int(value) if value == int(value) else value


def _sizes(folder: Path) -> tuple[int, int]:
    """Return the pixels of the model's pictures and of their patches."""
    vision = read_json(folder / "config.json")["vision_config"]
    return int(vision["image_size"]), int(vision["patch_size"])


if __name__ == "__main__":
    main()
