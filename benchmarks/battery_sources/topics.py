"""Texts from a model that is known, so that the best possible accuracy is known too.

Each label has words of its own. A word of a text is drawn from the own words of its label, from those of any label, or
from words that all labels share; Bayes' rule then gives the probability of each label from the counts of own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from battery_sources.source import Example, Rows
from textwright.core.types import Floats, Ints

_COMMON: Final = 100
"""The most frequent words are no label's own."""
_CHUNK: Final = 10_000
"""Texts that are drawn at once."""


@cache
def english_words() -> tuple[str, ...]:
    """Return 4,500 English words, the most frequent first: those of the sentences of "movie-reviews"."""
    return tuple((Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split())


@dataclass(frozen=True, slots=True)
class TopicTexts:
    """A distribution over labeled texts.

    Args:
        labels: Names of the K labels.
        shares: How frequent each label is, (K,); empty makes all alike.
        own: Own words of each label, disjoint; empty takes ``num_own`` words of the vocabulary each.
        num_own: Own words of each label where ``own`` is empty.
        vocabulary: Words, the most frequent first; empty takes English ones.
        length: Fewest and most words of a text.
        signal: Probability that a word is one of the label's own.
        confusion: Probability that it is an own word of a label drawn at random.
        tail: Words at the end of a text among which alone own words stand; 0 lets them stand anywhere.
        flipped: Probability that the row says another label, drawn at random.
        joint: What stands between words.
        seed: Of the draw.
    """

    labels: Sequence[str]
    shares: Sequence[float] = ()
    own: Sequence[Sequence[str]] = ()
    num_own: int = 5
    vocabulary: Sequence[str] = ()
    length: tuple[int, int] = (20, 20)
    signal: float = 0.2
    confusion: float = 0.0
    tail: int = 0
    flipped: float = 0.0
    joint: str = " "
    seed: int = 0

    def make(self, num_rows: int) -> Rows:
        """Draw rows.

        Args:
            num_rows: N, at least the number of labels.

        Returns:
            The rows; the ceiling is the mean over them of the largest probability that a label has by Bayes' rule.
        """
        rng = np.random.default_rng(self.seed)
        own, shared = self._words()
        weights = 1 / (np.arange(len(shared)) + 10)
        targets = self._targets(rng, num_rows)
        examples, certain = [], []
        words = np.array([*np.concatenate(own), *shared], dtype=object)
        for start in range(0, num_rows, _CHUNK):
            part = targets[start : start + _CHUNK]
            drawn, lengths = self._draw(rng, part, len(own[0]), len(shared), weights / weights.sum())
            certain.append(self._best(drawn, len(own[0])))
            said = self._flip(rng, part)
            for row, length, label in zip(drawn, lengths.tolist(), said.tolist(), strict=True):
                examples.append(Example(self.joint.join(words[row[:length]]), (self.labels[label],)))
        # A row that says a wrong label is right for the best classifier with the chance of any other label.
        best = float(np.concatenate(certain).mean())
        ceiling = best * (1 - self.flipped) + (1 - best) * self.flipped / (len(self.labels) - 1)
        return Rows(examples, ceiling)

    def _words(self) -> tuple[list[list[str]], list[str]]:
        vocabulary = list(self.vocabulary or english_words())
        if self.own:
            own = [list(words) for words in self.own]
            taken = {word for words in own for word in words}
            return own, [word for word in vocabulary if word not in taken]
        stop = _COMMON + len(self.labels) * self.num_own
        chosen = np.random.default_rng(self.seed).permutation(vocabulary[_COMMON:stop]).tolist()
        own = [chosen[at : at + self.num_own] for at in range(0, len(chosen), self.num_own)]
        return own, vocabulary[:_COMMON] + vocabulary[stop:]

    def _shares(self) -> Floats:
        return np.asarray(self.shares or [1 / len(self.labels)] * len(self.labels))

    def _targets(self, rng: np.random.Generator, num_rows: int) -> Ints:
        """Draw labels in exactly their shares, each label once at least, in random order."""
        counts = np.maximum(np.floor(self._shares() * num_rows), 1).astype(np.int64)
        counts[counts.argmax()] += num_rows - counts.sum()
        return rng.permutation(np.repeat(np.arange(len(self.labels)), counts))

    def _draw(
        self, rng: np.random.Generator, targets: Ints, num_own: int, num_shared: int, weights: Floats
    ) -> tuple[Ints, Ints]:
        """Draw word numbers, (N, longest), -1 behind the end of a text, and lengths, (N,)."""
        fewest, most = self.length
        size = (len(targets), most)
        lengths = rng.integers(fewest, most + 1, len(targets))
        kind = rng.random(size)
        place = np.arange(most)
        if self.tail:
            kind[place < (lengths - self.tail)[:, None]] = 1
        labels = np.where(kind < self.signal, targets[:, None], rng.integers(0, len(self.labels), size))
        own = labels * num_own + rng.integers(0, num_own, size)
        shared = len(self.labels) * num_own + rng.choice(num_shared, size, p=weights)
        drawn = np.where(kind < self.signal + self.confusion, own, shared)
        drawn[place >= lengths[:, None]] = -1
        return drawn, lengths

    def _best(self, drawn: Ints, num_own: int) -> Floats:
        """Give the largest probability of a label in each text, (N,), by Bayes' rule."""
        num_labels = len(self.labels)
        is_own = (drawn >= 0) & (drawn < num_labels * num_own)
        counts = np.zeros((len(drawn), num_labels))
        rows = np.broadcast_to(np.arange(len(drawn))[:, None], drawn.shape)
        np.add.at(counts, (rows[is_own], drawn[is_own] // num_own), 1)
        other = max(self.confusion / num_labels, 1e-12)
        scores = np.log(self._shares()) + counts * np.log((self.signal + other) / other)
        scores -= scores.max(axis=1, keepdims=True)
        return np.asarray(1 / np.exp(scores).sum(axis=1))

    def _flip(self, rng: np.random.Generator, targets: Ints) -> Ints:
        moved = (targets + rng.integers(1, max(len(self.labels), 2), len(targets))) % len(self.labels)
        return np.where(rng.random(len(targets)) < self.flipped, moved, targets)
