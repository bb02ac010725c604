"""Trains the reader: `docproc finetune reader`.

Pages come from `docproc.synth.questions`, made as they are needed and never twice; no labelled document is looked
at. The start is all-MiniLM-L6-v2 with its table of words kept as it is. Reproducible by seed on one machine with the
same number of threads, unless the clock ends it (`minutes`); a run that was ended goes on from its checkpoint.
Matrices are multiplied in bfloat16 where the processor can, weights and optimizer stay in float32.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from docproc.engines.reader import LONGEST, MODEL, Reader, Scores
from docproc.engines.reader_windows import Window
from docproc.errors import Usage
from docproc.learn.plot import plot
from docproc.learn.reader_data import Batch, Example, batches, examples
from docproc.learn.reader_export import export
from docproc.learn.reader_figures import Figures, measure
from docproc.learn.reader_net import Reading, from_file, from_minilm, with_new_heads
from docproc.synth.questions import ALL, questioned_pages

CHUNK = 48
"""Pages that are drawn at a time; a run that is taken up again starts at a whole chunk."""
QUESTIONS = 14
"""Questions with an answer that are asked about a page, at most: they cost little beside the page."""
RATE, NEW_RATE, TABLE_RATE, HEADS_RATE = 1.5e-4, 1e-3, 4e-3, 5e-3
"""Steps for weights of MiniLM, for layers that are new, for the table of how words lie to one another; for layers
that are new where no others change."""
RATES = {"order": RATE, "kind": RATE, "norm": RATE, "layers": RATE, "relation": TABLE_RATE}
CHECKPOINT = "checkpoint.pt"
WARM_UP = 0.04
DECAY = 0.01
TEST_SEED = 90_001
SAVE_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to train: `pages`, or until `minutes` have passed (0: no limit). `held_out` pages measure it.

    `kinds` of documents are those of `docproc.synth.questions`. `heads` trains only what points, on top of the layers
    of the reader that ships: a small training that shows within minutes that everything works.
    """

    pages: int = 12_000
    minutes: float = 0.0
    seed: int = 7
    held_out: int = 120
    threads: int = 2
    kinds: tuple[str, ...] = ALL
    heads: bool = False

    @classmethod
    def quick(cls) -> Plan:
        """Return the plan of a small training, within minutes."""
        return cls(pages=192, minutes=2.5, held_out=24, kinds=("receipt",), heads=True)


@dataclass(slots=True)
class State:
    """Where a training stands: pages and seconds done, and losses as (pages, mean since the one before)."""

    net: Reading
    optimizer: torch.optim.Optimizer
    pages: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)


def finetune(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Iterator[str]:
    """Train, export to `folder`, and yield what came of it, line by line; `tell` gets the progress."""
    yield f"before: {held_out(Reader(scorer=scorer(start(plan).net)), plan)}"
    net = train(plan, folder, tell)
    yield f"after, float32: {held_out(Reader(scorer=scorer(net)), plan)}"
    target = folder / MODEL.name
    export(net, target)
    yield f"after, int8: {held_out(Reader(plan.threads, target), plan)}"
    yield f"{target}: {target.stat().st_size / 1e6:.1f} MB"


def train(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Reading:
    """Train, from the checkpoint in `folder` if there is one of this seed, and return the network."""
    state = _resumed(plan, folder)
    if state.pages:
        tell(f"going on from {state.pages} pages")
    began, saved = time.monotonic() - state.seconds, time.monotonic()
    while _progress(plan, state) < 1:
        chunk = state.pages // CHUNK
        losses = [_step(plan, state, batch) for batch in _batches(plan, chunk)]
        state.pages += CHUNK
        state.seconds = time.monotonic() - began
        state.losses.append((state.pages, sum(losses) / max(len(losses), 1)))
        tell(_line(plan, state))
        if time.monotonic() - saved > SAVE_SECONDS or _progress(plan, state) >= 1:
            _save(plan, state, folder)
            saved = time.monotonic()
    return state.net


def scorer(net: Reading) -> Callable[[Window, NDArray[np.int64]], Scores]:
    """Return what `docproc.engines.reader.Reader` asks, answered by a network in float32."""

    def score(window: Window, questions: NDArray[np.int64]) -> Scores:
        given = (window.ids, window.place, window.relation.astype(np.int64), window.first, questions)
        with torch.no_grad():
            starts, ends, links, missing = net(*(torch.from_numpy(one)[None] for one in given))
        return starts[0].numpy(), ends[0].numpy(), links[0].numpy(), missing[0].numpy()

    return score


def held_out(reader: Reader, plan: Plan) -> Figures:
    """Return how right a reader is on held-out pages: other wordings, labels and layouts than were trained on."""
    return measure(reader, questioned_pages(TEST_SEED, plan.held_out, plan.kinds, split="test"))


def loss_of(net: Reading, batch: Batch) -> Tensor:
    """Return the mean of -log(what the right spans, or "no answer", get of the softmax)."""
    starts, ends, links, missing = net(batch.ids, batch.place, batch.relation, batch.first, batch.questions)
    count = starts.shape[2]
    last = torch.arange(count)[:, None] + torch.arange(LONGEST)[None]
    inside = last[None] < batch.parts[:, None, None]
    last = last.clamp(max=count - 1)
    pairs = links.gather(2, last[None].expand(len(links), -1, -1)).masked_fill(~inside, -1e9)
    total = starts[..., None] + ends[:, :, last] + pairs[:, None]
    scores = torch.cat([missing[..., None], total.flatten(2)], dim=2)
    right = torch.zeros_like(scores, dtype=torch.bool)
    right[..., 0] = batch.none
    row, question, first, length = batch.right.T
    right[row, question, 1 + first * LONGEST + length] = True
    lost = scores.logsumexp(2) - scores.masked_fill(~right, -1e9).logsumexp(2)
    return lost[batch.asked].mean()


def _batches(plan: Plan, chunk: int) -> Iterator[Batch]:
    pages = questioned_pages(plan.seed * 1_000_000 + chunk, CHUNK, plan.kinds, most=QUESTIONS)
    found: list[Example] = [example for page, asked in pages for example in examples(page, asked)]
    return batches(found, Random(f"{plan.seed}/{chunk}"))  # noqa: S311  (an order, not a secret)


def _step(plan: Plan, state: State, batch: Batch) -> float:
    for group in state.optimizer.param_groups:
        group["lr"] = group["most"] * _rate(_progress(plan, state))
    with torch.autocast("cpu", torch.bfloat16, enabled=_has_bfloat16()):
        loss = loss_of(state.net, batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.net.parameters(), 1.0)
    state.optimizer.step()
    state.optimizer.zero_grad()
    return float(loss.detach())


def start(plan: Plan) -> State:
    """Return what is trained as it is before: MiniLM, or new heads on our layers; the same for the same seed."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    net = with_new_heads(from_file(MODEL)) if plan.heads else from_minilm()
    return State(net, _optimizer(net, HEADS_RATE if plan.heads else NEW_RATE))


def _resumed(plan: Plan, folder: Path) -> State:
    path = folder / CHECKPOINT
    state = start(plan)
    if not path.is_file():
        return state
    kept = torch.load(path, weights_only=True)
    if kept["seed"] != plan.seed:
        raise Usage(f"{path} is from seed {kept['seed']}.", hint="Say that --seed, or another folder.")
    state.net.load_state_dict(kept["net"])
    state.optimizer.load_state_dict(kept["optimizer"])
    state.pages, state.seconds = kept["pages"], kept["seconds"]
    state.losses = [(pages, loss) for pages, loss in kept["losses"]]
    return state


def _save(plan: Plan, state: State, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CHECKPOINT
    made = {
        "seed": plan.seed, "net": state.net.state_dict(), "optimizer": state.optimizer.state_dict(),
        "pages": state.pages, "seconds": state.seconds, "losses": state.losses,
    }  # fmt: skip
    torch.save(made, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
    (folder / "losses.svg").write_text(plot(state.losses), "utf-8")


def _optimizer(net: Reading, new_rate: float) -> torch.optim.Optimizer:
    groups: dict[float, list[Tensor]] = {RATE: [], new_rate: [], TABLE_RATE: []}
    for name, weights in net.named_parameters():
        rate = next((rate for start, rate in RATES.items() if name.startswith(start)), new_rate)
        if weights.requires_grad:
            groups[rate].append(weights)
    return torch.optim.AdamW(
        [{"params": weights, "lr": rate, "most": rate} for rate, weights in groups.items() if weights],
        betas=(0.9, 0.98), weight_decay=DECAY,
    )  # fmt: skip


def _line(plan: Plan, state: State) -> str:
    left = state.seconds * (1 / _progress(plan, state) - 1)
    lately = [loss for _, loss in state.losses[-5:]]
    return (
        f"{state.pages} pages, {state.seconds / 60:.1f} min, loss {sum(lately) / len(lately):.3f}, "
        f"{max(left, 0) / 60:.0f} min to go"
    )


def _progress(plan: Plan, state: State) -> float:
    """Return how much of the training is done, 0-1."""
    return max(state.pages / plan.pages, state.seconds / 60 / plan.minutes if plan.minutes else 0.0)


def _rate(progress: float) -> float:
    if progress < WARM_UP:
        return (progress + 0.002) / (WARM_UP + 0.002)
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def _has_bfloat16() -> bool:
    return "avx512_bf16" in Path("/proc/cpuinfo").read_text("ascii") if sys.platform == "linux" else False
