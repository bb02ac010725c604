"""When a model may take the place of another: what its figures, beside those of the other, must not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from docproc.errors import Usage
from docproc.evaluate.compare import SURE, Row
from docproc.evaluate.examples import FIGURES

TOLERANCE = 0.02
"""How much worse a figure may be: what a fine-tune may cost elsewhere."""
DEFAULT = "not-worse"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what it asks in words, and what it objects to in the figures of all documents together."""

    help: str
    objects: Callable[[Sequence[Row], float], list[str]]


def objections(rows: Sequence[Row], rule: str = DEFAULT, tolerance: float = TOLERANCE) -> list[str]:
    """Return what a rule objects to in the figures of two models, a sentence each; nothing: the second may be used.

    Only the rows of all kinds of documents together count. Raises Usage for an unknown rule.
    """
    if rule not in RULES:
        raise Usage(f"There is no rule {rule!r}.", hint=f"Rules: {', '.join(RULES)}.")
    return RULES[rule].objects([row for row in rows if not row.kind], tolerance)


def _not_worse(rows: Sequence[Row], tolerance: float) -> list[str]:
    found = []
    for row in rows:
        gain, _, high = row.gain
        if gain < -tolerance:
            found.append(f"{_named(row)} is worse by {-gain:.3f}; {tolerance:g} is allowed.")
        elif high is not None and high < 0:
            found.append(f"{_named(row)} is worse by {-gain:.3f}, and surely so.")
    return found


def _surely_not_worse(rows: Sequence[Row], tolerance: float) -> list[str]:
    found = []
    for row in rows:
        gain, low, _ = row.gain
        if low is None:
            found.append(f"{_named(row)} was measured on one document, which proves nothing.")
        elif low < -tolerance:
            found.append(
                f"{_named(row)} may be worse by {-low:.3f} (it is {gain:+.3f} better); {tolerance:g} is allowed."
            )
    return found


def _better(rows: Sequence[Row], tolerance: float) -> list[str]:
    found = _not_worse(rows, tolerance)
    lows = [row.gain[1] for row in rows]
    return found if any(low is not None and low > 0 for low in lows) else [*found, "No figure is surely better."]


def _named(row: Row) -> str:
    return f"{FIGURES[row.figure].title} of {row.task}"


RULES: Mapping[str, Rule] = {
    "not-worse": Rule(
        f"no figure of any task is worse by more than the tolerance, and none is worse with its {SURE:g} % interval "
        "wholly on that side",
        _not_worse,
    ),
    "surely-not-worse": Rule(
        "no figure's interval reaches further down than the tolerance: small test sets fail this", _surely_not_worse
    ),
    "better": Rule("as not-worse, and the interval of at least one figure is wholly on the better side", _better),
}
