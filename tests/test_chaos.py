"""Everything is broken while documents are read, and nothing is lost: benchmarks/chaos.py, kept short."""

import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.mark.services
@pytest.mark.parametrize("where", ["redis", "embedded"])
def test_nothing_is_lost(tmp_path, where):
    if where == "redis" and not which("redis-server"):
        pytest.skip("Redis is not installed")
    report = tmp_path / "chaos.md"
    command = [sys.executable, "benchmarks/chaos.py", "--documents", "4", "--only", where, "--output", str(report)]
    run = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| **lost** | **0** |" in report.read_text()
