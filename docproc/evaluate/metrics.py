"""Every figure that can occur, with the definition that reports and `--help` print."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: its name in JSON, its title in tables, what it means, and which way is good."""

    name: str
    title: str
    definition: str
    lower_is_better: bool = False


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "cer",
            "CER",
            "Levenshtein distance of the whole texts over the characters of the truth, after Unicode NFKC, "
            "one form for quotes and dashes, and white space collapsed; case is folded where a set's labels "
            "are upper case alone.",
            lower_is_better=True,
        ),
        Metric("wer", "WER", "the same over words split at white space.", lower_is_better=True),
        Metric(
            "word_precision",
            "word P",
            "words read that are in the truth, as bags: repeats count, order does not; words are runs of letters and "
            "digits, so punctuation and the spaces around it do not matter here.",
        ),
        Metric("word_recall", "word R", "words of the truth that were read, as bags."),
        Metric("word_f1", "word F1", "harmonic mean of word P and word R."),
        Metric(
            "order",
            "order",
            "reading order: of the words that occur once in truth and once in the reading, the share on the "
            "longest run that rises in both; two columns swapped or read across score about .5.",
        ),
        Metric(
            "layout_map",
            "mAP",
            "COCO mean average precision of regions, IoU .50:.05:.95, 101 recall points, over the labels of "
            "the set and all its pages together; our labels are mapped to the set's (PubLayNet: consecutive "
            "list items are one list, captions, footnotes and formulas are text, headers and footers "
            "are left out).",
        ),
        Metric(
            "teds",
            "TEDS",
            "1 - tree edit distance over the nodes of the larger table (Zhong et al. 2020), without inline "
            "markup; a table that was missed scores 0.",
        ),
        Metric("teds_structure", "TEDS-S", "TEDS without the cells' text."),
        Metric(
            "cell_f1",
            "cell F1",
            "filled cells whose text (white space ignored), row, column and spans are all right, rows and columns "
            "counted without empty ones; read tables are paired with labelled ones by overlap, and tables that are "
            "not there cost precision.",
        ),
        Metric(
            "adjacency_f1",
            "adj. F1",
            "ICDAR 2013 competition: neighbour relations (next filled cell to the right and below) whose "
            "texts, direction and number of empty places between are right.",
        ),
        Metric(
            "facts",
            "facts",
            "olmOCR-bench facts that hold in the Markdown of their page, of all facts together.",
        ),
        Metric(
            "facts_supported",
            "facts*",
            "the same without formulas, which are only looked for as LaTeX text.",
        ),
        Metric(
            "anls",
            "ANLS",
            "questions that the document answers: average normalised Levenshtein similarity to the nearest right "
            "answer, 0 below .5 (Biten et al. 2019); not found counts as 0.",
        ),
        Metric("answers_right", "right", "answers given whose ANLS is at least .8, of all answers given."),
        Metric("answers_lost", "lost", "questions that the document answers, but not found.", lower_is_better=True),
        Metric("absent_found", "absent", "questions that the document does not answer, rightly not found."),
        Metric(
            "evidence", "evidence", "right answers whose evidence touches the labelled words, where there are any."
        ),
        Metric(
            "calibration_error",
            "ECE",
            "expected calibration error of answers given: confidence against the share of right ones, ten bins.",
            lower_is_better=True,
        ),
        Metric(
            "fields_exact",
            "fields",
            "labelled fields (invoice number, total, ...) that were extracted exactly: dates as dates, times as "
            "times, amounts as numbers, texts by letters and digits without case.",
        ),
        Metric("fields_anls", "f. ANLS", "likeness of extracted fields to their labels, as ANLS of answers."),
        Metric("fields_found", "f. found", "labelled fields for which anything was extracted."),
        Metric("as_expected", "expected", "hostile files that ended as their label expects."),
    )
}
"""Name -> metric, in the order of the table's columns."""

FOOTER = (
    "Figures of a set are means over its documents, but mAP, facts, answers and fields are of all its documents "
    "together. A document that could not be read counts as empty."
)
HEADLINES = ("word_f1", "anls", "fields_anls", "teds", "cell_f1", "facts", "layout_map", "as_expected")
"""By these, the mean of those it has, documents are ranked for the list of the worst."""


def definitions(names: Collection[str] = METRICS) -> str:
    """Return the definitions, of all or some figures, as lines of `title: definition`."""
    return "\n".join(f"{one.title}: {one.definition}" for one in METRICS.values() if one.name in names)


def goodness(scores: Mapping[str, float]) -> float | None:
    """Return the mean of a document's headline figures, 0-1; None where it has none."""
    values = [scores[name] for name in HEADLINES if name in scores]
    return sum(values) / len(values) if values else None
