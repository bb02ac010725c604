"""What a scanner does to a page: skew, blur, noise, paper, folds, JPEG, fax. Deterministic by seed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from docproc.document import Page
from docproc.raster import PageImage, Pixels
from docproc.synth.move import Affine, move_page, skewing, turned_size, turning
from docproc.synth.wear import Field, Wear


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """How a page is scanned; every default means: not at all.

    `skew` degrees clockwise and `turn` 0, 90, 180 or 270 degrees clockwise as the file shows it; `blur` sigma
    in points; `noise` standard deviation of grey levels; `paper` colour of white (0-255 RGB); `ink` 0-1, the
    contrast that is left; `shade` 0-1, how dark folds and edges get; `jpeg` quality 1-100, 0 for none; `fax`
    makes it black and white; `wear` is what happened to the paper.
    """

    skew: float = 0.0
    turn: int = 0
    blur: float = 0.0
    noise: float = 0.0
    paper: tuple[int, int, int] = (255, 255, 255)
    ink: float = 1.0
    shade: float = 0.0
    jpeg: int = 0
    fax: bool = False
    wear: Wear | None = None

    def apply(self, image: PageImage, page: Page, seed: int) -> tuple[PageImage, Page]:
        """Return the scanned image and the truth where the scan shows it."""
        rng = np.random.default_rng(seed)
        pixels, page = self._skewed(image, page)
        field = pixels.astype(np.float32)
        if self.blur:
            field = cv2.GaussianBlur(field, (0, 0), self.blur * image.scale)
        field = 255 - (255 - field) * self.ink
        field *= np.array(self.paper, np.float32) / 255
        if self.shade:
            field *= self._shadow(field.shape[:2], rng)[..., None]
        if self.noise:
            # Grey noise, a little coarser than the pixels, as after a scanner's own sharpening.
            grain = rng.standard_normal(field.shape[:2], dtype=np.float32)
            field += cv2.GaussianBlur(grain, (0, 0), 0.6)[..., None] * self.noise * 2
        pixels = np.clip(field + 0.5, 0, 255).astype(np.uint8)
        if self.wear:
            pixels = self.wear.apply(pixels, image.dpi, seed)
        return self._turned(self._stored(pixels), image, page)

    def affine(self, size: tuple[float, float]) -> Affine:
        """Return the map from points of a page of `size` (width, height) to points of its scan."""
        square = np.array([[0.0, 0.0, 1.0]])
        turned = np.vstack([turning(self.turn, size), square])
        return np.asarray((turned @ np.vstack([skewing(self.skew, size), square]))[:2], np.float64)

    def _skewed(self, image: PageImage, page: Page) -> tuple[Pixels, Page]:
        if not self.skew:
            return image.pixels, page
        size = (page.width, page.height)
        affine = skewing(self.skew, size)
        to_pixels = affine.copy()
        to_pixels[:, 2] *= image.scale
        pixels = cv2.warpAffine(
            image.pixels,
            to_pixels,
            (image.width, image.height),
            flags=cv2.INTER_AREA,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255, 255, 255),
        )
        return pixels.astype(np.uint8), move_page(page, affine, size)

    def _shadow(self, shape: tuple[int, int], rng: np.random.Generator) -> Field:
        """Return float32[H, W] factors: two folds, each dark on one side, and a darker edge."""
        height, width = shape
        y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
        dark = np.zeros(shape, np.float32)
        for fold in (1 / 3, 2 / 3):
            away = y - fold - rng.uniform(-0.01, 0.01) - rng.uniform(-0.01, 0.01) * x
            dark += np.exp(-np.abs(away) / np.where(away > 0, 0.012, 0.003)) * rng.uniform(0.4, 0.8)
        dark += np.exp(-x / 0.02) * 0.8 + np.exp((x - 1) / 0.06) * 0.4
        return np.asarray(1 - self.shade * np.clip(dark, 0, 1), np.float32)

    def _stored(self, pixels: Pixels) -> Pixels:
        if self.fax:
            grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
            _, black = cv2.threshold(grey, 160, 255, cv2.THRESH_BINARY)
            return np.repeat(black[..., None], 3, axis=2).astype(np.uint8)
        if self.jpeg:
            return decoded(encoded(pixels, self.jpeg))
        return pixels

    def _turned(self, pixels: Pixels, image: PageImage, page: Page) -> tuple[PageImage, Page]:
        size = (page.width, page.height)
        pixels = np.ascontiguousarray(np.rot90(pixels, -self.turn // 90))
        page = move_page(page, turning(self.turn, size), turned_size(self.turn, size))
        return PageImage(pixels, image.dpi), page


def encoded(pixels: Pixels, quality: int) -> bytes:
    """Return `pixels` as JPEG bytes."""
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def decoded(data: bytes) -> Pixels:
    """Return the pixels, uint8[H, W, 3] RGB, of a JPEG."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(bgr, np.uint8)[..., ::-1])
