"""Which n-grams a linear model knows: counted in the training split, and found in the graph by their keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from textwright.core.encodings import Encodings
from textwright.core.ngrams import FIRST_CHARACTER_KEY, KEY_BITS, Alphabet, find_ngrams
from textwright.core.tfidf import NgramCounts, Tfidf, count_equal, inverse_frequencies
from textwright.core.types import Ints

_BLOCK_CHARACTERS: Final = 400_000
"""Characters whose n-grams are counted at once: some 2 million keys."""
_MERGED_KEYS: Final = 20_000_000
"""Counts of blocks are added up when they are so many."""


class NgramTable(nn.Module):
    """Finds features by their keys: the first place by the upper bits, then a few steps of binary search.

    Args:
        keys: Of the F features, rising, (F,).
    """

    first: Tensor
    keys: Tensor

    def __init__(self, keys: Ints) -> None:
        super().__init__()
        self.shift = KEY_BITS - max(len(keys) - 1, 1).bit_length()
        edges = np.arange(2 ** (KEY_BITS - self.shift)) << self.shift
        first = np.searchsorted(keys, edges)
        most = int(np.diff(np.append(first, len(keys))).max())
        self.steps = [2**power for power in reversed(range(most.bit_length()))]
        padded = np.append(keys, np.full(sum(self.steps) + 1, 2**KEY_BITS - 1))  # so that no step leaves the table
        self._num_features = len(keys)
        self.register_buffer("first", torch.from_numpy(first.astype(np.int32)))
        self.register_buffer("keys", torch.from_numpy(padded.astype(np.int32)))

    def forward(self, keys: Tensor) -> Tensor:
        """Find features.

        Args:
            keys: (B, N) int64, in [0, 2**31).

        Returns:
            (B, N) int64, in [0, F]; F for a key that is not in the table.
        """
        flat = keys.flatten()  # (B * N,)
        wanted = flat.to(torch.int32)  # (B * N,)
        places = self.first.index_select(0, flat >> self.shift).long()  # (B * N,)
        for step in self.steps:
            is_below = self.keys.index_select(0, places + (step - 1)) < wanted  # (B * N,)
            places = places + step * is_below  # (B * N,)
        is_there = (self.keys.index_select(0, places) == wanted) & (places < self._num_features)  # (B * N,)
        return torch.where(is_there, places, self._num_features).view(keys.shape)  # (B, N)


class Counted(NamedTuple):
    """N-grams of texts.

    Args:
        keys: The distinct ones, rising, (F,).
        num_texts: How many texts hold each, (F,).
    """

    keys: Ints
    num_texts: Ints

    def frequent(self, min_texts: int, most: int) -> Counted:
        """Leave out what fewer texts hold; of words, and of characters, all but the ``most`` that most texts hold."""
        stays = np.flatnonzero(self.num_texts >= min_texts)
        num_words = int(np.searchsorted(self.keys[stays], FIRST_CHARACTER_KEY))
        parts = (_most_frequent(self.num_texts, part, most) for part in (stays[:num_words], stays[num_words:]))
        stays = np.concatenate(list(parts))
        return Counted(self.keys[stays], self.num_texts[stays])

    def tfidf(self, num_texts: int) -> Tfidf:
        """Give each n-gram its inverse document frequency among N texts."""
        return Tfidf(self.keys, inverse_frequencies(self.num_texts, num_texts))


def count_texts(encodings: Encodings, alphabet: Alphabet, *, words: bool, characters: bool) -> Counted:
    """Count how many texts hold each n-gram, a block of texts at a time.

    Args:
        encodings: N texts as characters.
        alphabet: What the token ids are.
        words: Whether words and pairs of words are counted.
        characters: Whether n-grams of characters are counted.

    Returns:
        All n-grams of these kinds.
    """
    parts = [Counted(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    for start, stop in blocks(encodings):
        ngrams = find_ngrams(encodings.between(start, stop), alphabet, words=words, characters=characters)
        parts.append(Counted(*count_equal(NgramCounts.of(ngrams).keys)))
        if sum(len(part.keys) for part in parts) > _MERGED_KEYS:
            parts = [_merge(parts)]
    return _merge(parts)


def blocks(encodings: Encodings) -> Iterator[tuple[int, int]]:
    """Cut texts into runs of some 400,000 characters, or of one text: (start, stop)."""
    numbers = encodings.offsets[:-1] // _BLOCK_CHARACTERS
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(encodings)]
    return pairwise(edges)


def _most_frequent(num_texts: Ints, places: Ints, most: int) -> Ints:
    """Select up to so many places, rising, of those that have the largest numbers."""
    if len(places) <= most:
        return places
    return np.sort(places[np.argsort(-num_texts[places], kind="stable")[:most]])


def _merge(parts: list[Counted]) -> Counted:
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys, kind="stable")  # of runs that are sorted already
    keys, counts = keys[order], np.concatenate([part.num_texts for part in parts])[order]
    firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    return Counted(keys[firsts], np.add.reduceat(counts, firsts) if len(firsts) else counts)
