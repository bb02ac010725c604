"""Datasets: what is written is what is read, and nothing else is."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docproc.errors import Usage
from docproc.learn import dataset
from docproc.learn.dataset import Example


def picture(path: Path, shade: int = 200) -> Path:
    Image.new("RGB", (20, 10), (shade, shade, 250)).save(path)
    return path


def example(image: Path, **changed: object) -> Example:
    values = {"prefix": "ocr", "suffix": "Größe: 5 µm", "task": "ocr", "document": "d1", "kind": "letter"}
    return Example(image=image, **(values | changed))


def line(folder: Path, **changed: object) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    picture(folder / "images" / "a.png")
    row = {"image": "images/a.png", "prefix": "ocr", "suffix": "x", "task": "ocr", "document": "d"} | changed
    (folder / "train.jsonl").write_text(json.dumps({k: v for k, v in row.items() if v is not None}) + "\n")
    return folder / "train.jsonl"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    one = example(picture(tmp_path / "x.PNG"))
    two = example(picture(tmp_path / "y.png", 10), source="correction", task="answer", document="d2")
    counts = dataset.write(tmp_path / "set", {"train": [one, one], "test": [two]})
    assert counts == {"train": 2, "test": 1}
    found = list(dataset.read(tmp_path / "set"))
    assert [(one.suffix, one.task, one.document, one.source) for one in found] == [
        ("Größe: 5 µm", "ocr", "d1", "synth"),
        ("Größe: 5 µm", "ocr", "d1", "synth"),
        ("Größe: 5 µm", "answer", "d2", "correction"),
    ]
    assert found[0].image == found[1].image  # the same picture is kept once
    assert found[0].image.read_bytes() == one.image.read_bytes()
    assert len(list((tmp_path / "set" / "images").iterdir())) == 2
    (tmp_path / "x.PNG").unlink()
    moved = (tmp_path / "set").rename(tmp_path / "moved")
    assert len(list(dataset.read(moved / "test.jsonl"))) == 1


def test_a_split_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    one = example(picture(tmp_path / "x.png"))
    dataset.write(tmp_path / "set", {"train": [one], "test": [one]})
    with pytest.raises(Usage, match="no image"):
        dataset.write(tmp_path / "set", {"train": [one, example(tmp_path / "gone.png")]})
    assert len(list(dataset.read(tmp_path / "set" / "train.jsonl"))) == 1
    assert dataset.write(tmp_path / "set", {"train": []}) == {"train": 0}
    assert len(list(dataset.read(tmp_path / "set"))) == 1
    assert not list((tmp_path / "set").glob(".*"))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"image": "../secret.png"}, "leaves"),
        ({"image": "/etc/hostname"}, "leaves"),
        ({"image": "images/b.png"}, "there is no"),
        ({"image": "images"}, "there is no"),
        ({"image": 3}, "'image' is no text"),
        ({"suffix": None}, "'suffix' is missing"),
        ({"document": None}, "'document' is missing"),
        ({"task": "translate"}, "no task 'translate'"),
        ({"masks": "../m.png"}, "leaves"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, changed: dict[str, object], says: str) -> None:
    picture(tmp_path / "secret.png")
    (tmp_path / "set").mkdir()
    path = line(tmp_path / "set", **changed)
    with pytest.raises(Usage, match=says) as error:
        list(dataset.read(path))
    assert "train.jsonl, line 1" in str(error.value)


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    path = line(tmp_path / "set", image="images/link.png")
    (tmp_path / "set" / "images" / "link.png").symlink_to(picture(tmp_path / "secret.png"))
    with pytest.raises(Usage, match="leaves"):
        list(dataset.read(path))


def test_broken_json_and_missing_sets(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('\n{"image": \n')
    with pytest.raises(Usage, match=r"test\.jsonl, line 2: no JSON"):
        list(dataset.read(tmp_path / "test.jsonl"))
    (tmp_path / "test.jsonl").write_text("[1]\n")
    with pytest.raises(Usage, match="no JSON object"):
        list(dataset.read(tmp_path))
    for missing in (tmp_path / "nothing", tmp_path / "nothing.jsonl"):
        with pytest.raises(Usage, match="There is no"):
            list(dataset.read(missing))


def test_the_digest_tells_content_alone(tmp_path: Path) -> None:
    one = example(picture(tmp_path / "x.png"))
    for name in ("a", "b"):
        dataset.write(tmp_path / name, {"train": [one]})
    assert dataset.digest(tmp_path / "a") == dataset.digest(tmp_path / "b")
    seen = {dataset.digest(tmp_path / "a")}
    for changed in ({"suffix": "y"}, {"document": "other"}, {"image": picture(tmp_path / "z.png", 3)}):
        dataset.write(tmp_path / "b", {"train": [example(**({"image": one.image} | changed))]})
        seen.add(dataset.digest(tmp_path / "b"))
    dataset.write(tmp_path / "a", {"train": [], "test": [one]})
    seen.add(dataset.digest(tmp_path / "a"))
    assert len(seen) == 5


def test_masks_become_codes(tmp_path: Path) -> None:
    masks = np.random.default_rng(0).random((2, 64, 64)) > 0.5
    boxes = "<loc0001><loc0002><loc0300><loc0400>"
    one = example(
        picture(tmp_path / "x.png"),
        task="segment",
        suffix=f"{boxes} stamp ; {boxes} stamp",
        masks=dataset.keep_masks(tmp_path, masks),
    )
    dataset.write(tmp_path / "set", {"train": [one]})
    (found,) = dataset.read(tmp_path / "set")
    assert (dataset.read_masks(found) == masks).all()
    coded = dataset.with_codes(found, [range(16), range(112, 128)])
    first, second = coded.suffix.split(" ; ")
    assert first.startswith(f"{boxes}<seg000><seg001>")
    assert first.endswith("<seg015> stamp")
    assert second.endswith("<seg127> stamp")
    with pytest.raises(Usage, match="2 things"):
        dataset.with_codes(found, [range(16)])
    assert dataset.read_masks(example(one.image)).shape == (0, 64, 64)
