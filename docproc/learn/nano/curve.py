"""The curve of a training as a picture."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image, ImageDraw

from docproc.learn.nano.trainer import CURVE

WIDTH, HEIGHT, EDGE = 900, 420, 46
COLOURS = ("#1f5fbf", "#2a8a3e", "#b8541a", "#8a2a7a", "#7a6a10", "#0f7a80", "#444444")
SMOOTH = 9
"""Points that each one shown is the mean of."""


def draw(folder: Path) -> Path:
    """Write curve.png into a training's folder: the loss, and each task's share of right tokens, over minutes."""
    points = [json.loads(line) for line in (folder / CURVE).read_text("utf-8").splitlines()]
    sheet = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(sheet)
    wide, high = WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE
    pen.line((EDGE, EDGE, EDGE, HEIGHT - EDGE, WIDTH - EDGE, HEIGHT - EDGE), fill="grey")
    minutes = max((point["seconds"] for point in points), default=60.0) / 60
    lines = {"loss": [float(point["loss"]) for point in points]}
    for task in points[-1]["far"] if points else ():
        lines[f"{task} right"] = [float(point["far"][task][1]) for point in points]
    for place, (name, values) in enumerate(lines.items()):
        colour = COLOURS[place % len(COLOURS)]
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
        last = f", {smooth[-1]:.2f} at last" if smooth else ""
        where = (EDGE + place % 4 * 210, 8 + 16 * (place // 4))
        pen.text(where, f"{name} (0 to {top:.2g}){last}", fill=colour)
    steps = points[-1]["step"] if points else 0
    pen.text((EDGE, HEIGHT - EDGE + 14), f"0 to {minutes:.0f} minutes of training, {steps} steps", fill="black")
    path = folder / "curve.png"
    sheet.save(path)
    return path
