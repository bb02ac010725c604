"""A question about many pages: one batch, evidence from words alone, the best grounded answer."""

from __future__ import annotations

import numpy as np
import pytest
from exports_samples import a_line, page_of

from docproc.engines.fake import FakeVision
from docproc.errors import EngineFailed, Usage
from docproc.findings import Answer
from docproc.raster import PageImage
from docproc.tasks.answering import answer_pages, best_answer
from docproc.tasks.pages import Model


def shown(number, text):
    page = page_of(number, [("text", [a_line("a", text, 40, 100)])])
    return page, PageImage(np.full((595, 420, 3), 250 - number, np.uint8), 72.0)


PAGES = [shown(1, "Total due 120.50"), shown(2, "Signed by Zeno Quist"), shown(3, "Notes")]


def model(*said, variant="mix"):
    """Says the first of `said` on the first page, and so on."""
    return Model(FakeVision(lambda request: said[250 - int(request.images.pixels[0, 0, 0]) - 1], variant=variant))


def test_each_page_answers_for_itself_with_words_as_evidence():
    asked = model("120.50", "unanswerable", "Valparaiso <loc0001><loc0001><loc0500><loc0500>")
    total, nothing, invented = answer_pages(asked, "What is the total?", PAGES)
    assert (total.text, total.ungrounded, total.engine) == ("120.50", False, "fake 1")
    [word] = total.evidence
    assert (word.page, word.text) == (1, "120.50")
    assert word.box == PAGES[0][0].lines[0].words[2].box
    assert nothing.not_found
    assert invented.ungrounded
    assert invented.evidence == ()
    assert [request.prompt for request in asked.engine.asked] == ["answer en What is the total?"] * 3
    assert best_answer([nothing, invented, total]) is total


def test_the_best_answer():
    sure = Answer(text="b", confidence=0.9, ungrounded=True)
    assert best_answer([Answer(text="a", confidence=0.2), sure]).text == "a"
    assert best_answer([sure, Answer(text="c", ungrounded=True)]) is sure
    assert best_answer([Answer(text="", not_found=True)]) is None


def test_models_that_answer_no_questions_and_no_pages():
    with pytest.raises(Usage, match="not trained for answer"):
        answer_pages(model("x", variant="ft-cococap"), "Who?", PAGES[:1])
    with pytest.raises(Usage, match="needs words"):
        answer_pages(model("x"), "<image>", PAGES[:1])
    assert answer_pages(model("x"), "Who?", []) == []


def test_an_engine_that_answers_too_little_is_told():
    class Short(FakeVision):
        def generate(self, requests):
            return super().generate(requests)[:1]

    with pytest.raises(EngineFailed, match="1 of 3"):
        answer_pages(Model(Short(lambda _: "x")), "Who?", PAGES)
