"""`docproc caption|detect|segment|refer`: what is printed, and that boxes and masks lie on the page."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from PIL import Image
from samples import drawn_letter

from docproc import masks
from docproc.cli import run
from docproc.errors import Usage
from docproc.exports.json_reader import Node, read_finding
from docproc.geometry import Box
from docproc.ranges import page_numbers
from docproc.tasks import TASKS

HALF = "<loc0000><loc0000><loc1023><loc0512> stamp"


@pytest.fixture(name="sheet")
def a_sheet(tmp_path):
    return str(drawn_letter(tmp_path / "sheet.pdf"))


def test_a_caption_is_a_line_for_each_page(sheet, capfd):
    assert run(["caption", sheet, "--engine", "fake", "--model", "a  letter\x1b[2J"]) == 0
    assert capfd.readouterr() == ("page 1: a letter [2J\n", "")


def test_things_are_printed_with_their_boxes_and_what_made_no_sense_is_counted(sheet, capfd):
    assert run(["refer", sheet, "the stamp", "--engine", "fake", "--model", f"{HALF} ; <loc0001>"]) == 0
    out, err = capfd.readouterr()
    assert out == "page 1: stamp [0, 0, 297.83, 842] 0.90\n"
    assert "1 objects made no sense" in err


def test_json_holds_everything_that_was_found(sheet, capfd):
    assert run(["detect", sheet, "stamp", "--engine", "fake", "--model", HALF, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["task"], told["engine"], told["invalid"], told["problems"]) == ("detect", "fake 1", 0, [])
    assert told["findings"]
    for value in told["findings"]:
        finding = read_finding(Node(value))
        assert (finding.label, finding.prompt, finding.page) == ("stamp", "detect stamp", 1)
        assert finding.box.clipped(Box(0, 0, 595, 842)) == finding.box


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["detect", "x", "--engine", "fake", "--model", "m", "--pages", "2"], 2, "the document has 1"),
        (["detect", "x", "--engine", "nothing", "--model", "m"], 2, "no engine called"),
        (["detect", " ; ", "--engine", "fake", "--model", "m"], 2, "names of things"),
        (["detect", "<image>", "--engine", "fake", "--model", "m"], 2, "Special tokens"),
        (["detect", "x" * 10_000, "--engine", "fake", "--model", "m"], 2, "10,000 characters"),
        (["segment", "x", "--engine", "fake", "--model", "m"], 1, "vae-oid.npz"),
        (["caption", "--engine", "fake", "--model", "m", "--language", "xx"], 2, "Languages: ar"),
        (["caption", "--engine", "fake"], 1, "DOCPROC_VISION_MODEL"),
    ],
)
def test_what_cannot_be_done_says_why(arguments, code, said, sheet, capfd):
    task, *rest = arguments
    assert run([task, sheet, *rest]) == code
    assert said in capfd.readouterr().err


def test_what_is_no_file_is_rejected(tmp_path, capfd):
    (tmp_path / "x.pdf").write_bytes(b"nothing")
    assert run(["caption", str(tmp_path / "x.pdf"), "--engine", "fake", "--model", "m"]) == 4
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("text", "numbers"), [("", [1, 2, 3, 4]), ("2", [2]), ("1,3-4, 3", [1, 3, 4])])
def test_pages_are_numbers_and_ranges(text, numbers):
    assert page_numbers(text, 4) == numbers


@pytest.mark.parametrize("text", ["0", "5", "3-9", "4-2", "-1", "x", "1,,2", "²", "1-2-3"])
def test_other_pages_are_refused(text):
    with pytest.raises(Usage):
        page_numbers(text, 4)


@pytest.fixture(name="tiny", scope="module")
def tiny_checkpoints(tmp_path_factory):
    if not (importlib.util.find_spec("torch") and importlib.util.find_spec("transformers")):
        pytest.skip("the extra `paligemma` (torch, transformers) is not installed")
    from docproc.engines.paligemma import tiny

    folder = tmp_path_factory.mktemp("tiny")
    tiny.write(folder)
    return folder


@pytest.mark.parametrize("task", ["caption", "detect", "segment", "refer"])
def test_a_tiny_model_puts_its_nonsense_on_the_page(tiny, task, tmp_path, capfd):
    Image.new("RGB", (50, 40), "white").save(
        tmp_path / "page.png", dpi=(150, 150)
    )  # seen in one view; its page is A4
    thing = [] if task == "caption" else ["stamp"]
    code = run([task, str(tmp_path / "page.png"), *thing, "--model", str(tiny / "paligemma"), "--json"])
    told = json.loads(capfd.readouterr().out)
    assert code == 0
    for value in told["findings"]:
        finding = read_finding(Node(value))
        assert finding.box is None or finding.box.clipped(Box(0, 0, 842, 842)) == finding.box
        assert finding.mask is None or finding.mask.box == finding.box
        assert finding.mask is None or masks.to_grid(finding.mask).any()


def test_masks_lie_on_the_pages_of_the_example(tiny, capfd):
    """Boxes inside the page, masks inside the boxes, from a model that writes nothing else."""
    report = str(Path(__file__).parents[1] / "examples" / "report.pdf")
    code = run(["segment", report, "stamp", "--model", str(tiny / "paligemma-things"), "--pages", "1", "--json"])
    told = json.loads(capfd.readouterr().out)
    assert (code, told["invalid"], told["unfinished"]) == (0, 0, 0)
    assert told["findings"]
    for value in told["findings"]:
        finding = read_finding(Node(value))
        assert finding.label == "stamp"
        assert finding.box.area > 0
        assert finding.box.clipped(Box(0, 0, 595.28, 841.89)) == finding.box
        assert finding.mask.box == finding.box
        assert masks.to_grid(finding.mask).any()
        assert finding.polygon


@pytest.mark.parametrize("task", [*TASKS])
def test_any_task_can_be_asked_by_its_name(sheet, task, capfd):
    """New tasks need no command of their own. The engine is told what a chat model is asked."""
    thing = ["a stamp"] if TASKS[task].needs else []
    code = run(["prompt", task, sheet, *thing, "--engine", "fake", "--model", HALF, "--json"])
    out, err = capfd.readouterr()
    if task == "segment":
        assert (code, "vae-oid.npz" in err) == (1, True)
    elif code == 2:
        assert "was not trained for" in err
    else:
        assert (code, json.loads(out)["task"]) == (0, task)


def test_a_task_that_needs_words_says_so(sheet, capfd):
    assert run(["prompt", "answer", sheet, "--engine", "fake", "--model", "x"]) == 2
    assert "needs words" in capfd.readouterr().err
    assert run(["prompt", "dance", sheet, "--model", "x"]) == 2
