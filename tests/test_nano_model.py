"""The small PaliGemma that comes with the package: it reads held-out lines, and every task gives valid output."""

from random import Random

import numpy as np
import paligemma_tiny  # noqa: F401  (skips without the extra)
import pytest

from docproc.errors import Usage
from docproc.learn.nano import fonts, lines, measure, sheets
from docproc.raster import PageImage
from docproc.registry import Registry
from docproc.settings import Settings
from docproc.tasks.asking import Ask
from docproc.tasks.pages import find
from docproc.vision import open_model

WORST = 0.35
"""Edits per character above which the shipped weights, or how they are shown lines, are broken."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return open_model(Settings(data_dir=tmp_path_factory.mktemp("data")), engine="paligemma", model="nano")


def page(written, path):
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (900, 120 + 70 * len(written)), "white")
    for number, line in enumerate(written):
        ImageDraw.Draw(sheet).text((60, 60 + 70 * number), line, font=fonts.sized(path, 34), fill="black")
    return PageImage(np.asarray(sheet), 144.0)


@pytest.fixture(scope="module")
def font():
    found = fonts.find()
    return found.get("P052", next(iter(found.values())))[-1]


def test_the_built_in_model_is_whole(tmp_path):
    registry = Registry(Settings(data_dir=tmp_path))
    card = registry.get("nano")
    assert (card.version, card.side, card.variant, card.licence) == (0, 160, "nano", "AGPL-3.0-or-later")
    assert registry.damaged(card) == []
    assert sum(path.stat().st_size for path in registry.path(card).iterdir()) < 16e6
    assert registry.get("nano@0") == card
    assert registry.get("other") is None


def test_it_reads_lines_in_fonts_it_never_saw(model, font):
    random = Random(11)  # noqa: S311
    made = [lines.example(random, [font], 36, 0.0, 160, 20, test=True) for _ in range(16)]
    read = measure.ask(model.engine, "ocr", [pixels for pixels, _, _ in made])
    assert measure.cer([(true, said.text) for (_, true, _), said in zip(made, read, strict=True)]) < WORST


def test_a_page_is_read_line_by_line(model, font):
    written = ["The old bridge was closed", "Visitors are asked to wait", "Invoice from North Harbour"]
    found = find(model, Ask(task="ocr"), page(written, font))
    read: dict[float, list[str]] = {}
    for one in found.findings:  # a long line is several views
        read.setdefault(one.box.top, []).append(one.text)
    assert len(read) == 3
    assert measure.cer(list(zip(written, map(" ".join, read.values()), strict=True))) < WORST
    tops = list(read)
    assert tops == sorted(tops)
    assert tops[1] - tops[0] == pytest.approx(35, abs=4)  # 70 px at 144 dpi


def test_a_question_has_one_answer_or_none(model, font):
    shown = page(["Date: 3 May 2021", "Total: 48.50", "Customer: Nora Falk"], font)
    found = find(model, Ask(task="answer", thing="Total"), shown)
    assert len(found.findings) <= 1
    assert all(one.text for one in found.findings)


def test_things_and_captions_are_well_formed(model):
    random = Random(5)  # noqa: S311
    drawn = sheets.sheet(random, 160, "stamp")
    shown = PageImage(np.repeat(drawn.pixels[..., None], 3, 2), 72.0)
    (told,) = find(model, Ask(task="caption"), shown).findings
    assert told.text.split(" with ")[0] in sheets.KINDS
    for task in ("detect", "segment"):
        found = find(model, Ask(task=task, thing="stamp"), shown)
        assert found.unfinished == 0
        assert all(one.label == "stamp" and shown.box.share_inside(one.box) <= 1 for one in found.findings)
    assert all(one.mask for one in found.findings)


def test_what_it_was_not_trained_for_is_refused(model, font):
    with pytest.raises(Usage):
        find(model, Ask(task="describe"), page(["a line"], font))
