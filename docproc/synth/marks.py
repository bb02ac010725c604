"""Stamps, signatures, logos, bar codes and photographs, drawn with the outlines that their masks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from random import Random

import cv2
import numpy as np
import pymupdf

from docproc.geometry import Box, Polygon
from docproc.synth.sheet import Color, Sheet, Style
from docproc.synth.things import around, swollen

INKS: tuple[Color, ...] = ((0.72, 0.12, 0.14), (0.12, 0.20, 0.55), (0.10, 0.40, 0.25), (0.35, 0.15, 0.45))
PENS: tuple[Color, ...] = ((0.05, 0.08, 0.35), (0.05, 0.05, 0.08), (0.10, 0.20, 0.55))
FINE = 4
"""Pixels per point at which the outline of a signature is found."""
ENCLOSED = 5.0
"""Points: gaps between the strokes of a signature up to so wide belong to it. A mask of bare strokes would be thinner
than the places of a 64 x 64 grid."""


def draw_stamp(sheet: Sheet, center: tuple[float, float], lines: Sequence[str], random: Random) -> Box:
    """Stamp one to three lines of text in a tilted frame, ring or oval; return the box."""
    ink, tilt = random.choice(INKS), random.uniform(-18, 18)
    size = random.uniform(9, 14)
    styles = [Style("hebo" if index == 0 else "helv", size * (1 if index == 0 else 0.72), ink) for index in range(3)]
    width = max(style.width(text) for style, text in zip(styles, lines, strict=False))
    height = sum(style.size * 1.3 for style, _ in zip(styles, lines, strict=False))
    written, y = [], center[1] - height / 2
    for style, text in zip(styles, lines, strict=False):
        y += style.size * 1.3
        start = center[0] - style.width(text) / 2, y - style.size * 0.35
        written.append(sheet.write_words(text.split(), start, style, pivot=center, tilt=tilt))
    form, pen = random.choice(("frame", "ring", "oval")), random.uniform(1.2, 2.4)
    if form == "frame":
        half = width / 2 + size * 0.6, height / 2 + size * 0.4
        corners: Polygon = tuple((x * half[0], y * half[1]) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
    else:
        radius = (width / 2 + size * 0.5) * (1.12 if form == "ring" else 1.0)
        down = radius if form == "ring" else height / 2 + size * 1.1
        corners = tuple((radius * cos(pi * k / 32), down * sin(pi * k / 32)) for k in range(64))
    outline = _turned(corners, center, tilt)
    sheet.canvas.draw_polyline([*outline, outline[0]], color=ink, width=pen, closePath=True)
    if form != "frame" and random.random() < 0.7:
        inner = _turned(tuple((x * 0.9, y * 0.9) for x, y in corners), center, tilt)
        sheet.canvas.draw_polyline([*inner, inner[0]], color=ink, width=pen * 0.5, closePath=True)
    outer = swollen(outline, pen / 2)
    sheet.region("picture", written, Box.around(outer))
    sheet.thing("stamp", [outer], " ".join(lines))
    return Box.around(outer)


def draw_signature(sheet: Sheet, box: Box, random: Random) -> Box:
    """Sign inside `box` with one or two strokes of a pen; return the box of what is inked."""
    strokes = [_scrawl(box, random)]
    if random.random() < 0.6:  # a line below, drawn back and forth
        y = box.bottom - box.height * random.uniform(0.02, 0.2)
        tail = [(box.left + box.width * k / 20, y + box.height * 0.06 * sin(k * 0.7)) for k in range(2, 20)]
        strokes.append(tail)
    pen, ink = random.uniform(0.7, 1.5), random.choice(PENS)
    for stroke in strokes:
        sheet.canvas.draw_polyline(stroke, color=ink, width=pen, lineCap=1, lineJoin=1)
    outline = _inked(strokes, pen)
    sheet.thing("signature", outline)
    covered = Box.around(point for part in outline for point in part)
    sheet.region("picture", box=covered)
    return covered


def draw_logo(sheet: Sheet, box: Box, text: str, random: Random) -> None:
    """Draw a coloured shape as large as `box` with one or two letters, or a pattern, in it."""
    color: Color = (random.uniform(0.05, 0.6), random.uniform(0.05, 0.5), random.uniform(0.1, 0.6))
    sides = random.choice((3, 4, 5, 6, 8, 64))
    (x, y), turn = box.center, random.choice((0.0, 0.5))
    corners = [
        (x + box.width / 2 * sin(2 * pi * (k + turn) / sides), y - box.height / 2 * cos(2 * pi * (k + turn) / sides))
        for k in range(sides)
    ]
    sheet.canvas.draw_polyline([*corners, corners[0]], color=color, fill=color, width=0.2, closePath=True)
    light: Color = (0.98, 0.98, 0.95)
    lines = []
    if text and sides > 3:
        style = Style("hebo", box.height * (0.42 if len(text) == 1 else 0.3), light)
        lines.append(sheet.write(x, y + style.size * 0.36, text, style, align="center"))
    else:
        sheet.canvas.draw_circle((x, y + box.height * 0.08), box.height * 0.16, color=light, width=box.height * 0.06)
    sheet.region("picture", lines, Box.around(corners))
    sheet.thing("logo", [tuple(corners)], text)


def draw_barcode(sheet: Sheet, box: Box, random: Random) -> str:
    """Draw a bar code with its digits below; return them."""
    digits = "".join(random.choice("0123456789") for _ in range(12))
    bars = Box(box.left, box.top, box.right, box.bottom - 9)
    unit = bars.width / 95  # modules of an EAN-13
    x = bars.left
    while x < bars.right - unit:
        wide = min(unit * random.choice((1, 1, 2, 3)), bars.right - x)
        sheet.fill(Box(x, bars.top, x + wide, bars.bottom), (0.0, 0.0, 0.0))
        x += wide + unit * random.choice((1, 1, 2, 3))
    line = sheet.write(bars.center[0], box.bottom - 1, digits, Style("cour", 8.0), align="center")
    sheet.region("picture", [line], box)
    sheet.thing("barcode", around(bars), digits)
    return digits


def draw_photo(sheet: Sheet, box: Box, random: Random) -> None:
    """Draw a photograph of hills under a sky, or of things on a table, with grain."""
    rng = np.random.default_rng(random.randrange(1 << 32))
    width, height = 240, max(round(240 * box.height / box.width), 24)
    tones = np.linspace(0, 1, height)[:, None, None]
    sky, ground = rng.uniform(110, 245, 3), rng.uniform(60, 200, 3)
    pixels = np.broadcast_to(sky * (1 - tones) + ground * tones, (height, width, 3)).astype(np.float32).copy()
    for layer in range(random.randint(2, 4)):
        level = height * (0.4 + 0.17 * layer)
        x = np.arange(width)
        waves = [np.sin(order * x / width * 6.3 + rng.uniform(0, 6.3)) / order for order in (1, 2, 4)]
        ridge = level + height * 0.09 * np.sum(waves, axis=0)
        below = np.arange(height)[:, None] > ridge[None, :]
        pixels[below] = rng.uniform(20, 170, 3)
    for _ in range(random.randint(1, 4)):
        middle = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        cv2.circle(pixels, middle, int(rng.uniform(5, height / 5)), rng.uniform(30, 250, 3).tolist(), -1, cv2.LINE_AA)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 1.2) + rng.normal(0, 7, (height, width, 1)).astype(np.float32)
    _, data = cv2.imencode(".png", np.clip(pixels, 0, 255).astype(np.uint8))
    sheet.canvas.insert_image(pymupdf.Rect(*box.as_list()), stream=data.tobytes(), keep_proportion=False)
    sheet.region("picture", box=box)
    sheet.thing("photo", around(box))


def _scrawl(box: Box, random: Random) -> list[tuple[float, float]]:
    """Return a stroke as of a name: a tall first letter, then loops that get smaller."""
    letters, lean = random.randint(4, 9), random.uniform(0.1, 0.5)
    points, steps = [], 14
    phase, loop = random.uniform(0, 2 * pi), random.uniform(0.5, 1.1)
    heights = [1.0, *(random.choice((0.3, 0.35, 0.45, 0.9)) * (1 - 0.4 * k / letters) for k in range(1, letters))]
    for letter, tall in enumerate(heights):
        for step in range(steps):
            t = letter + step / steps
            angle = 2 * pi * step / steps + phase
            y = box.bottom - box.height * (0.12 + 0.42 * tall * (1 - cos(angle)))
            x = box.left + box.width * 0.92 * (t / letters) + box.width / letters * loop * 0.5 * sin(angle)
            points.append((x + lean * (box.bottom - y), y))
    over = max(x for x, _ in points) - box.right
    return [(x - over * (x - box.left) / box.width if over > 0 else x, y) for x, y in points]


def _inked(strokes: Sequence[Sequence[tuple[float, float]]], pen: float) -> list[Polygon]:
    """Return the outlines of strokes whose gaps are closed (see ENCLOSED)."""
    room = ENCLOSED + pen
    around_all = Box.around(point for stroke in strokes for point in stroke).grown(room)
    size = round(around_all.height * FINE), round(around_all.width * FINE)
    sheet = np.zeros(size, np.uint8)
    for stroke in strokes:
        points = [((x - around_all.left) * FINE, (y - around_all.top) * FINE) for x, y in stroke]
        cv2.polylines(sheet, [np.rint(points).astype(np.int32)], False, 1, max(round(pen * FINE), 1))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(ENCLOSED * FINE),) * 2)
    found, _ = cv2.findContours(
        cv2.morphologyEx(sheet, cv2.MORPH_CLOSE, disc), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    outlines = []
    for contour in sorted(found, key=cv2.contourArea, reverse=True):
        corners = cv2.approxPolyDP(contour, 1.0, True)[:, 0, :]
        if len(corners) > 2:
            outlines.append(
                tuple((around_all.left + x / FINE, around_all.top + y / FINE) for x, y in corners.tolist())
            )
    return outlines


def _turned(corners: Polygon, center: tuple[float, float], degrees: float) -> Polygon:
    """Return corners relative to a centre, turned clockwise about it, on the page."""
    c, s = cos(degrees * pi / 180), sin(degrees * pi / 180)
    return tuple((center[0] + c * x - s * y, center[1] + s * x + c * y) for x, y in corners)
