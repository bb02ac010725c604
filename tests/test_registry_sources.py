"""`docproc models add`: folders, archives of big_vision, adapters, and a server that speaks as Hugging Face does."""

import json
import shutil
import socket

import numpy as np
import pytest
from hub_server import COMMIT, MEMBER, serving
from paligemma_tiny import engine_of, make_adapter, picture

from docproc.engines import Limits, VisionRequest
from docproc.errors import Conflict, DocprocError, Unavailable, Usage
from docproc.registry import Registry
from docproc.registry.sources import Wanted, add
from docproc.settings import Settings

pytestmark = pytest.mark.slow

REPO = "google/paligemma2-3b-mix-448"


@pytest.fixture
def registry(tmp_path):
    return Registry(Settings(data_dir=tmp_path / "data"))


def added(registry, source, *, accept=lambda _: True, endpoint=None, **wanted):
    return add(registry, str(source), Wanted(**wanted), accept=accept, endpoint=endpoint)


def write(model):
    return engine_of(model).generate([VisionRequest(picture(), "ocr", Limits(8))])[0].token_ids


@pytest.mark.parametrize("name", ["paligemma", "paligemma2"])
def test_a_folder_is_added_and_asked_by_its_name(registry, tiny_checkpoints, name):
    card = added(registry, tiny_checkpoints / name)
    assert (card.name, card.kind, card.variant, card.side) == (name, "paligemma", "mix", 56)
    assert card.generation == (2 if name == "paligemma2" else 1)
    assert write(registry.path(card)) == write(tiny_checkpoints / name)


def test_the_variant_survives_the_change_of_name(registry, tiny_checkpoints, tmp_path):
    """It is told by the name of the folder, which is another in the registry."""
    folder = shutil.copytree(tiny_checkpoints / "paligemma", tmp_path / "paligemma-3b-ft-docvqa-896")
    (folder / "docproc.json").unlink()
    card = added(registry, folder, name="questions")
    assert card.variant == "ft-docvqa"
    assert json.loads((registry.path(card) / "docproc.json").read_text()) == {"variant": "ft-docvqa"}
    assert not (folder / "docproc.json").exists(), "the source stays as it is"
    assert added(registry, folder, name="other", variant="pt").variant == "pt"
    assert json.loads((registry.path(card) / "docproc.json").read_text()) == {"variant": "ft-docvqa"}


def test_the_tokenizer_of_the_small_model_is_none_for_an_archive(registry, tiny_checkpoints, tmp_path):
    """It comes with docproc, and its tokens are its own."""
    path = shutil.copy(tiny_checkpoints / "paligemma.npz", tmp_path / "alone.npz")
    with pytest.raises(Unavailable) as told:
        added(registry, path, variant="mix")
    assert told.value.code == "no-tokenizer"


def test_what_happens_to_the_source_harms_nothing(registry, tiny_checkpoints, tmp_path):
    folder = shutil.copytree(tiny_checkpoints / "paligemma", tmp_path / "source")
    card = added(registry, folder)
    shutil.rmtree(folder)
    assert registry.damaged(card) == []


def test_links_of_a_cache_are_followed(registry, tiny_checkpoints, tmp_path):
    """The cache of huggingface_hub holds links to blobs."""
    folder = tmp_path / "linked"
    folder.mkdir()
    for path in (tiny_checkpoints / "paligemma").iterdir():
        (folder / path.name).symlink_to(path)
    card = added(registry, folder)
    assert not any(path.is_symlink() for path in registry.path(card).iterdir())


def test_pickles_are_left_behind(registry, tiny_checkpoints, tmp_path):
    folder = shutil.copytree(tiny_checkpoints / "paligemma", tmp_path / "source")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    assert "pytorch_model.bin" not in added(registry, folder).files


def test_an_archive_of_big_vision_is_converted(registry, tiny_checkpoints):
    """Its embedding is in bfloat16; the tokenizer is found in the folder beside it."""
    card = added(registry, tiny_checkpoints / "paligemma.npz", variant="mix")
    assert (card.name, card.kind, card.variant, card.side) == ("paligemma", "paligemma", "mix", 56)
    found = engine_of(registry.path(card))._loaded.model.state_dict()
    model = engine_of(tiny_checkpoints / "paligemma")._loaded.model.state_dict()
    assert found.keys() == model.keys()
    for name, weight in model.items():
        close = {"rtol": 2**-8} if "embed_tokens" in name or "lm_head" in name else {"rtol": 0.0, "atol": 0.0}
        assert np.allclose(found[name].float().numpy(), weight.numpy(), **close), name


def test_an_archive_needs_a_tokenizer_from_somewhere(registry, tiny_checkpoints, tmp_path):
    alone = shutil.copy(tiny_checkpoints / "paligemma.npz", tmp_path / "paligemma-3b-pt-224.f16.npz")
    with pytest.raises(Unavailable, match="--tokenizer"):
        added(registry, alone)
    assert added(registry, alone, tokenizer=tiny_checkpoints / "paligemma", name="one").variant == "pt"
    assert added(registry, alone, name="two").side == 56, "by now a registered model has one"


def test_the_decoder_of_masks_is_added(registry, tiny_checkpoints):
    assert registry.masks() is None
    card = added(registry, tiny_checkpoints / "vae-oid.npz")
    assert (card.kind, card.name) == ("masks", "vae-oid")
    assert registry.masks().read_bytes() == (tiny_checkpoints / "vae-oid.npz").read_bytes()


def truncated(source, tmp_path, tiny):
    path = tmp_path / "cut.npz"
    path.write_bytes((tiny / source).read_bytes()[:-5000])
    return path


def other_arrays(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    return tmp_path / "other.npz"


def half_masks(tmp_path):
    np.savez(tmp_path / "masks.npz", **{"_vq_vae._embedding": np.zeros((3, 3))})
    return tmp_path / "masks.npz"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _, tmp: tmp / "nowhere", "no-source"),
        (lambda *_: "no such thing", "no-source"),
        (lambda tiny, _: tiny / "paligemma" / "config.json", "wrong-source"),
        (lambda _, tmp: tmp, "incomplete"),
        (lambda tiny, tmp: truncated("paligemma.npz", tmp, tiny), "truncated"),
        (lambda tiny, tmp: truncated("vae-oid.npz", tmp, tiny), "truncated"),
        (lambda _, tmp: other_arrays(tmp), "wrong-architecture"),
        (lambda _, tmp: half_masks(tmp), "usage"),
    ],
)
def test_what_cannot_be_added_says_why_and_leaves_nothing(registry, tiny_checkpoints, tmp_path, make, code):
    with pytest.raises(DocprocError) as told:
        added(registry, make(tiny_checkpoints, tmp_path), tokenizer=tiny_checkpoints / "paligemma")
    assert told.value.code == code
    assert told.value.hint
    assert registry.names() == []
    assert not registry.root.exists() or list(registry.root.iterdir()) == []


def test_a_name_is_given_once(registry, tiny_checkpoints):
    added(registry, tiny_checkpoints / "paligemma")
    with pytest.raises(Conflict, match="--name"):
        added(registry, tiny_checkpoints / "paligemma")
    with pytest.raises(Usage, match="no variant"):
        added(registry, tiny_checkpoints / "paligemma", name="x", variant="mixed")
    with pytest.raises(Usage, match="no task"):
        added(registry, tiny_checkpoints / "paligemma", name="x", tasks=("read",))


def test_an_adapter_knows_its_base(registry, tiny_checkpoints, tmp_path):
    base = added(registry, tiny_checkpoints / "paligemma2")
    make_adapter(tmp_path / "mine", tiny_checkpoints / "paligemma2")
    card = added(registry, tmp_path / "mine", tasks=("answer",), prompts={"answer": "field: {thing}"})
    assert (card.kind, card.base, card.base_weights, card.tasks) == ("adapter", base.name, base.weights, ("answer",))
    assert card.prompts == {"answer": "field: {thing}"}
    with pytest.raises(Conflict, match="mine answers answer"):
        added(registry, tmp_path / "mine", name="again", tasks=("answer", "ocr"))


@pytest.mark.parametrize(
    ("says", "base", "code"),
    [
        ("", "paligemma", "wrong-base"),
        ("", "nothing", "no-base"),
        ("elsewhere/unknown", "", "no-base"),
    ],
)
def test_an_adapter_of_another_base_is_refused(registry, tiny_checkpoints, tmp_path, says, base, code):
    """`paligemma` has fewer layers than `paligemma2`."""
    for name in ("paligemma", "paligemma2"):
        added(registry, tiny_checkpoints / name)
    make_adapter(tmp_path / "mine", tiny_checkpoints / "paligemma2", says=says)
    with pytest.raises(DocprocError) as told:
        added(registry, tmp_path / "mine", base=base)
    assert told.value.code == code
    assert told.value.hint


def dora(folder):
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"peft_type": "PROMPT_TUNING"}))


def cut(folder):
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


def pickled(folder):
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


@pytest.mark.parametrize(("fault", "code"), [(dora, "wrong-adapter"), (cut, "truncated"), (pickled, "incomplete")])
def test_a_damaged_adapter_is_told(registry, tiny_checkpoints, tmp_path, fault, code):
    added(registry, tiny_checkpoints / "paligemma2")
    make_adapter(tmp_path / "mine", tiny_checkpoints / "paligemma2")
    fault(tmp_path / "mine")
    with pytest.raises(DocprocError) as told:
        added(registry, tmp_path / "mine")
    assert told.value.code == code


@pytest.fixture
def online(monkeypatch):
    """The client of Hugging Face as it is for a person at a terminal; nothing but the server here is asked."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setenv("HF_TOKEN", "")
    return monkeypatch


def test_a_repository_is_downloaded_once_its_licence_is_accepted(registry, tiny_checkpoints, online):
    online.setenv("HF_TOKEN", MEMBER)
    shown = []
    with serving({REPO: tiny_checkpoints / "paligemma2"}, gated=(REPO,)) as (url, asked):
        with pytest.raises(Usage, match="--accept-licence"):
            added(registry, REPO, endpoint=url, accept=lambda _: False)
        assert not any("/resolve/" in one for one in asked), "before it is accepted nothing is downloaded"
        card = added(registry, REPO, endpoint=url, accept=lambda licence: shown.append(licence.id) or True)
        added(registry, REPO, endpoint=url, accept=lambda licence: shown.append(licence.id) or True, name="again")
    assert shown == ["gemma"]
    assert (card.name, card.source, card.revision, card.licence) == (REPO.partition("/")[2], REPO, COMMIT, "gemma")
    assert card.variant == "mix"
    assert write(registry.path(card)) == write(tiny_checkpoints / "paligemma2")
    assert sorted(path.name for path in registry.root.iterdir()) == ["again", "licences.json", card.name]


def test_an_archive_in_a_repository_is_converted(registry, tiny_checkpoints, tmp_path, online):
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copy(tiny_checkpoints / "paligemma.npz", folder / "paligemma-3b-pt-224.npz")
    shutil.copy(tiny_checkpoints / "paligemma" / "tokenizer.json", folder)
    with serving({"google/paligemma-3b-pt-224-jax": folder}) as (url, _):
        card = added(registry, "google/paligemma-3b-pt-224-jax", endpoint=url)
    assert (card.variant, card.side, card.revision) == ("pt", 56, COMMIT)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((REPO, "", ""), ("not-signed-in", "hf auth login")),
        ((REPO, "hf_stranger", ""), ("licence-not-accepted", "https://huggingface.co/" + REPO)),
        (("google/paligemma3", MEMBER, ""), ("no-repository", "typing error")),
        ((REPO, MEMBER, "v9"), ("no-repository", "typing error")),
    ],
)
def test_the_failures_of_a_gated_repository_are_told_apart(registry, tiny_checkpoints, online, asked, told):
    repo, token, revision = asked
    online.setenv("HF_TOKEN", token)
    with (
        serving({REPO: tiny_checkpoints / "paligemma2"}, gated=(REPO,)) as (url, lines),
        pytest.raises(Unavailable) as raised,
    ):
        added(registry, repo, endpoint=url, revision=revision)
    code, hint = told
    assert raised.value.code == code
    assert hint in raised.value.hint
    assert not any("/resolve/" in one for one in lines)


def test_without_a_network_it_says_so(registry, online):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable) as told:
        added(registry, REPO, endpoint=f"http://127.0.0.1:{port}")
    assert told.value.code == "no-network"
    online.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE is set"):
        added(registry, REPO, endpoint=f"http://127.0.0.1:{port}")


def test_a_file_that_is_not_what_the_site_says_is_told(registry, tiny_checkpoints, online):
    with (
        serving({REPO: tiny_checkpoints / "paligemma2"}, lies=("model.safetensors",)) as (url, _),
        pytest.raises(Usage, match=r"model\.safetensors is not whole"),
    ):
        added(registry, REPO, endpoint=url)
    assert registry.names() == []
