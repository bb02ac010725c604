"""`docproc parity`: engines that say the same, and others."""

from __future__ import annotations

import paligemma_tiny  # noqa: F401  (skips without the extra)
import pymupdf
import pytest

from docproc.cli import run


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.pdf"
    with pymupdf.open() as made:
        made.new_page(width=60, height=40).insert_text((5, 20), "Letter", fontsize=8)
        made.save(path)
    return str(path)


def parity(small, model, other, *more, engine="paligemma"):
    arguments = ["--model", str(model), "--other-engine", engine, "--other-model", str(other), "--tokens", "12"]
    return run(["parity", small, *arguments, *more])


def test_an_engine_agrees_with_itself(small, tiny_checkpoints, capfd):
    folder = tiny_checkpoints / "paligemma"
    assert parity(small, folder, folder) == 0
    out = capfd.readouterr().out
    assert "100.0% of" in out
    assert {"ocr", "caption", "answer", "detect"} <= {line.split()[0] for line in out.splitlines()[1:-1]}


def test_another_model_is_told_apart(small, tiny_checkpoints, capfd):
    folders = tiny_checkpoints / "paligemma", tiny_checkpoints / "paligemma2"
    assert parity(small, *folders) == 1
    assert "less than 90%" in capfd.readouterr().err
    assert parity(small, *folders, "--least", "0") == 0
    assert parity(small, folders[0], "something else", engine="fake") == 1
