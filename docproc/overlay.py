"""A page with what was read painted over it: for the README, reports and people who want to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from docproc.document import Label, Page, Region, Word
from docproc.geometry import Box, Point
from docproc.raster import PageImage

Color = tuple[int, int, int]

LABEL_COLORS: Mapping[Label, Color] = {
    "title": (200, 30, 70),
    "section-header": (214, 84, 20),
    "text": (30, 110, 200),
    "list-item": (0, 140, 150),
    "table": (120, 60, 180),
    "picture": (20, 140, 60),
    "caption": (150, 120, 0),
    "footnote": (130, 90, 60),
    "formula": (200, 40, 160),
    "page-header": (110, 110, 120),
    "page-footer": (110, 110, 120),
}
"""One colour a region label, dark enough for white letters on it."""

SURE: Color = (60, 170, 90)
DOUBTFUL: Color = (230, 40, 30)
UNKNOWN: Color = (120, 140, 170)
FRAME = 1.5
"""A frame stands so many points outside its region."""
DOUBT_FROM = 0.5
"""A word of this confidence or less is painted fully in the colour of doubt."""


def draw_page(image: PageImage, page: Page) -> Image.Image:
    """Return a picture, mode RGB, of `image` with regions, words and table cells of `page` over it.

    Regions are framed in the colour of their label and numbered from 1 in reading order; words are tinted
    from green (sure) to red (doubtful), grey-blue without a confidence; table cells get a thin frame. `image`
    is the upright page or a part of it.
    """
    picture = Image.fromarray(image.pixels).convert("RGB")
    pen = ImageDraw.Draw(picture, "RGBA")
    for line in page.lines:
        for word in line.words:
            pen.polygon(_pixels(image, word.polygon), fill=(*_tint(word), 60))
    for table in page.tables:
        for cell in table.cells:
            pen.rectangle(_sides(image, cell.box), outline=(*LABEL_COLORS["table"], 150), width=1)
    for region in page.regions:
        _frame(pen, image, region)
    taken = [word.box for line in page.lines for word in line.words]
    for region in page.regions:
        taken.append(_tag(pen, image, region, taken))
    return picture


def _frame(pen: ImageDraw.ImageDraw, image: PageImage, region: Region) -> None:
    stroke = max(round(image.scale * 0.7), 1)
    pen.rectangle(_sides(image, region.box.grown(FRAME)), outline=(*LABEL_COLORS[region.label], 255), width=stroke)


def _tag(pen: ImageDraw.ImageDraw, image: PageImage, region: Region, taken: Sequence[Box]) -> Box:
    """Write a region's place in the reading order and label on its frame; return where.

    It stands where it hides least of what is `taken`.
    """
    font = ImageFont.load_default(size=max(image.scale * 6.0, 9))
    text = f"{region.order + 1} {region.label}"
    _, _, right, bottom = pen.textbbox((0, 0), text, font=font)
    places = _around(region.box.grown(FRAME), (right + 4) / image.scale, (bottom + 3) / image.scale)
    place = min(places, key=lambda tag: _hidden(tag, image, taken))
    sides = _sides(image, place)
    pen.rectangle(sides, fill=(*LABEL_COLORS[region.label], 235))
    pen.text((sides[0] + 2, sides[1] + 1), text, fill=(255, 255, 255, 255), font=font)
    return place


def _around(box: Box, width: float, height: float) -> list[Box]:
    """Return where a tag of this size may stand on a frame, the best place first."""
    left, right = box.left, box.right - width
    corners = [
        (left, box.top - height),
        (right, box.bottom - height),
        (right, box.top - height),
        (left - width, box.top),
        (box.right, box.top),
        (right, box.top),
        (left, box.bottom),
        (left, box.top),
    ]
    return [Box(x, y, x + width, y + height) for x, y in corners]


def _hidden(tag: Box, image: PageImage, taken: Sequence[Box]) -> float:
    """Return how much a tag would hide, in square points; what hangs over the edge counts twice."""
    outside = tag.area - tag.overlap(image.box)
    return 2 * outside + sum(tag.overlap(box) for box in taken)


def _tint(word: Word) -> Color:
    if word.confidence is None:
        return UNKNOWN
    sure = min(max((word.confidence - DOUBT_FROM) / (1 - DOUBT_FROM), 0.0), 1.0)
    red, green, blue = (round(low + (high - low) * sure) for low, high in zip(DOUBTFUL, SURE, strict=True))
    return red, green, blue


def _pixels(image: PageImage, points: Sequence[Point]) -> list[Point]:
    return [image.to_pixels(point) for point in points]


def _sides(image: PageImage, box: Box) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = _pixels(image, ((box.left, box.top), (box.right, box.bottom)))
    return left, top, right, bottom
