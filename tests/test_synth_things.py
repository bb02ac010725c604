"""Stamps, signatures, logos, charts: their masks are where their ink is. Languages, captions, worn paper."""

import json
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pymupdf
import pytest
from click.testing import CliRunner

from docproc import masks
from docproc.evaluate.dataset import load
from docproc.geometry import Box
from docproc.synth import draw
from docproc.synth.anyscan import any_scan, scanned
from docproc.synth.captions import LANGUAGES
from docproc.synth.charts import FORMS, Chart, Series, draw_chart, invented
from docproc.synth.cli import command
from docproc.synth.labels import placed_things, row, samples, scans
from docproc.synth.marks import draw_barcode, draw_logo, draw_photo, draw_signature, draw_stamp
from docproc.synth.official import tongues
from docproc.synth.sheet import Sheet, font
from docproc.synth.things import LABELS, Thing, around, swollen
from docproc.synth.wear import Wear

NEW = ["contract", "certificate", "charts"]


def picture(sheet, document, dpi=144):
    pixmap = document[0].get_pixmap(dpi=dpi)
    return np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)


@pytest.mark.parametrize("kind", NEW)
def test_the_truth_of_new_kinds_is_what_the_pdf_says(kind):
    for seed in range(3):
        drawn = draw(kind, seed)
        with pymupdf.open("pdf", drawn.pdf) as document:
            for page in drawn.pages:
                found = [(Box(*sides[:4]), sides[4]) for sides in document[page.number - 1].get_text("words")]
                known = [word for line in page.lines for word in line.words]
                assert sorted(text for _, text in found) == sorted(word.text for word in known)
                for word in known:
                    near = word.box.grown(1)
                    assert any(box.overlap(near) and text == word.text for box, text in found), word
                placed = [name for region in page.regions for name in region.line_ids]
                assert sorted(placed) == sorted(line.id for line in page.lines)
                words = {word.id: word.text for word in known}
                for asked in drawn.asked[page.number - 1] if drawn.asked else ():
                    assert " ".join(words[one] for one in asked.word_ids) == asked.answers[0]
        assert samples(draw(kind, seed), "png", 40)[0].data == samples(drawn, "png", 40)[0].data


@pytest.mark.parametrize("make", [
    lambda sheet, random: draw_stamp(sheet, (150, 150), ("APPROVED", "3 May 2024"), random),
    lambda sheet, random: draw_signature(sheet, Box(60, 100, 240, 160), random),
    lambda sheet, random: draw_logo(sheet, Box(100, 100, 180, 180), "AB", random),
    lambda sheet, random: draw_photo(sheet, Box(40, 60, 260, 220), random),
    lambda sheet, random: draw_barcode(sheet, Box(40, 60, 260, 120), random),
], ids=["stamp", "signature", "logo", "photo", "barcode"])  # fmt: skip
def test_the_mask_covers_the_ink_and_little_else(make):
    for seed in range(6):
        with pymupdf.open() as document:
            sheet = Sheet(document, 300, 300)
            make(sheet, Random(seed))  # noqa: S311
            (thing,) = sheet.things
            assert thing.label in LABELS
            ink = picture(sheet, document).min(axis=2) < 200
        inside = thing.grid(Box(0, 0, 300, 300), *ink.shape)
        if thing.label == "barcode":
            ink[round(thing.box.bottom) * 2 :] = False  # the digits are text
        assert ink.any()
        assert (ink & ~inside).sum() < 0.02 * ink.sum() + 20
        rows, columns = np.nonzero(ink)
        seen = Box(columns.min() / 2, rows.min() / 2, (columns.max() + 1) / 2, (rows.max() + 1) / 2)
        assert thing.box.iou(seen) > 0.9
        if thing.label == "signature":  # not a filled box: the page shows between its letters
            assert 0.05 < inside.sum() / (thing.box.area * 4) < 0.85


def test_masks_are_exact():
    disc = tuple((50 + 30 * np.cos(k * np.pi / 64), 40 + 30 * np.sin(k * np.pi / 64)) for k in range(128))
    mask = Thing("stamp", (disc,)).mask(4.0)
    assert masks.to_grid(mask).mean() == pytest.approx(np.pi / 4, abs=0.01)
    assert mask.box.as_list() == pytest.approx([20, 10, 80, 70])
    grid = Thing("logo", around(Box(10, 10, 20, 20))).grid(Box(0, 0, 40, 40), 40, 40)
    assert grid[10:20, 10:20].all()
    assert grid.sum() <= 11 * 11
    bigger = swollen(Box(10, 10, 20, 30).corners, 2)
    assert Box.around(bigger).as_list() == pytest.approx([8, 8, 22, 32])


def test_bars_are_as_high_as_their_values():
    chart = Chart("bar chart", "Sales", ("A", "B", "C"), (Series("One", (20.0, 80.0, 40.0)),))
    with pymupdf.open() as document:
        sheet = Sheet(document, 300, 300)
        draw_chart(sheet, Box(20, 20, 280, 220), chart, Random(0))  # noqa: S311
        pixels = picture(sheet, document).astype(int)
    coloured = np.ptp(pixels, axis=2) > 40
    high = coloured.sum(axis=0)
    heights = [high[start:end].max() for start, end in pairwise(np.flatnonzero(np.diff(np.r_[0, high > 5, 0])))][::2]
    assert len(heights) == 3
    assert heights[0] / heights[1] == pytest.approx(0.25, abs=0.03)
    assert heights[2] / heights[1] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("form", FORMS)
def test_charts_know_their_values_and_ask_for_printed_ones(form):
    for seed in range(8):
        random = Random(seed)  # noqa: S311
        sheet = Sheet(None, 400, 400)
        chart = invented(form, "Trade", ["Jan", "Feb", "Mar", "Apr"], ["North", "South"], random)
        draw_chart(sheet, Box(20, 20, 380, 220), chart, random)
        (thing,) = sheet.things
        values = {(series, name): value for series, name, value in thing.values}
        assert len(values) == sum(len(one.values) for one in chart.series)
        if form == "pie chart":
            assert sum(values.values()) == 100
        for asked in sheet.asked:
            number = float(asked.answers[0].removesuffix(" %").replace(",", ""))
            assert any(number == value for value in values.values())


def test_every_letter_of_every_language_has_a_glyph():
    for tongue in tongues().values():
        text = "".join(filter(str.isprintable, " ".join(map(str, (tongue.sentences, tongue.labels, tongue.first,
                       tongue.last, tongue.towns, tongue.months, tongue.headings, tongue.firms)))))  # fmt: skip
        for code in ("tiro", "helv", "noto", "cour", "tibo", "hebo", "cobo", "tibi"):
            lacking = {letter for letter in text if not font(code).has_glyph(ord(letter))}
            assert not lacking, (tongue.code, code, lacking)
    assert set(tongues()) == set(LANGUAGES)


def test_captions_name_kind_language_fields_and_things():
    drawn = next(one for seed in range(30) if (one := draw("contract", seed)).language != "en")
    text, fields = drawn.captions[0], drawn.fields
    assert text.startswith(
        f"A contract in {LANGUAGES[drawn.language]} from {fields['party_one']} to {fields['party_two']}, "
    )
    assert f"number {fields['contract_number']}" in text
    for thing in drawn.things[0]:
        assert f"a {thing.label}" in text
    assert draw("receipt", 1).captions[0].startswith("A receipt from ")
    assert draw("print", 1).captions[0].startswith('A printed page headed "The ')


def test_labels_tell_things_and_captions_and_are_read_again(tmp_path):
    arguments = ["--kind", "contract", "--count", "2", "--format", "png", "--dpi", "80", "--worn"]
    CliRunner().invoke(command, [*arguments, "--out", str(tmp_path)], catch_exceptions=False)
    rows = [json.loads(line) for line in (tmp_path / "dev" / "labels.jsonl").read_text("utf-8").splitlines()]
    (labelled,) = load(tmp_path)
    for one, truth in zip(rows, labelled.truths, strict=True):
        assert len(one["objects"]) == len(truth.things) > 0
        for told, (page, thing) in zip(one["objects"], truth.things, strict=True):
            assert (page, thing.label) == (1, told["label"])
            assert thing.box.as_list() == pytest.approx(told["box"], abs=0.02)
            assert Box(0, 0, one["width"], one["height"]).grown(2).contains((thing.box.left, thing.box.top))
        assert truth.captions == tuple(one["captions"])
        assert one["lang"] in LANGUAGES


def test_things_move_with_the_scan():
    drawn = draw("invoice", 3)
    assert drawn.scan is not None
    turned = replace(drawn, scan=replace(drawn.scan, turn=90, skew=3.0))
    image, page = next(scans(turned, 72))
    stamp = next(thing for thing in placed_things(turned, 1) if thing.label == "stamp")
    line = next(line for line in page.lines if line.text.startswith("PAID"))
    assert stamp.box.contains(line.box.center)
    assert stamp.box.height > stamp.box.width  # it lies on its side now
    pixels = image.pixels.astype(int)
    red = pixels[..., 0] - pixels[..., 2] > 70
    inside = stamp.grid(image.box, *red.shape)
    around_it = np.zeros_like(inside)
    box = stamp.box.grown(10)
    around_it[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = True
    assert (red & around_it & ~inside).sum() < 0.1 * (red & inside).sum()
    assert row(samples(turned, "png", 72)[0])["objects"]


ONE_OF_EACH = [
    Wear(folds=2), Wear(shadow=0.4), Wear(bleed=0.3), Wear(stains=2), Wear(motion=1.0, angle=30), Wear(salt=0.01),
    Wear(streaks=2),
]  # fmt: skip


@pytest.mark.parametrize("wear", ONE_OF_EACH, ids=lambda wear: next(n for n in wear.__slots__ if getattr(wear, n)))
def test_wear_is_seen_is_the_same_again_and_moves_nothing(wear):
    drawn = replace(draw("print", 2), scan=None)
    image, _ = next(scans(drawn, 72))
    worn = wear.apply(image.pixels, 72, 5)
    assert (worn == wear.apply(image.pixels, 72, 5)).all()
    assert worn.shape == image.pixels.shape
    assert 0.02 < np.abs(worn.astype(int) - image.pixels).mean() < 80
    assert (Wear().apply(image.pixels, 72, 5) == image.pixels).all()
    ink, before = 255 - worn.min(axis=2).astype(float), 255 - image.pixels.min(axis=2).astype(float)
    ink, before = ink - ink.mean(), before - before.mean()
    shifts = {
        (y, x): (ink * np.roll(before, (y, x), (0, 1))).sum() for y in range(-3, 4) for x in range(-3, 4)
    }  # fmt: skip
    assert max(shifts, key=lambda shift: shifts[shift]) == (0, 0)


def test_scans_at_random_differ_and_are_decided_by_the_document():
    scans_made = {any_scan(Random(seed)) for seed in range(60)}  # noqa: S311
    assert len(scans_made) == 60
    assert {bool(one.wear and one.wear.folds) for one in scans_made} == {True, False}
    assert {one.fax for one in scans_made} == {True, False}
    assert scanned(draw("memo", 1)).scan == scanned(draw("memo", 1)).scan != scanned(draw("memo", 2)).scan
