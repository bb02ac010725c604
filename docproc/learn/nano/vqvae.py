"""The code words of masks: an encoder and a decoder, trained together on synthetic masks.

The decoder has the form of big_vision's, so that its file is read like `vae-oid.npz`: sixteen code words of 128 are
a 4 x 4 grid of vectors, which convolutions double to 64 x 64 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from docproc.engines.paligemma.seg import CODE_BOOK, CODE_WIDTH, GRID, UPSAMPLING, WIDTH, MaskDecoder, shapes
from docproc.learn.nano.shapes import mask

COMMIT = 0.25
"""Weight of what keeps the encoder near the code book, as in the paper on VQ-VAE."""
MEMORY = 0.98
"""What stays of the code book's running means with each step."""
RARE = 0.05
"""A code word used less often in a step, by running mean, is moved to where the encoder needs one."""


class Residual(nn.Module):  # type: ignore[misc]
    """A block of two 3 x 3 and one 1 x 1 convolution, added to what goes in."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return float32[B, WIDTH, H, W] of the same."""
        return x + self.net(x)


def encoder() -> nn.Sequential:
    """Return the network from float32[B, 1, 64, 64] in -1 to 1 to [B, CODE_WIDTH, 4, 4]."""
    layers: list[nn.Module] = []
    inside = 1
    for outside in (16, 32, 64, WIDTH):
        layers += [nn.Conv2d(inside, outside, 4, stride=2, padding=1), nn.ReLU()]
        inside = outside
    return nn.Sequential(*layers, Residual(), Residual(), nn.Conv2d(WIDTH, CODE_WIDTH, 1))


def decoder() -> nn.Sequential:
    """Return the network back, its layers numbered as in `vae-oid.npz`."""
    layers: list[nn.Module] = [nn.Conv2d(CODE_WIDTH, WIDTH, 1), nn.ReLU(), Residual(), Residual()]
    for inside, outside in UPSAMPLING:
        layers += [nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(UPSAMPLING[-1][1], 1, 1))


class Codes:
    """The code book, moved to the means of what is coded with each word."""

    def __init__(self, book: Tensor) -> None:
        self.book = book
        self._count = torch.ones(len(book))
        self._sum = book.clone()

    def nearest(self, vectors: Tensor) -> Tensor:
        """Return int64[N]: the code word nearest to each of [N, CODE_WIDTH]."""
        return torch.cdist(vectors, self.book).argmin(1)

    def learn(self, vectors: Tensor, words: Tensor) -> None:
        """Move the words towards the vectors that they stood for, and rare ones to random vectors."""
        hot = functional.one_hot(words, len(self.book)).to(vectors.dtype)
        self._count = MEMORY * self._count + (1 - MEMORY) * hot.sum(0)
        self._sum = MEMORY * self._sum + (1 - MEMORY) * hot.T @ vectors
        rare = torch.nonzero(self._count < RARE)[:, 0]
        picked = vectors[torch.randint(len(vectors), (len(rare),))]
        self._count[rare], self._sum[rare] = 1.0, picked
        self.book = self._sum / self._count[:, None]


def train(
    steps: int, *, seed: int = 0, batch: int = 64, told: Callable[[int, float], None] | None = None
) -> tuple[nn.Sequential, nn.Sequential, Tensor]:
    """Return encoder, decoder and code book [128, 512], trained on so many batches; `told` hears step and loss."""
    torch.manual_seed(seed)
    random = Random(seed)  # noqa: S311
    down, up = encoder(), decoder()
    weights = [*down.parameters(), *up.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    slope = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps, pct_start=0.05)
    codes: Codes | None = None
    for step in range(steps):
        wanted = _batch(random, batch)
        with torch.autocast("cpu", torch.bfloat16):
            vectors = down(wanted).float()
        flat = vectors.permute(0, 2, 3, 1).reshape(-1, CODE_WIDTH)
        if codes is None and step >= steps // 20:  # the first steps have no code book: it starts from what is found
            codes = Codes(flat.detach()[torch.randint(len(flat), (CODE_BOOK,))].clone())
        loss = torch.zeros(())
        used = vectors
        if codes is not None:
            words = codes.nearest(flat.detach())
            coded = codes.book[words]
            loss = COMMIT * functional.mse_loss(flat, coded)
            codes.learn(flat.detach(), words)
            through = flat + (coded - flat).detach()
            used = through.reshape(len(wanted), GRID, GRID, CODE_WIDTH).permute(0, 3, 1, 2)
        with torch.autocast("cpu", torch.bfloat16):
            made = up(used)
        loss = loss + functional.mse_loss(made.float(), wanted)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        slope.step()
        if told:
            told(step, loss.item())
    if codes is None:
        raise ValueError("a code book needs at least 20 steps")
    return down.eval(), up.eval(), codes.book


def write(path: Path, up: nn.Sequential, book: Tensor) -> None:
    """Write the decoder as `vae-oid.npz`."""
    arrays = {f"decoder.{name}": tensor.detach().numpy() for name, tensor in up.state_dict().items()}
    arrays["_vq_vae._embedding"] = book.numpy()
    np.savez_compressed(path, **{name: arrays[name].astype(np.float16) for name in shapes()})


def write_encoder(path: Path, down: nn.Sequential, book: Tensor) -> None:
    """Write the encoder and the code book, in float16: what makes code words of masks."""
    state = {f"encoder.{name}": tensor for name, tensor in down.state_dict().items()} | {"book": book}
    save_file({name: tensor.detach().half().contiguous() for name, tensor in state.items()}, path)


def words(down: nn.Sequential, book: Tensor, masks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return int64[N, 16] code words of uint8[N, 64, 64] masks, 1 inside."""
    with torch.inference_mode():
        vectors = down(torch.from_numpy(masks)[:, None].float() * 2 - 1)
        flat = vectors.permute(0, 2, 3, 1).reshape(-1, CODE_WIDTH)
        return np.asarray(torch.cdist(flat, book).argmin(1).reshape(len(masks), -1).numpy(), np.int64)


def iou(down: nn.Sequential, decoder: Path, book: Tensor, *, seed: int = 99, count: int = 300) -> float:
    """Return the mean intersection over union of masks and what comes back of their code words."""
    random = Random(f"held out {seed}")  # noqa: S311
    wanted = np.stack([mask(random) for _ in range(count)])
    found = MaskDecoder(decoder)(words(down, book, wanted)) > 0
    both, either = (found & (wanted > 0)).sum((1, 2)), (found | (wanted > 0)).sum((1, 2))
    return float((both / either).mean())


def _batch(random: Random, batch: int) -> Tensor:
    return torch.from_numpy(np.stack([mask(random) for _ in range(batch)]))[:, None].float() * 2 - 1
