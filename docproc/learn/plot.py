"""Draws a curve of losses as SVG, for the folder of a training."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 640, 320, 40


def plot(points: Sequence[tuple[int, float]], unit: str = "pages") -> str:
    """Return an SVG of losses over pages, or `unit`; every point is the mean of itself and the four before it."""
    smooth = [(x, _mean([y for _, y in points[max(0, at - 4) : at + 1]])) for at, (x, _) in enumerate(points)]
    last = max((x for x, _ in smooth), default=1)
    top = max((y for _, y in smooth), default=1.0) or 1.0
    wide, high = WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE
    path = " ".join(f"{EDGE + wide * x / last:.1f},{HEIGHT - EDGE - high * y / top:.1f}" for x, y in smooth)
    end = f"{smooth[-1][1]:.3f}" if smooth else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<polyline points="{EDGE},{EDGE} {EDGE},{HEIGHT - EDGE} {WIDTH - EDGE},{HEIGHT - EDGE}" fill="none" '
        f'stroke="grey"/>'
        f'<polyline points="{path}" fill="none" stroke="black" stroke-width="1.5"/>'
        f'<text x="{EDGE}" y="{EDGE - 8}">loss, from {top:.2f}</text>'
        f'<text x="{WIDTH - EDGE}" y="{HEIGHT - EDGE + 18}" text-anchor="end">{last} {unit}</text>'
        f'<text x="{WIDTH - EDGE}" y="{EDGE - 8}" text-anchor="end">{end}</text></svg>\n'
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
