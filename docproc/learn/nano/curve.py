"""The curve of a training as a picture."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image, ImageDraw

from docproc.learn.nano.trainer import CURVE

WIDTH, HEIGHT, EDGE = 900, 420, 46
LINES = (("loss", "#1f5fbf"), ("right", "#2a8a3e"), ("level", "#b8541a"))
SMOOTH = 9
"""Points that each one shown is the mean of."""


def draw(folder: Path) -> Path:
    """Write curve.png into the folder of a training: loss, share of right tokens and level over minutes."""
    points = [json.loads(line) for line in (folder / CURVE).read_text("utf-8").splitlines()]
    sheet = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(sheet)
    wide, high = WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE
    pen.line((EDGE, EDGE, EDGE, HEIGHT - EDGE, WIDTH - EDGE, HEIGHT - EDGE), fill="grey")
    minutes = max((point["seconds"] for point in points), default=60.0) / 60
    for place, (name, colour) in enumerate(LINES):
        values = [float(point[name]) for point in points]
        smooth = [
            sum(part) / len(part) for at in range(len(values)) if (part := values[max(at - SMOOTH + 1, 0) : at + 1])
        ]
        top = max(smooth, default=1.0) if name == "loss" else 1.0
        corners = [
            (EDGE + wide * point["seconds"] / 60 / minutes, HEIGHT - EDGE - high * min(value / (top or 1.0), 1.0))
            for point, value in zip(points, smooth, strict=True)
        ]
        if len(corners) > 1:
            pen.line(corners, fill=colour, width=2)
        last = f", {smooth[-1]:.3f} at last" if smooth else ""
        pen.text((EDGE + place * 260, 14), f"{name} (0 to {top:.2g}){last}", fill=colour)
    steps = points[-1]["step"] if points else 0
    pen.text((EDGE, HEIGHT - EDGE + 14), f"0 to {minutes:.0f} minutes of training, {steps} steps", fill="black")
    path = folder / "curve.png"
    sheet.save(path)
    return path
