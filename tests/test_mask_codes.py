"""Masks as code words: against the encoder that made the weights, in big_vision's own file, and in both trainings."""

from importlib import import_module
from random import Random

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("peft", reason="the extra `paligemma` is not installed")

from docproc.engines.paligemma.seg import MaskDecoder  # noqa: E402
from docproc.errors import Usage  # noqa: E402
from docproc.learn.dataset import Example, keep_masks, write  # noqa: E402
from docproc.learn.mask_codes import BESIDE, encoder_of  # noqa: E402
from docproc.learn.nano import shapes, vqvae  # noqa: E402
from docproc.learn.tune.request import Request  # noqa: E402
from docproc.learn.tune.rows import rows_of  # noqa: E402
from docproc.registry import Registry  # noqa: E402
from docproc.settings import Settings  # noqa: E402
from docproc.tasks.grammar import Trained  # noqa: E402
from docproc.vision import masks_of  # noqa: E402

pytestmark = pytest.mark.slow

BOX = "<loc0100><loc0100><loc0900><loc0900>"


@pytest.fixture(scope="module")
def masks():
    random = Random(3)  # noqa: S311
    return np.stack([shapes.mask(random) for _ in range(24)])


@pytest.fixture(scope="module")
def random_weights():
    """Networks with random weights, and a code book of what the encoder says of other masks."""
    torch.manual_seed(5)
    down, random = vqvae.encoder().eval(), Random(4)  # noqa: S311
    others = torch.from_numpy(np.stack([shapes.mask(random) for _ in range(40)]))[:, None].float() * 2 - 1
    with torch.no_grad():
        said = down(others).permute(0, 2, 3, 1).reshape(-1, 512)
    return down, vqvae.decoder().eval(), said[torch.randperm(len(said))[:128]]


def official(path, down, up, book):
    """Write a file as big_vision has it: both networks and the code book."""
    vqvae.write(path, up, book)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["_vq_vae._embedding"] = book.numpy()
    np.savez(path, **arrays, **{f"encoder.{name}": one.numpy() for name, one in down.state_dict().items()})


def test_codes_are_those_of_the_network_that_was_trained(masks, random_weights, tmp_path):
    down, up, book = random_weights
    official(tmp_path / "vae-oid.npz", down, up, book)
    expected = vqvae.words(down, book, masks)
    assert len(np.unique(expected)) > 5, "or anything would be equal"
    assert np.array_equal(encoder_of(tmp_path / "vae-oid.npz")(masks > 0), expected)
    assert encoder_of(tmp_path / "vae-oid.npz")(masks[:0] > 0).shape == (0, 16)


def test_the_encoder_beside_a_decoder_is_the_one(masks, random_weights, tmp_path):
    down, up, book = random_weights
    vqvae.write(tmp_path / "vae-oid.npz", up, book)
    assert encoder_of(tmp_path / "vae-oid.npz") is None, "a decoder alone"
    assert encoder_of(None) is None
    vqvae.write_encoder(tmp_path / BESIDE, down.half().float(), book.half().float())
    assert np.array_equal(
        encoder_of(tmp_path / "vae-oid.npz")(masks > 0), vqvae.words(down, book.half().float(), masks)
    )


def test_what_is_no_encoder_says_so(random_weights, tmp_path):
    path = tmp_path / "vae-oid.npz"
    official(path, *random_weights)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **{name: one for name, one in arrays.items() if name != "encoder.9.net.2.bias"})
    with pytest.raises(Usage, match=r"encoder\.9\.net\.2\.bias is not there"):
        encoder_of(path)
    np.savez(path, **arrays | {"_vq_vae._embedding": np.zeros((128, 7))})
    with pytest.raises(Usage, match="code book"):
        encoder_of(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(Usage, match="damaged"):
        encoder_of(path)
    (tmp_path / BESIDE).write_bytes(b"no tensors")
    with pytest.raises(Usage, match="damaged"):
        encoder_of(path)


@pytest.fixture
def nano(tmp_path):
    settings = Settings(data_dir=tmp_path / "kept", threads=1)
    registry = Registry(settings)
    return settings, masks_of(registry, registry.path(registry.get("nano")))


def test_what_the_built_in_model_codes_its_decoder_draws(masks, nano):
    _, decoder = nano
    drawn = MaskDecoder(decoder)(encoder_of(decoder)(masks > 0)) > 0
    both, either = (drawn & (masks > 0)).sum((1, 2)), (drawn | (masks > 0)).sum((1, 2))
    assert (both / either).mean() > 0.75


def stamps(folder, masks):
    """Write a dataset whose one example has a picture and the masks of two stamps."""
    folder.mkdir()
    Image.new("RGB", (160, 160), "white").save(folder / "sheet.png")
    one = Example(
        image=folder / "sheet.png", prefix="segment stamp", suffix=f"{BOX} stamp ; {BOX} stamp", task="segment",
        document="1", masks=keep_masks(folder / "data", masks[:2] > 0),
    )  # fmt: skip
    write(folder / "data", {"train": [one]})
    return one


@pytest.mark.parametrize("framework", ["tune", "jax"])
def test_masks_are_learnt_as_the_codes_of_the_model(masks, nano, tmp_path, framework):
    pytest.importorskip("torch" if framework == "tune" else "jax")
    settings, _ = nano
    stamps(tmp_path / "own", masks)
    request = Request(
        folder=tmp_path / "own" / "data", model="nano", name="mine", device="cpu",
        said={"steps": 1, "batch": 1, "longest": 200, "rehearse": 0.0},
    )  # fmt: skip
    notes: list[str] = []
    card = import_module(f"docproc.learn.{framework}.run").finetune(request, settings, notes.append)
    assert card.about["figures"]["examples"] == 1
    assert [note for note in notes if "masks" in note] == []


def test_a_row_has_the_codes_behind_each_box(masks, nano, tmp_path):
    from docproc.engines.paligemma.loading import load

    _, decoder = nano
    example, encode = stamps(tmp_path / "own", masks), encoder_of(decoder)
    loaded = load(decoder.parent, device="cpu")
    (row,) = rows_of([example], loaded, Trained("nano"), 200, masks=encode).rows
    codes = ["".join(f"<seg{code:03}>" for code in some) for some in encode(masks[:2] > 0)]
    written = loaded.tokenizer.decode(row.suffix[:-1]).replace(" ", "")
    assert written == " ; ".join(f"{BOX}{some} stamp" for some in codes).replace(" ", "")
    without = rows_of([example], loaded, Trained("nano"), 200)
    assert not without.rows
    assert "1 examples of masks are left out" in without.notes[0]
