"""Folders of checkpoints: what is told of whole ones, and how each fault is named. No torch but to make them."""

import json
import shutil

import pytest
from paligemma_tiny import GENERATIONS

from docproc.engines.paligemma.checkpoint import check
from docproc.errors import DocprocError


@pytest.fixture
def folder(tiny_checkpoints, tmp_path):
    return shutil.copytree(tiny_checkpoints / "paligemma2", tmp_path / "copy")


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(("name", "generation"), [*zip(GENERATIONS, (1, 2), strict=True)])
def test_a_whole_checkpoint_is_described(tiny_checkpoints, name, generation):
    from transformers import PaliGemmaForConditionalGeneration

    found = check(tiny_checkpoints / name)
    model = PaliGemmaForConditionalGeneration.from_pretrained(tiny_checkpoints / name, local_files_only=True)
    assert (found.generation, found.side, found.image_tokens, found.variant) == (generation, 56, 16, "mix")
    assert found.parameters == sum(weight.numel() for weight in model.parameters())
    assert found.dtype == "F32"
    assert found.memory(width=4) > 4 * found.parameters
    assert found.memory(width=2, batch=8) > found.memory(width=2)


def test_another_checkpoint_has_another_version(tiny_checkpoints, tmp_path):
    from docproc.engines.paligemma import tiny

    tiny.build(1, tmp_path / "other", seed=1)
    assert check(tmp_path / "other").version != check(tiny_checkpoints / "paligemma").version


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("paligemma2-3b-pt-448", "pt"),
        ("paligemma-3b-mix-224", "mix"),
        ("paligemma-3b-ft-docvqa-896", "ft-docvqa"),
        ("paligemma-3b-ft-refcoco-seg-448", "ft-refcoco-seg"),
        ("paligemma2-10b-ft-docci-448", "ft-docci"),
        ("receipts", ""),
        ("adaptive-mixture", ""),
    ],
)
def test_the_variant_is_in_the_name(folder, tmp_path, name, variant):
    (folder / "docproc.json").unlink()
    assert check(folder.rename(tmp_path / name)).variant == variant


def test_the_variant_is_in_the_origin_else(folder):
    (folder / "docproc.json").unlink()
    change(folder / "config.json", _name_or_path="google/paligemma2-3b-pt-448")
    assert check(folder).variant == "pt"


def test_real_configurations_leave_out_what_is_usual(folder):
    """Those of the hub do not say 224 pixels, heads of 256 or 8,192 tokens."""
    config = json.loads((folder / "config.json").read_text())
    del config["text_config"]["max_position_embeddings"]
    (folder / "config.json").write_text(json.dumps(config))
    assert check(folder).longest == 8192


def break_config(folder):
    (folder / "config.json").write_text('{"architectures": [')


def cut_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def cut_header(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def empty_weights(folder):
    (folder / "model.safetensors").write_bytes(b"")


def pickled_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def lost_shard(folder):
    index = {"weight_map": {"language_model.model.norm.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def outside_shard(folder):
    index = {"weight_map": {"language_model.model.norm.weight": "../../../etc/passwd"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def lost_tensor(folder):
    index = {"weight_map": {"language_model.model.mine.weight": "model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def other_model(folder):
    change(folder / "config.json", architectures=["LlavaForConditionalGeneration"])


def other_decoder(folder):
    change(folder / "config.json", text_config={"model_type": "llama"})


def other_pixels(folder):
    config = json.loads((folder / "processor_config.json").read_text())
    config["image_processor"]["size"] = {"height": 448, "width": 448}
    (folder / "processor_config.json").write_text(json.dumps(config))


def other_positions(folder):
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"]["image_size"] = 224
    (folder / "config.json").write_text(json.dumps(config))
    processor = json.loads((folder / "processor_config.json").read_text())
    processor["image_processor"] |= {"size": {"height": 224, "width": 224}, "image_seq_length": 256}
    (folder / "processor_config.json").write_text(json.dumps(processor))


def plain_gemma(folder):
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("<loc", "<lac"))


def no_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def no_processor(folder):
    (folder / "processor_config.json").unlink()


def no_layers(folder):
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = "many"
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (shutil.rmtree, "no-checkpoint"),
        (break_config, "truncated"),
        (cut_weights, "truncated"),
        (cut_header, "truncated"),
        (empty_weights, "truncated"),
        (pickled_weights, "incomplete"),
        (lost_shard, "incomplete"),
        (outside_shard, "incomplete"),
        (lost_tensor, "incomplete"),
        (other_model, "wrong-architecture"),
        (other_decoder, "wrong-architecture"),
        (no_layers, "wrong-architecture"),
        (other_pixels, "wrong-resolution"),
        (other_positions, "wrong-resolution"),
        (plain_gemma, "wrong-tokenizer"),
        (no_tokenizer, "no-tokenizer"),
        (no_processor, "incomplete"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_fault_is_named(folder, fault, code):
    fault(folder)
    with pytest.raises(DocprocError) as told:
        check(folder)
    assert told.value.code == code
    assert told.value.hint
