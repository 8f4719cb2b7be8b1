"""T5, 2019: every task is text in, text out; one network, one loss, no head.

::

    pre-train   thank you <X> me to your party <Y> .  -> <X> for inviting <Y> last week     spans of any text
    fine-tune   sentiment: a touching film            -> positive                           a prefix names the task
                number: 612                           -> six hundred and twelve

The encoder and the decoder are those of ``transformer``, but for three things: what two tokens are to each other is a
number for their distance, a norm scales and does not shift, and no layer has a bias.

Source: Raffel et al., 2020, Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer,
https://arxiv.org/abs/1910.10683; its sections stand at the lines. Version 1.1, with the gate of Shazeer, 2020,
https://arxiv.org/abs/2002.05202: https://github.com/google-research/text-to-text-transfer-transformer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, END = 0, 1
"""Ids of every T5: padding, which also starts a target, and what ends a text."""


@dataclass(frozen=True, slots=True)
class Config:
    """The sizes; the defaults are those of ``t5-small``.

    Args:
        num_tokens: V.
        dim: E.
        head_dim: D; A of them need not make up E.
        num_heads: A.
        hidden: H.
        num_layers: Of the encoder.
        num_decoder_layers: Of the decoder.
        num_buckets: Of distances.
        max_distance: Tokens from which on all distances are one.
        dropout: Share of numbers that are set to zero in training.
        epsilon: Of the norms.
        gated: Version 1.1: one of two dense layers opens the other.
        tied: Version 1.0: what reads tokens also scores them, with vectors scaled down by the root of E.
    """

    num_tokens: int = 32128
    dim: int = 512
    head_dim: int = 64
    num_heads: int = 8
    hidden: int = 2048
    num_layers: int = 6
    num_decoder_layers: int = 6
    num_buckets: int = 32
    max_distance: int = 128
    dropout: float = 0.1
    epsilon: float = 1e-6
    gated: bool = False
    tied: bool = True


def buckets(distance: Tensor, config: Config, *, both_sides: bool) -> Tensor:
    """Number distances (T, S): near ones each, far ones in ranges that grow like their logarithm, section 2.1.

    Args:
        distance: Place of the token that is looked at, less that of the token that looks.
        config: How many numbers there are, and where the last range begins.
        both_sides: Half of the numbers are for tokens to come, as in an encoder; else what comes is like distance 0.
    """
    number = config.num_buckets // (2 if both_sides else 1)
    far = distance.abs() if both_sides else (-distance).clamp(min=0)  # (T, S)
    exact = number // 2
    scale = (number - exact) / math.log(config.max_distance / exact)
    logarithmic = exact + ((far.clamp(min=1).float() / exact).log() * scale).long()  # (T, S)
    near = torch.where(far < exact, far, logarithmic.clamp(max=number - 1))  # (T, S)
    return near + number * (both_sides & (distance > 0))  # (T, S)


class Norm(nn.Module):
    """Divide each vector by its root mean square, and scale it: no mean is taken off, and there is no bias."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(config.dim)), config.epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, E) for x (B, T, E)."""
        return self.weight * x * torch.rsqrt(x.float().square().mean(dim=2, keepdim=True) + self.epsilon)  # (B, T, E)


class Attention(nn.Module):
    """Attention whose scores are not divided by the root of D: the first weights are small instead, section 3.1.1."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        dim, inner, self.num_heads = config.dim, config.num_heads * config.head_dim, config.num_heads
        self.query, self.key, self.value = (nn.Linear(dim, inner, bias=False) for _ in range(3))
        self.out, self.dropout = nn.Linear(inner, dim, bias=False), nn.Dropout(config.dropout)
        for layer, size in ((self.query, dim * config.head_dim), (self.key, dim), (self.value, dim), (self.out, inner)):
            nn.init.normal_(layer.weight, std=size**-0.5)

    def split(self, x: Tensor) -> Tensor:
        """Cut (B, T, A D) into heads, (B, A, T, D)."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def remember(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Return the keys and values of source (B, S, E), (B, A, S, D) each."""
        return self.split(self.key(source)), self.split(self.value(source))

    def forward(self, x: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        """Let x (B, T, E) look at keys and values (B, A, S, D); bias (B, A, T, S) is added to the scores."""
        scores = self.split(self.query(x)) @ key.transpose(2, 3) + bias  # (B, A, T, S)
        weights = self.dropout(scores.softmax(dim=3))  # (B, A, T, S)
        return self.out((weights @ value).transpose(1, 2).flatten(2))  # (B, T, E)


class Dense(nn.Module):
    """Two dense layers for each token; in version 1.1 the first is multiplied with a gate."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        dim, hidden = config.dim, config.hidden
        self.up, self.down = nn.Linear(dim, hidden, bias=False), nn.Linear(hidden, dim, bias=False)
        self.gate = nn.Linear(dim, hidden, bias=False) if config.gated else None
        self.dropout = nn.Dropout(config.dropout)
        for layer in (self.up, self.down, *([self.gate] if self.gate else [])):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, E) for x (B, T, E)."""
        if self.gate is None:
            return self.down(self.dropout(self.up(x).relu()))  # (B, T, E)
        return self.down(self.dropout(functional.gelu(self.gate(x), approximate="tanh") * self.up(x)))  # (B, T, E)


class Block(nn.Module):
    """Attention, in a decoder attention to the source too, and dense layers; each normalized before, and added."""

    def __init__(self, config: Config, *, is_decoder: bool) -> None:
        super().__init__()
        self.attention, self.attention_norm = Attention(config), Norm(config)
        self.cross, self.cross_norm = (Attention(config), Norm(config)) if is_decoder else (None, None)
        self.dense, self.dense_norm, self.dropout = Dense(config), Norm(config), nn.Dropout(config.dropout)

    def forward(self, x: Tensor, bias: Tensor, memory: Memory | None = None) -> Tensor:
        """Return (B, T, E) for x (B, T, E), bias (B, A, T, S), and a decoder's memory of source and target."""
        y = self.attention_norm(x)  # (B, T, E)
        key, value = self.attention.remember(y)  # (B, A, T, D) each
        if memory is not None:
            key, value = memory.grow(key, value)  # (B, A, t + T, D) each
        x = x + self.dropout(self.attention(y, key, value, bias))  # (B, T, E)
        if memory is not None:
            x = x + self.dropout(self.cross(self.cross_norm(x), *memory.source, memory.mask))  # (B, T, E)
        return x + self.dropout(self.dense(self.dense_norm(x)))  # (B, T, E)


class Memory:
    """What a block of the decoder need not compute again: keys and values of the source and of the target so far.

    Args:
        source: Keys and values of the encoder's output, (B, A, S, D) each.
        mask: Minus infinity on padding and else 0, (B, 1, 1, S).
    """

    def __init__(self, source: tuple[Tensor, Tensor], mask: Tensor) -> None:
        self.source, self.mask = source, mask
        self.target: tuple[Tensor, Tensor] | None = None

    def grow(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of new tokens, (B, A, T, D) each, and return those of all."""
        if self.target is not None:
            key, value = (torch.cat(each, dim=2) for each in zip(self.target, (key, value), strict=True))
        self.target = (key, value)
        return self.target


class Stack(nn.Module):
    """An encoder or a decoder; its blocks share one table of distances."""

    def __init__(self, config: Config, *, is_decoder: bool) -> None:
        super().__init__()
        number = config.num_decoder_layers if is_decoder else config.num_layers
        self.blocks = nn.ModuleList(Block(config, is_decoder=is_decoder) for _ in range(number))
        self.distances = nn.Embedding(config.num_buckets, config.num_heads)
        nn.init.normal_(self.distances.weight, std=config.dim**-0.5)
        self.norm, self.dropout = Norm(config), nn.Dropout(config.dropout)
        self.config, self.is_decoder = config, is_decoder

    def bias(self, start: int, stop: int) -> Tensor:
        """Score how tokens ``start`` to ``stop`` look at tokens 0 to ``stop``, by distance alone; (1, A, T, S)."""
        distance = torch.arange(stop) - torch.arange(start, stop).unsqueeze(1)  # (T, S)
        numbers = buckets(distance, self.config, both_sides=not self.is_decoder)  # (T, S)
        return self.distances(numbers).permute(2, 0, 1).unsqueeze(0)  # (1, A, T, S)

    def forward(self, x: Tensor, bias: Tensor, memories: Sequence[Memory | None]) -> Tensor:
        """Return (B, T, E) for vectors x (B, T, E) of tokens, bias (B, A, T, S), and a memory for each block."""
        x = self.dropout(x)  # (B, T, E)
        for block, memory in zip(self.blocks, memories, strict=True):
            x = block(x, bias, memory)  # (B, T, E)
        return self.dropout(self.norm(x))  # (B, T, E)


class T5(nn.Module):
    """Reads one text and writes another.

    Args:
        config: Its sizes.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config, self.tokens = config, nn.Embedding(config.num_tokens, config.dim)
        self.encoder, self.decoder = Stack(config, is_decoder=False), Stack(config, is_decoder=True)
        self.output = self.tokens if config.tied else nn.Embedding(config.num_tokens, config.dim)

    def read(self, source: Tensor) -> list[Memory]:
        """Encode source (B, S) and return what each block of the decoder looks at."""
        mask = torch.zeros(source.shape).masked_fill(source == PAD, -math.inf)[:, None, None]  # (B, 1, 1, S)
        bias = self.encoder.bias(0, source.shape[1]) + mask  # (B, A, S, S)
        x = self.encoder(self.tokens(source), bias, [None] * len(self.encoder.blocks))  # (B, S, E)
        return [Memory(block.cross.remember(x), mask) for block in self.decoder.blocks]

    def scores(self, target: Tensor, memories: Sequence[Memory]) -> Tensor:
        """Score the token after each of target (B, T), (B, T, V); memories hold what came before, and grow by it."""
        start = memories[0].target[0].shape[2] if memories[0].target else 0
        stop = start + target.shape[1]
        future = torch.full((stop, stop), -math.inf).triu(1)[start:]  # (T, S)
        x = self.decoder(self.tokens(target), self.decoder.bias(start, stop) + future, memories)  # (B, T, E)
        scale = self.config.dim**-0.5 if self.config.tied else 1.0
        return scale * x @ self.output.weight.T  # (B, T, V)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of target (B, T), each token after the true ones before it, for source (B, S)."""
        return self.losses(source, target).sum() / (target != PAD).sum()  # ()

    def losses(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each token of target (B, T), 0 on padding, for source (B, S); (B, T)."""
        shifted = functional.pad(target[:, :-1], (1, 0), value=PAD)  # (B, T)
        scores = self.scores(shifted, self.read(source)).flatten(0, 1).float()  # (B T, V)
        losses = functional.cross_entropy(scores, target.flatten(), ignore_index=PAD, reduction="none")  # (B T,)
        return losses.view_as(target)  # (B, T)


class Constraint(Protocol):
    """What may be written."""

    def allowed(self, written: Sequence[int]) -> Sequence[int]:
        """Return the ids that may follow those written so far; [END] ends the text."""


class Trie:
    """Allows the given outputs and nothing else.

    Args:
        outputs: Ids of each, without END.
    """

    def __init__(self, outputs: Iterable[Sequence[int]]) -> None:
        self.root: dict[int, Any] = {}
        for ids in outputs:
            node = self.root
            for token in (*ids, END):
                node = node.setdefault(token, {})

    def allowed(self, written: Sequence[int]) -> list[int]:
        """Return the ids that some output has next."""
        node = self.root
        for token in written:
            node = node[token]
        return list(node)


@torch.no_grad()
def write(
    model: T5, source: Tensor, max_tokens: int, constraints: Sequence[Constraint] | None = None
) -> Iterator[Tensor]:
    """Write the likeliest token each time, until each text of the batch has ended.

    Args:
        model: In evaluation mode.
        source: (B, S).
        max_tokens: No text gets longer.
        constraints: One for each text; None allows all.

    Yields:
        The next token of each text, (B,); PAD where a text has ended.
    """
    memories, written = model.read(source), [[] for _ in source]
    last, ended = torch.full((len(source), 1), PAD), torch.zeros(len(source), dtype=torch.bool)
    for _ in range(max_tokens):
        scores = model.scores(last, memories)[:, 0]  # (B, V)
        if constraints:
            may = torch.full_like(scores, -math.inf)  # (B, V)
            for row in (~ended).nonzero().flatten().tolist():
                may[row, list(constraints[row].allowed(written[row]))] = 0
            scores = scores + may.masked_fill(ended.unsqueeze(1), 0)  # (B, V)
        token = scores.argmax(dim=1).masked_fill(ended, PAD)  # (B,)
        yield token
        for row, each in enumerate(token.tolist()):
            written[row].append(each)
        last, ended = token.unsqueeze(1), ended | (token == END)
        if ended.all():
            return


KEYS = {
    "num_tokens": "vocab_size", "dim": "d_model", "head_dim": "d_kv", "num_heads": "num_heads", "hidden": "d_ff",
    "num_layers": "num_layers", "num_decoder_layers": "num_decoder_layers", "dropout": "dropout_rate",
    "num_buckets": "relative_attention_num_buckets", "max_distance": "relative_attention_max_distance",
    "epsilon": "layer_norm_epsilon",
}  # fmt: skip
"""Our name of a size -> its name in a ``config.json``."""
NAMES = {
    "tokens": "shared", "output": "lm_head", "blocks": "block", "attention": "layer.0.SelfAttention",
    "attention_norm": "layer.0.layer_norm", "cross": "layer.1.EncDecAttention", "cross_norm": "layer.1.layer_norm",
    "distances": "block.0.layer.0.SelfAttention.relative_attention_bias", "norm": "final_layer_norm",
    "query": "q", "key": "k", "value": "v", "out": "o", "gate": "wi_0", "down": "wo",
}  # fmt: skip
"""Our name of a part -> its name in a published file, but for those that depend on where it stands."""


def published_name(name: str, config: Config) -> str:
    """Say what a weight of ours is called in a published file."""
    last = 2 if name.startswith("decoder") else 1
    here = {
        **NAMES, "dense": f"layer.{last}.DenseReluDense", "dense_norm": f"layer.{last}.layer_norm",
        "up": "wi_1" if config.gated else "wi",
    }  # fmt: skip
    return ".".join(here.get(part, part) for part in name.split("."))


def read_config(settings: Mapping[str, Any]) -> Config:
    """Read the settings of a ``config.json``; those that it leaves out are the defaults.

    Raises:
        ValueError: If the dense layers are of another kind.
    """
    kind = settings.get("feed_forward_proj", "relu")
    if settings.get("model_type") != "t5" or kind not in ("relu", "gated-gelu"):
        raise ValueError(
            f"model_type is {settings.get('model_type')} and feed_forward_proj is {kind}: give a folder with model_type"
            ' "t5" and "relu" (T5) or "gated-gelu" (T5 1.1, Flan-T5)'
        )
    sizes = {ours: settings[theirs] for ours, theirs in KEYS.items() if settings.get(theirs) is not None}
    sizes.setdefault("num_decoder_layers", sizes.get("num_layers", 6))
    return Config(**sizes, gated=kind == "gated-gelu", tied=settings.get("tie_word_embeddings", True) is not False)
