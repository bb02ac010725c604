"""Datasets made from drawn documents, corrections and labels; the test set never leaks."""

import hashlib
import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pymupdf
import pytest
from click.testing import CliRunner
from PIL import Image
from read_documents import add_pages

from docproc.cli import commands
from docproc.commands.dataset import command
from docproc.document import Page
from docproc.errors import NotFound, Usage
from docproc.geometry import Box
from docproc.learn import dataset
from docproc.learn.examples import Known, Made, Plan, examples_of
from docproc.learn.from_corrections import examples as corrected
from docproc.learn.from_synth import KINDS_DRAWN, Order, examples, orders
from docproc.learn.splits import TEST, VALIDATION, name_of, named, split_of
from docproc.learn.windows import reading_dpi, window
from docproc.settings import Settings
from docproc.store import corrections, documents, reviews, users
from docproc.store.files import Files
from docproc.store.tables import DocumentRow
from docproc.synth import draw
from docproc.synth.labels import Sample, samples, scans, write_set
from docproc.tasks.locations import read_spots

pytestmark = pytest.mark.slow

SIDE = 448


@cache
def known(kind: str, seed: int = 1) -> Known:
    drawn = replace(draw(kind, seed), scan=None)
    image, page = next(scans(drawn, 150))
    return Known(
        image=image, page=page, asked=drawn.asked[0] if drawn.asked else (), caption=drawn.captions[0],
        things=drawn.things[0],
    )  # fmt: skip


def made(one: Known, *tasks: str, side: int = SIDE) -> list[Made]:
    return list(examples_of(one, Plan(side=side, tasks=tasks), Random(1)))  # noqa: S311


# -- splits

FROZEN_TEST = ["synth/bill/4", "synth/bill/7", "synth/bill/19", "synth/bill/24"]
FROZEN_VALIDATION = ["synth/bill/6", "synth/bill/10"]


def test_the_name_alone_decides_the_split_for_ever():
    """These are the splits of the first release: whatever changes, documents stay where they were."""
    kept = {f"synth/bill/{seed}": split_of(f"synth/bill/{seed}") for seed in range(40)}
    assert [name for name, split in kept.items() if split == "test"] == FROZEN_TEST
    assert [name for name, split in kept.items() if split == "validation"] == FROZEN_VALIDATION
    shares = [split_of(named(hashlib.sha256(bytes([one])).hexdigest())) for one in range(256)]
    assert shares.count("test") / 256 == pytest.approx(TEST, abs=0.06)
    assert shares.count("validation") / 256 == pytest.approx(VALIDATION, abs=0.06)


def test_a_copy_of_a_file_is_the_same_document(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        (tmp_path / name).write_bytes(b"the same bytes")
    (tmp_path / "c.pdf").write_bytes(b"other bytes")
    names = [name_of(tmp_path / name) for name in ("a.pdf", "b.pdf", "c.pdf")]
    assert names[0] == names[1] == named(hashlib.sha256(b"the same bytes").hexdigest())
    assert names[2] != names[0]


def test_a_larger_export_only_adds_to_the_test_set(tmp_path):
    few, many = (
        {order.name for order in orders(count, 0, ("list", "memo"), Plan()) if split_of(order.name) == "test"}
        for count in (40, 120)
    )
    assert few < many


# -- what is made of a page


def test_text_is_what_stands_in_the_picture_and_fits_the_input():
    one = known("columns")
    found = made(one, "ocr")
    assert len(found) > 3
    words = {word.text for line in one.page.lines for word in line.words}
    for example in found:
        assert example.prefix == "ocr"
        assert set(example.suffix.split()) <= words
        assert max(example.pixels.shape) <= SIDE
        assert example.pixels.shape[0] == example.pixels.shape[1]  # padded, not squeezed
        assert len(example.suffix) <= Plan(side=SIDE).characters
        assert example.pixels.min() < 100  # there is ink


def test_words_that_the_edge_cuts_are_painted_over():
    one = known("columns")
    line = max(one.page.lines, key=lambda line: len(line.words))
    third = line.words[2].box
    box = Box(line.box.left - 2, line.box.top - 1, third.center[0], line.box.bottom + 1)
    part, rows = window(one.image, one.page, box, 500)
    assert rows == [" ".join(word.text for word in line.words[:2])]
    x = round((third.left - part.left) * part.scale) + 1
    assert part.pixels[:, x + 1 :].min() > 200  # nothing is left of the third word
    assert part.pixels[:, :x].min() < 100
    assert one.image.crop(third).pixels.min() < 100  # the page itself is as it was


def test_a_window_ends_where_the_text_would_be_too_long():
    one = known("columns")
    part, rows = window(one.image, one.page, one.image.box, 90)
    assert 0 < sum(map(len, rows)) <= 90
    assert part.box.bottom < one.image.box.bottom / 2


def test_answers_and_captions():
    one = known("bill")
    found = made(one, "answer", "caption", side=896)
    asked = {f"answer en {' '.join(ask.question.split())}": ask for ask in one.asked}
    answers = [example for example in found if example.task == "answer"]
    assert answers
    for example in answers:
        right = asked[example.prefix].answers
        assert example.suffix == (right[0] if right else "unanswerable")
    (caption,) = (example for example in found if example.task == "caption")
    assert (caption.prefix, caption.suffix) == ("caption en", one.caption)
    assert one.caption.startswith("An invoice from ")


def test_what_cannot_be_read_at_that_size_is_not_asked():
    one = known("bill")
    page = one.image.box
    for example in made(one, "answer", side=224):
        dpi = example.pixels.shape[0] / page.height * 72  # as if it were the whole page
        assert dpi >= 50 or example.suffix != "unanswerable"
    assert not made(one, "table", side=56)


def test_boxes_are_where_the_things_are():
    one = known("invoice")
    for example in made(one, "detect"):
        spots, invalid = read_spots(example.suffix)
        assert invalid == 0
        wanted = example.prefix.removeprefix("detect ").split(" ; ")
        for spot in spots:
            assert spot.label in wanted
            boxes = [region.box for region in one.page.regions if region.label == spot.label]
            boxes += [thing.box for thing in one.things or () if thing.label == spot.label]
            box = Box(spot.left * one.page.width, spot.top * one.page.height,
                      spot.right * one.page.width, spot.bottom * one.page.height)  # fmt: skip
            assert max(box.iou(other) for other in boxes) > 0.85


def test_masks_cover_the_ink_of_what_they_are_of():
    one = known("invoice")
    found = made(one, "segment")
    assert {example.prefix for example in found} == {"segment logo", "segment stamp"}
    stamp = next(example for example in found if example.prefix == "segment stamp")
    (spot,), _ = read_spots(stamp.suffix)
    assert stamp.masks is not None
    assert stamp.masks.shape == (1, 64, 64)
    assert 0.3 < stamp.masks.mean() < 0.9  # a tilted rectangle does not fill its box
    height, width = stamp.pixels.shape[:2]
    cut = stamp.pixels[
        int(spot.top * height) : int(spot.bottom * height), int(spot.left * width) : int(spot.right * width)
    ]
    red = np.array(Image.fromarray(cut).resize((64, 64))).astype(int)
    ink = red[..., 0] - red[..., 2] > 60
    assert ink.any()
    assert (ink & ~stamp.masks[0]).sum() < 0.15 * ink.sum()


def test_tables_are_written_with_their_spans():
    found = made(known("table"), "table", side=896)
    assert found
    assert all(example.suffix.startswith("<table><tr><t") for example in found)


# -- drawn documents


def test_drawn_documents_give_the_same_dataset_every_time_and_in_any_number_of_processes(tmp_path):
    digests = set()
    for name, jobs in (("a", 1), ("b", 2)):
        arguments = ["export", str(tmp_path / name), "--synth", "10", "--side", "224", "--jobs", str(jobs)]
        for kind in ("letter", "table"):
            arguments += ["--kind", kind]
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        digests.add(dataset.digest(tmp_path / name))
        assert f"digest: {dataset.digest(tmp_path / name)}" in result.output
    assert len(digests) == 1
    found = list(dataset.read(tmp_path / "a"))
    assert {one.task for one in found} >= {"ocr", "answer", "caption", "detect"}
    for split in dataset.SPLITS:
        assert all(split_of(one.document) == split for one in dataset.read(tmp_path / "a" / f"{split}.jsonl"))
    about = json.loads((tmp_path / "a" / "dataset.json").read_text())
    assert sum(about["documents"].values()) == 10
    assert sum(sum(some.values()) for some in about["examples"].values()) == len(found)


def test_an_export_drops_the_images_of_what_is_gone(tmp_path):
    for count in ("3", "1"):
        CliRunner().invoke(
            command, ["export", str(tmp_path), "--synth", count, "--kind", "memo"], catch_exceptions=False
        )
    shown = {path for one in dataset.read(tmp_path) for path in (one.image, one.masks) if path}
    assert set((tmp_path / "images").resolve().iterdir()) == shown


def test_a_model_that_reads_lines_learns_an_answer_from_the_line_that_says_it(tmp_path):
    """And of another line of the same part that it says nothing."""
    found = [
        one for seed in range(3) for one in examples(Order("bill", seed, Plan(160, "nano", ("answer",))), tmp_path)
    ]
    said, silent = [one for one in found if one.suffix], [one for one in found if not one.suffix]
    assert len(said) >= 3
    assert silent
    assert {one.prefix for one in silent} & {one.prefix for one in said}
    assert not {(one.prefix, one.image) for one in said} & {(one.prefix, one.image) for one in silent}
    assert len({(one.prefix, one.document) for one in said}) == len(said), "one line each"
    assert not any(one.suffix == "unanswerable" for one in found)


def fonts_of(drawn):
    with pymupdf.open("pdf", drawn.pdf) as document:
        return {one[3].rpartition("+")[2] for page in document for one in page.get_fonts()}


def test_documents_that_are_measured_on_are_in_a_font_that_training_never_shows(tmp_path, monkeypatch):
    drawn = {"train": set(), "validation": set(), "test": set()}

    def spy(kind, seed, split):
        made = draw(kind, seed, split)
        drawn[split_of(f"synth/{kind}/{seed}")] |= fonts_of(made)
        return made

    monkeypatch.setattr("docproc.learn.from_synth.draw", spy)
    for kind in ("contract", "memo", "certificate"):
        chosen = {split_of(f"synth/{kind}/{seed}"): seed for seed in range(60)}
        for seed in (*chosen.values(), *range(5)):
            examples(Order(kind, seed, Plan(224, "mix", ("caption",))), tmp_path)
    noto = "Noto Serif Regular"
    assert noto in drawn["test"] & drawn["validation"]
    assert noto not in drawn["train"]
    assert not {name for name in drawn["test"] | drawn["validation"] if "Times" in name}
    assert {"Times-Roman", "Times-Bold", "Helvetica"} <= drawn["train"]


def test_test_documents_have_wordings_that_training_never_shows(tmp_path):
    seed = next(one for one in range(99) if split_of(f"synth/bill/{one}") == "test")
    asked = {one.question for one in draw("bill", seed, "test").asked[0]}
    found = examples(Order("bill", seed, Plan(side=896, tasks=("answer",))), tmp_path)
    assert found
    assert {one.prefix.removeprefix("answer en ") for one in found} <= {" ".join(one.split()) for one in asked}


def test_every_kind_gives_examples(tmp_path):
    for kind in KINDS_DRAWN:
        assert examples(Order(kind, 2, Plan(side=224, tasks=("caption",))), tmp_path), kind


def test_nothing_to_export_is_said(tmp_path):
    with pytest.raises(Usage, match="nothing to make a dataset from"):
        commands.main(["dataset", "export", str(tmp_path)], standalone_mode=False)


# -- corrections


@pytest.fixture
def sample() -> Sample:
    return samples(replace(draw("letter", 4), scan=None), "png", 150)[0]


def misread(page: Page) -> tuple[Page, str, str]:
    """Return the page with one word misread and another one doubtful elsewhere, the word's id, and what it says."""
    line = next(one for one in page.lines if len(one.words) > 3)
    word = line.words[1]
    words = tuple(replace(one, text="zzzz", confidence=0.5) if one is word else one for one in line.words)
    wrong = replace(line, words=words, text=" ".join(one.text for one in words))
    last = page.lines[-1]
    doubtful = replace(last, words=tuple(replace(one, confidence=0.4) for one in last.words))
    lines = tuple({line.id: wrong, last.id: doubtful}.get(one.id, one) for one in page.lines)
    return replace(page, lines=lines), word.id, word.text


def stored(database, settings: Settings, sample: Sample, page: Page, owner: str = "ann") -> str:
    with database.write() as session:
        try:
            user = users.named(session, owner)
        except NotFound:
            user = users.add(session, owner, "reviewer")
        put = Files(settings).put(io.BytesIO(sample.data), limit=1 << 30)
        return add_pages(session, user.id, [page], put.sha256)


def exported(database, settings: Settings, folder: Path, owners: tuple[str, ...] = ()) -> list[dataset.Example]:
    plan = Plan(side=896)
    found = [
        one for some, problem in corrected(database, settings, folder, plan, owners) for one in some if not problem
    ]
    dataset.write(folder, {"train": found})
    return list(dataset.read(folder))


def correct(database, document: str, *operations: dict[str, object]) -> None:
    with database.write() as session:
        row = session.get_one(DocumentRow, document)
        corrections.add(session, row, 1, operations, user_id=row.owner_id, expected=None)


def test_corrections_become_examples_and_what_nobody_touched_does_not(database, tmp_path, sample):
    settings = Settings(data_dir=tmp_path / "data")
    page, word_id, text = misread(sample.pages[0])
    document = stored(database, settings, sample, page)
    assert exported(database, settings, tmp_path / "none") == []
    correct(database, document, {"op": "replace", "id": word_id, "text": text})
    found = exported(database, settings, tmp_path / "set")
    name = named(hashlib.sha256(sample.data).hexdigest())
    assert {one.document for one in found} == {name}
    assert {one.source for one in found} == {"correction"}
    read = [one.suffix for one in found if one.task == "ocr"]
    assert any(text in one.split() for one in read)
    assert not any("zzzz" in one for one in read)
    doubtful = page.lines[-1].text
    assert not any(doubtful in one for one in read)
    assert not [one for one in found if one.task in {"detect", "caption"}]  # nobody looked at the layout


def test_corrected_layout_and_approved_pages(database, tmp_path, sample):
    settings = Settings(data_dir=tmp_path / "data")
    document = stored(database, settings, sample, sample.pages[0])
    correct(database, document, {"op": "label", "id": sample.pages[0].regions[0].id, "label": "title"})
    found = exported(database, settings, tmp_path / "set")
    assert {one.task for one in found} == {"detect"}
    with database.write() as session:
        row = session.get_one(DocumentRow, document)
        reviews.decide(session, row, [1], row.owner_id, "approved")
    assert {one.task for one in exported(database, settings, tmp_path / "set")} >= {"detect", "ocr"}
    correct(database, document, {"op": "label", "id": sample.pages[0].regions[0].id, "label": "text"})
    tasks = {one.task for one in exported(database, settings, tmp_path / "set")}
    assert tasks == {"detect"}  # it was approved as it was before


def test_a_document_stays_in_its_split_when_it_is_corrected_again_or_comes_back(database, tmp_path, sample):
    settings = Settings(data_dir=tmp_path / "data")
    page, word_id, text = misread(sample.pages[0])
    first = stored(database, settings, sample, page)
    correct(database, first, {"op": "replace", "id": word_id, "text": "almost"})
    before = {one.document for one in exported(database, settings, tmp_path / "set")}
    correct(database, first, {"op": "replace", "id": word_id, "text": text})
    again = stored(database, settings, sample, page, owner="bob")  # the same bytes, somebody else's
    correct(database, again, {"op": "replace", "id": word_id, "text": text})
    found = exported(database, settings, tmp_path / "set")
    assert {one.document for one in found} == before  # so its split is the same
    assert not any("almost" in one.suffix.split() for one in found)
    with database.write() as session:
        documents.trash(session, session.get_one(DocumentRow, again))
    assert {one.document for one in exported(database, settings, tmp_path / "set", ("ann",))} == before
    assert exported(database, settings, tmp_path / "set", ("bob",)) == []  # what is in the trash is not used


# -- labels


def test_labelled_sets_become_examples(tmp_path):
    write_set([draw("invoice", 3), draw("bill", 3)], tmp_path / "labelled", "png", 150)
    arguments = ["export", str(tmp_path / "set"), "--labels", str(tmp_path / "labelled"), "--side", "896"]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = list(dataset.read(tmp_path / "set"))
    files = {name_of(path) for path in (tmp_path / "labelled" / "dev" / "files").iterdir()}
    assert {one.document for one in found} == files
    assert {one.task for one in found} == set(dataset.TASKS)
    assert {one.kind for one in found} == {"invoice", "bill"}
    stamp = next(one for one in found if one.prefix == "segment stamp")
    assert 0.3 < dataset.read_masks(stamp).mean() < 0.9


def test_the_resolution_of_text_is_that_of_serving():
    assert reading_dpi(known("memo").image) == 150.0
