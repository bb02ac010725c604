"""Training the ranker of answers: from drawn pages to a file that answers."""

from __future__ import annotations

import numpy as np
import pytest
from learn_extra import torch  # noqa: F401  (skips where it is not installed)

from docproc.errors import Unavailable
from docproc.evaluate.answers import anls
from docproc.learn.judge import Case, grow
from docproc.learn.ranker import asked_about, best, figures, train
from docproc.qa import judge
from docproc.qa.ranker import Ranker
from docproc.synth.asked import Asked
from docproc.synth.questions import questioned_pages

pytestmark = pytest.mark.slow


def test_training_makes_answers_right_that_were_not(tmp_path):
    path = tmp_path / "ranker.npz"
    told = train(path, pages=24, held_out=6, seed=3)
    assert 0 <= told["anls"] <= 1
    trained = Ranker.load(path)
    blind = Ranker(
        **{name: getattr(trained, name) for name in Ranker.__dataclass_fields__} | {"out": trained.out * 0}
    )
    seen = [
        one[:3] for one in asked_about(questioned_pages(3, 8, split="train"), 8, None) if one[0].answers and one[1]
    ]

    def right(model: Ranker) -> float:
        return float(np.mean([anls(best(model, found, fitted)[0], asked.answers) for asked, found, fitted in seen]))

    assert right(trained) > right(blind) + 0.2


def test_a_judge_is_grown_on_what_tells_answers_from_none():
    pytest.importorskip("sklearn")
    dice = np.random.default_rng(1)
    rows = dice.normal(size=(300, len(judge.NAMES))).astype(np.float32)
    cases = [
        Case(Asked("?", ("yes",) if row[3] + row[5] > 0 else (), (), "text"), "yes", 1.0, row, "form") for row in rows
    ]
    grown = grow(cases, 1)
    there = [grown(case.evidence) for case in cases]
    right = [(chance > 0.5) == bool(case.asked.answers) for chance, case in zip(there, cases, strict=True)]
    assert np.mean(right) > 0.9
    kept = judge.from_arrays(grown.arrays())
    assert kept is not None
    assert kept(rows[0]) == pytest.approx(there[0], abs=1e-6)
    assert judge.from_arrays({**grown.arrays(), "judge_names": np.array(["other"])}) is None


def test_figures_tell_answers_lost_from_nothing_found_rightly():
    pages = questioned_pages(5, 6, split="train")
    asked = [one for _, some in pages for one in some]
    told = figures([(one, one.answers[0] if one.answers else "") for one in asked])
    assert (told["anls"], told["answerable lost"], told["absent found absent"], told["precision"]) == (1, 0, 1, 1)
    told = figures([(one, "") for one in asked])
    assert (told["anls of answerable"], told["answerable lost"]) == (0, 1)


def test_weights_of_another_version_are_refused_with_a_hint(tmp_path):
    np.savez(tmp_path / "other.npz", names=np.array(["x"]), limit=0.5)
    for path in (tmp_path / "other.npz", tmp_path / "missing.npz"):
        with pytest.raises(Unavailable) as caught:
            Ranker.load(path)
        assert caught.value.hint
