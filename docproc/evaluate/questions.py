"""Questions of labelled sets: how right the answers are, how honest, and whether they rest on the right words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from docproc.document import Document
from docproc.evaluate.answers import anls
from docproc.evaluate.dataset import Truth, TruthQuestion
from docproc.findings import Answer
from docproc.geometry import Box

RIGHT = 0.8
"""ANLS from which on an answer counts as right, where a share of right ones is told."""
BINS = 10
Ask = Callable[[Document, Sequence[str]], Sequence[Answer]]
"""Answers questions about a document, in their order."""


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """A question, its answer, how right it is (ANLS, 0-1), and whether its evidence touches the true words.

    `on_place` is None where the set does not say where the answer stands, or the answer is not right.
    """

    truth: TruthQuestion
    answer: Answer
    score: float
    on_place: bool | None = None


def ask_all(truth: Truth, document: Document, ask: Ask) -> list[AnswerResult]:
    """Ask a document everything that its labels ask."""
    if not truth.questions:
        return []
    if not document.pages:
        answers: Sequence[Answer] = [Answer(text="", not_found=True)] * len(truth.questions)
    else:
        answers = ask(document, [one.question for one in truth.questions])
    return [_result(truth, document, *pair) for pair in zip(truth.questions, answers, strict=True)]


def answer_scores(results: Sequence[AnswerResult]) -> dict[str, float]:
    """Return the figures of questions; those that nothing can be said of are left out."""
    answerable = [one for one in results if one.truth.answers]
    absent = [one for one in results if not one.truth.answers]
    given = [one for one in results if not one.answer.not_found]
    shares: dict[str, list[float]] = {
        "anls": [one.score for one in answerable],
        "answers_right": [one.score >= RIGHT for one in given],
        "answers_lost": [one.answer.not_found for one in answerable],
        "absent_found": [one.answer.not_found for one in absent],
        "evidence": [one.on_place for one in results if one.on_place is not None],
    }
    scores = {name: sum(values) / len(values) for name, values in shares.items() if values}
    sure = [one for one in given if one.answer.confidence is not None]
    return scores | ({"calibration_error": calibration_error(sure)} if sure else {})


def calibration_error(results: Iterable[AnswerResult]) -> float:
    """Return the expected calibration error of answers, 0-1 (Naeini et al. 2015), over `BINS` even bins."""
    curve = reliability(results)
    total = sum(count for _, _, count in curve)
    return sum(count * abs(said - right) for said, right, count in curve) / max(total, 1)


def reliability(results: Iterable[AnswerResult]) -> list[tuple[float, float, int]]:
    """Return (mean confidence, share of right ones, how many) of answers by confidence, lowest first."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for one in results:
        sure = one.answer.confidence
        if sure is not None and not one.answer.not_found:
            bins.setdefault(min(math.floor(sure * BINS), BINS - 1), []).append((sure, one.score >= RIGHT))
    return [
        (sum(sure for sure, _ in some) / len(some), sum(right for _, right in some) / len(some), len(some))
        for _, some in sorted(bins.items())
    ]


def _result(truth: Truth, document: Document, question: TruthQuestion, answer: Answer) -> AnswerResult:
    score = anls("" if answer.not_found else answer.text, question.answers)
    boxes = _true_boxes(truth, document, question)
    on_place: bool | None = None
    if boxes and score >= RIGHT and question.answers:
        on_place = any(
            one.page == page and one.box.overlap(box) > 0 for one in answer.evidence for page, box in boxes
        )
    return AnswerResult(question, answer, score, on_place)


def _true_boxes(truth: Truth, document: Document, question: TruthQuestion) -> list[tuple[int, Box]]:
    pages = {page.number: page for page in document.pages}
    named = [one for one in truth.texts if question.field and one.label == question.field]
    return [(one.page, truth.place(one.box, pages[one.page])) for one in named if one.page in pages]
