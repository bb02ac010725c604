"""Fine-tuning of PaliGemma: `docproc finetune paligemma`, in PyTorch; what is before batches.py needs no PyTorch.

    request.py   what a person gives and gets: a dataset, a model, a name
    plan.py      what is asked: method, what is frozen, rate, length; the recipes of presets.toml
    rows.py      examples of a dataset as tokens, checked against how the model will be asked
    feed.py      rows in an order, and their pictures
    rehearsal.py what the base can do already, shown besides
    standing.py  how far a training is
    kept.py      the same on disk
    result.py    the registry's new version
    batches.py   rows as tensors
    parts.py     what is trained: adapters or weights
    loss.py      what is made smaller: on answers alone
    loop.py      steps, taken up after a kill
    devices.py   several processes, started by torchrun
    written.py   the files of what was trained
    run.py       the whole story

Needs the extra `paligemma`. A version that comes of it is not in use before somebody promotes it.
"""
