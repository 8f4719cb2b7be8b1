"""LSTM, 1997: a cell whose content is *added to*, so that a gradient survives many steps.

::

    a plain network:  h_t = tanh(W x_t + U h_{t-1})     its past goes through U and tanh at every step, and fades
    an LSTM:          c_t = f * c_{t-1} + i * g         with f = 1 the past stays as it was, and so does its gradient

Sources: Hochreiter & Schmidhuber, 1997, Long Short-Term Memory, https://doi.org/10.1162/neco.1997.9.8.1735; the forget
gate f is of Gers, Schmidhuber & Cummins, 2000, Learning to Forget, https://doi.org/10.1162/089976600300015015; a large
bias on it, of Jozefowicz, Zaremba & Sutskever, 2015, https://proceedings.mlr.press/v37/jozefowicz15.html.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Step(NamedTuple):
    """What a cell does at one token; all (B, H), every gate between 0 and 1."""

    hidden: Tensor
    cell: Tensor
    input_gate: Tensor
    forget_gate: Tensor
    output_gate: Tensor


class LSTM(nn.Module):
    """One layer, read from left to right.

    Args:
        dim: E of its inputs.
        hidden: H.
        forget_bias: Added to the forget gate's score at the start: 0 forgets half of the cell at each step, log(n)
            keeps it for about n steps.
    """

    def __init__(self, dim: int, hidden: int, forget_bias: float = 0.0) -> None:
        super().__init__()
        self.from_input = nn.Linear(dim, 4 * hidden)  # W and b of the four, side by side: one product instead of four
        self.from_hidden = nn.Linear(hidden, 4 * hidden, bias=False)  # U
        self.hidden = hidden
        for weight in self.parameters():
            nn.init.uniform_(weight, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden))
        with torch.no_grad():
            self.from_input.bias[hidden : 2 * hidden] += forget_bias

    def copy_from(self, layer: nn.LSTM) -> LSTM:
        """Take the weights of PyTorch's layer, which computes the same several times as fast, and shows no gate."""
        with torch.no_grad():
            self.from_input.weight.copy_(layer.weight_ih_l0)
            self.from_hidden.weight.copy_(layer.weight_hh_l0)
            self.from_input.bias.copy_(layer.bias_ih_l0 + layer.bias_hh_l0)  # it has two, and adds them
        return self

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Step:
        """Read one token x (B, E) with the state of the one before, (B, H) each."""
        scores = self.from_input(x) + self.from_hidden(hidden)  # (B, 4H)
        i, f, g, o = scores.chunk(4, dim=1)  # (B, H) each
        i, f, o = i.sigmoid(), f.sigmoid(), o.sigmoid()  # how much to write, to keep, to show
        cell = f * cell + i * g.tanh()  # (B, H): the sum through which the gradient flows
        return Step(o * cell.tanh(), cell, i, f, o)

    def trace(self, x: Tensor) -> list[Step]:
        """Read x (B, T, E) and return every step."""
        zeros = x.new_zeros(len(x), self.hidden)  # (B, H)
        steps = [Step(zeros, zeros, zeros, zeros, zeros)]
        for t in range(x.shape[1]):
            steps.append(self.step(x[:, t], steps[-1].hidden, steps[-1].cell))  # (B, H)
        return steps[1:]

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read x (B, T, E); return the hidden states (B, T, H) and the last of each text (B, H).

        Args:
            x: Vectors of the tokens.
            lengths: Tokens of each text, (B,), at least 1: what comes after them is padding, which the last state has
                not read. None if all are full.
        """
        states = torch.stack([step.hidden for step in self.trace(x)], dim=1)  # (B, T, H)
        last = torch.full((len(x),), x.shape[1] - 1) if lengths is None else lengths - 1  # (B,)
        return states, states[torch.arange(len(x)), last]  # (B, T, H), (B, H)


class RNN(nn.Module):
    """The plain network of Elman, 1990, https://doi.org/10.1207/s15516709cog1402_1, which forgets."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(dim, hidden)
        self.from_hidden = nn.Linear(hidden, hidden, bias=False)
        self.hidden = hidden
        for weight in self.parameters():
            nn.init.uniform_(weight, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Read x (B, T, E); return the hidden states (B, T, H) and the last one (B, H)."""
        states = [x.new_zeros(len(x), self.hidden)]  # (B, H)
        for t in range(x.shape[1]):
            states.append(torch.tanh(self.from_input(x[:, t]) + self.from_hidden(states[-1])))  # (B, H)
        return torch.stack(states[1:], dim=1), states[-1]  # (B, T, H), (B, H)


class Recall(nn.Module):
    """Names the symbol that a sequence began with.

    Args:
        reader: An :class:`LSTM` or an :class:`RNN` over one-hot symbols.
        num_symbols: K of :func:`recall_batch`.
    """

    def __init__(self, reader: LSTM | RNN, num_symbols: int) -> None:
        super().__init__()
        self.reader = reader
        self.dense = nn.Linear(reader.hidden, num_symbols)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (B, K) for x (B, T, 2K)."""
        _, last = self.reader(x)  # (B, H)
        return self.dense(last)  # (B, K)


def recall_batch(batch_size: int, num_symbols: int, gap: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Make sequences that begin with one of K symbols, followed by ``gap`` symbols of noise, K others.

    Returns:
        One-hot (B, 1 + gap, 2K), and which symbol came first, (B,): guessing is right once in K times.
    """
    first = torch.randint(num_symbols, (batch_size, 1), generator=generator)  # (B, 1)
    noise = torch.randint(num_symbols, 2 * num_symbols, (batch_size, gap), generator=generator)  # (B, gap)
    symbols = torch.cat([first, noise], dim=1)  # (B, 1 + gap)
    return nn.functional.one_hot(symbols, 2 * num_symbols).float(), first[:, 0]


class CharLM(nn.Module):
    """A language model of characters.

    Args:
        num_characters: V.
        hidden: H, and the width of a character's vector.
        forget_bias: See :class:`LSTM`.
    """

    def __init__(self, num_characters: int, hidden: int, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.characters = nn.Embedding(num_characters, hidden)
        self.lstm = LSTM(hidden, hidden, forget_bias)
        self.dense = nn.Linear(hidden, num_characters)

    def forward(self, ids: Tensor) -> Tensor:
        """Return scores of the next character, (B, T, V), for ids (B, T)."""
        states, _ = self.lstm(self.characters(ids))  # (B, T, H)
        return self.dense(states)  # (B, T, V)
