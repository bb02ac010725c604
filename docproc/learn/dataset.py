"""Datasets that models are fine-tuned and measured on: JSON lines in PaliGemma's convention, and their images.

A dataset is a folder with `train.jsonl`, `validation.jsonl` and `test.jsonl` (any may be missing) and `images/`. A
line holds what the model is shown and asked (`image`, `prefix`) and what it should write (`suffix`), as in
github.com/google-research/big_vision, and besides `task`, `document`, `kind`, `source` and, where things are
segmented, `masks`. Paths are relative to the folder and never leave it.

Needs NumPy and Pillow, nothing of the extras.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docproc.errors import Usage

SPLITS = ("train", "validation", "test")
TASKS = ("ocr", "answer", "caption", "detect", "segment", "table")
IMAGES = "images"
SIDE = 64
"""Rows and columns of a mask: what the codes of PaliGemma's masks are decoded to."""

Masks = NDArray[np.bool_]
"""bool[N, 64, 64]: the masks of N things, each squeezed to the box of its thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One thing to learn: an image, a prompt, and what is right.

    `image` is a PNG or JPEG file. `prefix` is the prompt without what the engine puts around it, `suffix` the text
    that is right. `document` says which document it comes from: examples of one document are never divided between
    splits. `kind` is the kind of document ("invoice"), `source` is "synth", "correction" or "evaluation". `masks`,
    for segmentation alone, is a PNG of N * 64 rows and 64 columns: the masks of the N things of the suffix, in its
    order; `with_codes` writes them into the suffix for a model whose codebook is at hand.
    """

    image: Path
    prefix: str
    suffix: str
    task: str
    document: str
    kind: str = ""
    source: str = "synth"
    masks: Path | None = None


_WORDS = tuple(field.name for field in fields(Example) if field.name not in ("image", "masks"))


def read(path: Path) -> Iterator[Example]:
    """Yield the examples of `FOLDER/SPLIT.jsonl`, or of all splits of a folder, with paths that can be opened.

    Raises Usage for a file that is not there, a line that is no example, an image that is missing or lies outside the
    dataset's folder.
    """
    if path.is_dir():
        there = [path / f"{split}.jsonl" for split in SPLITS if (path / f"{split}.jsonl").is_file()]
        if not there:
            raise Usage(f"There is no dataset in {path}.", hint="Make one: docproc dataset export --help.")
        for one in there:
            yield from read(one)
        return
    if not path.is_file():
        raise Usage(f"There is no {path}.", hint="Give a dataset's folder, or one of its .jsonl files.")
    folder = path.parent.resolve()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _parse(line, folder, f"{path}, line {number}")


def write(folder: Path, splits: Mapping[str, Iterable[Example]]) -> dict[str, int]:
    """Write a dataset and return how many examples each split has.

    Images outside `folder/images` are copied there, named by their content, so that equal ones are kept once; see
    `keep_image` for pixels. A split that is given replaces the one that is there, in one step; the others stay.
    Raises Usage for an unknown split or task, or an image that is not there.
    """
    if unknown := set(splits) - set(SPLITS):
        raise Usage(f"There is no split {min(unknown)!r}.", hint=f"Splits: {', '.join(SPLITS)}.")
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    counts = {}
    for split, examples in splits.items():
        unfinished = folder / f".{split}.jsonl.{os.getpid()}"
        try:
            with unfinished.open("w", encoding="utf-8", newline="\n") as out:
                counts[split] = sum(1 for example in examples if out.write(_line(example, folder)))
            unfinished.replace(folder / f"{split}.jsonl")
        finally:
            unfinished.unlink(missing_ok=True)
    return counts


def keep_image(folder: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write uint8[H, W] or uint8[H, W, 3] as PNG to `folder/images` and return its path, named by the content.

    The same pixels give the same name; the bytes of the file are those of the installed Pillow.
    """
    name = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:24]
    path = folder / IMAGES / f"{name}.png"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "PNG")
        _place(path, data.getvalue())
    return path


def keep_masks(folder: Path, masks: Masks) -> Path:
    """Write masks as the PNG that `Example.masks` names, to `folder/images`; return its path."""
    return keep_image(folder, masks.reshape(-1, SIDE).astype(np.uint8) * 255)


def read_masks(example: Example) -> Masks:
    """Return the masks of a segmentation example, in the order of its suffix; none for other examples.

    Raises Usage when the picture has not 64 columns and a multiple of 64 rows.
    """
    if example.masks is None:
        return np.zeros((0, SIDE, SIDE), np.bool_)
    with Image.open(example.masks) as image:
        grid = np.asarray(image.convert("L")) > 127
    if grid.shape[1] != SIDE or grid.shape[0] % SIDE:
        hint = f"Masks are {SIDE} pixels wide and {SIDE} high for each thing."
        raise Usage(f"{example.masks} is {grid.shape[1]} x {grid.shape[0]} pixels.", hint=hint)
    return grid.reshape(-1, SIDE, SIDE)


def with_codes(example: Example, codes: Sequence[Sequence[int]]) -> Example:
    """Return a segmentation example whose suffix has the 16 codes (0-127) of each mask behind its box.

    Raises Usage when there are not as many codes as things in the suffix.
    """
    things = example.suffix.split(" ; ") if example.suffix else []
    if len(things) != len(codes):
        raise Usage(
            f"{len(things)} things in {example.suffix!r:.60} and codes of {len(codes)}.", hint="One for each."
        )
    box = len("<loc0000>") * 4
    marked = [
        thing[:box] + "".join(f"<seg{code:03d}>" for code in own) + thing[box:]
        for thing, own in zip(things, codes, strict=True)
    ]
    return replace(example, suffix=" ; ".join(marked))


def digest(folder: Path) -> str:
    """Return the SHA-256, in hex, of all that a dataset says and shows; file times and other files do not count.

    Raises what `read` does.
    """
    whole = hashlib.sha256()
    known: dict[Path, str] = {}
    for split in SPLITS:
        if not (folder / f"{split}.jsonl").is_file():
            continue
        for example in read(folder / f"{split}.jsonl"):
            said: dict[str, str] = {name: getattr(example, name) for name in _WORDS}
            for name in ("image", "masks"):
                path = getattr(example, name)
                if path is not None and path not in known:
                    known[path] = hashlib.sha256(path.read_bytes()).hexdigest()
                said[name] = known.get(path, "")
            whole.update(json.dumps([split, said], sort_keys=True).encode())
    return whole.hexdigest()


def _parse(line: bytes, folder: Path, where: str) -> Example:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise Usage(f"{where}: no JSON ({error}).", hint="Each line is one JSON object.") from None
    if not isinstance(row, dict):
        raise Usage(f"{where}: no JSON object.", hint='As {"image": ..., "prefix": ..., "suffix": ..., "task": ...}.')
    texts = {name: _text(row, name, where) for name in _WORDS}
    if texts["task"] not in TASKS:
        raise Usage(f"{where}: there is no task {texts['task']!r:.40}.", hint=f"Tasks: {', '.join(TASKS)}.")
    image = _inside(_text(row, "image", where), folder, where)
    masks = _inside(_text(row, "masks", where), folder, where) if row.get("masks") else None
    return Example(image=image, masks=masks, **texts)


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    """Return the text `name`; `kind` and `source` may be left out, as big_vision's own files do."""
    value = row.get(name, {"kind": "", "source": "synth"}.get(name))
    if not isinstance(value, str):
        what = "is missing" if value is None else "is no text"
        raise Usage(f"{where}: {name!r} {what}.", hint=f"Needed are image, {', '.join(_WORDS)}.")
    return value


def _inside(name: str, folder: Path, where: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise Usage(f"{where}: {name!r:.80} leaves the dataset's folder.", hint="Paths begin at the folder.")
    if not path.is_file():
        raise Usage(f"{where}: there is no {path}.", hint="Copy the folder with its images, or export it again.")
    return path


def _line(example: Example, folder: Path) -> str:
    if example.task not in TASKS:
        raise Usage(f"There is no task {example.task!r:.40}.", hint=f"Tasks: {', '.join(TASKS)}.")
    row = {"image": _kept(example.image, folder)} | {name: getattr(example, name) for name in _WORDS}
    if example.masks is not None:
        row["masks"] = _kept(example.masks, folder)
    return json.dumps(row, ensure_ascii=False) + "\n"


def _kept(path: Path, folder: Path) -> str:
    """Return the name, relative to the folder, under which an image is in the dataset, after copying it there."""
    if not path.is_file():
        raise Usage(f"There is no image {path}.", hint="An example needs its image.")
    if path.resolve().parent == (folder / IMAGES).resolve():
        return f"{IMAGES}/{path.name}"
    data = path.read_bytes()
    name = f"{hashlib.sha256(data).hexdigest()[:24]}{path.suffix.lower()}"
    if not (folder / IMAGES / name).exists():
        _place(folder / IMAGES / name, data)
    return f"{IMAGES}/{name}"


def _place(path: Path, data: bytes) -> None:
    """Write a file in one step: who reads sees all of it or none."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
