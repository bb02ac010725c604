"""Pages that lie on their side, stand on their head or are skewed are put straight before they are read.

A page is turned only when that is certain, because most pages are upright: its lines must run the other way, or
a vote over its lines must say that they are upside down; and where a reader is at hand, the text must read
better the new way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.geometry import Box, Polygon
from docproc.raster import PageImage, Pixels
from docproc.slope import Boxes, Marks, Slope, cut_rows, find_marks, find_rows, find_slope

LEAST_SKEW, LEAST_RISE = 0.3, 3.0
"""Degrees, and pixels over the width of the page: less is left alone. Engines read it as well, resampling costs
sharpness and time, and on small crops the slope is not known any better."""
SHARP = 1.5
"""A slope that stands out less than this is no slope: a picture, handwriting all over, noise."""
SURE_AXIS = 1.35
"""Text runs along the page when its rows are this much sharper than its columns, or the other way round."""
FIRST_VOTES, ALL_VOTES = 8, 24
UPRIGHT_BELOW, CLEAR_VOTE = 0.2, 0.3
"""A vote below the first is for upright; a page is turned by votes alone when the vote on the page and that on
its lines turned differ by the second."""
TRIALS = 6
"""Lines that the reader tries in each direction."""
LEGIBLE, READABLE = 0.85, 0.5
"""Text read with so much confidence is surely the right way round; with less, it was not read at all."""
ENOUGH = 0.5
"""A direction counts in full when its rows are half as long as those of any other; stray pairs of letters are
read with great confidence in every direction."""
BETTER, CLOSE = 0.1, 0.01
"""Another direction must read better than the page as it is by the first; by the second when the rows are
surely those of the other axis."""
VOTE_LENGTH, TRIAL_LENGTH = 4.0, 10.0
"""How long the crops are, in line heights: the classifier's own 192 x 48, and enough words to judge."""


class Classifier(Protocol):
    """Says whether lines are upside down."""

    def upside_down(self, crops: Sequence[Pixels]) -> list[float]:
        """Return for each line crop, uint8[48, W, 3], the probability that it is upside down."""
        ...


class Reader(Protocol):
    """Says how well lines can be read."""

    def legibility(self, crops: Sequence[Pixels]) -> list[float]:
        """Return for each line crop, uint8[48, W, 3], the mean confidence of its letters, 0 without any."""
        ...


@dataclass(frozen=True, slots=True)
class Straightened:
    """A page put straight.

    `image` is upright and deskewed, in a frame of its own that begins at 0, 0: what engines read. `upright` is
    the page turned but not deskewed, and `page` its box in points. `rotation` is the clockwise turn that was
    applied (0, 90, 180, 270), `skew` the slope of the lines on the upright page in degrees, clockwise
    positive; it is undone in `image` from LEAST_SKEW up. `to_page` is float64[2, 3], points of `image` to
    points of the upright page.
    """

    image: PageImage
    upright: PageImage
    rotation: int
    skew: float
    to_page: NDArray[np.float64]

    @property
    def page(self) -> Box:
        """The upright page, in points."""
        return self.upright.box

    def back(self, polygon: Polygon) -> Polygon:
        """Return where a polygon of `image` lies on the upright page, in points."""
        moved = np.asarray(polygon) @ self.to_page[:, :2].T + self.to_page[:, 2]
        return tuple((float(x), float(y)) for x, y in moved)


def straighten(image: PageImage, classifier: Classifier, reader: Reader | None = None) -> Straightened:
    """Return the page put straight.

    Without a `reader` a page that the vote does not settle is left as it is. Blank pages and pictures come back
    as they are, with rotation and skew 0.
    """
    marks = find_marks(image)
    along, across = find_slope(marks), find_slope(marks.turned())
    sideways = across.sharpness > along.sharpness
    best, other = (across, along) if sideways else (along, across)
    level, upended = _View(image, 0, marks, along), _View(image, 90, marks.turned(), across)
    if best.sharpness < SHARP:
        return level.straightened(upside_down=False)
    views = (upended, level) if sideways else (level, upended)
    sure_axis = best.sharpness > SURE_AXIS * other.sharpness
    view, upside_down = _orient(views, sure_axis, classifier, reader)
    return view.straightened(upside_down=upside_down)


@dataclass(frozen=True, eq=False)
class _View:
    """A page turned by 0 or 90 degrees clockwise, with the slope that its rows have then."""

    original: PageImage
    turn: int
    marks: Marks
    slope: Slope

    @cached_property
    def image(self) -> PageImage:
        """The page turned, not deskewed."""
        return turn_image(self.original, self.turn)

    @cached_property
    def deskewed(self) -> tuple[PageImage, NDArray[np.float64]]:
        """The page deskewed if it needs it, and the way back."""
        rise = abs(np.tan(np.deg2rad(self.skew))) * self.marks.shape[1]
        if abs(self.skew) < LEAST_SKEW or rise < LEAST_RISE:
            return self.image, np.eye(2, 3)
        return deskew(self.image, self.skew)

    @property
    def skew(self) -> float:
        """The slope in degrees where it is one, else 0."""
        return self.slope.degrees if self.slope.sharpness >= SHARP else 0.0

    @cached_property
    def rows(self) -> Boxes:
        """The longest lines of the deskewed page."""
        level, _ = self.deskewed
        marks = self.marks if level is self.image else find_marks(level)
        return find_rows(marks, ALL_VOTES)

    def vote(self, classifier: Classifier, *, upside_down: bool = False) -> float:
        """Return the mean probability, 0-1, that lines (or lines turned) are upside down; 0 when there are none.

        A few lines are asked first and the others only if those do not agree.
        """
        votes: list[float] = []
        for rows in (self.rows[:FIRST_VOTES], self.rows[FIRST_VOTES:]):
            crops = self._crops(rows, VOTE_LENGTH, upside_down=upside_down)
            votes += classifier.upside_down(crops) if crops else []
            if not votes or np.mean(votes) < UPRIGHT_BELOW / 2:
                break
        return float(np.mean(votes)) if votes else 0.0

    def legibility(self, reader: Reader, *, upside_down: bool) -> float:
        """Return how well lines can be read, 0-1, as they stand or upside down; 0 when there are none."""
        crops = self._crops(self.rows[:TRIALS], TRIAL_LENGTH, upside_down=upside_down)
        return float(np.mean(reader.legibility(crops))) if crops else 0.0

    @cached_property
    def reach(self) -> float:
        """How much there is to try, in line heights: sideways, letters make short rows that mean nothing."""
        width, height = self.rows[:TRIALS, 2], self.rows[:TRIALS, 3]
        return float(np.minimum(width / height, TRIAL_LENGTH).sum())

    def _crops(self, rows: Boxes, longest: float, *, upside_down: bool) -> list[Pixels]:
        crops = cut_rows(self.deskewed[0].pixels, rows, longest=longest)
        return [np.ascontiguousarray(crop[::-1, ::-1]) for crop in crops] if upside_down else crops

    def straightened(self, *, upside_down: bool) -> Straightened:
        image, back = self.deskewed
        upright = self.image
        if upside_down:
            image, upright, back = _half_turned(image, upright, back)
        return Straightened(
            image=image,
            upright=upright,
            rotation=(self.turn + 180 * upside_down) % 360,
            skew=self.skew,
            to_page=back,
        )


def _orient(
    views: tuple[_View, _View], sure_axis: bool, classifier: Classifier, reader: Reader | None
) -> tuple[_View, bool]:
    """Return the view along which text runs, and whether it is upside down there."""
    view = views[0]
    vote = view.vote(classifier)
    if view.turn == 0 and sure_axis and vote < UPRIGHT_BELOW:
        return view, False
    found = _best_read(views, sure_axis, vote > 0.5, reader) if reader else None
    # Without a reader, or in a script that it does not know, the vote has to be clear.
    return found or (view, vote - view.vote(classifier, upside_down=True) > CLEAR_VOTE)


def _best_read(
    views: tuple[_View, _View], sure_axis: bool, likely: bool, reader: Reader
) -> tuple[_View, bool] | None:
    """Return the (view, upside down) that reads best, the page as it is unless another is clearly better.

    None when nothing can be read.
    """
    choices = _choices(views, sure_axis, likely=likely)
    enough = max(view.reach for view, _ in choices) * ENOUGH or 1.0
    scores: list[float] = []
    for view, upside_down in choices:
        share = min(view.reach / enough, 1.0)
        scores.append(share * view.legibility(reader, upside_down=upside_down))
        if scores[-1] >= LEGIBLE and view is views[0]:
            break
    best = int(np.argmax(scores))
    if scores[best] < READABLE:
        return None
    # Letters one below the other are read with confidence too; the pixels have said that they are that.
    margin = CLOSE if sure_axis and choices[best][0] is not choices[0][0] else BETTER
    return choices[best if scores[best] >= scores[0] + margin else 0]


def _choices(views: tuple[_View, _View], sure_axis: bool, *, likely: bool) -> list[tuple[_View, bool]]:
    """Return which (view, upside down) to try: the page as it is, then the others, `likely` ones first."""
    choices = [(views[0], likely), (views[0], not likely)]
    if not sure_axis:
        choices += [(views[1], False), (views[1], True)]
    level = views[0] if views[0].turn == 0 else views[1]
    return [(level, False), *(choice for choice in choices if choice != (level, False))]


def turn_image(image: PageImage, degrees: int) -> PageImage:
    """Return the page turned clockwise by a multiple of 90 degrees; the same object for 0."""
    if degrees % 360 == 0:
        return image
    return PageImage(np.ascontiguousarray(np.rot90(image.pixels, -degrees // 90)), image.dpi)


def deskew(image: PageImage, degrees: float) -> tuple[PageImage, NDArray[np.float64]]:
    """Return `image` turned against the clock by `degrees`, nothing cut off, and the way back.

    The way back is float64[2, 3], from points of the new frame to points of `image`. New corners are filled
    with the colour of the old edges.
    """
    middle = (image.width / 2, image.height / 2)
    turn = cv2.getRotationMatrix2D(middle, degrees, 1.0)
    c, s = abs(turn[0, 0]), abs(turn[0, 1])
    width = int(np.ceil(image.width * c + image.height * s))
    height = int(np.ceil(image.width * s + image.height * c))
    turn[:, 2] += (width - image.width) / 2, (height - image.height) / 2
    pixels = cv2.warpAffine(
        image.pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    back = cv2.invertAffineTransform(turn)
    back[:, 2] /= image.scale
    return PageImage(np.asarray(pixels, np.uint8), image.dpi), np.asarray(back)


def _half_turned(
    image: PageImage, upright: PageImage, back: NDArray[np.float64]
) -> tuple[PageImage, PageImage, NDArray[np.float64]]:
    """Return both pages upside down, and the way back between them."""

    def flip(box: Box) -> NDArray[np.float64]:
        return np.array([[-1, 0, box.width], [0, -1, box.height], [0, 0, 1]])

    full = np.vstack([back, [0, 0, 1]])
    way = flip(upright.box) @ full @ flip(image.box)
    return turn_image(image, 180), turn_image(upright, 180), way[:2]
