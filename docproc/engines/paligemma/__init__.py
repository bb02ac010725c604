"""PaliGemma and PaliGemma 2 through transformers. Needs the extra `paligemma`; nothing else imports it.

The prompts that a checkpoint knows are those of `docproc.tasks`; here is how pixels and prompts become tokens,
exactly as the models were trained: image tokens, <bos>, the prompt and one newline, all attending to each other;
then the answer, causally.
"""

from logging import ERROR, getLogger

for noisy in ("torch.utils._pytree", "torchao", "bitsandbytes"):  # they tell at each import what they lack here
    getLogger(noisy).setLevel(ERROR)
