"""Engines that crash and lie, to see that only the page pays."""

import os
import random
import signal
import time
from collections.abc import Sequence

from docproc.document import Line, Word
from docproc.engines.fake import FakeEngine
from docproc.errors import EngineFailed
from docproc.geometry import Box
from docproc.raster import PageImage, Pixels


class Crashing:
    """Fails on every image."""

    name, version, whole_side, alphabet = "crashing", "1", 2600, frozenset[str]()

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        raise EngineFailed("The engine fell over.", hint="Try another one.")


class Lying:
    """Says that there is text far outside the page."""

    name, version, whole_side, alphabet = "lying", "1", 2600, frozenset[str]()

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        box = Box(-50, -50, 100_000, 100_000)
        return [[Line("", "lies", box, box.corners, 1.0, (Word("", "lies", box, box.corners, 1.0),))] for _ in images]


class Quick(FakeEngine):
    """The fake engine, able to judge as well, so that no model is loaded at all."""

    seconds = 0.05

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        time.sleep(self.seconds)
        return super().read(images)

    def upside_down(self, crops: Sequence[Pixels]) -> list[float]:
        return [0.0] * len(crops)

    def legibility(self, crops: Sequence[Pixels]) -> list[float]:
        return [1.0] * len(crops)


class Unsteady(Quick):
    """Takes 50 to 150 ms for a page."""

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        time.sleep(random.uniform(self.seconds, 3 * self.seconds))  # noqa: S311
        return super().read(images)


class Failing(Quick):
    """Says that it cannot read."""

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        raise EngineFailed("The engine fell over.", hint="Try another one.")


class Slow(Quick):
    """Takes two seconds for a page: long enough to be killed meanwhile."""

    seconds = 2.0


class Hanging(Quick):
    """Never comes back from a page."""

    seconds = 3600.0


class Poisoned(Quick):
    """Kills its process on a page that is wider than high, as a bug in native code would."""

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        if images[0].box.width > images[0].box.height:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(images)


class Hungry(Quick):
    """Takes a gigabyte and more, and keeps it for a while."""

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        taken = b"x" * 1_500_000_000
        time.sleep(30)
        return [[] for _ in images if taken]


MISBEHAVING = {
    "rapid": "misbehaving:Quick",
    "failing": "misbehaving:Failing",
    "unsteady": "misbehaving:Unsteady",
    "slow": "misbehaving:Slow",
    "hanging": "misbehaving:Hanging",
    "poisoned": "misbehaving:Poisoned",
    "hungry": "misbehaving:Hungry",
}
"""Name -> `module:class`, as in `docproc.engines.ENGINES`."""
