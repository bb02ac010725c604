"""Where the lines of a plot run: error rates over days, as points that a template draws as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from docproc.store.review_figures import Rate

WIDTH, TOP, BASE = 600.0, 14.0, 110.0
"""Of a plot, in its own units: from the left edge to the right, the highest value, and zero."""
MOST_LINES = 4
"""Lines that can be told apart in one plot."""
LEAST = 0.01
"""A plot reaches up to this error rate at least, so that a single wrong word does not look like a disaster."""


@dataclass(frozen=True, slots=True)
class Line:
    """One name: its points, and what each of them says."""

    name: str
    points: tuple[tuple[float, float, str], ...]

    @property
    def path(self) -> str:
        """All points as an SVG polyline takes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in self.points)


@dataclass(frozen=True, slots=True)
class Trend:
    """The lines of those that read most, and the error rate at the top of the plot, 0-1."""

    most: float
    lines: tuple[Line, ...]


def trend(rates: Sequence[Rate], days: Sequence[date]) -> Trend:
    """Return the error rates on each of these days on which something was approved."""
    shown = [(rate, [(day, rate.days[day]) for day in days if day in rate.days]) for rate in rates[:MOST_LINES]]
    most = max([LEAST, *(count.share for _, counts in shown for _, count in counts)])
    place = {day: WIDTH / len(days) * (at + 0.5) for at, day in enumerate(days)}
    lines = [
        Line(
            rate.name,
            tuple(
                (place[day], BASE - (BASE - TOP) * count.share / most, f"{day}: {count.wrong} of {count.words} words")
                for day, count in counts
            ),
        )
        for rate, counts in shown
    ]
    return Trend(most, tuple(lines))
