"""What a fine-tuning is asked to do: one frozen value, and the recipes that fill it in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from docproc.errors import Usage

Method = Literal["lora", "qlora", "full"]
"""Adapters beside the weights; the same beside weights of 4 bits; the weights themselves."""
Mean = Literal["example", "token"]
"""Every example weighs the same, as in big_vision; or every token, as in transformers."""
PARTS = ("vision", "projector", "decoder", "embeddings")
RECIPES = Path(__file__).with_name("presets.toml")
REHEARSED = 3.0
"""Pictures that an adapter rehearses for each example it learns, when nobody says."""
LORA_RATE = 10.0
"""LoRA learns best at about ten times the rate of full training (Schulman et al. 2025, "LoRA without regret")."""
FROZEN: Mapping[Method, tuple[str, ...]] = {
    "lora": ("vision", "embeddings"),
    "qlora": ("vision", "embeddings"),
    "full": (),  # P1 found that tuning all is best
}
"""What is left as it is when nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to fine-tune.

    `frozen` names of `PARTS` what stays as it is. A step sees `batch` examples, `micro` at a time on each device (0:
    its share at once). It ends after `epochs`, or after `steps` or `minutes` where these are not 0, whatever comes
    first. `rate` is the highest of a cosine with 5 % of warm-up, `decay` a weight decay as big_vision counts it (of
    matrices alone, not multiplied by the rate), `dropout` 0-1 behind the attention and the MLP of every decoder
    layer, `smoothing` 0-1 that of labels. `rank` is LoRA's. `rehearse` pictures of what the base can do already are
    shown for each example, so that an adapter does not forget it. `longest` is the most tokens of an answer; `bf16`
    multiplies in bfloat16, `checkpointing` computes layers twice to save memory.
    """

    method: Method = "lora"
    frozen: tuple[str, ...] = FROZEN["lora"]
    rate: float = 1e-4
    batch: int = 8
    micro: int = 0
    epochs: float = 10.0
    steps: int = 0
    minutes: float = 0.0
    decay: float = 0.0
    dropout: float = 0.0
    smoothing: float = 0.0
    mean: Mean = "example"
    rank: int = 16
    rehearse: float = 0.0
    longest: int = 512
    seed: int = 0
    bf16: bool = False
    checkpointing: bool = False

    def __post_init__(self) -> None:
        """Raise Usage for values that cannot be."""
        right = {
            f"the method {self.method!r}": self.method in get_args(Method),
            f"the mean {self.mean!r}": self.mean in get_args(Mean),
            f"the parts {self.frozen}": set(self.frozen) <= set(PARTS),
            f"a rate of {self.rate}": 0 < self.rate < 1,
            f"batches of {self.batch} and {self.micro}": self.batch >= 1 and self.micro >= 0,
            f"{self.epochs} epochs": self.epochs > 0 or self.steps > 0 or self.minutes > 0,
            f"a rank of {self.rank}": self.rank >= 1,
            f"{self.rehearse} rehearsed for each example": 0 <= self.rehearse <= 100,
            "rehearsal of a model all of whose weights change": self.method != "full" or not self.rehearse,
            f"answers of {self.longest} tokens": self.longest >= 1,
            "shares outside of 0 to 1": all(0 <= one < 1 for one in (self.decay, self.dropout, self.smoothing)),
        }
        for what, fine in right.items():
            if not fine:
                raise Usage(f"There is no fine-tuning with {what}.", hint="See docproc finetune paligemma --help.")
        if set(PARTS) <= set(self.frozen) or (self.method != "full" and set(PARTS[:3]) <= set(self.frozen)):
            raise Usage("Everything is frozen: nothing would be learnt.", hint="Leave out one --freeze.")

    @property
    def besides(self) -> int:
        """How many pictures a step rehearses."""
        return round(self.batch * self.rehearse)

    def count(self, examples: int) -> int:
        """Return how many steps it is at most, of that many examples; 0 when the clock alone ends it."""
        of_epochs = max(1, -(-int(self.epochs * examples) // self.batch)) if self.epochs else 0
        return min((one for one in (self.steps, of_epochs) if one), default=0)


def recipes() -> dict[str, dict[str, Any]]:
    """Return name -> fields of `Plan` and `source`, with `at`: what differs by resolution."""
    return tomllib.loads(RECIPES.read_text("utf-8"))


def make_plan(preset: str, side: int, said: Mapping[str, Any]) -> tuple[Plan, str]:
    """Return a plan and its source: the recipe `preset` at `side` pixels ("" is none), and over it what was said.

    Raises Usage for an unknown recipe or an impossible value.
    """
    known = recipes()
    if preset and preset not in known:
        raise Usage(f"There is no recipe {preset!r}.", hint=f"Recipes: {', '.join(known)}.")
    recipe = known.get(preset, {})
    source = str(recipe.get("source", ""))
    values = {key: value for key, value in recipe.items() if key not in ("source", "at")}
    values |= recipe.get("at", {}).get(str(side), {})
    method: Method = said.get("method", "lora")
    if method != "full" and "rate" in values:
        values["rate"] *= LORA_RATE
    if "steps" in values or any(one in said for one in ("steps", "minutes")):
        values["epochs"] = 0.0
    values["frozen"] = FROZEN.get(method, ())
    values["rehearse"] = 0.0 if method == "full" else REHEARSED
    return Plan(**values | dict(said)), source
