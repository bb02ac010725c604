"""Two readers: what they agree on gets surer, what they dispute is marked with both readings, inventions are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from samples import drawn_letter

from docproc import second
from docproc.document import Line, Word
from docproc.engines import ENGINES
from docproc.engines.fake import FakeVision
from docproc.errors import Usage
from docproc.exports import json as as_json
from docproc.geometry import Box
from docproc.pipeline import Reader, ReadOptions
from docproc.raster import PageImage
from docproc.second import Second, load_second, read_again
from docproc.settings import Settings
from docproc.tasks.pages import Model

pytestmark = pytest.mark.slow

TEXT = "the harbour crane"


def word(text, left, confidence, top=20.0):
    box = Box(left, top, left + 8 * len(text), top + 14)
    return Word(f"w{left:g}", text, box, box.corners, confidence)


def line(*words):
    box = Box.union(one.box for one in words)
    sure = min(one.confidence for one in words)
    return Line("l0", " ".join(one.text for one in words), box, box.corners, sure, words)


def page(*, blank=False):
    """White, with black under every word of the line but those told to be blank."""
    pixels = np.full((100, 400, 3), 255, np.uint8)
    if not blank:
        pixels[20:34:2, 10:300] = 0
    return PageImage(pixels, 72.0)


def doubted():
    return line(word("the", 10.0, 0.99), word("harb0ur", 50.0, 0.6), word("crane", 130.0, 0.95))


class Reads:
    """A second engine that reads the same on every crop; keeps the crops."""

    name, version, whole_side, alphabet = "other", "2", 1000, frozenset()

    def __init__(self, *texts):
        self.texts, self.crops = texts, []

    def read(self, images):
        self.crops = list(images)
        made = [line(*(word(one, 10.0 + 60 * at, 0.9) for at, one in enumerate(self.texts)))] if self.texts else []
        return [made for _ in images]


def vision(text):
    return Second(Model(FakeVision(lambda _: text)))


def again(text, lines=None, image=None):
    return read_again(lines or [doubted()], image or page(), vision(text), number=3)


def test_words_that_both_read_alike_are_surer():
    [found], told = again("the harb0ur crane")
    assert told == []
    assert [one.confidence for one in found.words] == [0.995, 0.8, 0.975]
    assert found.confidence == pytest.approx(sum((0.995, 0.8, 0.975)) / 3, abs=1e-3)


def test_a_disputed_word_is_marked_and_both_readings_are_kept():
    [found], [told] = again(TEXT)
    assert [one.text for one in found.words] == ["the", "harb0ur", "crane"], "the first reading stands"
    assert [one.confidence for one in found.words] == [0.995, second.REVIEW, 0.975]
    assert (told.task, told.label, told.prompt, told.text) == ("second-reading", "disagreement", "harb0ur", "harbour")
    assert (told.page, told.box) == (3, doubted().words[1].box)


def test_text_without_pixels_may_be_invented_whoever_wrote_it():
    _, told = again("the harbour crane sails to Valparaiso at nine o'clock in the evening")
    assert [one.label for one in told] == ["disagreement", "possibly invented"]
    assert "Valparaiso" in told[1].text
    _, told = again(TEXT, image=page(blank=True))
    assert [(one.label, one.prompt) for one in told] == [("possibly invented", "harb0ur")]


def test_a_word_that_the_second_does_not_see_is_disputed_too():
    [found], told = again("the crane")
    assert [(one.prompt, one.text, one.label) for one in told] == [("harb0ur", "", "disagreement")]
    assert found.words[1].confidence == second.REVIEW


def test_only_doubtful_lines_are_read_again_with_air_around_and_the_worst_first(monkeypatch):
    monkeypatch.setattr(second, "MOST_LINES", 2)
    sure = line(word("sure", 10.0, 0.99))
    lines = [sure, *(replace(line(word("low", 10.0, sure_, 40.0)), id=f"l{sure_}") for sure_ in (0.9, 0.3, 0.5))]
    reader = Reads("low")
    found, told = read_again(lines, page(), Second(reader), number=1)
    assert told == []
    assert [one.confidence for one in found] == [0.99, 0.9, 0.65, 0.75]
    assert len(reader.crops) == 2
    crop, drawn = reader.crops[0].box, lines[1].box
    assert crop.left < drawn.left
    assert crop.bottom > drawn.bottom
    assert read_again([sure], page(), Second(Reads()), number=1) == ([sure], [])


def test_a_model_is_asked_for_text_in_its_own_words():
    model = FakeVision(lambda _: TEXT, variant="pt")
    read_again([doubted()], page(), Second(Model(model)), number=1)
    assert [one.prompt for one in model.asked] == ["ocr"]
    [image] = [one.images for one in model.asked]
    assert image.width == image.height, "padded, not squeezed"


class Misreads:
    """Reads the letter with one letter wrong and says that it is not sure."""

    name, version, whole_side, alphabet = "misreads", "1", 2600, frozenset()

    def __init__(self, settings, languages=()):
        self.inner = None

    def read(self, images):
        return [[self._wrong(one) for one in lines] for lines in type(self).real.read(images)]

    def _wrong(self, one):
        words = tuple(
            replace(word_, text="harb0ur", confidence=0.5) if word_.text == "harbour" else word_
            for word_ in one.words
        )
        return replace(one, words=words, text=" ".join(each.text for each in words))


def test_a_real_second_reader_finds_what_the_first_misread(tmp_path, reader, monkeypatch):
    Misreads.real = reader._engines.ocr
    monkeypatch.setitem(ENGINES, "misreads", f"{__name__}:Misreads")
    monkeypatch.setattr("docproc.engines._find", _finder(reader))
    settings = Settings(second_reader="rapid")
    path = drawn_letter(tmp_path / "letter.pdf")
    with Reader(ReadOptions(engine="misreads", text_layer="never"), settings) as both:
        assert both.engines["second"].startswith("rapid")
        document = both.document(both.open(path))
    [read] = document.pages
    [told] = [one for one in read.findings if one.label == "disagreement"]
    assert (told.prompt, told.text) == ("harb0ur", "harbour")
    [disputed] = [one for each in read.lines for one in each.words if one.text == "harb0ur"]
    assert disputed.confidence == second.REVIEW
    assert told.box.iou(disputed.box) > 0.9
    assert as_json.read(as_json.write(document, None)).pages[0].findings == read.findings


def _finder(reader):
    from docproc import engines

    original = engines._find

    def find(name, table):
        if name == "rapid":
            return lambda *_: reader._engines.ocr
        return Misreads if name == "misreads" else original(name, table)

    return find


def test_it_is_off_by_default_and_unknown_names_are_told(reader):
    assert load_second(Settings()) is None
    assert "second" not in reader.engines
    with pytest.raises(Usage, match="DOCPROC_SECOND_READER"):
        load_second(Settings(second_reader="nobody"))


def test_the_tiny_model_disputes_everything_and_breaks_nothing(tiny_checkpoints):
    import paligemma_tiny  # noqa: F401  (skips without the extra)

    settings = Settings(second_reader="paligemma", vision_model=str(tiny_checkpoints / "paligemma"), threads=1)
    image = Image.new("RGB", (300, 60), "white")
    ImageDraw.Draw(image).text((10, 20), TEXT, "black", font=ImageFont.load_default(14))
    lines = [doubted()]
    loaded = load_second(settings)
    assert loaded is not None
    found, told = read_again(lines, PageImage(np.asarray(image), 72.0), loaded, number=1)
    assert [one.text for one in found[0].words] == ["the", "harb0ur", "crane"]
    assert {one.label for one in told} <= {"disagreement", "possibly invented"}
    assert told
