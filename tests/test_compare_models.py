"""Models on a dataset: the figures of each task, how sure a difference is, and the report."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from docproc.cli import run
from docproc.engines import Generation
from docproc.evaluate.asking import Measured
from docproc.evaluate.compare import compare
from docproc.evaluate.compare_report import html, rows
from docproc.evaluate.examples import FIGURES, rouge_l, score
from docproc.evaluate.layout import Spot, average_precision
from docproc.geometry import Box
from docproc.learn.dataset import Example, keep_masks, write

TRUE = "<loc0000><loc0000><loc0511><loc0511> stamp"
SAME = "<loc0000><loc0000><loc0500><loc0511> stamp"
ELSEWHERE = "<loc0600><loc0600><loc1000><loc1000> stamp"


def example(task, suffix, *, document="a", kind="letter", image=None, prefix="x", masks=None):
    return Example(
        image=image, prefix=prefix, suffix=suffix, task=task, document=document, kind=kind, masks=masks
    )  # fmt: skip


def said(text, *, sure=0.9):
    """What a model writes, a token for each <loc> at least, so that boxes have a score."""
    places = [int(place) for place in re.findall(r"<loc(\d{4})>", text)]
    return Generation(text, tuple(300 + place for place in places), (sure,) * len(places))


def of(task, suffix, text, **more):
    return score(example(task, suffix, **more), said(text))


@pytest.mark.parametrize(
    ("task", "right", "written", "shares"),
    [
        ("ocr", "the  harbour", "the harb0ur", {"cer": (1, 11), "wer": (1, 2)}),
        ("ocr", "", "xy", {"cer": (2, 1), "wer": (1, 1)}),
        ("answer", "24.50 EUR", "24.50 eur", {"anls": (1, 1)}),
        ("answer", "24.50 EUR", "nothing", {"anls": (0, 1)}),
        ("caption", "An invoice of Miller, 12 May", "invoice: Miller", {"rouge_l": (0.5, 1)}),
        ("table", "<table><tr><td>a</td><td>b</td></tr></table>", "<tr><td>a</td><td>b</td></tr>", {"teds": (1, 1)}),
        ("table", "<table><tr><td>a</td></tr></table>", "no table", {"teds": (0, 1)}),
    ],
)
def test_an_example_counts_by_the_figures_of_its_task(task, right, written, shares):
    found = of(task, right, written)
    assert [*found.shares] == [*shares]
    for name, share in found.shares.items():
        assert tuple(share) == pytest.approx(shares[name])
    assert 0 <= found.goodness <= 1


def test_rouge_follows_the_order_of_words():
    assert rouge_l("a b c d", "a b c d") == 1
    assert rouge_l("a b c d", "d c b a") == pytest.approx(0.25)
    assert (rouge_l("", ""), rouge_l("a", "")) == (1, 0)


def test_rates_are_of_all_letters_together_and_not_of_lines():
    scored = [of("ocr", "a" * 90, "a" * 90), of("ocr", "b" * 10, "c" * 10, document="b")]
    assert {row.figure: row.first for row in compare(scored)} == pytest.approx({"cer": 0.1, "wer": 0.5})


def test_detection_is_scored_as_for_layouts():
    """Against the same measure, made of other code, on random boxes."""
    random = np.random.default_rng(3)
    scored, true, read = [], [], []
    for page in range(20):
        there = [_box(random) for _ in range(3)]
        drawn = [_shaken(one, random) for one in there[:2]] + [_box(random)]
        sure = float(random.random())
        scored.append(
            score(example("detect", _write(there), document=str(page)), said(_write(drawn), sure=round(sure, 3)))
        )
        true += [Spot(str(page), "stamp", Box(*one)) for one in there]
        read += [Spot(str(page), "stamp", Box(*one), round(sure, 3)) for one in drawn]
    (row,) = compare(scored)
    assert (row.figure, row.examples, row.documents) == ("map50", 20, 20)
    assert 0.1 < row.first < 0.9
    assert row.first == pytest.approx(average_precision(true, read, 0.5), abs=0.01)


def _box(random):
    left, top = random.integers(0, 600, 2)
    return (left, top, left + int(random.integers(100, 400)), top + int(random.integers(100, 400)))


def _shaken(box, random):
    moved = [int(side + random.integers(-60, 60)) for side in box]
    left, top = (max(side, 0) for side in moved[:2])
    return (left, top, max(moved[2], left + 10), max(moved[3], top + 10))


def _write(there):
    sides = [(top, left, bottom, right) for left, top, right, bottom in there]
    return " ; ".join("".join(f"<loc{side:04d}>" for side in one) + " stamp" for one in sides)


def test_labels_count_alike_and_one_that_is_asked_alone_needs_none():
    alone = of("detect", TRUE, SAME.removesuffix(" stamp"), prefix="detect stamp")
    assert (alone.goodness, alone.there) == (1, {"stamp": 1})
    two = [of("detect", f"{TRUE} ; {TRUE.replace('stamp', 'logo')}", SAME)]
    assert compare(two)[0].first == pytest.approx(0.5)


def test_nothing_to_find_is_right_when_nothing_is_drawn():
    assert compare([of("detect", "", ""), of("detect", "", SAME, document="b")])[0].first == pytest.approx(0.5)


def test_masks_are_compared_on_the_image(tmp_path):
    half = np.zeros((1, 64, 64), bool)
    half[:, :, :32] = True
    masks = keep_masks(tmp_path, half)
    codes = "".join(f"<seg{code:03d}>" for code in range(16))
    asked = example("segment", TRUE, masks=masks)

    def decoder(found):
        assert found.tolist() == [list(range(16))]
        return np.where(half, 1.0, -1.0).astype(np.float32)

    def iou(text, by=decoder):
        share = score(asked, Generation(text), by).shares["mask_iou"]
        return share.over / share.under

    assert iou(TRUE.replace(" stamp", f"{codes} stamp")) == pytest.approx(1)
    assert iou(TRUE.replace(" stamp", f"{codes} logo")) == 0
    assert iou(TRUE) == 0, "a box is no mask"
    assert iou(TRUE.replace(" stamp", f"{codes} stamp"), None) == 0
    whole = TRUE.replace(" stamp", f"{codes} stamp")
    share = score(asked, Generation(f"{whole} ; {whole}"), lambda _: np.repeat(np.where(half, 1.0, -1.0), 2, 0))
    assert share.shares["mask_iou"] == pytest.approx((1, 2)), "one too many"


def test_whatever_a_model_writes_has_a_score():
    for task, right in (("ocr", "a"), ("detect", TRUE), ("segment", TRUE), ("table", "<td>a"), ("answer", "a")):
        for text in ("", "<loc0001>", "<seg001>" * 16, "<table><td rowspan=9999999>", "\x00", "; ; ;"):
            assert 0 <= of(task, right, text).goodness <= 1


def readings(rights, *, per_document=1):
    return [
        of("answer", "yes", "yes" if right else "no", document=str(at // per_document))
        for at, right in enumerate(rights)
    ]


def test_a_difference_is_as_sure_as_its_documents_make_it():
    same = readings([1, 0] * 20)
    (row,) = compare(same, same)
    assert (row.difference, row.low, row.high) == (0, 0, 0)
    better = readings([1, 1] * 20)
    (row,) = compare(same, better)
    assert row.difference == pytest.approx(0.5)
    assert 0.3 < row.low < 0.5 < row.high < 0.7
    # the interval of a share of 40: 1.96 * sqrt(.25 / 40) = .155 to each side
    assert row.high - row.low == pytest.approx(0.31, abs=0.06)
    few = compare(readings([1, 0] * 20, per_document=10), readings([1, 1] * 20, per_document=10))[0]
    assert few.documents == 4
    alone = compare(readings([1, 0], per_document=2), readings([1, 1], per_document=2))[0]
    assert (alone.low, alone.high) == (None, None)


def test_examples_of_one_document_are_no_independent_witnesses():
    """Ten of one document, all better: as sure as one of them."""
    rights = [0] * 10 + [1] * 30
    before, after = readings([1] * 40, per_document=10), readings(rights, per_document=10)
    (row,) = compare(before, after)
    assert row.low == -0.75
    assert row.high == 0


def test_an_error_rate_gains_when_it_falls():
    before = [of("ocr", "abcd", "abxx", document=str(at)) for at in range(4)]
    after = [of("ocr", "abcd", "abcd", document=str(at)) for at in range(4)]
    row = compare(before, after)[0]
    assert (row.figure, row.difference, row.gain) == ("cer", -0.5, (0.5, 0.5, 0.5))


def test_kinds_have_rows_of_their_own_where_there_are_several():
    scored = readings([1, 1, 0, 0])
    mixed = [replace(one, example=replace(one.example, kind=kind)) for one, kind in zip(scored, "aabb", strict=True)]
    assert [(row.kind, row.first) for row in compare(mixed)] == [("", 0.5), ("a", 1), ("b", 0)]
    assert [row.kind for row in compare(scored)] == [""]


@pytest.fixture(name="dataset")
def a_dataset(tmp_path):
    """A letter and an invoice, with a stamp each."""
    picture = tmp_path / "page.png"
    sheet = Image.new("RGB", (120, 90), "white")
    ImageDraw.Draw(sheet).ellipse((2, 2, 60, 45), outline="red", width=3)
    sheet.save(picture)
    folder = tmp_path / "set"
    made = [
        example("detect", TRUE, document="a", image=picture, prefix="detect stamp"),
        example("detect", TRUE, document="b", image=picture, prefix="detect stamp", kind="invoice"),
        example("answer", "<b>12 & 3</b>", document="a", image=picture, prefix="answer en What?"),
    ]
    write(folder, {"test": made})
    return folder


def test_the_report_shows_what_changed_and_needs_nothing_from_outside(dataset, tmp_path, capfd):
    code = run([
        "evaluate", str(dataset), "--engine", "fake", "--model", ELSEWHERE, "--model", f"{SAME} ; & <b>",
        "--html", str(tmp_path / "r.html"), "--json", str(tmp_path / "r.json"),
    ])  # fmt: skip
    out, err = capfd.readouterr()
    assert code == 0, err
    assert "mAP@.5" in out
    assert "+1.000" in out
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "2 examples got better, 0 worse, 1 are as good as before." in text
    assert text.count("data:image/jpeg;base64,") == 2
    assert not re.search(r"<script|https?://|src=\"(?!data:)", text)
    assert "<b>" not in text
    told = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert len(told["on"]["sha256"]) == 64
    rows_ = {(row["figure"], row["kind"]): row["difference"] for row in told["figures"]}
    assert rows_[("map50", "")] == rows_[("map50", "invoice")] == 1
    assert [one["gain"] for one in told["changed"]] == [1, 1]


def test_one_model_alone_is_told_with_its_worst(dataset, tmp_path, capfd):
    assert (
        run(["evaluate", str(dataset), "--engine", "fake", "--model", SAME, "--html", str(tmp_path / "r.html")]) == 0
    )
    assert "1.000" in capfd.readouterr().out
    assert "<h2>Worst</h2><figure>" in (tmp_path / "r.html").read_text("utf-8")


def test_the_pictures_have_the_boxes_of_all_three(dataset):
    from docproc.learn.dataset import read

    one = next(read(dataset / "test.jsonl"))
    pair = [
        Measured(name, "fake", (score(one, said(text)),)) for name, text in (("a", ELSEWHERE), ("b", SAME))
    ]  # fmt: skip
    assert [row.difference for row in rows(pair)] == [1]
    assert "a and b" in html(pair, "set")


def test_labelled_documents_become_a_dataset_first(dataset, tmp_path, capfd):
    assert run(["evaluate", str(dataset), "--engine", "fake", "--model", SAME, "--split", "all"]) == 0
    assert "set, all splits: 3 examples of 2 documents" in capfd.readouterr().err
    assert run(["evaluate", str(tmp_path), "--engine", "fake", "--model", SAME]) == 2
    assert "docproc dataset export DIR --labels" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "a", "--model", "b", "--model", "c"], "One or two models"),
        (["--model", "a", "--model", "a"], "are both a"),
        (["--model", "a", "--split", "train"], "name another with --split"),
    ],
)
def test_what_cannot_be_compared_says_why(dataset, arguments, said, capfd):
    assert run(["evaluate", str(dataset), "--engine", "fake", *arguments]) == 2
    assert said in capfd.readouterr().err


def test_every_figure_is_defined():
    assert all(one.title and one.definition for one in FIGURES.values())
