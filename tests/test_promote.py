"""Promoting a version when it is not worse, going back, and processes that take it up while they run."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import ClassVar

import pytest
from PIL import Image

from docproc import promoted, vision
from docproc.cli import run
from docproc.engines import Generation
from docproc.errors import Unavailable, Usage
from docproc.evaluate.compare import Row
from docproc.evaluate.rules import objections
from docproc.learn.dataset import Example, write
from docproc.promoted import Promoted
from docproc.registry import Card, Registry
from docproc.settings import Settings
from docproc.tasks.pages import Model

pytestmark = pytest.mark.slow

CARD = Card(name="m", kind="paligemma", source="/x", added="2026-11-21T00:00:00+00:00", side=448, variant="mix")


def put(registry, text, **changes):
    with registry.staged() as staged:
        (staged / "text").write_text(text)
        return registry.put(staged, replace(CARD, **changes), promote=changes.get("version", 1) == 1)


class Parrot:
    """An engine that says what lies in the folder of its model: a small real one, where weights say nothing."""

    name, side, variant = "parrot", 448, "mix"
    loaded: ClassVar[list[str]] = []
    closed: ClassVar[list[str]] = []

    def __init__(self, settings, model):
        folder = Registry(settings).locate(model).folder
        self.text, self.version = (folder / "text").read_text(), model
        if self.text == "broken":
            raise Unavailable("The weights are not whole.", hint="Copy them.")
        Parrot.loaded.append(model)

    def generate(self, requests):
        return [Generation(self.text) for _ in requests]

    def close(self):
        Parrot.closed.append(self.version)


@pytest.fixture(name="home")
def a_data_folder(tmp_path, monkeypatch):
    """Three versions of the model `m`; the first is in use."""
    monkeypatch.setenv("DOCPROC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(vision, "load_vision", lambda _, settings, model: Parrot(settings, model))
    Parrot.loaded, Parrot.closed = [], []
    settings = Settings.from_environment()
    settings = replace(settings, vision_model="m")
    registry = Registry(settings)
    for text in ("yes", "no", "broken"):
        put(registry, text)
    return settings, registry


@pytest.fixture(name="dataset")
def a_dataset(tmp_path):
    """Ten documents whose right answer is "yes", and one where it is "no"."""
    Image.new("RGB", (20, 20), "white").save(tmp_path / "x.png")
    made = [
        Example(
            image=tmp_path / "x.png", prefix="answer en ?", suffix="yes" if at else "no", task="answer",
            document=str(at), kind="letter",
        )
        for at in range(11)
    ]  # fmt: skip
    write(tmp_path / "set", {"test": made})
    return tmp_path / "set"


def row(figure, difference, low, high, *, kind=""):
    return Row("task", kind, figure, 50, 50, 0.5, 0.5 + difference, difference, low, high)


@pytest.mark.parametrize(
    ("rule", "figures", "said"),
    [
        ("not-worse", [("anls", 0.0, -0.1, 0.1)], []),
        ("not-worse", [("anls", -0.02, -0.1, 0.1)], []),
        ("not-worse", [("anls", -0.03, -0.1, 0.1)], ["worse by 0.030"]),
        ("not-worse", [("anls", -0.01, -0.015, -0.005)], ["surely so"]),
        ("not-worse", [("cer", 0.03, -0.1, 0.1)], ["CER of task is worse by 0.030"]),
        ("not-worse", [("cer", -0.3, -0.4, -0.2), ("anls", -0.3, -0.4, -0.2)], ["ANLS of task"]),
        ("not-worse", [("anls", -0.5, None, None)], ["worse by 0.500"]),
        ("surely-not-worse", [("anls", 0.0, -0.019, 0.1)], []),
        ("surely-not-worse", [("anls", 0.1, -0.03, 0.3)], ["may be worse by 0.030"]),
        ("surely-not-worse", [("cer", -0.1, -0.3, 0.03)], ["may be worse by 0.030"]),
        ("surely-not-worse", [("anls", 0.1, None, None)], ["proves nothing"]),
        ("better", [("anls", 0.1, 0.05, 0.3), ("cer", 0.01, -0.1, 0.1)], []),
        ("better", [("anls", 0.1, -0.05, 0.3)], ["No figure is surely better"]),
        ("better", [("anls", 0.1, 0.05, 0.3), ("cer", 0.1, 0.05, 0.2)], ["CER of task"]),
    ],
)
def test_a_rule_objects_to_what_is_worse(rule, figures, said):
    found = objections([row(*one) for one in figures], rule, 0.02)
    assert len(found) == len(said)
    assert all(part in text for part, text in zip(said, found, strict=True))


def test_kinds_of_documents_are_told_and_do_not_decide():
    assert objections([row("anls", 0.1, 0, 0.2), row("anls", -0.9, -1, -0.8, kind="letter")]) == []
    with pytest.raises(Usage, match="no rule 'x'"):
        objections([], "x")


def test_a_worse_version_is_not_promoted_and_a_forced_one_says_why(home, dataset, tmp_path, capfd):
    _, registry = home
    report = tmp_path / "report.html"
    assert run(["models", "promote", "m", "--version", "2", "--on", str(dataset), "--html", str(report)]) == 1
    out, err = capfd.readouterr()
    assert "m@2 is not promoted. ANLS of answer is worse by 0.818" in err
    assert "m@1 is used as before" in err
    assert "-0.818" in out
    assert "10 worse" in report.read_text("utf-8")
    assert registry.current("m").version == 1
    assert Parrot.closed == ["m@1", "m@2"], "each leaves memory before the next"

    assert run(["models", "promote", "m", "--version", "2"]) == 2
    assert "--on DATASET" in capfd.readouterr().err
    code = run(
        ["models", "promote", "m", "--version", "2", "--on", str(dataset), "--force", "the customer asks for it"]
    )
    assert code == 0
    entry = registry.current("m").log[-1]
    assert (entry["version"], entry["from"], entry["against"]) == (2, 1, "m@1")
    assert entry["forced"] == "the customer asks for it"
    assert entry["objections"]
    assert entry["figures"][0]["difference"] == pytest.approx(-9 / 11)
    assert len(entry["on"]["sha256"]) == 64


def test_a_better_version_is_promoted_and_one_command_goes_back(home, dataset, capfd):
    _, registry = home
    registry.promote("m", 2)
    assert run(["models", "promote", "m", "--version", "1", "--on", str(dataset), "--rule", "better"]) == 0
    assert "m@1 is in use" in capfd.readouterr().out
    assert registry.get("m").version == 1
    assert run(["models", "promote", "m", "--version", "1", "--on", str(dataset)]) == 0
    assert "already" in capfd.readouterr().out
    assert run(["models", "rollback", "m", "--reason", "slow"]) == 0
    assert "m@2 is in use again, no longer m@1" in capfd.readouterr().out
    assert run(["models", "rollback", "m"]) == 0
    assert registry.get("m").version == 1
    assert run(["models", "rollback", "m"]) == 2


def test_show_tells_versions_recipe_figures_hashes_and_history(home, dataset, capfd):
    _, registry = home
    put(registry, "yes", about={"recipe": {"method": "lora", "rate": 1e-4}, "figures": {"loss": 0.5}}, weights="ab12")
    assert run(["models", "promote", "m", "--on", str(dataset)]) == 0
    capfd.readouterr()
    assert run(["models", "show", "m"]) == 0
    out = capfd.readouterr().out
    assert "m: version 4 is in use" in out
    for part in ("version 1: paligemma", "version 4, in use", "method: lora", "loss: 0.5", "weights: ab12", "1 -> 4"):
        assert part in out
    assert registry.get("m").files["text"] in out
    assert "anls 0.909 -> 0.909" in out
    assert run(["models", "show", "m@2", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["in_use"], [one["version"] for one in told["versions"]]) == (4, [2])
    assert run(["models", "list"]) == 0
    assert "version 4; " in capfd.readouterr().out
    for arguments in (["show", "no"], ["rollback", "no"], ["promote", "no"], ["show", "m@9"], ["promote", "m@9"]):
        assert run(["models", *arguments]) in (1, 2)


def test_a_first_version_has_its_base_to_beat(home, dataset, capfd):
    _, registry = home
    put(registry, "no", name="tuned", version=2, about={"base": {"model": "m"}})
    assert run(["models", "promote", "tuned", "--on", str(dataset)]) == 1
    assert "m@1 is used as before" in capfd.readouterr().err
    assert registry.get("tuned") is None
    put(registry, "yes", name="alone", version=2)
    assert run(["models", "promote", "alone"]) == 0
    assert registry.get("alone").version == 1


def said(following):
    with following.model() as model:
        return model.engine.generate([None])[0].text


def test_a_process_asks_the_version_that_is_promoted_by_then(home):
    settings, registry = home
    following = Promoted(settings)
    assert [said(following), said(following)] == ["yes", "yes"]
    registry.promote("m", 2)
    assert [said(following), said(following)] == ["no", "no"]
    assert (Parrot.loaded, Parrot.closed) == (["m@1", "m@2"], ["m@1"])
    registry.rollback("m")
    assert said(following) == "yes"


def test_a_version_that_cannot_be_loaded_leaves_the_one_before_in_use(home, caplog):
    settings, registry = home
    following = Promoted(settings)
    assert said(following) == "yes"
    registry.promote("m", 3)
    assert [said(following), said(following)] == ["yes", "yes"]
    assert caplog.text.count("m@3 cannot be used, m@1 goes on: The weights are not whole.") == 1
    assert Parrot.loaded == ["m@1", "m@1"]
    registry.promote("m", 2)
    assert said(following) == "no"
    broken = Promoted(settings)
    registry.promote("m", 3)
    with pytest.raises(Unavailable, match="not whole"):
        said(broken)


def test_who_asks_has_an_answer_before_the_weights_go(home):
    """And who comes meanwhile waits for the new ones."""
    settings, registry = home
    following = Promoted(settings)
    inside, leave, answers = threading.Event(), threading.Event(), []

    def long():
        with following.model() as model:
            inside.set()
            leave.wait(60)
            answers.append((model.engine.version, list(Parrot.closed)))

    threads = [threading.Thread(target=long)]
    threads[0].start()
    assert inside.wait(60)
    registry.promote("m", 2)
    threads += [threading.Thread(target=lambda: answers.append(said(following))) for _ in range(3)]
    for thread in threads[1:]:
        thread.start()
    time.sleep(0.3)
    assert answers == []
    leave.set()
    for thread in threads:
        thread.join(60)
    assert answers == [("m@1", []), "no", "no", "no"]
    assert Parrot.loaded == ["m@1", "m@2"]


def test_nobody_waits_for_ever_for_somebody_who_asks_long(home):
    settings, registry = home
    following = Promoted(settings, patience=0.1)
    with following.model():
        registry.promote("m", 2)
        assert said(following) == "yes", "once more the one before"
    assert said(following) == "no"


def test_other_adapters_need_no_other_weights(home, monkeypatch):
    settings, registry = home
    following = Promoted(settings)
    with following.model() as model:
        assert model.adapters == {}
    put(registry, "x", name="lora", kind="adapter", base="m", tasks=("answer",), prompts={"answer": "{thing}"})
    with following.model() as model:
        assert isinstance(model, Model)
        assert model.adapters == {"answer": "lora@1"}
        assert model.own == {"answer": "{thing}"}
    put(registry, "x", name="other", kind="adapter", base="m", tasks=("ocr",), base_weights="elsewhere")
    with following.model() as model:
        assert [*model.adapters] == ["answer"], "made for other weights"
    assert Parrot.loaded == ["m@1"]


def test_the_second_reader_follows_too(home, monkeypatch):
    from docproc.second import load_second

    settings, registry = home
    second = load_second(replace(settings, second_reader="paligemma"))
    assert isinstance(second.reader, promoted.Promoted)
    assert second.name == "parrot m@1"
    registry.promote("m", 2)
    assert second.name == "parrot m@2"
