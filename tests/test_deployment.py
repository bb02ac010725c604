"""What the container files promise: real settings, real commands, no secret of ours, not root."""

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from docproc.cli import COMMANDS
from docproc.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "docproc"}


@pytest.mark.parametrize("name", OURS)
def test_a_service_uses_settings_and_commands_that_exist(name):
    known = {variable for variable, _, _ in Settings.table()}
    assert set(OURS[name]["environment"]) <= known
    program, command, *_ = OURS[name]["command"].split()
    plugged_in = {point.name for point in entry_points(group="docproc.commands")}
    assert program == "docproc"
    assert command in {*COMMANDS, *plugged_in}


def test_no_secret_has_a_default():
    for name, service in COMPOSE["services"].items():
        for variable, value in service.get("environment", {}).items():
            for word in ("PASSWORD", "SECRET"):
                if word in variable:
                    assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name}: {variable}"


def test_the_image_does_not_run_as_root():
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    [user] = [number for number, line in enumerate(lines) if line.startswith("USER ")]
    assert lines[user] != "USER root"
    assert not any(line.startswith("RUN") for line in lines[user:])
