"""Scores of answers: ANLS, honesty, place, calibration."""

from __future__ import annotations

from pathlib import Path

import pytest

from docproc.document import Document, Page, Source
from docproc.evaluate.answers import anls
from docproc.evaluate.dataset import Truth, TruthQuestion, TruthText, parse
from docproc.evaluate.questions import answer_scores, ask_all, reliability
from docproc.findings import Answer, Evidence
from docproc.geometry import Box

PAGE = Page(1, 100, 100)
DOCUMENT = Document(Source("a.pdf", "", "", 0), (PAGE,))


@pytest.mark.parametrize(
    ("said", "answers", "score"),
    [
        ("12.50", ("12.50",), 1.0),
        ("ACME  ltd", ("Acme Ltd",), 1.0),
        ("acme", ("acmes",), 0.8),
        ("blue", ("acme", "blu"), 0.75),
        ("wrong", ("12.50",), 0.0),
        ("", (), 1.0),
        ("something", (), 0.0),
    ],
)
def test_anls_is_that_of_the_paper(said, answers, score):
    assert anls(said, answers) == pytest.approx(score)


def asked(answer: Answer, *answers: str, field: str = "") -> dict[str, float]:
    truth = Truth(
        Path("a.pdf"),
        size=(200, 200),
        texts=(TruthText("12.50", Box(20, 20, 60, 40), label="total"),),
        questions=(TruthQuestion("What is the total?", answers, field),),
    )
    return answer_scores(ask_all(truth, DOCUMENT, lambda _, questions: [answer for _ in questions]))


def test_a_right_answer_on_its_place_counts_in_everything():
    answer = Answer(text="12.50", confidence=0.9, evidence=(Evidence(1, "12.50", Box(10, 10, 30, 20)),))
    scores = asked(answer, "12.50", field="total")
    assert scores == pytest.approx(
        {"anls": 1, "answers_right": 1, "answers_lost": 0, "evidence": 1, "calibration_error": 0.1}
    )


def test_a_right_answer_elsewhere_has_wrong_evidence():
    answer = Answer(text="12.50", evidence=(Evidence(1, "12.50", Box(70, 70, 90, 80)),))
    assert asked(answer, "12.50", field="total")["evidence"] == 0


def test_not_found_is_right_where_there_is_nothing_and_lost_where_there_is():
    nothing = Answer(text="", not_found=True)
    assert asked(nothing) == {"absent_found": 1}
    assert asked(nothing, "12.50") == {"anls": 0, "answers_lost": 1}
    assert asked(Answer(text="7", confidence=0.5))["absent_found"] == 0


def test_a_document_that_could_not_be_read_finds_nothing():
    truth = Truth(Path("a.pdf"), questions=(TruthQuestion("total?", ("1",)),))
    empty = Document(Source("a.pdf", "", "", 0), ())
    [result] = ask_all(truth, empty, lambda *_: pytest.fail("nothing is asked"))
    assert result.answer.not_found


def test_reliability_has_a_point_for_every_bin_that_is_used():
    truth = Truth(Path("a"), questions=tuple(TruthQuestion(f"{at}?", ("yes",)) for at in range(4)))
    answers = [
        Answer(text=text, confidence=sure) for text, sure in [("yes", 0.95), ("no", 0.91), ("yes", 0.3), ("no", 0.31)]
    ]
    results = ask_all(truth, DOCUMENT, lambda *_: answers)
    assert [(round(sure, 3), right, count) for sure, right, count in reliability(results)] == [
        (0.305, 0.5, 2),
        (0.93, 0.5, 2),
    ]


def test_questions_of_a_row_are_read():
    row = {
        "file": "a.pdf",
        "questions": [{"q": "total?", "answers": ["1"], "field": "total"}, {"q": "x?", "answers": []}],
    }
    assert parse(row, Path()).questions == (TruthQuestion("total?", ("1",), "total"), TruthQuestion("x?", ()))
