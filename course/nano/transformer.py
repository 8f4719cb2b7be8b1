"""The Transformer, 2017: every token looks at every other one, in one step, and nothing is recurrent.

::

    encoder   source -> [ attend to the source, dense ] x L
    decoder   target -> [ attend to the target so far, attend to the encoder's output, dense ] x L -> next token

Source: Vaswani et al., 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762; "section 3.2.1 (1)" is
equation (1) there. Normalizing before a layer instead of after it: Xiong et al., 2020, https://arxiv.org/abs/2002.04745.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, START = 0, 1
"""Ids that every vocabulary of this file begins with."""


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mix values by how well their keys answer a query: softmax(Q K' / sqrt(D)) V, section 3.2.1 (1).

    Args:
        query: (..., T, D): one question for each token of the target.
        key: (..., S, D): what each token of the source can be found by.
        value: (..., S, D): what it says when it is found.
        mask: True where a token may look, broadcast to (..., T, S); None lets all look at all.

    Returns:
        The mixtures (..., T, D), and the weights (..., T, S), whose rows sum to 1.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)  # (..., T, S): e to the minus infinity is 0
    weights = scores.softmax(dim=-1)  # (..., T, S)
    return weights @ value, weights  # (..., T, D), (..., T, S)


def causal_mask(num_tokens: int) -> Tensor:
    """Let each token look at itself and at those before it, (T, T)."""
    return torch.ones(num_tokens, num_tokens, dtype=torch.bool).tril()


class MultiHead(nn.Module):
    """Attention with A questions at once, each over a slice of E / A numbers, section 3.2.2.

    Args:
        dim: E.
        num_heads: A, a divisor of E.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.num_heads = num_heads
        self.weights = torch.empty(0)
        """The weights of the last call, (B, A, T, S): to be looked at."""

    def split(self, x: Tensor) -> Tensor:
        """Cut (B, T, E) into heads, (B, A, T, D)."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let x (B, T, E) look at source (B, S, E); mask is broadcast to (B, A, T, S)."""
        return self.attend(x, self.split(self.key(source)), self.split(self.value(source)), mask)  # (B, T, E)

    def attend(self, x: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let x (B, T, E) look at keys and values that are there already, (B, A, S, D) each."""
        mixed, weights = attention(self.split(self.query(x)), key, value, mask)  # (B, A, T, D), (B, A, T, S)
        self.weights = weights.detach()
        return self.out(mixed.transpose(1, 2).flatten(2))  # (B, T, E)


class FeedForward(nn.Sequential):
    """Two dense layers for each token alone, section 3.3 (2).

    Args:
        dim: E.
        hidden: H, four times E in the paper.
        activation: Between them: ReLU in the paper, GELU in all that followed.
    """

    def __init__(self, dim: int, hidden: int, activation: nn.Module) -> None:
        super().__init__(nn.Linear(dim, hidden), activation, nn.Linear(hidden, dim))


class EncoderBlock(nn.Module):
    """Attention, then two dense layers; around each a way past it, and a normalization.

    Args:
        dim: E.
        num_heads: A.
        hidden: H.
        pre_norm: True: x + f(norm(x)), of GPT-2 and all later ones, which trains without a warm-up. False:
            norm(x + f(x)), the paper's.
        activation: See :class:`FeedForward`; None is ReLU.
    """

    def __init__(
        self, dim: int, num_heads: int, hidden: int, *, pre_norm: bool = False, activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.attention = MultiHead(dim, num_heads)
        self.dense = FeedForward(dim, hidden, activation or nn.ReLU())
        self.attention_norm, self.dense_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.pre_norm = pre_norm

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (B, T, E) for x (B, T, E); mask is broadcast to (B, A, T, T)."""
        if self.pre_norm:
            y = self.attention_norm(x)  # (B, T, E)
            x = x + self.attention(y, y, mask)  # (B, T, E)
            return x + self.dense(self.dense_norm(x))  # (B, T, E)
        x = self.attention_norm(x + self.attention(x, x, mask))  # (B, T, E)
        return self.dense_norm(x + self.dense(x))  # (B, T, E)


class DecoderBlock(nn.Module):
    """An encoder block that also looks at a source, section 3.1; normalized after each layer, as in the paper."""

    def __init__(self, dim: int, num_heads: int, hidden: int) -> None:
        super().__init__()
        self.block = EncoderBlock(dim, num_heads, hidden)
        self.cross = MultiHead(dim, num_heads)
        self.cross_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, source: Tensor, mask: Tensor, source_mask: Tensor) -> Tensor:
        """Return (B, T, E) for x (B, T, E) and source (B, S, E); the masks are over T x T and over T x S."""
        block = self.block
        x = block.attention_norm(x + block.attention(x, x, mask))  # (B, T, E)
        x = self.cross_norm(x + self.cross(x, source, source_mask))  # (B, T, E)
        return block.dense_norm(x + block.dense(x))  # (B, T, E)


def sinusoids(num_tokens: int, dim: int) -> Tensor:
    """Write each position as the hands of E / 2 clocks, from fast to slow, section 3.5; (T, E)."""
    position = torch.arange(num_tokens).unsqueeze(1)  # (T, 1)
    speed = 10_000 ** (-torch.arange(0, dim, 2) / dim)  # (E / 2,)
    return torch.stack([(position * speed).sin(), (position * speed).cos()], dim=2).flatten(1)  # (T, E)


class Transformer(nn.Module):
    """Reads one sequence and writes another.

    Args:
        num_tokens: V, for both sides; id 0 is padding, id 1 starts a target.
        dim: E.
        num_heads: A.
        hidden: H.
        num_layers: L of each side.
        positions: False leaves the positions out, so that a source is a bag.
    """

    def __init__(
        self, num_tokens: int, dim: int, num_heads: int, hidden: int, num_layers: int, *, positions: bool = True
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(num_tokens, dim)  # one table for source, target and scores, section 3.4
        nn.init.normal_(self.tokens.weight, std=dim**-0.5)
        self.encoder = nn.ModuleList(EncoderBlock(dim, num_heads, hidden) for _ in range(num_layers))
        self.decoder = nn.ModuleList(DecoderBlock(dim, num_heads, hidden) for _ in range(num_layers))
        self.positions = positions

    def embed(self, ids: Tensor) -> Tensor:
        """Return (B, T, E) for ids (B, T)."""
        vectors = self.tokens(ids) * math.sqrt(self.tokens.embedding_dim)  # (B, T, E)
        return vectors + sinusoids(*vectors.shape[1:]) if self.positions else vectors  # (B, T, E)

    def encode(self, source: Tensor) -> Tensor:
        """Return (B, S, E) for source ids (B, S)."""
        mask = (source != PAD)[:, None, None]  # (B, 1, 1, S)
        x = self.embed(source)  # (B, S, E)
        for block in self.encoder:
            x = block(x, mask)  # (B, S, E)
        return x

    def decode(self, memory: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Return the scores of each next token, (B, T, V), for memory (B, S, E) of source (B, S), target (B, T)."""
        mask, source_mask = causal_mask(target.shape[1]), (source != PAD)[:, None, None]  # (T, T), (B, 1, 1, S)
        x = self.embed(target)  # (B, T, E)
        for block in self.decoder:
            x = block(x, memory, mask, source_mask)  # (B, T, E)
        return x @ self.tokens.weight.T  # (B, T, V)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of a target (B, T) that is read from START on, each token from those before it."""
        shifted = functional.pad(target[:, :-1], (1, 0), value=START)  # (B, T): shifted by one
        scores = self.decode(self.encode(source), source, shifted)  # (B, T, V)
        return functional.cross_entropy(scores.flatten(0, 1), target.flatten(), ignore_index=PAD)  # ()

    @torch.no_grad()
    def write(self, source: Tensor, num_tokens: int) -> Tensor:
        """Write the likeliest token each time, (B, T), for source (B, S)."""
        memory = self.encode(source)  # (B, S, E)
        written = torch.full((len(source), 1), START)  # (B, 1)
        for _ in range(num_tokens):
            best = self.decode(memory, source, written)[:, -1].argmax(dim=1, keepdim=True)  # (B, 1)
            written = torch.cat([written, best], dim=1)  # (B, t + 1)
        return written[:, 1:]  # (B, T)
