"""Captions of pictures: where they go, what they cost, and what is left when the model fails."""

from __future__ import annotations

import importlib.util
import json

import pytest

from docproc.captions import captioned
from docproc.cli import run
from docproc.document import Page, Region
from docproc.engines import Generation
from docproc.engines.fake import FakeVision
from docproc.errors import EngineFailed
from docproc.exports import EXPORTS
from docproc.geometry import Box
from docproc.tasks.pages import Model

pytestmark = pytest.mark.slow

SHOWN = "a chart with two falling lines"
REPORT = "examples/report.pdf"


@pytest.fixture(scope="module")
def upload(reader):
    from pathlib import Path

    return reader.open(Path(__file__).parents[1] / REPORT)


def page_with(*regions, rotation=0):
    return Page(1, 595.0, 842.0, rotation=rotation, regions=regions)


PICTURE = Region("r1", "picture", Box(65, 540, 282, 684), 0)


class Counting(FakeVision):
    """Says the same of everything, and keeps what it was shown."""

    def __init__(self):
        super().__init__(lambda _: SHOWN)
        self.shown = []

    def generate(self, requests):
        self.shown.extend(requests)
        return super().generate(requests)


def test_pictures_are_captioned_and_nothing_else_is_asked(reader, upload):
    engine = Counting()
    told = Region("r2", "picture", Box(300, 540, 500, 684), 1, alt_text="as it says itself")
    text = Region("r3", "text", Box(300, 100, 500, 200), 2)
    pages = [page_with(PICTURE, told, text), page_with(text)]
    first, second = captioned(reader, upload, pages, Model(engine))
    assert [region.alt_text for region in first.regions] == [SHOWN, "as it says itself", None]
    assert second is pages[1]
    assert len(engine.shown) == 1
    shown = engine.shown[0].images
    assert abs(shown.box.left - 65) < 1
    assert abs(shown.box.bottom - 684) < 1


def test_a_model_that_fails_costs_the_captions_only(reader, upload):
    class Fails(FakeVision):
        def generate(self, requests: object) -> list[Generation]:
            raise EngineFailed("no memory", hint="Buy some.", code="out-of-memory")

    [page] = captioned(reader, upload, [page_with(PICTURE)], Model(Fails(str)))
    assert page.regions == (PICTURE,)
    assert [problem.code for problem in page.problems] == ["out-of-memory"]


@pytest.mark.usefixtures("loaded")
def test_the_command_writes_them(monkeypatch, capfd):
    monkeypatch.setenv("DOCPROC_VISION_ENGINE", "fake")
    assert run(["process", REPORT, "--captions", SHOWN, "--format", "json"]) == 0
    pages = json.loads(capfd.readouterr().out)["pages"]
    pictures = [region for page in pages for region in page["regions"] if region["label"] == "picture"]
    assert [region["alt_text"] for region in pictures] == [SHOWN] * len(pictures) != []
    assert run(["process", REPORT, "--captions", "x", "--server", "http://127.0.0.1:1"]) == 2


def test_every_export_that_has_places_for_pictures_says_what_they_show(reader, upload):
    pages = list(captioned(reader, upload, reader.pages(upload), Model(Counting())))
    document = reader.document(upload, pages)
    names = ["markdown", "json", "hocr", "alto", "page"]
    if importlib.util.find_spec("docling_core"):
        names.append("docling")
    for name in names:
        assert SHOWN.encode() in EXPORTS[name].write(document, upload.path, password=None), name


def test_the_tags_of_alto_are_valid(reader, upload):
    """ALTO has no words for a picture but in a tag; the schema is asked in tests/test_exports.py."""
    from xml.etree import ElementTree as ET

    document = reader.document(upload, list(captioned(reader, upload, [page_with(PICTURE)], Model(Counting()))))
    root = ET.fromstring(EXPORTS["alto"].write(document, upload.path))  # noqa: S314
    space = "{http://www.loc.gov/standards/alto/ns-v4#}"
    tags = {tag.get("ID"): tag.get("LABEL") for tag in root.find(f"{space}Tags")}
    picture = root.find(f".//{space}Illustration")
    assert [tags[tag] for tag in picture.get("TAGREFS").split()] == ["picture", SHOWN]
