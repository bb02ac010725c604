"""What a person asks of a fine-tuning, in whatever framework, and what the card of its result tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from docproc.errors import Usage
from docproc.learn import dataset
from docproc.learn.mask_codes import MaskEncoder
from docproc.learn.tune.plan import Plan
from docproc.learn.tune.rows import Reads, Rows, rows_of
from docproc.tasks.grammar import Trained

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for: train `model` on the dataset in `folder`, call the result `name`.

    `preset` is a recipe's name or "", `said` what of a plan was given beside it, `side` the pixels of pictures (0: as
    the model has them), `prompts` task -> template of prompts that are new to the model. `output` is where the
    training is kept until it is done, `restart` forgets one that was begun there.
    """

    folder: Path
    model: str
    name: str
    preset: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    side: int = 0
    prompts: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    restart: bool = False
    device: str = ""


def rows_in(
    folder: Path, split: str, loaded: Reads, variant: Trained, plan: Plan, masks: MaskEncoder | None = None
) -> Rows:
    """Return the examples of a split; none where it is missing or empty, but of `train`, which raises Usage."""
    path = folder / f"{split}.jsonl"
    if split != "train" and not path.is_file():
        return Rows((), ())
    found = rows_of(dataset.read(path), loaded, variant, plan.longest, masks=masks)
    if split == "train" and not found.rows:
        raise Usage(f"There is no example to train on in {path}.", hint="Export more.", code="bad-dataset")
    return found


def about(request: Request, plan: Plan, base: str, side: int, data: str, source: str) -> dict[str, Any]:
    """Return what the card tells beside figures: where from, on what, how.

    `base` names the weights that were trained, `data` the dataset, `source` the recipe's.
    """
    return {
        "base": {"model": request.model, "weights": base},
        "data": {"folder": request.folder.name, "sha256": data},
        "recipe": asdict(plan) | {"preset": request.preset, "source": source, "side": side},
        "seed": plan.seed,
        "curve": "losses.svg",
    }
