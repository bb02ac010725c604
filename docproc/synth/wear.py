"""What happens to paper beyond a plain scan: folds, shadows, print from the back, stains, motion, salt, streaks.

Each is a few array operations: an augmentation library would bring its own OpenCV and no more than this.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.raster import POINTS_PER_INCH, Pixels

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """Damage to a page; every default means: none. Nothing moves, so the truth stays where it is.

    `folds` creases across and down; `shadow` 0-1, how dark the far side of a hand's or a book's shadow gets;
    `bleed` 0-1, how much of the print on the back shows through; `stains` rings and spots; `motion` points that the
    picture is smeared along `angle` degrees; `salt` share of pixels that are white or black; `streaks` lines along
    the page that a fax or a dirty drum leaves.
    """

    folds: int = 0
    shadow: float = 0.0
    bleed: float = 0.0
    stains: int = 0
    motion: float = 0.0
    angle: float = 0.0
    salt: float = 0.0
    streaks: int = 0

    def apply(self, pixels: Pixels, dpi: float, seed: int) -> Pixels:
        """Return uint8[H, W, 3] pixels of a page drawn at `dpi`, worn; the same seed gives the same."""
        rng = np.random.default_rng(seed)
        scale = dpi / POINTS_PER_INCH
        light = np.ones(pixels.shape[:2], np.float32)
        if self.bleed:
            light *= self._bleed(pixels, scale)
        for index in range(self.folds):
            light *= _fold(light.shape, rng, scale, across=index % 2 == 0)
        for _ in range(self.stains):
            light *= _stain(light.shape, rng, scale)
        if self.shadow:
            light *= self._shadow(light.shape, rng)
        worn = pixels.astype(np.float32) * light[..., None]
        if self.motion:
            worn = self._smeared(worn, scale)
        for _ in range(self.streaks):
            x, width = rng.integers(0, worn.shape[1]), max(round(rng.uniform(0.3, 1.0) * scale), 1)
            worn[:, x : x + width] = worn[:, x : x + width] * 0.35 + rng.choice((0.0, 255.0)) * 0.65
        result: Pixels = np.clip(worn + 0.5, 0, 255).astype(np.uint8)
        if self.salt:
            where = rng.random(result.shape[:2], dtype=np.float32)
            result[where < self.salt / 2] = 255
            result[where > 1 - self.salt / 2] = 0
        return result

    def _bleed(self, pixels: Pixels, scale: float) -> Field:
        """Return what the back lets through: another side's print, mirrored, blurred by the paper."""
        back = cv2.cvtColor(np.ascontiguousarray(pixels[::-1, ::-1]), cv2.COLOR_RGB2GRAY)[::-1]
        soft = cv2.GaussianBlur(back.astype(np.float32), (0, 0), 0.6 * scale)
        return np.asarray(1 - self.bleed * (255 - np.roll(soft, round(9 * scale), axis=0)) / 255, np.float32)

    def _shadow(self, shape: tuple[int, ...], rng: np.random.Generator) -> Field:
        """Return a shadow that falls over one side, with a soft edge at any angle."""
        height, width = shape
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
        away = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(rng.uniform(-0.4, 0.5))
        edge = 1 / (1 + np.exp(-away / np.float32(rng.uniform(0.04, 0.35))))
        return np.asarray(1 - self.shadow * edge, np.float32)

    def _smeared(self, field: Field, scale: float) -> Field:
        """Return the field smeared along a line."""
        length = self.motion * scale / 2
        half = int(np.ceil(length))
        places = np.arange(-half, half + 1)
        way, steps = np.deg2rad(self.angle), np.linspace(-length, length, 8 * half + 1)
        # each step is shared between the pixels it lies between
        rows = np.clip(1 - np.abs(places[:, None] - steps * np.sin(way)), 0, None)
        columns = np.clip(1 - np.abs(places[:, None] - steps * np.cos(way)), 0, None)
        kernel = np.asarray(rows @ columns.T, np.float32)
        return np.asarray(cv2.filter2D(field, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32)


def _fold(shape: tuple[int, ...], rng: np.random.Generator, scale: float, *, across: bool) -> Field:
    """Return a crease: a thin light line with a dark side, never quite straight."""
    length, width = shape if not across else shape[::-1]
    along = np.arange(length, dtype=np.float32)
    place = rng.choice((0.25, 1 / 3, 0.5, 2 / 3, 0.75)) * width + rng.uniform(-4, 4) * scale
    line = place + rng.uniform(-0.01, 0.01) * along + np.sin(along / (40 * scale) + rng.uniform(0, 6.3)) * 0.4 * scale
    away = np.arange(width, dtype=np.float32)[None, :] - line[:, None].astype(np.float32)
    dark = np.exp(-np.abs(away) / np.where(away > 0, 7.0 * scale, 1.2 * scale)) * rng.uniform(0.08, 0.25)
    bright = np.exp(-((away / (0.5 * scale)) ** 2)) * rng.uniform(0.0, 0.3)
    field = np.asarray(1 - dark + bright, np.float32)
    return field if not across else np.ascontiguousarray(field.T)


def _stain(shape: tuple[int, ...], rng: np.random.Generator, scale: float) -> Field:
    """Return a ring as of a cup, or a spot."""
    height, width = shape
    radius = rng.uniform(8, 60) * scale
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32(rng.uniform(0, height))
    x = np.arange(width, dtype=np.float32)[None, :] - np.float32(rng.uniform(0, width))
    away = np.sqrt(x * x + y * y * np.float32(rng.uniform(0.7, 1.4))) - np.float32(radius)
    ring = np.exp(-((away / (1.8 * scale)) ** 2)) * rng.uniform(0.05, 0.22)
    inside = (away < 0) * rng.uniform(0.0, 0.07)
    return np.asarray(1 - ring - inside, np.float32)
