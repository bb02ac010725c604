"""Drawn pages with questions as batches: which spans of which windows are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor

from docproc.document import Page
from docproc.engines.reader import LONGEST, padded
from docproc.engines.reader_windows import RELATIONS, Window, page_windows, question_ids
from docproc.evaluate.answers import anls, likeness
from docproc.synth.asked import Asked

BUDGET = 1000
"""Pieces of pages in a batch, padding included."""
LONG = 20
"""Pieces of the longest question that is trained on: a few longer ones would make the batch half padding."""
TELLING = 4
"""Letters from which on an answer is right wherever it stands on the page, not only where it was asked for."""

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A window and its questions as pieces, each with its right spans (first and last part); none: not there."""

    window: Window
    questions: tuple[tuple[int, ...], ...]
    spans: tuple[Spans, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What `Reading.forward` takes, and `right` bool[B, Q, W, LONGEST + 1 shared] as indices.

    `right` int64[R, 4] lists right spans as batch, question, first part, length - 1; `none` bool[B, Q] says where no
    span is right, `asked` bool[B, Q] where there is a question at all.
    """

    ids: Tensor
    place: Tensor
    relation: Tensor
    first: Tensor
    questions: Tensor
    parts: Tensor
    right: Tensor
    none: Tensor
    asked: Tensor


def examples(page: Page, asked: Sequence[Asked]) -> Iterator[Example]:
    """Yield the windows of a page with its questions; a question whose answer a window cuts is left out there."""
    for window in page_windows(page):
        found = [(question_ids(one.question), _right(window, one)) for one in asked]
        kept = [(tuple(ids), spans) for ids, spans in found if spans is not None and len(ids) <= LONG]
        if kept:
            yield Example(window, tuple(ids for ids, _ in kept), tuple(spans for _, spans in kept))


def batches(given: Sequence[Example], random: Random) -> Iterator[Batch]:
    """Yield examples in batches of windows that are alike in length, in random order."""
    groups: list[list[Example]] = [[]]
    for example in sorted(given, key=lambda one: (len(one.window.ids), random.random())):
        if len(example.window.ids) * (len(groups[-1]) + 1) > BUDGET:
            groups.append([])
        groups[-1].append(example)
    random.shuffle(groups)
    for group in groups:
        if group:
            yield _batch(group)


def _right(window: Window, asked: Asked) -> Spans | None:
    """Return the right spans of a window, () where it does not answer, None where it answers in part."""
    if not asked.word_ids:
        return ()
    wanted = set(asked.word_ids)
    here = [index for index, part in enumerate(window.parts) if part.word.id in wanted]
    if not here:
        return ()
    first, last = here[0], here[-1]
    if len({window.parts[index].word.id for index in here}) < len(wanted) or last - first >= LONGEST:
        return None
    if last - first + 1 > len(here) + 1 + len(here) // 4:
        return None  # other words in between: no span says it
    options = [(first, last)] + ([(first + 1, last)] if _half(window, first) and first < last else [])
    first, last = max(options, key=lambda span: likeness(_text(window, span), asked.answers[0]))
    if not anls(_text(window, (first, last)), asked.answers):
        return None  # misread beyond telling, or something that no words say, such as a tick
    return ((first, last), *_same(window, (first, last)))


def _half(window: Window, index: int) -> bool:
    """Say whether a part is the label of the value after it, in one word."""
    return index + 1 < len(window.parts) and window.parts[index].word is window.parts[index + 1].word


def _text(window: Window, span: tuple[int, int]) -> str:
    return " ".join(part.text for part in window.parts[span[0] : span[1] + 1])


def _same(window: Window, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the other places where a window says the same."""
    texts = [part.text.casefold().strip(".,:;") for part in window.parts]
    first, last = span
    said = texts[first : last + 1]
    if sum(map(len, said)) < TELLING:
        return
    for start in range(len(texts) - len(said) + 1):
        if start != first and texts[start : start + len(said)] == said:
            yield start, start + last - first


def _batch(group: Sequence[Example]) -> Batch:
    size = len(group)
    pieces = max(len(one.window.ids) for one in group)
    parts = max(len(one.window.parts) for one in group)
    amount = max(len(one.questions) for one in group)
    length = max(len(ids) for one in group for ids in one.questions)
    relation = np.full((size, pieces, pieces), RELATIONS - 1, np.int64)
    place = np.zeros((size, pieces, 4), np.int64)
    questions = np.zeros((size, amount, length), np.int64)
    first = np.zeros((size, parts), np.int64)
    none, asked = np.zeros((size, amount), bool), np.zeros((size, amount), bool)
    right: list[tuple[int, int, int, int]] = []
    for row, one in enumerate(group):
        count = len(one.window.ids)
        relation[row, :count, :count] = one.window.relation
        place[row, :count] = one.window.place
        first[row, : len(one.window.first)] = one.window.first
        for number, (ids, spans) in enumerate(zip(one.questions, one.spans, strict=True)):
            questions[row, number, : len(ids)] = ids
            none[row, number], asked[row, number] = not spans, True
            right += [(row, number, start, end - start) for start, end in spans]
    counts = torch.tensor([len(one.window.parts) for one in group])
    return Batch(
        torch.from_numpy(padded([one.window.ids.tolist() for one in group])), torch.from_numpy(place),
        torch.from_numpy(relation), torch.from_numpy(first), torch.from_numpy(questions), counts,
        torch.tensor(right, dtype=torch.int64).reshape(-1, 4), torch.from_numpy(none), torch.from_numpy(asked),
    )  # fmt: skip
