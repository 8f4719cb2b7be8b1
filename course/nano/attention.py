"""Attention, 2014: a decoder that may look back at every word of its source, instead of at one vector for all of it.

::

    without   six hundred and twelve -> [one vector] -> 6 1 2        the longer the source, the more is lost
    with      six hundred and twelve -> [a vector for each word]     at each digit: which of them now?

Sources: Bahdanau, Cho & Bengio, 2014, Neural Machine Translation by Jointly Learning to Align and Translate,
https://arxiv.org/abs/1409.0473; its equations are (5) and (6) below. The decoder without attention is that of Cho et
al., 2014, https://arxiv.org/abs/1406.1078, where the one vector is called c.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, START = 0, 1
"""Ids that both vocabularies begin with."""


class AdditiveAttention(nn.Module):
    """Scores each source word by a small network of two layers: v' tanh(W s + U h).

    Args:
        query_dim: Of the decoder's state s.
        source_dim: Of the encoder's states h.
        hidden: H of the network.
    """

    def __init__(self, query_dim: int, source_dim: int, hidden: int) -> None:
        super().__init__()
        self.from_query = nn.Linear(query_dim, hidden, bias=False)  # W
        self.from_source = nn.Linear(source_dim, hidden)  # U
        self.score = nn.Linear(hidden, 1, bias=False)  # v

    def forward(self, query: Tensor, source: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the source as the query asks.

        Args:
            query: The state before the next word, (B, Q).
            source: The encoder's states, (B, S, R).
            mask: True on words, False on padding, (B, S).

        Returns:
            The context (B, R) and the weights (B, S), which sum to 1.
        """
        both = self.from_query(query).unsqueeze(1) + self.from_source(source)  # (B, S, H)
        scores = self.score(torch.tanh(both)).squeeze(2)  # (B, S): the alignment model, a(s, h)
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=1)  # (B, S): (6)
        return (weights.unsqueeze(1) @ source).squeeze(1), weights  # (B, R), (B, S): (5)


class Seq2Seq(nn.Module):
    """Reads a sequence in both directions and writes another one.

    Args:
        num_source: Words of the source's vocabulary; id 0 is padding.
        num_target: Those of the target's; id 0 is padding, id 1 starts.
        hidden: H, of each direction and of the decoder; also the width of the words' vectors.
        attends: False gives the decoder the mean of the encoder's two last states instead, at each step the same.
    """

    def __init__(self, num_source: int, num_target: int, hidden: int, *, attends: bool = True) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(num_source, hidden), nn.Embedding(num_target, hidden)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.first = nn.Linear(2 * hidden, hidden)
        self.attention = AdditiveAttention(hidden, 2 * hidden, hidden) if attends else None
        self.decoder = nn.GRUCell(3 * hidden, hidden)
        self.dense = nn.Linear(4 * hidden, num_target)

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Read source ids (B, S); return the states (B, S, 2H) and the last of both directions (B, 2H)."""
        lengths = (source != PAD).sum(dim=1)  # (B,)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.source(source), lengths, batch_first=True, enforce_sorted=False
        )  # (B, S, H) without its padding
        states, last = self.encoder(packed)  # last: (2, B, H)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])
        return states, torch.cat([last[0], last[1]], dim=1)  # (B, S, 2H), (B, 2H)

    def step(
        self, token: Tensor, state: Tensor, source: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Write one token.

        Args:
            token: The one before, (B,).
            state: The decoder's, (B, H).
            source: States (B, S, 2H) and last state (B, 2H) of the encoder, and the mask of its words (B, S).

        Returns:
            Scores of the next token (B, V), the new state (B, H), and the weights (B, S), zeros without attention.
        """
        states, last, mask = source
        context, weights = self.attention(state, states, mask) if self.attention else (last, torch.zeros(mask.shape))
        token = self.target(token)  # (B, H)
        state = self.decoder(torch.cat([token, context], dim=1), state)  # (B, H)
        return self.dense(torch.cat([state, context, token], dim=1)), state, weights  # (B, V), (B, H), (B, S)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of a target (B, T), each token after the true ones before it, for source (B, S)."""
        states, last = self.encode(source)  # (B, S, 2H), (B, 2H)
        state = torch.tanh(self.first(last))  # (B, H)
        shifted = functional.pad(target[:, :-1], (1, 0), value=START)  # (B, T)
        scores = []
        for token in shifted.unbind(dim=1):
            score, state, _ = self.step(token, state, (states, last, source != PAD))  # (B, V), (B, H)
            scores.append(score)
        return functional.cross_entropy(torch.stack(scores, dim=2), target, ignore_index=PAD)  # ()

    @torch.no_grad()
    def write(self, source: Tensor, num_tokens: int) -> tuple[Tensor, Tensor]:
        """Write the likeliest token each time; return them (B, T) and the weights that they looked with (B, T, S)."""
        states, last = self.encode(source)  # (B, S, 2H), (B, 2H)
        state = torch.tanh(self.first(last))  # (B, H)
        token, tokens, maps = torch.full((len(source),), START), [], []
        for _ in range(num_tokens):
            score, state, weights = self.step(token, state, (states, last, source != PAD))  # (B, V), (B, H), (B, S)
            token = score.argmax(dim=1)  # (B,)
            tokens.append(token)
            maps.append(weights)
        return torch.stack(tokens, dim=1), torch.stack(maps, dim=1)  # (B, T), (B, T, S)


_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))


def spell(number: int) -> list[str]:
    """Write a number below a thousand million in words: 612 is six, hundred, and, twelve."""
    if number < 20:
        return [_ONES[number]]
    if number < 100:
        return [_TENS[number // 10 - 2]] + ([_ONES[number % 10]] if number % 10 else [])
    scale, name = next(each for each in _SCALES if number >= each[0])
    rest = number % scale
    return [*spell(number // scale), name, *(["and"] * (0 < rest < 100)), *(spell(rest) if rest else [])]


NUMBER_WORDS = ["<pad>", "<start>", *_ONES, *_TENS, *(name for _, name in _SCALES), "and"]
"""The source's vocabulary of :func:`number_batch`; the target's is padding, start, and the digits from id 2 on."""


def number_batch(numbers: list[int]) -> tuple[Tensor, Tensor]:
    """Make sources of words (B, S) and targets of digits (B, T) of some numbers."""
    index = {word: place for place, word in enumerate(NUMBER_WORDS)}
    sources = [torch.tensor([index[word] for word in spell(number)]) for number in numbers]
    targets = [torch.tensor([int(digit) + 2 for digit in str(number)]) for number in numbers]
    source, target = (nn.utils.rnn.pad_sequence(each, batch_first=True) for each in (sources, targets))
    return source, target  # (B, S), (B, T)
