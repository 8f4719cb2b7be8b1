"""GPT, 2018: learn to continue text, of which there is plenty; then, with the same network, a task of few labels.

::

    pre-train   a touching film with -> touching film with a      every token is a label
    fine-tune   a touching film <end> -> positive                 one more dense layer, read at the last token

Source: Radford, Narasimhan, Salimans & Sutskever, 2018, Improving Language Understanding by Generative Pre-Training,
https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf; its equations are (1) to
(5) below.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Causal attention and two dense layers, each added to its input and normalized after, as in the Transformer.

    Args:
        dim: E.
        num_heads: A, a divisor of E.
        dropout: Share of numbers that are set to zero in training.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv, self.mixed = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.attention_norm, self.dense_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def attend(self, x: Tensor) -> Tensor:
        """Mix x (B, T, E) over the tokens so far; (B, T, E)."""
        heads = self.qkv(x).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)  # (3, B, A, T, D)
        query, key, value = heads  # (B, A, T, D) each
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])  # (B, A, T, T)
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)  # (T, T)
        weights = self.dropout(scores.masked_fill(future, -math.inf).softmax(dim=3))  # (B, A, T, T)
        return self.mixed((weights @ value).transpose(1, 2).flatten(2))  # (B, T, E)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, E) for x (B, T, E)."""
        x = self.attention_norm(x + self.dropout(self.attend(x)))  # (B, T, E)
        dense = self.down(functional.gelu(self.up(x), approximate="tanh"))  # (B, T, E)
        return self.dense_norm(x + self.dropout(dense))  # (B, T, E)


class GPT(nn.Module):
    """A decoder alone.

    Args:
        num_tokens: V.
        max_tokens: Positions that there are, the largest T.
        dim: E.
        num_heads: A.
        num_layers: Blocks.
        dropout: See :class:`Block`.
    """

    def __init__(
        self, num_tokens: int, max_tokens: int, dim: int, num_heads: int, num_layers: int, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(num_tokens, dim), nn.Embedding(max_tokens, dim)
        self.blocks = nn.ModuleList(Block(dim, num_heads, dropout) for _ in range(num_layers))
        self.dropout = nn.Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)

    def hidden(self, ids: Tensor) -> Tensor:
        """Read ids (B, T) and return what the last block says of each token, (B, T, E)."""
        x = self.dropout(self.tokens(ids) + self.positions(torch.arange(ids.shape[1])))  # (B, T, E): h_0 of (2)
        for block in self.blocks:
            x = block(x)  # (B, T, E): h_l of (2)
        return x

    def scores(self, hidden: Tensor) -> Tensor:
        """Score each token as the next one, (B, T, V), by the table that it was read with: h_n W_e' of (2)."""
        return hidden @ self.tokens.weight.T  # (B, T, V)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the mean of -log p(token | those before it), (1), over all tokens of ids (B, T) but the first."""
        return next_token_loss(self.scores(self.hidden(ids)), ids)  # ()


def next_token_loss(scores: Tensor, ids: Tensor, padding: int = -1) -> Tensor:
    """Compare scores (B, T, V) with the token that came next in ids (B, T); ``padding`` is no token."""
    return functional.cross_entropy(scores[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), ignore_index=padding)  # ()


class Decoder(Protocol):
    """What can be fine-tuned: :class:`GPT`, or the one of ``gpt2``."""

    def hidden(self, ids: Tensor) -> Tensor:
        """Read ids (B, T); return (B, T, E)."""

    def scores(self, hidden: Tensor) -> Tensor:
        """Return (B, T, V) for hidden (B, T, E)."""


class Classifier(nn.Module):
    """A decoder with one dense layer at the last token of a text.

    Args:
        decoder: Pre-trained, or not.
        dim: E of the decoder.
        num_labels: K.
        auxiliary: lambda of (5): the weight of going on to learn the language; the paper's is 0.5.
        dropout: Before the dense layer.
    """

    def __init__(
        self, decoder: Decoder, dim: int, num_labels: int, auxiliary: float = 0.5, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.decoder, self.dense, self.dropout = decoder, nn.Linear(dim, num_labels), nn.Dropout(dropout)
        self.auxiliary = auxiliary

    def read(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of the labels (B, K) and the hidden states (B, T, E) for ids (B, T), lengths (B,)."""
        hidden = self.decoder.hidden(ids)  # (B, T, E)
        last = hidden[torch.arange(len(ids)), lengths - 1]  # (B, E): padding comes after it, and is not seen
        return self.dense(self.dropout(last)), hidden  # (B, K): (3)

    def forward(self, ids: Tensor, lengths: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch: ids (B, T), lengths (B,), labels (B,)."""
        scores, hidden = self.read(ids, lengths)  # (B, K), (B, T, E)
        task = functional.cross_entropy(scores, labels)  # (): (4)
        if not self.auxiliary:
            return task
        real = torch.arange(ids.shape[1]) < lengths.unsqueeze(1)  # (B, T)
        language = next_token_loss(self.decoder.scores(hidden), ids.masked_fill(~real, -1))  # (): (1)
        return task + self.auxiliary * language  # (): (5)
