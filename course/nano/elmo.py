"""ELMo, 2018: a word's vector depends on its sentence: what two language models, one from each side, know at it.

::

    the bank of the river      the left-to-right model has read "the bank"
                               the right-to-left model has read "river the of bank"

A word is read from its letters, so none is unknown. A task then mixes the layers by weights of its own.

Source: Peters et al., 2018, Deep contextualized word representations, https://arxiv.org/abs/1802.05365; its equation
(1) is below. Reading from letters: Kim et al., 2015, https://arxiv.org/abs/1508.06615. The LSTM is that of ``lstm``, in
PyTorch's faster one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, BEGIN, END, NUM_CHARACTERS = 0, 257, 258, 259
"""A byte b has the id b + 1."""


def characters(word: str, width: int) -> list[int]:
    """Write a word as ``width`` ids: its begin, its bytes, its end, padding; a longer word is cut."""
    ids = [BEGIN, *(byte + 1 for byte in word.encode()[: width - 2]), END]
    return ids + [PAD] * (width - len(ids))


def batch(sentences: Sequence[Sequence[str]], width: int) -> tuple[Tensor, Tensor]:
    """Write sentences as (B, T, ``width``), and their lengths in words (B,)."""
    lengths = torch.tensor([len(sentence) for sentence in sentences])  # (B,)
    rows = torch.full((len(sentences), int(lengths.max()), width), PAD)  # (B, T, C)
    for row, sentence in zip(rows, sentences, strict=True):
        row[: len(sentence)] = torch.tensor([characters(word, width) for word in sentence])  # (T, C)
    return rows, lengths


class Highway(nn.Module):
    """Lets a share of each number through, and transforms the rest: Srivastava et al., arxiv.org/abs/1505.00387."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.transform, self.gate = nn.Linear(dim, dim), nn.Linear(dim, dim)
        nn.init.constant_(self.gate.bias, -1)  # at first most goes through

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., E) for x (..., E)."""
        share = torch.sigmoid(self.gate(x))  # (..., E)
        return share * torch.relu(self.transform(x)) + (1 - share) * x  # (..., E)


class CharCNN(nn.Module):
    """A vector of a word from its letters: filters of several widths, each filter's largest answer, a highway.

    Args:
        dim: E of the result.
        filters: Width of a filter -> how many there are.
    """

    def __init__(self, dim: int, filters: dict[int, int]) -> None:
        super().__init__()
        self.letters = nn.Embedding(NUM_CHARACTERS, 16, padding_idx=PAD)
        self.filters = nn.ModuleList(nn.Conv1d(16, number, width) for width, number in filters.items())
        total = sum(filters.values())
        self.highway, self.dense = Highway(total), nn.Linear(total, dim)

    def forward(self, letters: Tensor) -> Tensor:
        """Return (B, T, E) for letters (B, T, C), C at least the widest filter."""
        x = self.letters(letters.flatten(0, 1)).transpose(1, 2)  # (B T, 16, C)
        x = torch.cat([torch.relu(each(x)).amax(dim=2) for each in self.filters], dim=1)  # (B T, F)
        return self.dense(self.highway(x)).unflatten(0, letters.shape[:2])  # (B, T, E)


def turned(x: Tensor, lengths: Tensor) -> Tensor:
    """Turn each text around, (B, T, ...), and leave its padding at the end; twice is as before."""
    place = torch.arange(x.shape[1])  # (T,)
    source = torch.where(place < lengths.unsqueeze(1), lengths.unsqueeze(1) - 1 - place, place)  # (B, T)
    return x[torch.arange(len(x)).unsqueeze(1), source]  # (B, T, ...)


class ProjectedLSTM(nn.Module):
    """A wide LSTM, whose states are projected down; the paper's also reads back what was projected."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lstm, self.project = nn.LSTM(dim, hidden, batch_first=True), nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, E) for x (B, T, E)."""
        states, _ = self.lstm(x)  # (B, T, H)
        return self.project(states)  # (B, T, E)


class BiLM(nn.Module):
    """Two language models over one reader of words, trained together, section 3.1.

    Args:
        num_words: V: words that can be predicted; any can be read. Id 0 is any other word.
        dim: E: of a word, and of each direction's states.
        hidden: H: of the cells, projected down to E.
        filters: Of :class:`CharCNN`.
    """

    def __init__(self, num_words: int, dim: int, hidden: int, filters: dict[int, int]) -> None:
        super().__init__()
        self.words = CharCNN(dim, filters)
        self.forward_layers, self.backward_layers = (
            nn.ModuleList(ProjectedLSTM(dim, hidden) for _ in range(2)) for _ in range(2)
        )
        self.dense = nn.Linear(dim, num_words)  # the same for both directions, as the paper has it

    def read(self, x: Tensor, layers: nn.ModuleList) -> list[Tensor]:
        """Read x (B, T, E) from left to right; return the states of both layers, (B, T, E) each."""
        first = layers[0](x)  # (B, T, E)
        return [first, layers[1](first) + first]  # (B, T, E): "a residual connection from the first to second layer"

    def directions(self, letters: Tensor, lengths: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return words (B, T, E), and both layers of each direction, (B, T, E) each, for letters (B, T, C)."""
        words = self.words(letters)  # (B, T, E)
        left = self.read(words, self.forward_layers)  # 2 x (B, T, E)
        right = self.read(turned(words, lengths), self.backward_layers)  # 2 x (B, T, E), from the last word on
        return words, left, [turned(each, lengths) for each in right]

    def layers(self, letters: Tensor, lengths: Tensor) -> Tensor:
        """Return the three layers of each word, (3, B, T, 2E): its own vector twice, then what both sides know."""
        words, left, right = self.directions(letters, lengths)
        pairs = [(words, words), *zip(left, right, strict=True)]  # 3 x 2 x (B, T, E)
        return torch.stack([torch.cat(pair, dim=2) for pair in pairs])  # (3, B, T, 2E)

    def forward(self, letters: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
        """Return the mean loss of both directions.

        Args:
            letters: (B, T, C).
            lengths: Words of each text, 2 or more, (B,).
            ids: What is to be predicted, (B, T); -1 on padding.
        """
        _, left, right = self.directions(letters, lengths)
        after = self.dense(left[-1][:, :-1])  # (B, T - 1, V): from words up to t, the word t + 1
        before = self.dense(right[-1][:, 1:])  # (B, T - 1, V): from words from t on, the word t - 1
        real = torch.arange(1, ids.shape[1]) < lengths.unsqueeze(1)  # (B, T - 1): places after the first
        next_word = functional.cross_entropy(after[real], ids[:, 1:][real])  # ()
        last_word = functional.cross_entropy(before[real], ids[:, :-1][real])  # ()
        return (next_word + last_word) / 2  # ()


class ScalarMix(nn.Module):
    """One vector of several layers, by weights that a task learns, (1): gamma times the sum of s_j h_j."""

    def __init__(self, num_layers: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(num_layers))
        self.gamma = nn.Parameter(torch.ones(()))

    @property
    def shares(self) -> Tensor:
        """The weights s_j, which sum to 1, (L,)."""
        return self.scores.softmax(dim=0)

    def forward(self, layers: Tensor) -> Tensor:
        """Return (...,) for layers (L, ...)."""
        return self.gamma * torch.tensordot(self.shares, layers, dims=1)  # (...,)
