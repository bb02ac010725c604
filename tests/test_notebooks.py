"""The notebooks run from top to bottom: the short one always, all of them where DOCPROC_TEST_NOTEBOOKS is set."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("torch", reason="the extra `paligemma` is not installed")
nbformat = pytest.importorskip("nbformat", reason="the extra `test` is not installed")

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
RUN = [path for path in NOTEBOOKS if path.stem == "inference" or os.environ.get("DOCPROC_TEST_NOTEBOOKS")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_whole_and_holds_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []
    assert cells[0].source.startswith("MODEL = "), "the one line that is changed comes first"
    assert path.stat().st_size < 20_000
    for cell in cells:
        compile(cell.source, path.name, "exec")


def test_there_is_one_for_each_thing_to_learn():
    assert [path.stem for path in NOTEBOOKS] == ["evaluation", "finetune_jax", "finetune_pytorch", "inference"]
    readme = (NOTEBOOKS[0].parents[1] / "README.md").read_text("utf-8")
    assert all(f"notebooks/{path.name}" in readme for path in NOTEBOOKS)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    shutil.copy(path, tmp_path)
    alone = {"IPYTHONDIR": str(tmp_path / "ipython"), "DOCPROC_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from nbclient.cli import main; main()", "--inplace", "--timeout=1200", path.name],
        cwd=tmp_path, env=os.environ | alone, capture_output=True, text=True,
        timeout=1700, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    cells = [cell for cell in nbformat.read(tmp_path / path.name, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert any(cell.outputs for cell in cells[-2:])
