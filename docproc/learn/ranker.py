"""Trains the ranker of answers on drawn documents: `docproc finetune ranker`.

Questions of `docproc.synth.questions` with their truth; each candidate's target is how right its text is (ANLS) where
it stands on the right words. The loss is -log of the expected ANLS under the softmax over candidates and "none",
so several right wordings share the probability. Some minutes on one core, most of them for making candidates.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from docproc.document import Page
from docproc.evaluate.answers import anls
from docproc.pairs import key_values
from docproc.qa import coverage
from docproc.qa.candidates import SLOTS, Candidate
from docproc.qa.features import NAMES, Offer, fit
from docproc.qa.index import chosen, said
from docproc.qa.question import Question
from docproc.qa.ranker import WEIGHTS, Ranker
from docproc.qa.reading import SpanReader, with_spans
from docproc.qa.text import PageText
from docproc.synth.asked import Asked
from docproc.synth.questions import questioned_pages

KEPT = 48
"""Candidates of a question that are trained on: the right ones, the most alike, the rest by chance."""
PROJECTED, HIDDEN = 48, 64
EPOCHS, BATCH, RATE = 14, 128, 2e-3
LOST = 0.1
"""Share of the held-out questions with an answer that may be told "not found": it sets the limit."""
TEMPERATURES = tuple(0.5 + 0.1 * step for step in range(46))
ALONE = 0.5
"""Share of the questions that the ranker learns from without the reader, so that it does not lean on it alone."""
LEAST = 0.12
"""Confidence below which answers are not told of: those are never sure."""
RIGHT = 0.8
"""ANLS of an answer that counts as right."""

LEARNED = tuple(name for name in NAMES if name not in coverage.NAMES)
"""Columns that it learns from. By those of coverage it learns how tables are drawn: ANLS of receipts fell by .06."""
_COLUMNS = [NAMES.index(name) for name in LEARNED]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A question with some of its candidates: `numbers` of the columns `LEARNED`, `target` is ANLS, 0-1.

    `labels` are rows of `Examples.vectors`.
    """

    numbers: NDArray[np.float16]
    labels: NDArray[np.int32]
    target: Array
    question: Array
    answerable: bool


class Vectors:
    """Label vectors, each kept once; row 0 is that of no label."""

    def __init__(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._kept: list[NDArray[np.float16]] = []

    def place(self, labels: Array) -> NDArray[np.int32]:
        """Return the rows of float32[n, slots, 384]."""
        flat = labels.astype(np.float16).reshape(-1, labels.shape[-1])
        rows = []
        for vector in flat:
            key = vector.tobytes()
            if key not in self._rows:
                self._rows[key] = len(self._kept)
                self._kept.append(vector)
            rows.append(self._rows[key])
        return np.array(rows, np.int32).reshape(labels.shape[:2])

    def array(self) -> NDArray[np.float16]:
        """Return all that are kept, float16[n, 384]."""
        return np.stack(self._kept)


def train(
    output: Path = WEIGHTS, *, pages: int = 1500, held_out: int = 250, seed: int = 1, reader: SpanReader | None = None
) -> dict[str, float]:
    """Train on `pages` drawn pages and write the weights; return the figures on `held_out` others.

    The held-out pages have layouts and wordings that training never shows.
    """
    vectors = Vectors()
    learned = _examples(questioned_pages(seed, pages, split="train"), pages, vectors, seed, reader)
    unseen = [some[:3] for some in asked_about(questioned_pages(seed + 1, held_out, split="test"), held_out, reader)]
    model = _fitted(learned, vectors.array(), seed)
    return finish(model, unseen, output)


def finish(model: Ranker, unseen: Sequence[tuple[Asked, list[Candidate], Any]], output: Path) -> dict[str, float]:
    """Set temperature and limit on held-out questions, write the weights, and return the figures.

    There is no judge then: `docproc.learn.judge` grows one for these weights.
    """
    model = replace(model, temperature=_temperature(model, unseen))
    told = [(asked, *best(model, found, fitted)) for asked, found, fitted in unseen]
    limit = limit_of([there for asked, _, there, _ in told if asked.answers])
    shown = [(asked, text if there >= limit else "", chance) for asked, text, there, chance in told]
    given = [(chance, is_right(asked, text)) for asked, text, chance in shown if text and chance >= LEAST]
    replace(model, limit=limit, told=np.array(given, np.float32).reshape(-1, 2)).save(output)
    return figures([(asked, text) for asked, text, _ in shown])


def figures(told: Sequence[tuple[Asked, str]]) -> dict[str, float]:
    """Return ANLS over all, over answerable ones, the share found absent, and of answerable ones lost."""
    answerable = [(asked, text) for asked, text in told if asked.answers]
    absent = [(asked, text) for asked, text in told if not asked.answers]
    given = [(asked, text) for asked, text in told if text]
    return {
        "questions": len(told),
        "anls": _mean([anls(text, asked.answers) for asked, text in told]),
        "anls of answerable": _mean([anls(text, asked.answers) for asked, text in answerable]),
        "absent found absent": _mean([not text for _, text in absent]),
        "answerable lost": _mean([not text for _, text in answerable]),
        "precision": _mean([is_right(asked, text) for asked, text in given]),
    }


def is_right(asked: Asked, text: str) -> bool:
    """Say whether an answer counts as right."""
    return bool(asked.answers) and anls(text, asked.answers) >= RIGHT


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def best(model: Ranker, found: Sequence[Candidate], fitted: Any) -> tuple[str, float, float]:
    """Return the likeliest wording, how probable it is that there is an answer, and that it is this one."""
    if not found:
        return "", 0.0, 0.0
    one, there, chance = chosen(model, found, fitted)
    return said(one), there, chance


def _temperature(model: Ranker, unseen: Sequence[tuple[Asked, list[Candidate], Any]]) -> float:
    """Return the temperature under which what is right is least surprising (Guo et al. 2017, arXiv 1706.04599)."""
    known = []
    for asked, found, fitted in unseen:
        if found:
            right = np.array([*(_target(asked, one) for one in found), 0.0 if asked.answers else 1.0], np.float32)
            known.append((model.scores(fitted), right))

    def surprise(temperature: float) -> float:
        warm = replace(model, temperature=temperature)
        return -_mean([float(np.log(warm.probabilities(scores) @ right + 1e-3)) for scores, right in known])

    return min(TEMPERATURES, key=surprise)


def limit_of(there: Sequence[float]) -> float:
    """Return the limit under which no more than `LOST` of the questions that have an answer get none."""
    return float(np.quantile(there, LOST)) if there else 0.5


def asked_about(
    pages: Iterator[tuple[Page, tuple[Asked, ...]]],
    count: int,
    reader: SpanReader | None,
    alone: int | None = None,
) -> Iterator[tuple[Asked, list[Candidate], Any, random.Random]]:
    """Yield every question with its candidates, how they fit, and the dice of its page.

    With `alone`, a seed, some go without the reader.
    """
    for number, (page, questions) in enumerate(tqdm(pages, "pages", count, leave=False, disable=None)):
        dice = random.Random(f"{alone}/{number}")  # noqa: S311  (a choice, not a secret)
        offer = Offer.of(PageText.of(replace(page, key_values=key_values(page))))
        spans = reader.read([asked.question for asked in questions], [page]) if reader else [()] * len(questions)
        for asked, some in zip(questions, spans, strict=True):
            question = Question.of(asked.question)
            is_read = reader is not None and (alone is None or dice.random() >= ALONE)
            offers, read = with_spans([offer], some) if is_read else ([offer], None)
            found = [one for each in offers for one in each.found]
            yield asked, found, fit(question, offers, read) if found else None, dice


def _examples(
    pages: Iterator[tuple[Page, tuple[Asked, ...]]],
    count: int,
    vectors: Vectors,
    seed: int,
    reader: SpanReader | None,
) -> list[Example]:
    vectors.place(np.zeros((1, 1, 384), np.float32))
    made: list[Example] = []
    for asked, found, fitted, dice in asked_about(pages, count, reader, seed):
        if not found:
            continue
        target = np.array([_target(asked, one) for one in found], np.float32)
        kept = _kept(target, fitted.numbers[:, NAMES.index("likeness")], dice)
        made.append(
            Example(
                fitted.numbers[kept][:, _COLUMNS].astype(np.float16),
                vectors.place(fitted.labels[kept]),
                target[kept],
                fitted.question,
                bool(asked.answers),
            )
        )
    return made


def _target(asked: Asked, one: Candidate) -> float:
    if not asked.answers:
        return 0.0
    score = anls(said(one), asked.answers)
    stands = {word.id for word in one.words} & set(asked.word_ids)
    return score if stands or not asked.word_ids else 0.5 * score


def _kept(target: Array, likeness: Array, some: random.Random) -> list[int]:
    right = np.flatnonzero(target > 0).tolist()
    near = np.argsort(-likeness)[: KEPT // 2].tolist()
    others = [at for at in range(len(target)) if at not in {*right, *near}]
    chosen = some.sample(others, min(len(others), KEPT // 4))
    best = sorted(right, key=lambda at: -target[at])[: KEPT // 4]
    return list(dict.fromkeys([*best, *near, *chosen]))[:KEPT]


def _fitted(examples: Sequence[Example], vectors: NDArray[np.float16], seed: int) -> Ranker:
    """Train in PyTorch; return the weights."""
    import torch  # noqa: PLC0415  (the extra `learn`)

    torch.manual_seed(seed)
    everything = np.concatenate([one.numbers for one in examples]).astype(np.float32)
    mean, scale = everything.mean(axis=0), everything.std(axis=0) + 0.05
    net = _net(torch, len(LEARNED))
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.02)
    steps = EPOCHS * (len(examples) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    table = torch.from_numpy(vectors)
    order = list(range(len(examples)))
    shuffle = random.Random(seed)  # noqa: S311
    bar = tqdm(range(EPOCHS), "epochs", leave=False, disable=None)
    for _ in bar:
        shuffle.shuffle(order)
        losses = []
        for start in range(0, len(order), BATCH):
            batch = [examples[at] for at in order[start : start + BATCH]]
            loss = _loss(torch, net, batch, table, mean, scale)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        bar.set_postfix(loss=f"{_mean(losses):.3f}")
    net.eval()
    weights = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    return Ranker(
        names=LEARNED,
        mean=mean,
        scale=scale,
        asked=weights["asked.weight"].T,
        label=weights["label.weight"].T,
        hidden=weights["hidden.weight"].T,
        hidden_bias=weights["hidden.bias"],
        out=weights["out.weight"][0],
        out_bias=float(weights["out.bias"][0]),
        limit=0.5,
        temperature=1.0,
    )


def _net(torch: Any, inputs: int) -> Any:
    nn = torch.nn
    return nn.ModuleDict(
        {
            "asked": nn.Linear(384, PROJECTED, bias=False),
            "label": nn.Linear(384, PROJECTED, bias=False),
            "hidden": nn.Linear(inputs + len(SLOTS), HIDDEN),
            "out": nn.Linear(HIDDEN, 1),
            "drop": nn.Dropout(0.15),
        }
    )


def _loss(torch: Any, net: Any, batch: Sequence[Example], table: Any, mean: Array, scale: Array) -> Any:
    most = max(len(one.target) for one in batch)
    numbers = torch.zeros(len(batch), most, len(LEARNED))
    labels = torch.zeros(len(batch), most, len(SLOTS), dtype=torch.long)
    target = torch.zeros(len(batch), most + 1)
    there = torch.zeros(len(batch), most + 1, dtype=torch.bool)
    there[:, -1] = True
    for at, one in enumerate(batch):
        count = len(one.target)
        numbers[at, :count] = torch.from_numpy((one.numbers.astype(np.float32) - mean) / scale)
        labels[at, :count] = torch.from_numpy(one.labels.astype(np.int64))
        target[at, :count] = torch.from_numpy(one.target)
        target[at, -1] = 0.0 if one.answerable else 1.0
        there[at, :count] = True
    asked = net["asked"](torch.from_numpy(np.stack([one.question for one in batch])))
    rows, places = torch.unique(labels, return_inverse=True)
    known = net["label"](table[rows].float())[places]
    alike = torch.nn.functional.cosine_similarity(known, asked[:, None, None, :], dim=-1, eps=1e-6)
    inputs = net["drop"](torch.cat([numbers, alike * 3], dim=-1))
    scores = net["out"](net["drop"](torch.relu(net["hidden"](inputs))))[..., 0]
    scores = torch.cat([scores, torch.zeros(len(batch), 1)], dim=1).masked_fill(~there, -1e4)
    chances = torch.softmax(scores, dim=1)
    # A question whose answer no candidate is teaches to say nothing, faintly.
    lost = (target.sum(dim=1) == 0).float()
    target[:, -1] += 0.2 * lost
    return -torch.log((chances * target).sum(dim=1) + 1e-4).mean()
