"""Tiny random chat models with eyes, made from their configurations: Gemma 3 and SmolVLM's Idefics 3."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)

from docproc.engines.paligemma.tiny import ALPHABET

TEMPLATE = (
    "{% for message in messages %}<start_of_turn>{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<end_of_turn>{% endfor %}{% if add_generation_prompt %}<start_of_turn>{% endif %}"
)
TEXT: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 4096, "pad_token_id": 0, "eos_token_id": 1,
    "bos_token_id": 2,
}  # fmt: skip
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "patch_size": 14,
}


def tokenizer(*special: str) -> Any:
    names = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", *special]
    vocabulary = {name: at for at, name in enumerate(dict.fromkeys([*names, *ALPHABET, " ", "\n"]))}
    made = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>",
        additional_special_tokens=["<start_of_turn>", "<end_of_turn>", *special],
    )  # fmt: skip


def gemma3(folder: Path) -> None:
    special = ("<start_of_image>", "<end_of_image>", "<image_soft_token>")
    words = tokenizer(*special)
    for name, token in zip(("boi_token", "eoi_token", "image_token"), special, strict=True):
        setattr(words, name, token)
        setattr(words, f"{name}_id", words.convert_tokens_to_ids(token))
        words.init_kwargs[name] = token
    boi, eoi, image = words.convert_tokens_to_ids(list(special))
    config = Gemma3Config(
        text_config={**TEXT, "vocab_size": len(words), "sliding_window": 512, "query_pre_attn_scalar": 16},
        vision_config={**VISION, "image_size": 56, "vision_use_head": False},
        mm_tokens_per_image=4, boi_token_index=boi, eoi_token_index=eoi, image_token_index=image,
        eos_token_id=[1, words.convert_tokens_to_ids("<end_of_turn>")],
    )  # fmt: skip
    images = Gemma3ImageProcessorPil(size={"height": 56, "width": 56}, do_pan_and_scan=False)
    template = TEMPLATE.replace("IMAGE", "<start_of_image>")
    _save(folder, Gemma3ForConditionalGeneration(config), Gemma3Processor(images, words, template, 4))


def idefics3(folder: Path) -> None:
    special = ("<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>")
    words = tokenizer(*special, *(f"<row_{row}_col_{column}>" for row in range(1, 4) for column in range(1, 4)))
    text = {key: value for key, value in TEXT.items() if key != "head_dim"}
    config = Idefics3Config(
        text_config={**text, "model_type": "llama", "vocab_size": len(words)},
        vision_config={**VISION, "image_size": 56},
        image_token_id=words.convert_tokens_to_ids("<image>"), scale_factor=2, pad_token_id=0,
    )  # fmt: skip
    images = Idefics3ImageProcessorPil(size={"longest_edge": 112}, max_image_size={"longest_edge": 56})
    template = TEMPLATE.replace("IMAGE", "<image>")
    processor = Idefics3Processor(images, words, image_seq_len=4, chat_template=template)
    _save(folder, Idefics3ForConditionalGeneration(config), processor)


def _save(folder: Path, model: Any, processor: Any) -> None:
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0.0, 0.1 if weight.ndim < 2 else 0.6 / weight[0].numel() ** 0.25)
            if "embed_tokens" in name:
                weight.mul_(0.5)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)


MODELS = {"gemma3": gemma3, "idefics3": idefics3}
