"""The fonts of this machine that Latin text can be drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from docproc.errors import Unavailable

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
KINDS = (".ttf", ".otf")
NOT_TEXT = ("Symbol", "D050000L", "Fallback", "Math", "Emoji", "Icon", "Awesome", "Z003", "Fredoka", "Variable")
"""Parts of names of fonts that do not show Latin letters, or not so that documents are written in them."""


def find(folders: Sequence[Path] = ()) -> dict[str, tuple[Path, ...]]:
    """Return family -> files of fonts in the system's folders and `folders`; raise Unavailable when there is none."""
    found: dict[str, list[Path]] = {}
    for folder in (*FOLDERS, *folders):
        for path in sorted(path for path in folder.rglob("*") if path.suffix in KINDS):
            if any(part in path.name for part in NOT_TEXT):
                continue
            family = str(ImageFont.truetype(str(path), 10).getname()[0]).replace(" ", "")
            found.setdefault(family, []).append(path)
    if not found:
        raise Unavailable("There is no font.", hint="Install some, for example the package fonts-dejavu.")
    return {family: tuple(found[family]) for family in sorted(found)}


@lru_cache(maxsize=4096)
def sized(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """Return a font with `size` pixels per em, drawn letter after letter."""
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
