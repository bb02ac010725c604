"""Tiny checkpoints, and how they are computed by hand: one row, no cache, the mask drawn cell by cell."""

import importlib.util
import os

import numpy as np
import pytest

from docproc.raster import PageImage
from docproc.settings import Settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
if not (importlib.util.find_spec("torch") and importlib.util.find_spec("transformers")):
    pytest.skip("the extra `paligemma` (torch, transformers) is not installed", allow_module_level=True)

GENERATIONS = ("paligemma", "paligemma2")


def picture(seed=0, width=70, height=40):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return PageImage(pixels, 72.0)


def prompt_ids(engine, prompt):
    """The reference: what the processor of transformers makes of one image and one prompt."""
    loaded = engine._loaded
    text = "<image>" * loaded.checkpoint.image_tokens + "<bos>" + prompt + "\n"
    return loaded.tokenizer(text, add_special_tokens=False).input_ids


def by_hand(engine, image, prompt, tokens):
    """Greedy decoding without generate(), cache or token types; returns tokens and their probabilities."""
    import torch

    model = engine._loaded.model
    ids = prompt_ids(engine, prompt)
    prefix = len(ids)
    found, scores = [], []
    with torch.inference_mode():
        pixels = engine._loaded.images([image.pixels], return_tensors="pt", input_data_format="channels_last")
        features = model.get_image_features(pixels.pixel_values).pooler_output[0]
        for _ in range(tokens):
            logits = logits_by_hand(model, ids, prefix, features)
            token = int(logits.argmax())
            if token == engine._loaded.tokenizer.eos_token_id:
                break
            found.append(token)
            scores.append(float(logits.softmax(-1).max()))
            ids = [*ids, token]
    return found, scores


def logits_by_hand(model, ids, prefix, features):
    """The last logits of one row under the mask of a prefix-LM, at positions from 1."""
    import torch

    length = len(ids)
    rows, columns = torch.arange(length)[:, None], torch.arange(length)[None]
    seen = (columns < prefix) | (columns <= rows)
    mask = torch.zeros(1, 1, length, length).masked_fill(~seen, torch.finfo(torch.float32).min)
    tokens = torch.tensor(ids)
    is_image = (tokens == model.config.image_token_id) & (torch.arange(length) < prefix)
    embedded = model.get_input_embeddings()(
        torch.where(tokens < model.config.text_config.vocab_size, tokens, 0)
    ).clone()
    embedded[is_image] = features
    masks = {"full_attention": mask, "sliding_attention": mask}
    hidden = model.model.language_model(
        inputs_embeds=embedded[None],
        attention_mask=masks if model.config.text_config.model_type == "gemma2" else mask,
        position_ids=torch.arange(1, length + 1)[None],
        use_cache=False,
    ).last_hidden_state
    return model.lm_head(hidden[:, -1])[0]


def engine_of(folder, **kwargs):
    """An engine on the CPU with batches of four."""
    from docproc.engines.paligemma.engine import PaliGemmaEngine

    return PaliGemmaEngine(Settings(threads=1), folder, device="cpu", batch=4, **kwargs)


def make_adapter(folder, base, *, seed=0, projector=False, vision=False, says=None, **changes):
    """A LoRA adapter with random weights, as peft saves it; `says` is the base that it names."""
    import json
    import warnings

    import torch
    from peft import LoraConfig, get_peft_model

    from docproc.engines.paligemma.loading import load

    targets = r".*language_model.*\.(q|v|up)_proj" if not vision else r".*\.(q|v)_proj"
    torch.manual_seed(seed)
    settings = {"r": 4, "lora_alpha": 16, "target_modules": targets, "init_lora_weights": False} | changes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved = ["multi_modal_projector"] if projector else None
        model = get_peft_model(load(base, device="cpu").model, LoraConfig(modules_to_save=saved, **settings))
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if "modules_to_save" in name:
                    weight.add_(torch.randn_like(weight) * 0.3)
        model.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text()) | {"base_model_name_or_path": says or str(base)}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return model
