"""Training the ranker of answers: from drawn pages to a file that answers."""

from __future__ import annotations

import numpy as np
import pytest
from learn_extra import torch  # noqa: F401  (skips where it is not installed)

from docproc.errors import Unavailable
from docproc.evaluate.answers import anls
from docproc.learn.ranker import _asked, best, figures, train
from docproc.qa.ranker import Ranker
from docproc.synth.questions import questioned_pages


def test_training_makes_answers_right_that_were_not(tmp_path):
    path = tmp_path / "ranker.npz"
    told = train(path, pages=24, held_out=6, seed=3)
    assert 0 <= told["anls"] <= 1
    trained = Ranker.load(path)
    blind = Ranker(
        **{name: getattr(trained, name) for name in Ranker.__dataclass_fields__} | {"out": trained.out * 0}
    )
    seen = [one[:3] for one in _asked(questioned_pages(3, 8, split="train"), 8, None) if one[0].answers and one[1]]

    def right(model: Ranker) -> float:
        return float(np.mean([anls(best(model, found, fitted)[0], asked.answers) for asked, found, fitted in seen]))

    assert right(trained) > right(blind) + 0.2


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
