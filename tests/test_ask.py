"""`docproc ask`: exit codes, what it prints, what it keeps, and what it refuses."""

from __future__ import annotations

import json

import pytest
from web_client import EXAMPLES

from docproc.cli import run
from docproc.commands.ask import told
from docproc.findings import Answer, Evidence
from docproc.geometry import Box
from docproc.qa import ENGINE

INVOICE = str(EXAMPLES / "invoice.pdf")


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCPROC_DATA_DIR", str(folder))
        yield folder


def test_an_answer_comes_with_pages_and_boxes(capsys):
    assert run(["ask", INVOICE, "What is the total?", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["text"].startswith("£9,553.55")
    assert (answer["not_found"], answer["ungrounded"], answer["sure"]) == (False, False, True)
    [word] = answer["evidence"]
    assert (word["page"], word["text"]) == (1, "£9,553.55")
    left, top, right, bottom = word["box"]
    assert 0 < left < right < 595
    assert 0 < top < bottom < 842


def test_the_next_question_reads_nothing_anew(capsys, monkeypatch, data_dir):
    assert run(["ask", INVOICE, "What is the total?"]) == 0
    assert list((data_dir / "asked").glob("*.npz"))

    def never(*_, **__):
        raise AssertionError("the file is read again")

    monkeypatch.setattr("docproc.commands.ask.Reader", never)
    assert run(["ask", INVOICE, "invoice date"]) == 0
    assert "6 July 2022" in capsys.readouterr().out


def test_what_is_not_there_ends_with_3_and_is_json_all_the_same(capsys):
    assert run(["ask", INVOICE, "Who won the football match?", "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["not_found"], answer["sure"], answer["text"], answer["evidence"]) == (True, False, "", [])
    assert run(["ask", INVOICE, "Who won the football match?"]) == 3
    assert capsys.readouterr().out == "not found\n"


def test_several_questions_are_answered_in_order(capsys):
    assert run(["ask", INVOICE, "What is the invoice number?", "What is the invoice date?", "--json"]) == 0
    assert [one["text"] for one in json.loads(capsys.readouterr().out)] == ["2022-3542", "6 July 2022"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([INVOICE, ""], 2),
        ([INVOICE, "x" * 10_000], 2),
        ([INVOICE, "total?", "--pages", "9"], 2),
        ([INVOICE], 2),
        (["nowhere.pdf", "total?"], 4),
        (["0" * 28, "total?"], 3),
        (["--all", "total?", "date?"], 2),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, code, capsys):
    assert run(["ask", *arguments]) == code
    assert capsys.readouterr().err.strip()


def test_an_answer_says_whether_it_is_sure():
    words = (Evidence(1, "42", Box(0, 0, 9, 9)),)
    sure, unsure = (Answer(text="42", confidence=one, engine=ENGINE, evidence=words) for one in (0.999, 0.2))
    assert told(sure).startswith("42  (100%, sure)")
    assert told(unsure).startswith("42  (20%)")


def test_an_answer_that_rests_on_nothing_says_so():
    assert "invented" in told(Answer(text="42", ungrounded=True))


def test_a_vision_model_answers_and_words_are_its_evidence(capsys):
    """The fake engine writes the name of its model."""
    assert run(["ask", INVOICE, "What is the total?", "--engine", "fake", "--model", "£9,553.55", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["text"], answer["engine"], answer["ungrounded"]) == ("£9,553.55", "fake 1", False)
    assert [one["text"] for one in answer["evidence"]] == ["£9,553.55"]
    assert run(["ask", INVOICE, "What is the total?", "--engine", "fake", "--model", "a green elephant"]) == 0
    assert "invented" in capsys.readouterr().out
    assert run(["ask", INVOICE, "What is the total?", "--engine", "fake", "--model", "unanswerable"]) == 3
    assert run(["ask", INVOICE, "What is the total?", "--engine", "nonsense", "--model", "x"]) == 2
    assert run(["ask", "0" * 28, "What is the total?", "--engine", "fake", "--model", "x"]) == 2
