"""Scans at random, from hardly worn to badly: what models are trained to see through."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from docproc.synth.kinds import Drawn
from docproc.synth.scan import Scan
from docproc.synth.wear import Wear


def any_scan(random: Random) -> Scan:
    """Return a scan as offices, telephones and fax machines make them: one in four hardly worn, one in ten badly."""
    level = random.choices((0.15, 0.5, 1.0), (4, 9, 3))[0]
    chance = random.random
    wear = Wear(
        folds=random.choice((1, 2, 3)) if chance() < 0.3 * level else 0,
        shadow=random.uniform(0.1, 0.5) * level if chance() < 0.4 * level else 0.0,
        bleed=random.uniform(0.05, 0.3) * level if chance() < 0.35 * level else 0.0,
        stains=random.choice((1, 1, 2)) if chance() < 0.2 * level else 0,
        motion=random.uniform(0.3, 0.9) * level if chance() < 0.25 * level else 0.0,
        angle=random.uniform(0, 180),
        salt=random.uniform(0.0005, 0.008) * level if chance() < 0.3 * level else 0.0,
        streaks=random.choice((1, 2)) if chance() < 0.12 * level else 0,
    )
    fax = chance() < 0.06
    tone = random.randint(round(255 - 30 * level), 255)
    return Scan(
        skew=random.gauss(0, 1.0) * level,
        blur=random.uniform(0.05, 0.35) * (0.5 + level / 2),
        noise=random.uniform(0.5, 6.0) * level + 0.5,
        paper=(tone, max(tone - random.randint(0, 8), 0), max(tone - random.randint(0, 22), 0)),
        ink=random.uniform(1 - 0.55 * level, 1.0),
        shade=random.uniform(0, 0.15) * level if chance() < 0.3 else 0.0,
        jpeg=random.randint(round(92 - 55 * level), 95),
        fax=fax,
        wear=wear,
    )


def scanned(drawn: Drawn) -> Drawn:
    """Return the document with a scan of its own, which its kind and seed decide."""
    return replace(drawn, scan=any_scan(Random(f"worn/{drawn.kind}/{drawn.seed}")))  # noqa: S311  (no secret)
