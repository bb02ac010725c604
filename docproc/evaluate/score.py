"""One labelled document and what was read of it, turned into figures; and a whole set of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from docproc.document import Document, Source
from docproc.errors import DocprocError, Rejected
from docproc.evaluate.dataset import LabelledSet, Truth
from docproc.evaluate.facts import Fact, check, is_supported
from docproc.evaluate.fields import FieldResult, compare_fields, field_scores
from docproc.evaluate.layout import Spot, mapping_for, mean_average_precision, spots_of
from docproc.evaluate.order import order_score
from docproc.evaluate.questions import AnswerResult, Ask, answer_scores, ask_all
from docproc.evaluate.tables import pair_tables, table_scores
from docproc.evaluate.text import normalise, text_scores, tokens

Read = Callable[[Path], Document]
"""Reads a file; raises DocprocError when it cannot."""

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class FactResult:
    """A fact and why it does not hold ("" when it does)."""

    fact: Fact
    reason: str


@dataclass(frozen=True)
class DocumentResult:
    """The figures of one document; `problem` says why it could not be read, "" when it could."""

    truth: Truth
    document: Document
    scores: Scores
    facts: tuple[FactResult, ...] = ()
    answers: tuple[AnswerResult, ...] = ()
    fields: tuple[FieldResult, ...] = ()
    spots: tuple[tuple[Spot, ...], tuple[Spot, ...]] = ((), ())
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class SetResult:
    """The figures of a set and of each of its documents."""

    name: str
    documents: tuple[DocumentResult, ...]
    scores: Scores = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many documents could not be read."""
        return sum(bool(one.problem) for one in self.documents)


def evaluate_set(
    labelled: LabelledSet,
    read: Read,
    *,
    ask: Ask | None = None,
    done: Callable[[DocumentResult], None] = lambda _: None,
) -> SetResult:
    """Read every document of a set and score it; `done` is called after each. Questions are asked with `ask`.

    A document that cannot be read counts as empty: all of its text is missing.
    """
    results = []
    for truth in labelled.truths:
        document, seconds, error = _read(read, truth.path)
        result = score_document(truth, document, labelled)
        answers = tuple(ask_all(truth, document, ask)) if ask else ()
        scores = result.scores | _outcome(truth, document, error) | answer_scores(answers)
        results.append(replace(result, scores=scores, answers=answers, seconds=seconds, problem=str(error or "")))
        done(results[-1])
    return SetResult(labelled.name, tuple(results), set_scores(results))


def score_document(truth: Truth, document: Document, labelled: LabelledSet) -> DocumentResult:
    """Return the figures that the labels allow; the set says how its labels are to be read."""
    scores: Scores = {}
    if truth.text is not None:
        scores |= _text_scores(truth.text, document.text, fold_case=labelled.upper_case)
    pairs = pair_tables(truth, document) if truth.tables else []
    scores |= table_scores(pairs) if pairs else {}
    spots = _spots(truth, document, mapping_for(labelled.region_labels))
    layout = mean_average_precision(*spots)
    if layout is not None:
        scores["layout_map"] = layout
    facts = tuple(_check_facts(truth.facts, document))
    fields = compare_fields(truth.fields, document)
    scores |= _fact_scores(facts) | field_scores(fields)
    return DocumentResult(truth, document, scores, facts, fields=fields, spots=(tuple(spots[0]), tuple(spots[1])))


def set_scores(results: Sequence[DocumentResult]) -> Scores:
    """Return the figures of a set: means over documents, but mAP and facts are of all documents together."""
    names = dict.fromkeys(name for one in results for name in one.scores)
    scores = {name: fmean(one.scores[name] for one in results if name in one.scores) for name in names}
    pooled = mean_average_precision(
        [spot for one in results for spot in one.spots[0]], [spot for one in results for spot in one.spots[1]]
    )
    if pooled is not None:
        scores["layout_map"] = pooled
    answers = answer_scores([answer for one in results for answer in one.answers])
    fields = field_scores(result for one in results for result in one.fields)
    return scores | _fact_scores([fact for one in results for fact in one.facts]) | answers | fields


def empty_document(path: Path) -> Document:
    """Return what stands for a document that could not be read."""
    return Document(Source(path.name, "", "", 0), ())


def _read(read: Read, path: Path) -> tuple[Document, float, DocprocError | None]:
    start = time.perf_counter()
    try:
        document, error = read(path), None
    except DocprocError as caught:
        document, error = empty_document(path), caught
    return document, time.perf_counter() - start, error


def _outcome(truth: Truth, document: Document, error: DocprocError | None) -> Scores:
    """Say whether a hostile file ended as its label expects: `ok`, `reject`, `password` or `ok_or_reject`."""
    if not truth.expect:
        return {}
    rejected = isinstance(error, Rejected)
    if error is None:
        ended = "ok" if any(not page.failed for page in document.pages) else "failed"
    elif rejected and "password" in f"{error.code} {error}".lower():
        ended = "password"
    else:
        ended = "reject" if rejected else "failed"
    wanted = {"ok_or_reject": ("ok", "reject", "password"), "reject": ("reject", "password")}
    return {"as_expected": float(ended in wanted.get(truth.expect, (truth.expect,)))}


def _text_scores(true: str, read: str, *, fold_case: bool) -> Scores:
    scores = text_scores(true, read, fold_case=fold_case)
    words = [tokens(normalise(text, fold_case=fold_case)) for text in (true, read)]
    order = order_score(*words)
    return scores if order is None else scores | {"order": order}


def _spots(truth: Truth, document: Document, mapping: Mapping[str, str] | None) -> tuple[list[Spot], list[Spot]]:
    if mapping is None or not truth.regions:
        return [], []
    pages = {page.number: page for page in document.pages}
    # A page that was not read still has its labels to miss; where on it does not matter then.
    true = [
        Spot(
            _key(truth, one.page),
            one.label,
            truth.place(one.box, pages[one.page]) if one.page in pages else one.box,
        )
        for one in truth.regions
    ]
    read = [spot for page in document.pages for spot in spots_of(page, _key(truth, page.number), mapping)]
    return true, read


def _key(truth: Truth, page: int) -> str:
    return f"{truth.path}#{page}"


def _check_facts(facts: Iterable[Fact], document: Document) -> Iterable[FactResult]:
    pages = {page.number: page for page in document.pages}
    markdown: dict[int, str] = {}
    for fact in facts:
        number = fact.get("page", 1)
        if number not in markdown:
            own = (pages[number],) if number in pages else ()
            markdown[number] = replace(document, pages=own).to_markdown() if own else ""
        yield FactResult(fact, check(fact, markdown[number]))


def _fact_scores(facts: Sequence[FactResult]) -> Scores:
    if not facts:
        return {}
    passed = sum(not one.reason for one in facts)
    supported = sum(is_supported(one.fact) or not one.reason for one in facts)
    return {"facts": passed / len(facts), "facts_supported": passed / max(supported, 1)}
