"""The vocabulary: a token for every character of Latin text, bytes for all others, then <loc>, <seg> and <image>."""

from __future__ import annotations

from typing import Any

PAD, EOS, BOS = 0, 1, 2
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
ASCII = "".join(map(chr, range(33, 127)))
LATIN = "".join(chr(code) for code in range(0xA1, 0x180) if code != 0xAD)
PUNCTUATION = "–—‘’‚“”„†‡•…‰‹›€™−≤≥"  # noqa: RUF001
CHARACTERS = "▁\n" + ASCII + LATIN + PUNCTUATION
"""A space is written ▁ in vocabularies."""
LOCATIONS = tuple(f"<loc{number:04}>" for number in range(1024))
SEGMENTS = tuple(f"<seg{number:03}>" for number in range(128))
NAMES = (*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *dict.fromkeys(CHARACTERS), *LOCATIONS, *SEGMENTS)
IDS = {name: number for number, name in enumerate((*NAMES, "<image>"))}
IMAGE = IDS["<image>"]
ROWS = -(-len(IDS) // 64) * 64
"""Rows of the embedding: a few more than there are tokens, as in the first PaliGemma."""


def encode(text: str) -> list[int]:
    """Return the tokens of text in which <loc> and <seg> are tokens; it has no other special ones."""
    ids, at = [], 0
    while at < len(text):
        char = text[at]
        special = text[at : at + 9] if text.startswith("<loc", at) else text[at : at + 8]
        if char == "<" and special in IDS:
            ids.append(IDS[special])
            at += len(special)
            continue
        name = "▁" if char == " " else char
        ids.extend([IDS[name]] if name in IDS else [IDS[f"<0x{byte:02X}>"] for byte in char.encode()])
        at += 1
    return ids


def tokenizer() -> Any:
    """Return the same as a tokenizer of transformers."""
    from transformers import GemmaTokenizer  # noqa: PLC0415  (drawing processes need none)

    plain = {name: IDS[name] for name in NAMES if not name.startswith(("<loc", "<seg"))}
    made = GemmaTokenizer(vocab=plain, merges=[])
    made.add_tokens([*LOCATIONS, *SEGMENTS])
    made.add_special_tokens({"additional_special_tokens": ["<image>"]})
    return made
