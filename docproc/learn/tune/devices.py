"""Several devices: one process each, started by torchrun or `accelerate launch`; every one has the whole model.

Gradients are summed by hand after the last part of a step: nothing is wrapped, so one process and many run the same
code, and many see together what one would see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed


@dataclass(frozen=True, slots=True)
class Devices:
    """This process among `count`, and what it computes on: "cuda:1", "cpu"."""

    number: int
    count: int
    device: str

    @property
    def first(self) -> bool:
        """Say whether this one writes files and talks."""
        return self.number == 0

    def sum(self, values: Any) -> Any:
        """Return the sum of a tensor over all processes."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def sum_gradients(self, weights: Iterable[Any]) -> None:
        """Give all processes the sum of their gradients."""
        if self.count > 1:
            waiting = [distributed.all_reduce(one.grad, async_op=True) for one in weights if one.grad is not None]
            for one in waiting:
                one.wait()

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def devices(device: str = "") -> Iterator[Devices]:
    """Yield this process's place among those that were started together; alone, `device` or what there is."""
    gpu = torch.cuda.is_available() and device != "cpu"
    if not distributed.is_torchelastic_launched():
        yield Devices(0, 1, device or ("cuda" if gpu else "cpu"))
        return
    own = f"cuda:{distributed.get_node_local_rank()}" if gpu else "cpu"
    if gpu:
        torch.cuda.set_device(own)
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        yield Devices(distributed.get_rank(), distributed.get_world_size(), own)
    finally:
        distributed.destroy_process_group()
