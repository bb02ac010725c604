"""A task on a page: the right views, findings where they belong, parts of one thing joined across seams."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc import masks
from docproc.document import Page, Region
from docproc.engines import Generation, VisionEngine, VisionRequest
from docproc.engines.fake import FakeVision
from docproc.errors import EngineFailed, Unavailable, Usage
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks import TASKS, Ask
from docproc.tasks.grammar import Trained
from docproc.tasks.join import join
from docproc.tasks.locations import write_box
from docproc.tasks.pages import Model, describe_pictures, find, find_all
from docproc.tasks.views import MOST_TILES, best_side, squared, views_of

A4 = PageImage(np.full((1754, 1240, 3), 255, np.uint8), 150.0)
PT = Trained("pt", {"table": "table"})


def drawn(width: int, height: int, dpi: float = 72.0) -> PageImage:
    return PageImage(np.broadcast_to(np.uint8(255), (height, width, 3)), dpi)


def views(task: str, image: PageImage = A4, *, side: int = 896, box: Box | None = None, trained: Trained = PT):
    return views_of(TASKS[task], Ask(task=task, thing="x", box=box), image, trained, side)


@pytest.mark.parametrize("task", ["answer", "caption", "describe", "refer", "question"])
def test_one_thing_is_asked_of_the_overview(task):
    [view] = views(task)
    assert (max(view.image.width, view.image.height), view.box) == (896, A4.box)


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_things_are_looked_for_in_the_overview_and_in_details(task):
    whole, *tiles = views(task)
    assert max(whole.image.width, whole.image.height) == 896
    assert len(tiles) == 6
    assert all((tile.image.width, tile.image.height) == (896, 896) for tile in tiles)
    assert len(views(task, drawn(300, 400))) == 1  # nothing more to see


def test_text_is_read_in_tiles_that_keep_the_shape_of_letters():
    assert [(view.image.width, view.image.height) for view in views("ocr", drawn(400, 100))] == [(400, 400)]
    tiles = views("ocr", drawn(1000, 400))
    assert {(tile.image.width, tile.image.height) for tile in tiles} == {(896, 896)}
    assert (tiles[0].image.pixels[400:] == 255).all()
    assert [view.image.pixels.shape for view in views("table", drawn(400, 100))] == [(400, 400, 3)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("side", [224, 448, 896, 0])
@pytest.mark.parametrize(
    "image", [A4, drawn(1, 1), drawn(1, 10_000), drawn(10_000, 1), drawn(4500, 4500, 300)],
    ids=["A4", "point", "tall", "wide", "large"],
)  # fmt: skip
def test_any_page_gives_some_views_and_not_too_many(task, side, image):
    found = views(task, image, side=side)
    assert 1 <= len(found) <= MOST_TILES + 1
    assert all(max(view.image.width, view.image.height) <= (side or 896) for view in found)
    assert all(view.box.overlap(image.box) > 0 for view in found)


def test_a_box_limits_what_is_shown():
    box = Box(100, 100, 200, 150)
    [view] = views("answer", box=box)
    assert view.box.iou(box) > 0.98
    [view] = views("caption", box=box)  # told where to look
    assert view.box == A4.box
    [view] = views("caption", box=box, trained=Trained("mix"))
    assert view.box.iou(box) > 0.98
    with pytest.raises(Usage, match="outside the page"):
        views("answer", box=Box(2000, 0, 2100, 10))


@pytest.mark.parametrize(
    ("task", "sides", "best"),
    [
        ("caption", (224, 448, 896), 224),
        ("detect", (224, 448, 896), 448),
        ("ocr", (224, 448, 896), 896),
        ("answer", (224, 448), 448),
        ("caption", (896,), 896),
    ],
)
def test_the_smallest_input_that_does_a_task_well_is_taken(task, sides, best):
    assert best_side(TASKS[task], sides) == best


def test_padding_moves_nothing():
    image = replace(drawn(30, 10), left=5.0, top=7.0)
    assert squared(image).image.place([(0, 0), (30, 10)]) == image.box
    assert squared(drawn(9, 9)).image.pixels.shape == (9, 9, 3)


def spotting(things: dict[str, list[Box]], **more: object) -> FakeVision:
    """Return an engine that finds what lies in a view, cut by its edge, as PaliGemma would write it."""

    def script(request: VisionRequest) -> str:
        view = request.images
        seen = [
            f"{write_box(box, view.box)}{CODES if 'segment' in request.prompt else ''} {label}"
            for label, boxes in things.items()
            for box in boxes
            if box.overlap(view.box) > 0.02 * box.area
        ]
        return " ; ".join(seen)

    return FakeVision(script, **more)


CODES = "".join(f"<seg{code:03d}>" for code in range(16))


def full(codes):
    return np.ones((len(codes), 64, 64), np.float32)


def test_the_fake_is_a_vision_engine():
    assert isinstance(spotting({}), VisionEngine)


def test_what_several_views_show_is_found_once_in_its_place():
    stamp, sign = Box(250, 300, 330, 360), Box(20, 700, 180, 730)
    engine = spotting({"stamp": [stamp], "signature": [sign]})
    found = find(Model(engine), Ask(task="detect", thing="stamp;signature"), A4, number=2)
    assert len(engine.asked) > 5
    assert {request.prompt for request in engine.asked} == {"detect stamp ; signature"}
    assert [(finding.label, finding.page) for finding in found.findings] == [("stamp", 2), ("signature", 2)]
    assert found.findings[0].box.iou(stamp) > 0.97
    assert found.findings[1].box.iou(sign) > 0.93
    assert (found.invalid, found.unfinished) == (0, 0)
    assert all(finding.confidence == 0.9 for finding in found.findings)


def test_a_thing_cut_by_every_tile_and_missed_in_the_overview_is_joined():
    table = Box(40, 40, 560, 800)
    engine = spotting({"table": [table]})
    sees = engine.script
    engine.script = lambda request: sees(request) if request.images.scale * 72 > 149 else ""
    [finding] = find(Model(engine, decoder=full), Ask(task="segment", thing="table"), A4).findings
    assert finding.box.iou(table) > 0.97
    assert finding.mask.box == finding.box
    assert masks.to_grid(finding.mask).mean() > 0.98


def test_equal_things_side_by_side_stay_two():
    boxes = [Box(100 + 70 * i, 400, 160 + 70 * i, 420) for i in range(6)]
    found = find(Model(spotting({"cell": boxes})), Ask(task="detect", thing="cell"), A4).findings
    assert [finding.box.iou(box) > 0.9 for finding, box in zip(found, boxes, strict=True)] == [True] * 6


@pytest.mark.parametrize(
    "text",
    ["", "\x00\ud800", "<loc0001>", "<loc0900><loc0900><loc0001><loc0001> x", "null", "<seg999>" * 99, "🐈" * 99,
     "<loc0000><loc0000><loc1023><loc1023> " * 300],
)  # fmt: skip
@pytest.mark.parametrize("task", TASKS)
def test_a_model_that_writes_nonsense_costs_nothing_but_its_findings(task, text):
    model = Model(FakeVision(lambda _: text, variant="pt"), {"table": "table"}, full)
    found = find(model, Ask(task=task, thing="x"), drawn(1000, 500))
    for finding in found.findings:
        assert finding.box is None or finding.box.clipped(Box(0, 0, 1000, 500)) == finding.box


def test_what_the_model_had_no_room_for_is_counted():
    engine = FakeVision(lambda _: "word " * 600)
    found = find(Model(engine), Ask(task="ocr"), drawn(500, 500))
    assert found.unfinished == len(found.views) > 1
    assert engine.asked[0].limits.tokens == 512


def test_text_of_tiles_says_where_it_was_read():
    found = find(Model(FakeVision(lambda _: "text", side=896)), Ask(task="ocr"), drawn(1000, 500))
    assert [finding.box.rounded() for finding in found.findings] == [Box(0, 0, 896, 500), Box(104, 0, 1000, 500)]


def test_several_things_are_asked_in_one_batch():
    batches = []

    class Batches(FakeVision):
        def generate(self, requests):
            batches.append(len(requests))
            return super().generate(requests)

    model = Model(Batches(lambda request: request.prompt))
    asks = [Ask(task="answer", thing="a?"), Ask(task="caption"), Ask(task="answer", thing="b?")]
    found = find_all(model, asks, drawn(100, 100))
    assert [one.findings[0].text for one in found] == ["answer en a?", "caption en", "answer en b?"]
    assert batches == [3]


def test_pictures_get_their_captions_as_alt_text():
    boxes = [Box(0, 0, 50, 50), Box(50, 50, 90, 90), Box(0, 60, 40, 90)]
    regions = [Region(f"r{i}", "picture", box, i) for i, box in enumerate(boxes)]
    page = Page(
        1,
        100.0,
        100.0,
        regions=(regions[0], replace(regions[1], alt_text="a logo"), replace(regions[2], label="text")),
    )
    engine = FakeVision(lambda _: "a cat")
    assert [region.alt_text for region in describe_pictures(Model(engine), page, drawn(100, 100)).regions] == [
        "a cat",
        "a logo",
        None,
    ]
    assert [request.prompt for request in engine.asked] == ["caption en"]
    assert describe_pictures(Model(engine), Page(1, 9.0, 9.0), drawn(9, 9)) == Page(1, 9.0, 9.0)


def test_an_engine_that_loses_an_answer_has_failed():
    class Loses(FakeVision):
        def generate(self, requests):
            return [Generation("x")] * (len(requests) - 1)

    with pytest.raises(EngineFailed, match="0 of 1"):
        find(Model(Loses(str)), Ask(task="caption"), drawn(9, 9))


def test_what_cannot_be_asked_says_why():
    model = Model(FakeVision(lambda _: ""))
    with pytest.raises(Usage, match="no task called 'docvqa'"):
        find(model, Ask(task="docvqa"), drawn(9, 9))
    with pytest.raises(Unavailable, match=r"vae-oid\.npz"):
        find(model, Ask(task="segment", thing="x"), drawn(9, 9))
    with pytest.raises(Usage, match="fine-tuned"):
        find(model, Ask(task="table"), drawn(9, 9))


PLACES, SIDES = st.integers(0, 20).map(lambda place: place * 10.0), st.integers(1, 10).map(lambda side: side * 10.0)
BOXES = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), PLACES, PLACES, SIDES, SIDES)
FOUND = st.builds(
    lambda box, label, sure: Finding(task="detect", prompt="p", page=1, label=label, box=box, confidence=sure),
    BOXES,
    st.sampled_from("ab"),
    st.sampled_from([None, 0.3, 0.8]),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(BOXES, st.lists(FOUND, max_size=4)), max_size=4), st.randoms(use_true_random=False))
def test_joining_does_not_depend_on_the_order_and_invents_nothing(shown, rng: random.Random):
    page = Box(0, 0, 300, 300)
    found = join(page, shown)
    mixed = [(view, rng.sample(items, len(items))) for view, items in rng.sample(shown, len(shown))]
    assert join(page, mixed) == found
    every = [finding for _, items in shown for finding in items]
    assert len(found) <= len(every)
    for finding in found:
        of_label = [one.box for one in every if one.label == finding.label]
        assert finding.box.clipped(Box.union(of_label)) == finding.box
    for label in "ab":
        assert any(one.label == label for one in found) == any(one.label == label for one in every)
