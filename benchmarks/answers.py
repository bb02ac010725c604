"""Questions, answered in several ways: labels alone, retrieval alone, the reader alone, everything together.

    python benchmarks/answers.py SET... --drawn 300

SETs are labelled folders whose rows have `questions`; `--drawn` adds so many pages that docproc draws, with layouts
and wordings that training never shows. Files are read once and kept in the data folder. Prints a table, writes
results/answers.md and the reliability of confidences as results/answers.png.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from docproc.document import Document, Page, Source
from docproc.evaluate.dataset import Truth, TruthQuestion, TruthText, load
from docproc.evaluate.questions import AnswerResult, answer_scores, ask_all, reliability
from docproc.evaluate.report import aligned, markdown
from docproc.findings import Answer, Evidence
from docproc.pipeline import Reader, ReadOptions
from docproc.qa import Index, Question
from docproc.qa.candidates import Candidate
from docproc.qa.features import NAMES, Offer, fit
from docproc.qa.index import evidence, said, shared_reader
from docproc.qa.kept import KeptReadings, name_of
from docproc.qa.text import PageText
from docproc.settings import Settings
from docproc.synth.asked import Asked
from docproc.synth.questions import questioned_pages

RESULTS = Path(__file__).parent / "results"
LEAST_LABEL, LEAST_LINE = 0.55, 0.3
"""Below these, labels and retrieval say "not found"; chosen on drawn pages."""
VALUES, LINES = ("pair", "check", "cell", "value"), ("piece", "sentence")
Way = Callable[[Sequence[Page], str], Answer]
COLUMNS = {
    "anls": "ANLS",
    "answers_right": "right of given",
    "answers_lost": "lost",
    "absent_found": "absent found",
    "evidence": "evidence",
    "calibration_error": "ECE",
}


def by_labels(pages: Sequence[Page], question: str) -> Answer:
    """Answer with the value whose label says most of the question, of a kind that it wants."""
    asked = Question.of(question)
    offers = [Offer.of(PageText.of(page)) for page in pages]
    offers = [replace(one, found=tuple(some for some in one.found if some.origin in VALUES)) for one in offers]
    found = [one for offer in offers for one in offer.found]
    if not found:
        return Answer(text="", not_found=True)
    numbers = fit(asked, offers).numbers
    slots = [NAMES.index(f"{slot} {what}") for slot in ("key", "left", "column", "row") for what in ("said", "field")]
    scores = numbers[:, slots].max(axis=1) - 0.5 * numbers[:, NAMES.index("mismatch")]
    best = int(scores.argmax())
    return _answer(found[best]) if scores[best] >= LEAST_LABEL else Answer(text="", not_found=True)


def by_retrieval(pages: Sequence[Page], question: str) -> Answer:
    """Answer with the line that is nearest in meaning."""
    offers = [Offer.of(PageText.of(page)) for page in pages]
    offers = [replace(one, found=tuple(some for some in one.found if some.origin in LINES)) for one in offers]
    found = [one for offer in offers for one in offer.found]
    if not found:
        return Answer(text="", not_found=True)
    likeness = fit(Question.of(question), offers).numbers[:, NAMES.index("own meaning")]
    best = int(likeness.argmax())
    return _answer(found[best]) if likeness[best] >= LEAST_LINE else Answer(text="", not_found=True)


def by_reader(pages: Sequence[Page], question: str) -> Answer:
    """Answer with what the reader points at, where it thinks that likelier than no answer."""
    spans = shared_reader().read([question], pages)[0]
    if not spans or spans[0].margin < 0:
        return Answer(text="", not_found=True)
    words = {
        word.id: word for page in pages if page.number == spans[0].page for line in page.lines for word in line.words
    }
    found = [words[word_id] for word_id in spans[0].word_ids]
    text = " ".join(word.text for word in found)
    return Answer(text=text, evidence=tuple(Evidence(spans[0].page, word.text, word.box) for word in found))


def by_rules(pages: Sequence[Page], question: str) -> Answer:
    """Answer as docproc does, but without the reader."""
    return Index.of(pages, reads=False).ask(question)


def by_everything(pages: Sequence[Page], question: str) -> Answer:
    """Answer as docproc does."""
    return Index.of(pages).ask(question)


WAYS: dict[str, Way] = {
    "labels": by_labels,
    "retrieval": by_retrieval,
    "reader": by_reader,
    "ranker without reader": by_rules,
    "everything": by_everything,
}


def _answer(one: Candidate) -> Answer:
    return Answer(text=said(one), evidence=evidence(one))


def documents(sets: Sequence[Path], drawn: int) -> Iterator[tuple[str, list[tuple[Truth, Document]]]]:
    """Yield each set with its documents as read."""
    settings, options = Settings.from_environment(), ReadOptions()
    kept = KeptReadings(settings.data_dir.expanduser() / "asked")
    with Reader(options, settings) as reader:
        for labelled in (one for folder in sets for one in load(folder)):
            asked = [truth for truth in labelled.truths if truth.questions]
            if asked:
                yield labelled.name, [(truth, _read(reader, kept, options, truth.path)) for truth in asked]
    if drawn:
        yield "drawn", [_drawn(*one) for one in questioned_pages(4711, drawn, split="test")]


def _read(reader: Reader, kept: KeptReadings, options: ReadOptions, path: Path) -> Document:
    upload = reader.open(path)
    name = name_of(upload.sha256, options, version("docproc"))
    index = kept.load(name)
    if index is None:
        index = Index.of(reader.document(upload).pages)
        kept.keep(name, index)
    return Document(Source(path.name, upload.sha256, "", 0), tuple(text.page for text in index.texts))


def _drawn(page: Page, asked: Sequence[Asked]) -> tuple[Truth, Document]:
    words = {word.id: word for line in page.lines for word in line.words}
    questions = tuple(
        TruthQuestion(one.question, one.answers, f"{one.field} {number}", one.kind)
        for number, one in enumerate(asked)
    )
    texts = tuple(
        TruthText(words[word_id].text, words[word_id].box, page.number, truth.field)
        for truth, one in zip(questions, asked, strict=True)
        for word_id in one.word_ids
    )
    return Truth(Path("drawn"), texts=texts, questions=questions), Document(Source("drawn", "", "", 0), (page,))


def main() -> None:
    """Ask everything in every way and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", type=Path)
    parser.add_argument("--drawn", type=int, default=300)
    options = parser.parse_args()
    rows = [["set", "way", "questions", *COLUMNS.values(), "ms/question"]]
    curves: dict[str, list[tuple[float, float, int]]] = {}
    for name, some in documents(options.sets, options.drawn):
        for way, ask in WAYS.items():
            start = time.perf_counter()
            results = _asked(some, ask)
            spent = (time.perf_counter() - start) / max(len(results), 1) * 1000
            scores = answer_scores(results)
            figures = [f"{scores[key]:.3f}" if key in scores else "" for key in COLUMNS]
            rows.append([name, way, str(len(results)), *figures, f"{spent:.0f}"])
            print(aligned(rows[:1] + rows[-1:]), flush=True)
        curves[name] = reliability(results)
    print(aligned(rows))
    text = f"# Questions\n\n{(__doc__ or '').splitlines()[0]}\n\n{markdown(rows)}\n![reliability](answers.png)\n"
    (RESULTS / "answers.md").write_text(text, "utf-8")
    _plot(curves)


def _asked(some: Sequence[tuple[Truth, Document]], way: Way) -> list[AnswerResult]:
    def ask(document: Document, questions: Sequence[str]) -> list[Answer]:
        return [way(document.pages, question) for question in questions]

    return [result for truth, document in some for result in ask_all(truth, document, ask)]


def _plot(curves: dict[str, list[tuple[float, float, int]]]) -> None:
    import matplotlib as mpl  # noqa: PLC0415  (the extra `bench`)

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    for name, curve in curves.items():
        axes.plot([sure for sure, _, _ in curve], [right for _, right, _ in curve], marker="o", label=name)
    axes.set(xlabel="confidence of answers given", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.tight_layout()
    figure.savefig(RESULTS / "answers.png", dpi=110)


if __name__ == "__main__":
    main()
