"""Training the reader: what is right in a window, the network, a small training from end to end."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from learn_extra import torch
from reader_pages import page_of, word

from docproc.engines.reader import MODEL, Reader, padded
from docproc.engines.reader_windows import page_windows, question_ids
from docproc.errors import Usage
from docproc.learn.plot import plot
from docproc.learn.reader import Plan, finetune, loss_of, scorer, start, train
from docproc.learn.reader_data import batches, examples
from docproc.learn.reader_export import export_float
from docproc.learn.reader_figures import measure
from docproc.learn.reader_net import from_file
from docproc.synth.asked import Asked
from docproc.synth.questions import questioned_pages

pytestmark = pytest.mark.slow

PLAN = Plan(pages=48, held_out=4, threads=1)
ORDER = Random(1)  # noqa: S311


def receipt():
    return page_of(
        [word("Green", 10, 10, "w1"), word("Shop", 50, 10, "w2")],
        [word("Total:", 10, 26, "w3"), word("12.50", 80, 26, "w4")],
        [word("Paid:12.50", 10, 42, "w5"), word("Bye", 80, 42, "w6")],
    )


def only(asked):
    (example,) = examples(receipt(), [asked])
    return example


def asked(question, answer, *ids):
    return Asked(question, (answer,) if answer else (), ids, "text")


@pytest.fixture(scope="module")
def net():
    return start(PLAN).net


def test_right_spans_are_the_words_that_say_it_and_others_that_say_the_same():
    example = only(asked("total?", "12.50", "w4"))
    said = [part.text for part in example.window.parts]
    assert said == ["Green", "Shop", "Total:", "12.50", "Paid:", "12.50", "Bye"]
    assert example.spans == (((3, 3), (5, 5)),)
    assert only(asked("shop?", "Green Shop", "w1", "w2")).spans == (((0, 1),),)


def test_a_label_in_one_word_with_the_value_is_no_part_of_the_answer():
    assert only(asked("paid?", "12.50", "w5")).spans[0][0] == (5, 5)


def test_a_question_without_answer_has_no_span_and_one_that_words_cannot_say_is_left_out():
    assert only(asked("fax?", "")).spans == ((),)
    assert list(examples(receipt(), [asked("ticked?", "no", "w6")])) == []
    assert list(examples(receipt(), [asked("both?", "Green Bye", "w1", "w6")])) == []


def test_an_answer_that_a_window_cuts_is_no_lesson():
    rows = [[word(f"word{row}", 10, 12 * row, f"w{row}")] for row in range(300)]
    page = page_of(*rows)
    found = list(
        examples(page, [asked("all?", " ".join(f"word{row}" for row in range(300)), *(f"w{r}" for r in range(300)))])
    )
    assert found == []


def test_the_loss_counts_right_spans_alone(net):
    (batch,) = batches([only(asked("total?", "12.50", "w4")), only(asked("fax?", ""))], ORDER)
    with torch.no_grad():
        loss = float(loss_of(net, batch))
        missing = replace(batch, right=batch.right[:0], none=torch.ones_like(batch.none))
        other = float(loss_of(net, missing))
    assert 0 < loss < 12
    assert other != pytest.approx(loss)


def test_a_question_is_answered_the_same_beside_others(net):
    window = page_windows(receipt())[0]
    some = [question_ids(text) for text in ("total?", "What is the name of the shop on this receipt?", "paid?")]
    score = scorer(net)
    starts, ends, _, missing = score(window, padded(some))
    for row, ids in enumerate(some):
        alone = score(window, np.array([ids]))
        assert alone[0][0] == pytest.approx(starts[row], abs=1e-4)
        assert alone[1][0] == pytest.approx(ends[row], abs=1e-4)
        assert alone[3][0] == pytest.approx(missing[row], abs=1e-4)


def test_pages_in_a_batch_do_not_see_one_another(net):
    pages = [example for page, some in questioned_pages(3, 3) for example in examples(page, some)]
    for batch in batches(pages, ORDER):
        with torch.no_grad():
            together = net(batch.ids, batch.place, batch.relation, batch.first, batch.questions)
        for row, count in enumerate(batch.parts.tolist()):
            size = int((batch.ids[row] != 0).sum())
            cut = (
                batch.ids[row : row + 1, :size], batch.place[row : row + 1, :size],
                batch.relation[row : row + 1, :size, :size], batch.first[row : row + 1, :count],
                batch.questions[row : row + 1],
            )  # fmt: skip
            with torch.no_grad():
                alone = net(*cut)
            real = batch.asked[row]
            assert torch.allclose(alone[0][0][real], together[0][row][real][:, :count], atol=1e-3)
            assert torch.allclose(alone[3][0][real], together[3][row][real], atol=1e-3)


def test_the_exported_file_scores_as_the_network_does(net, tmp_path):
    export_float(net, tmp_path / "reader.onnx")
    made, given = Reader(model=tmp_path / "reader.onnx"), Reader(scorer=scorer(net))
    for page, some in questioned_pages(4, 3):
        questions = [one.question for one in some]
        for ours, theirs in zip(made.read(questions, [page]), given.read(questions, [page]), strict=True):
            assert ours[0].margin == pytest.approx(theirs[0].margin, abs=1e-2)


def test_a_network_comes_back_from_its_file():
    window = page_windows(receipt())[0]
    ids = padded([question_ids("What is the total?"), question_ids("Which shop is it?")])
    ours, theirs = scorer(from_file(MODEL))(window, ids), Reader()._run(window, ids)
    for one, other in zip(ours, theirs, strict=True):  # activations are rounded in the file alone
        assert one.shape == other.shape
        assert np.corrcoef(np.ravel(one), np.ravel(other))[0, 1] > 0.95


def test_figures_tell_right_answers_and_what_is_not_there():
    def knows(window, questions):
        asks_total = (questions == question_ids("total")[1]).any(axis=1)
        count = len(window.parts)
        starts = np.where(np.arange(count) == 3, 9, 0)[None] * np.ones((len(questions), 1))
        missing = np.where(asks_total, 0, 30)
        return tuple(np.asarray(one, np.float32) for one in (starts, starts, np.zeros((count, count)), missing))

    some = (asked("total?", "12.50", "w4"), asked("fax?", ""), asked("phone?", ""))
    figures = measure(Reader(scorer=knows), [(receipt(), some)])
    assert (figures.anls, figures.not_found, figures.questions) == (1.0, 1.0, 1)
    assert "ANLS 1.000" in str(figures)


def test_a_small_training_raises_the_figure_and_goes_on_where_it_was_ended(tmp_path):
    """`docproc finetune reader --quick` with fewer pages: drawn, trained, exported, measured."""
    plan = replace(Plan.quick(), pages=96, minutes=0, held_out=8, threads=1)
    told = []
    train(replace(plan, pages=48), tmp_path, told.append)
    lines = list(finetune(plan, tmp_path, told.append))
    assert any("going on from 48 pages" in line for line in told)
    before, after, small = (float(line.split("ANLS ")[1].split()[0]) for line in lines[:3])
    assert after > before + 0.2
    assert small > before + 0.2
    assert (tmp_path / MODEL.name).stat().st_size < 32e6
    assert (tmp_path / "losses.svg").read_text("utf-8").startswith("<svg")
    with pytest.raises(Usage, match="seed"):
        train(replace(plan, seed=8), tmp_path, told.append)


def test_a_curve_is_drawn_of_any_number_of_losses():
    assert "0.500" in plot([(48, 1.0), (96, 0.0)])
    assert plot([]).startswith("<svg")
