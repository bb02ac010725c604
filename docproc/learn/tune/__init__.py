"""Fine-tuning of PaliGemma in PyTorch: `docproc finetune paligemma`.

    plan.py      what is asked: method, what is frozen, rate, length; the recipes of presets.toml
    rows.py      examples of a dataset as tokens, checked against how the model will be asked
    batches.py   rows as tensors, and their order
    parts.py     what is trained: adapters or weights
    loss.py      what is made smaller: on answers alone
    loop.py      steps, taken up after a kill
    kept.py      where a training stands, on disk
    devices.py   several processes, started by torchrun
    result.py    the registry's new version
    run.py       the whole story

Needs the extra `paligemma`. A version that comes of it is not in use before somebody promotes it.
"""
