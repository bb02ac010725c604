"""Box and polygon: the only geometry outside `raster.py` and the inside of an engine.

Everything is in points (1/72 inch), origin at the top-left corner of the upright page, y down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
Polygon = tuple[Point, ...]
"""Corners in points; a quad runs top-left, top-right, bottom-right, bottom-left *of the text*."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """An upright rectangle in points: `left <= right`, `top <= bottom`.

    Raises ValueError when its sides are the wrong way round.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.left <= self.right and self.top <= self.bottom):
            raise ValueError(f"box sides are the wrong way round: {self.as_list()}")

    @classmethod
    def around(cls, points: Iterable[Point]) -> Box:
        """Return the smallest box that holds all `points`; raise ValueError when there are none."""
        xs, ys = zip(*points, strict=True)
        return cls(min(xs), min(ys), max(xs), max(ys))

    @classmethod
    def union(cls, boxes: Iterable[Box]) -> Box:
        """Return the smallest box that holds all `boxes`; raise ValueError when there are none."""
        return cls.around(corner for box in boxes for corner in ((box.left, box.top), (box.right, box.bottom)))

    @classmethod
    def from_list(cls, sides: Sequence[float]) -> Box:
        """Return the box of a JSON `[left, top, right, bottom]`."""
        left, top, right, bottom = sides
        return cls(left, top, right, bottom)

    def as_list(self) -> list[float]:
        """Return `[left, top, right, bottom]`, as JSON has it."""
        return [self.left, self.top, self.right, self.bottom]

    @property
    def width(self) -> float:
        """Width in points."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in points."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square points."""
        return self.width * self.height

    @property
    def center(self) -> Point:
        """The middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def corners(self) -> Polygon:
        """The four corners: top-left, top-right, bottom-right, bottom-left."""
        return (
            (self.left, self.top),
            (self.right, self.top),
            (self.right, self.bottom),
            (self.left, self.bottom),
        )

    def overlap(self, other: Box) -> float:
        """Return the area that both cover, in square points; 0 when they are apart."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width * height if width > 0 and height > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Return intersection over union, 0-1."""
        shared = self.overlap(other)
        joined = self.area + other.area - shared
        return shared / joined if joined > 0 else 0.0

    def share_inside(self, other: Box) -> float:
        """Return the share of this box that lies inside `other`, 0-1; for an empty box, 0 or 1 by its middle."""
        if self.area > 0:
            return self.overlap(other) / self.area
        return float(other.contains(self.center))

    def contains(self, point: Point) -> bool:
        """Say whether `point` lies inside or on the edge."""
        return self.left <= point[0] <= self.right and self.top <= point[1] <= self.bottom

    def grown(self, by: float) -> Box:
        """Return the box with every side moved outwards by `by` points."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def moved(self, right: float, down: float) -> Box:
        """Return the box moved by so many points."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def clipped(self, to: Box) -> Box:
        """Return the part inside `to`; an empty box on its nearest edge when they are apart."""
        left = min(max(self.left, to.left), to.right)
        top = min(max(self.top, to.top), to.bottom)
        return Box(left, top, max(left, min(self.right, to.right)), max(top, min(self.bottom, to.bottom)))

    def rounded(self) -> Box:
        """Return the box to the hundredth of a point, finer than any scan, so that JSON stays small."""
        return Box(*(round(side, 2) for side in self.as_list()))


def turned(point: Point, degrees: int, *, width: float, height: float) -> Point:
    """Return where `point` lies once its page, `width` x `height` points, is turned clockwise by `degrees`.

    `degrees` is 0, 90, 180 or 270; anything else raises KeyError. To undo a turn, turn on by the rest of 360.
    """
    x, y = point
    return {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}[degrees]
