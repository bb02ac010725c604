"""The folder of registered models: versions, names, what is told of damage."""

import json
import threading
from dataclasses import replace

import pytest

from docproc.errors import Conflict, DocprocError, Unavailable, Usage
from docproc.registry import Card, Registry
from docproc.registry.licences import GEMMA, licence_called, require
from docproc.settings import Settings

CARD = Card(name="one", kind="paligemma", source="/x", added="2026-11-21T00:00:00+00:00", side=448, tasks=("answer",))


@pytest.fixture
def registry(tmp_path):
    return Registry(Settings(data_dir=tmp_path))


def put(registry, card=CARD, text="weights"):
    with registry.staged() as staged:
        (staged / "model.bin").write_text(text)
        return registry.put(staged, card)


def added(registry):
    return [card for card in registry.cards() if card.version]


def fail(registry, key):
    with registry.staged(key) as staged:
        (staged / "half").write_text("x")
        raise OSError("disk full")


def test_what_was_put_is_found_again(registry):
    assert added(registry) == []
    card = put(registry)
    assert registry.get("one") == card == registry.locate("one").card
    assert (registry.path(card) / "model.bin").read_text() == "weights"
    assert card.version == 1
    assert len(card.files["model.bin"]) == 64
    assert registry.damaged(card) == []
    assert [path.name for path in registry.root.iterdir()] == ["one"], "nothing is left of the staging"


def test_a_later_version_is_used_once_it_is_promoted(registry):
    first, second = put(registry), put(registry, text="better")
    assert (second.version, registry.get("one")) == (2, first)
    registry.promote("one", 2)
    assert registry.get("one") == second
    assert registry.versions("one") == [first, second]
    assert (registry.current("one").version, registry.current("one").before) == (2, (1,))
    with pytest.raises(Usage, match="no version 3"):
        registry.promote("one", 3)
    assert [registry.get(f"one@{number}") for number in ("1", "2", "3", "", "../1", "-1")] == [
        first, second, None, None, None, None,
    ]  # fmt: skip
    assert registry.locate("one@1").card == first


def test_a_version_may_wait_to_be_promoted(registry):
    with registry.staged() as staged:
        (staged / "model.bin").write_text("tuned")
        tuned = registry.put(staged, CARD, promote=False)
    assert (registry.get("one"), added(registry), registry.versions("one")) == (None, [], [tuned])
    assert registry.names() == ["one"]
    with pytest.raises(Conflict, match="called one already"):
        registry.check_free("one")
    registry.promote("one", 1, why={"reason": "first"})
    assert registry.get("one") == tuned


def test_going_back_is_one_step_each_time(registry):
    for text in "abc":
        put(registry, text=text)
    registry.promote("one", 3, why={"rule": "not-worse"})
    registry.promote("one", 2)
    assert registry.rollback("one", why={"reason": "slow"}) == 3
    assert registry.rollback("one") == 1
    with pytest.raises(Usage, match="was used before"):
        registry.rollback("one")
    log = registry.current("one").log
    assert [(entry["from"], entry["version"], entry["by"]) for entry in log] == [
        (0, 1, "added"), (1, 3, "promote"), (3, 2, "promote"), (2, 3, "rollback"), (3, 1, "rollback"),
    ]  # fmt: skip
    assert (log[1]["rule"], log[3]["reason"]) == ("not-worse", "slow")


def test_an_adapter_keeps_the_weights_that_it_was_made_for(registry):
    first = put(registry, replace(CARD, weights="aa"))
    put(registry, replace(CARD, weights="bb"), text="better")
    adapter = put(registry, replace(CARD, name="mine", kind="adapter", base="one", base_weights="aa"))
    registry.promote("one", 2)
    assert registry.base_of(adapter) == first == registry.locate("mine").card


def test_versions_put_at_the_same_moment_are_all_there(registry):
    threads = [threading.Thread(target=put, args=(registry, CARD, str(number))) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = {(registry.path(card) / "model.bin").read_text() for card in registry.versions("one")}
    assert texts == set("01234567")
    assert registry.get("one").version in range(1, 9)


def test_what_fails_on_the_way_leaves_nothing(registry):
    with pytest.raises(OSError, match="disk"):
        fail(registry, "")
    assert list(registry.root.iterdir()) == []


def test_a_download_goes_on_where_it_broke_off(registry):
    with pytest.raises(OSError, match="disk"):
        fail(registry, "google/x@1")
    with registry.staged("google/x@1") as staged:
        assert (staged / "half").read_text() == "x"
    with registry.staged("google/x@2") as staged:
        assert list(staged.iterdir()) == []
    assert added(registry) == []


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", "a b", "-x", "x" * 101, ".adding-x", "ä"])
def test_names_are_plain(registry, name):
    with pytest.raises(Usage, match="no name"):
        put(registry, replace(CARD, name=name))
    assert registry.get(name) is None


def test_the_beginning_of_several_names_is_the_one_of_the_right_size(registry):
    """`--model paligemma2-3b-mix` for a task that wants so many pixels."""
    for side in (224, 448):
        put(registry, replace(CARD, name=f"mix-{side}", side=side))
    found = {side: registry.locate("mix", side=side).card.side for side in (0, 224, 300, 448, 896)}
    assert found == {0: 224, 224: 224, 300: 448, 448: 448, 896: 448}
    assert registry.locate("mix-448", side=224).card.side == 448, "a whole name is what it says"


def test_a_folder_needs_no_registration(registry, tmp_path):
    assert registry.locate(str(tmp_path)).folder == tmp_path
    put(registry)
    for unknown in ("", "two", "google/paligemma2-3b-mix-448"):
        with pytest.raises(Unavailable, match=r"there are: nano, one\."):
            registry.locate(unknown)


def test_an_adapter_is_its_base_with_it(registry):
    base = put(registry)
    adapter = put(registry, replace(CARD, name="mine", kind="adapter", base="one"))
    located = registry.locate("mine")
    assert (located.folder, located.card, located.adapter) == (registry.path(base), base, adapter)
    assert registry.adapters(base) == [adapter]
    with pytest.raises(Conflict, match="mine belong to one"):
        registry.remove("one")
    registry.remove("mine")
    registry.remove("one")
    assert added(registry) == []
    with pytest.raises(Unavailable, match="no model one"):
        registry.remove("one")


def test_a_file_that_changed_or_went_is_told(registry):
    with registry.staged() as staged:
        for name in "abc":
            (staged / name).write_text(name)
        card = registry.put(staged, CARD)
    (registry.path(card) / "a").write_text("other")
    (registry.path(card) / "b").unlink()
    assert registry.damaged(card) == ["a", "b"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', '{"kind": 3'])
def test_a_damaged_card_is_told(registry, text):
    card = put(registry)
    (registry.path(card) / "card.json").write_text(text)
    with pytest.raises(DocprocError) as told:
        registry.get("one")
    assert told.value.code == "model-damaged"


def test_a_card_of_a_later_version_can_be_read(registry):
    card = put(registry)
    path = registry.path(card) / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"new": 1}))
    assert registry.get("one") == card


def test_a_damaged_choice_is_told(registry):
    put(registry)
    (registry.root / "one" / "current.json").write_text("{")
    with pytest.raises(DocprocError, match=r"current\.json is damaged"):
        registry.get("one")


def test_a_licence_is_shown_once(registry):
    shown = []

    def accept(licence):
        shown.append(licence.text)
        return len(shown) > 1

    with pytest.raises(Usage, match="--accept-licence"):
        require(registry, GEMMA, accept)
    require(registry, GEMMA, accept)
    require(registry, GEMMA, accept)
    assert len(shown) == 2
    assert "ai.google.dev/gemma/terms" in shown[0]
    assert "prohibited_use_policy" in shown[0]


def test_only_what_asks_for_it_must_be_accepted():
    assert licence_called("gemma", gated=False, page="p") is GEMMA
    assert licence_called("apache-2.0", gated=False, page="p") is None
    assert "https://p" in licence_called("", gated=True, page="https://p").text


def test_the_name_of_the_model_that_comes_with_docproc_is_taken(registry):
    """It is found like any other, and nothing can be put over it or taken away."""
    card = registry.get("nano")
    assert registry.cards() == registry.versions("nano") == [card]
    assert (card.version, card.id, registry.names()) == (0, "nano@0", [])
    assert registry.path(card) / "model.safetensors" in set(registry.path(card).iterdir())
    for refused in (
        lambda: registry.check_free("nano"),
        lambda: put(registry, replace(CARD, name="nano")),
        lambda: registry.remove("nano"),
    ):
        with pytest.raises(Conflict, match="nano"):
            refused()
    assert (registry.path(card) / "model.safetensors").is_file()
    mine = put(registry, replace(CARD, name="mine", kind="adapter", base="nano", base_weights=card.weights))
    assert registry.locate("mine").card == card
    assert registry.adapters(card) == [mine]
    assert [one.name for one in registry.cards()] == ["mine", "nano"]
