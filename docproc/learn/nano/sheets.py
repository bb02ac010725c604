"""Pages as small pictures: what lies on them and where, with masks, of ten classes of things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.learn.nano.shapes import scribble

Grey = NDArray[np.uint8]
Box = tuple[int, int, int, int]

KINDS: dict[str, tuple[str, ...]] = {
    "a letter": ("logo", "paragraph", "paragraph", "paragraph", "signature"),
    "an invoice": ("logo", "title", "table", "paragraph", "barcode"),
    "a report": ("title", "paragraph", "chart", "paragraph", "table"),
    "a form": ("title", "list", "table", "signature", "stamp"),
    "a certificate": ("logo", "title", "paragraph", "stamp", "signature"),
    "an article": ("title", "photo", "paragraph", "paragraph", "paragraph"),
    "a poster": ("photo", "title", "list", "logo"),
    "a delivery note": ("barcode", "title", "table", "stamp", "signature"),
}
"""Kind of page -> what usually lies on it, from top to bottom."""
CLASSES = ("title", "paragraph", "list", "table", "chart", "photo", "logo", "stamp", "signature", "barcode")
MASKED = ("chart", "photo", "logo", "stamp", "signature")
"""Classes with masks."""
SHOWN = 0.25
"""A thing counts as lying on a patch of which its box covers more than this share."""
DRAWN = 2
"""A page is drawn so many times as large as it is shown."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something on a page: its class, its box in shares (left, top, right, bottom) and its mask, 1 inside."""

    label: str
    box: tuple[float, float, float, float]
    mask: Grey


@dataclass(slots=True)
class Sheet:
    """A page: `pixels` uint8[side, side], its kind, and the things on it."""

    pixels: Grey
    kind: str
    things: list[Thing] = field(default_factory=list)


def sheet(random: Random, side: int, wanted: str = "") -> Sheet:
    """Return a random page, squeezed to a square of `side` pixels; with `wanted`, one with such a thing."""
    size = side * DRAWN
    kind = random.choice([name for name, usual in KINDS.items() if not wanted or wanted in usual])
    labels = [label for label in KINDS[kind] if label == wanted or random.random() < 0.85] or [KINDS[kind][0]]
    page = np.full((size, size), random.randint(235, 255), np.uint8)
    found = Sheet(page, kind)
    heights = np.array([_HEIGHT[label] * random.uniform(0.7, 1.4) for label in labels])
    room = size * random.uniform(0.82, 0.92)
    heights = heights / max(heights.sum() + 0.35 * (len(labels) - 1) * heights.mean(), 1.0) * 1.0
    top = size * random.uniform(0.03, 0.08)
    left, right = size * random.uniform(0.05, 0.14), size * random.uniform(0.86, 0.95)
    for label, share in zip(labels, heights, strict=True):
        height = max(share * room, 10.0)
        lowest = min(top + height, size - 4.0)
        if lowest - top < 8:
            break
        wide = (right - left) * (_WIDTH[label] * random.uniform(0.75, 1.0))
        start = left if label in ("paragraph", "table", "list") else random.uniform(left, right - wide)
        _put(random, found, label, (int(start), int(top), int(start + wide), int(lowest)), size)
        top = lowest + random.uniform(0.1, 0.35) * room * float(heights.mean())
    return _shown(random, found, side)


def caption(page: Sheet) -> str:
    """Return what the page is and what is on it besides text."""
    names = list(
        dict.fromkeys(thing.label for thing in page.things if thing.label not in ("title", "paragraph", "list"))
    )
    if not names:
        return page.kind
    told = [("a " if name[0] not in "aeiou" else "an ") + name for name in names]
    return f"{page.kind} with " + (", ".join(told[:-1]) + " and " if told[1:] else "") + told[-1]


def covered(page: Sheet, across: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return int64[across * across]: the class of the thing on each patch, from 1, and 0 where there is none.

    And float32[across * across, 4]: the edges of that thing, 0 where there is none.
    """
    found, boxes = np.zeros(across * across, np.int64), np.zeros((across * across, 4), np.float32)
    for thing in page.things:
        left, top, right, bottom = (edge * across for edge in thing.box)
        within = {middle(thing, across), *ends(thing, across)}
        for row in range(int(top), min(int(bottom) + 1, across)):
            for column in range(int(left), min(int(right) + 1, across)):
                wide = min(right, column + 1) - max(left, column)
                high = min(bottom, row + 1) - max(top, row)
                if wide * high > SHOWN:
                    within.add(row * across + column)
        found[[*within]], boxes[[*within]] = CLASSES.index(thing.label) + 1, thing.box
    return found, boxes


def mirrored(page: Sheet, *, across: bool, down: bool) -> Sheet:
    """Return the page mirrored from left to right, from top to bottom, or both; without masks."""
    things = []
    for thing in page.things:
        left, top, right, bottom = thing.box
        box = (1 - right if across else left, 1 - bottom if down else top,
               1 - left if across else right, 1 - top if down else bottom)  # fmt: skip
        things.append(Thing(thing.label, box, thing.mask[:0]))
    pixels = page.pixels[:: -1 if down else 1, :: -1 if across else 1]
    return Sheet(np.ascontiguousarray(pixels), page.kind, things)


def middle(thing: Thing, across: int) -> int:
    """Return the patch, of `across` x `across`, that the middle of a thing's box is on."""
    return grid(thing, across, 1)[0]


def ends(thing: Thing, across: int) -> list[int]:
    """Return the patches of the middles of a thing's edges: the upper, the left, the lower and the right one."""
    left, top, right, bottom = thing.box
    along, down = (left + right) / 2, (top + bottom) / 2
    return [_patch(x, y, across) for x, y in ((along, top), (left, down), (along, bottom), (right, down))]


def grid(thing: Thing, across: int, count: int) -> list[int]:
    """Return the patches of the middles of `count` x `count` equal parts of a thing's box, row by row."""
    left, top, right, bottom = thing.box
    shares = [(part + 0.5) / count for part in range(count)]
    return [_patch(left + x * (right - left), top + y * (bottom - top), across) for y in shares for x in shares]


def _patch(x: float, y: float, across: int) -> int:
    return min(int(y * across), across - 1) * across + min(int(x * across), across - 1)


def loose(random: Random, side: int, labels: Sequence[str]) -> Sheet:
    """Return a page on which such things lie anywhere, of any size, those left out that have no room."""
    size = side * DRAWN
    page = Sheet(np.full((size, size), random.randint(235, 255), np.uint8), "")
    taken = list[Box]()
    for label in labels:
        wide, high = (max(int(size * share * random.uniform(0.5, 1.2)), 12) for share in (0.55, 0.28))
        if label in ("logo", "stamp", "signature", "barcode"):
            wide = max(int(wide * 0.6), 24)
        left, top = random.randint(4, size - min(wide, size - 8) - 4), random.randint(4, size - high - 4)
        box = (left, top, min(left + wide, size - 4), top + high)
        if all(box[2] < a or c < box[0] or box[3] < b or d < box[1] for a, b, c, d in taken):
            taken.append(box)
            _put(random, page, label, box, size)
    page.things.sort(key=lambda thing: thing.box[1])
    return _shown(random, page, side)


def _put(random: Random, page: Sheet, label: str, box: Box, size: int) -> None:
    mask = np.zeros((size, size), np.uint8)
    _DRAW[label](random, page.pixels, mask, box)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows) or rows[-1] - rows[0] < 4 or columns[-1] - columns[0] < 4:
        return
    around = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    page.things.append(Thing(label, tuple(float(edge) / size for edge in around), mask))  # type: ignore[arg-type]


def _shown(random: Random, page: Sheet, side: int) -> Sheet:
    pixels = page.pixels
    if random.random() < 0.4:
        pixels = cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.4, 1.2)).astype(np.uint8)
    pixels = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    if random.random() < 0.4:
        grain = np.random.default_rng(random.getrandbits(32)).standard_normal(pixels.shape) * random.uniform(2, 12)
        pixels = np.clip(pixels + grain, 0, 255)
    return Sheet(pixels.astype(np.uint8), page.kind, page.things)


def _text(random: Random, pixels: Grey, box: Box, pitch: float, *, start: float = 0.0) -> None:
    """Draw lines of words as they look from afar: dashes of uneven grey."""
    left, top, right, bottom = box
    high = max(int(pitch * 0.5), 1)
    lines = max(int((bottom - top) / pitch), 1)
    for number in range(lines):
        y = int(top + number * pitch)
        last = number == lines - 1
        end = right if not last else left + (right - left) * random.uniform(0.3, 1)
        x = left + start
        while x < end:
            width = random.uniform(1.5, 5) * pitch * 0.5
            stop = min(x + width, end)
            pixels[y : y + high, int(x) : int(stop)] = random.randint(60, 140)
            x += width + pitch * 0.35


def _paragraph(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    pitch = random.uniform(4.5, 8)
    _text(random, pixels, box, pitch)
    left, top, right, bottom = box
    mask[top : max(bottom - int(pitch * 0.5), top + 5), left:right] = 1


def _title(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    high = min(bottom - top, random.randint(10, 20))
    x = left
    while x < right - 6:
        stop = min(x + random.randint(8, 40), right)
        pixels[top : top + high, x:stop] = random.randint(0, 60)
        x = stop + high // 2
    mask[top : top + high, left:right] = 1


def _list(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    pitch = random.uniform(9, 15)
    for number in range(max(int((bottom - top) / pitch), 1)):
        y = int(top + number * pitch)
        cv2.circle(pixels, (left + 4, y + 3), 2, 20, -1)
        _text(random, pixels, (left + 12, y, right - random.randint(0, 60), y + 6), 6.5)
    mask[top:bottom, left:right] = 1


def _table(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    rows, columns = random.randint(3, 8), random.randint(2, 6)
    ruled = random.random() < 0.7
    ys, xs = np.linspace(top, bottom - 1, rows + 1).astype(int), np.linspace(left, right - 1, columns + 1).astype(int)
    if random.random() < 0.5:
        pixels[ys[0] : ys[1], left:right] = random.randint(150, 215)
    for y in ys:
        cv2.line(pixels, (left, int(y)), (right - 1, int(y)), 90, 1)
    for x in xs if ruled else ():
        cv2.line(pixels, (int(x), top), (int(x), bottom - 1), 90, 1)
    for row in range(rows):
        for column in range(columns):
            width = int((xs[column + 1] - xs[column]) * random.uniform(0.3, 0.8))
            middle = (ys[row] + ys[row + 1]) // 2
            _text(
                random,
                pixels,
                (int(xs[column]) + 4, int(middle) - 2, int(xs[column]) + 4 + width, int(middle) + 2),
                5,
            )
    mask[top:bottom, left:right] = 1


def _chart(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    count, tall = random.randint(3, 8), bottom - top
    if random.random() < 0.3:  # a pie
        radius = min(right - left, tall) // 2 - 1
        middle = ((left + right) // 2, (top + bottom) // 2)
        angle = 0.0
        while angle < 360:
            stop = min(angle + random.uniform(40, 150), 360)
            cv2.ellipse(pixels, middle, (radius, radius), 0, angle, stop, random.randint(40, 200), -1)
            angle = stop
        cv2.circle(mask, middle, radius, 1, -1)
        return
    cv2.line(pixels, (left, top), (left, bottom - 1), 30, 2)
    cv2.line(pixels, (left, bottom - 1), (right, bottom - 1), 30, 2)
    mask[bottom - 3 : bottom, left:right] = 1
    mask[top:bottom, left : left + 3] = 1
    step = (right - left - 6) / count
    shade = random.randint(50, 170)
    for bar in range(count):
        x, y = int(left + 5 + bar * step), top + int(tall * random.uniform(0, 0.8))
        cv2.rectangle(pixels, (x, y), (int(x + step * 0.7), bottom - 2), shade, -1)
        mask[y:bottom, x : int(x + step * 0.7) + 1] = 1


def _photo(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    rng = np.random.default_rng(random.getrandbits(32))
    coarse = rng.integers(20, 220, (random.randint(3, 7), random.randint(3, 7))).astype(np.uint8)
    inside = cv2.resize(coarse, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
    shape = np.zeros_like(inside)
    if random.random() < 0.3:
        cv2.ellipse(
            shape,
            ((right - left) // 2, (bottom - top) // 2),
            ((right - left) // 2, (bottom - top) // 2),
            0,
            0,
            360,
            1,
            -1,
        )
    else:
        shape[:] = 1
    pixels[top:bottom, left:right] = np.where(shape, inside, pixels[top:bottom, left:right])
    mask[top:bottom, left:right] = shape


def _logo(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    side = min(right - left, bottom - top)
    corners, start = random.choice((3, 4, 5, 6, 30)), random.uniform(0, 6.3)
    inner = random.choice((1.0, random.uniform(0.45, 0.9)))
    angles = start + np.arange(corners * 2) * np.pi / corners
    radii = np.where(np.arange(corners * 2) % 2, side / 2 * inner, side / 2)
    points = (
        np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] + [left + side / 2, top + side / 2]
    ).astype(np.int32)
    cv2.fillPoly(pixels, [points], random.randint(20, 120))
    cv2.fillPoly(mask, [points], 1)
    cv2.circle(pixels, (left + side // 2, top + side // 2), max(side // 6, 1), random.randint(160, 255), -1)


def _stamp(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    middle = ((left + right) / 2, (top + bottom) / 2)
    angle, shade = random.uniform(-35, 35), random.randint(60, 150)
    size = (float(right - left) * 0.95, float(bottom - top) * 0.85)
    if random.random() < 0.5:
        axes = (int(size[0] / 2), int(size[1] / 2))
        whole = (int(middle[0]), int(middle[1]))
        cv2.ellipse(pixels, whole, axes, angle, 0, 360, shade, 3)
        cv2.ellipse(pixels, whole, (max(axes[0] - 7, 1), max(axes[1] - 7, 1)), angle, 0, 360, shade, 1)
        cv2.ellipse(mask, whole, axes, angle, 0, 360, 1, -1)
    else:
        corners = cv2.boxPoints((middle, size, angle / 2)).astype(np.int32)
        cv2.polylines(pixels, [corners], True, shade, 3)
        cv2.fillPoly(mask, [corners], 1)
    tall = max(size[1] / 70, 0.3)
    word = random.choice(("PAID", "COPY", "RECEIVED", "APPROVED", "FINAL"))
    cv2.putText(
        pixels,
        word,
        (int(middle[0] - size[0] * 0.3), int(middle[1] + 5)),
        cv2.FONT_HERSHEY_SIMPLEX,
        min(tall, size[0] / 170),
        shade,
        2,
    )


def _signature(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    points = scribble(random, 1000) / 1000.0 * [right - left, bottom - top] + [left, top]
    points = np.clip(points, [left, top], [right, bottom]).astype(np.int32)
    cv2.polylines(pixels, [points], False, random.randint(10, 90), random.randint(1, 2), cv2.LINE_AA)
    cv2.polylines(mask, [points], False, 1, 7)


def _barcode(random: Random, pixels: Grey, mask: Grey, box: Box) -> None:
    left, top, right, bottom = box
    x = left
    while x < right - 1:
        wide = random.randint(1, 4)
        pixels[top:bottom, x : min(x + wide, right)] = 15
        x += wide + random.randint(1, 4)
    mask[top:bottom, left:right] = 1


_DRAW: dict[str, Callable[[Random, Grey, Grey, Box], None]] = {
    "title": _title, "paragraph": _paragraph, "list": _list, "table": _table, "chart": _chart, "photo": _photo,
    "logo": _logo, "stamp": _stamp, "signature": _signature, "barcode": _barcode,
}  # fmt: skip
_HEIGHT = {"title": 0.5, "paragraph": 1.4, "list": 1.2, "table": 1.6, "chart": 1.5, "photo": 1.8, "logo": 0.8,
           "stamp": 0.9, "signature": 0.7, "barcode": 0.5}  # fmt: skip
_WIDTH = {"title": 0.7, "paragraph": 1.0, "list": 0.9, "table": 1.0, "chart": 0.7, "photo": 0.7, "logo": 0.25,
          "stamp": 0.35, "signature": 0.4, "barcode": 0.4}  # fmt: skip
