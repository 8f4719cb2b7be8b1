"""Weigh the n-grams of texts by TF-IDF, as scikit-learn does for two vectorizers side by side.

The weight of an n-gram that occurs c times in a text is (1 + ln c) times its inverse document frequency; then the
weights of words and pairs are divided by their Euclidean norm, and those of characters by theirs. Callers: ``train``,
which fits on these weights, and ``runtime``, which explains by them. ``models.linear`` does the same in the graph.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from textwright.core.ngrams import FIRST_CHARACTER_KEY, KEY_BITS, Ngrams
from textwright.core.types import Floats, Ints


class NgramCounts(NamedTuple):
    """The distinct n-grams of texts, sorted by text, then by key.

    Args:
        keys: (M,).
        texts: Which text each is of, (M,).
        counts: How often it occurs there, (M,).
    """

    keys: Ints
    texts: Ints
    counts: Ints

    @classmethod
    def of(cls, ngrams: Ngrams) -> Self:
        """Count n-grams as they occur."""
        pairs, counts = count_equal(ngrams.texts << KEY_BITS | ngrams.keys)
        return cls(pairs & 2**KEY_BITS - 1, pairs >> KEY_BITS, counts)


def count_equal(values: Ints) -> tuple[Ints, Ints]:
    """Return distinct values, rising, and how often each occurs; by a sort, many times as fast as ``np.unique``."""
    ordered = np.sort(values)
    is_first = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    firsts = np.flatnonzero(is_first)
    return ordered[firsts], np.diff(np.append(firsts, len(ordered)))


class TfidfWeights(NamedTuple):
    """The distinct n-grams of texts that are known, with their weights, sorted by text, then by feature.

    Args:
        texts: Which text each is of, (M,).
        features: Which n-gram it is, (M,), in [0, F).
        values: Its weight, (M,).
        counts: How often it occurs in its text, (M,).
    """

    texts: Ints
    features: Ints
    values: Floats
    counts: Ints


class Tfidf(NamedTuple):
    """The n-grams that are known, and what each is worth.

    Args:
        keys: Rising, (F,).
        idf: Inverse document frequencies, (F,).
    """

    keys: Ints
    idf: Floats

    @property
    def num_word_features(self) -> int:
        """Number of those that are words or pairs of words: they come first."""
        return int(np.searchsorted(self.keys, FIRST_CHARACTER_KEY))

    def find(self, keys: Ints) -> Ints:
        """Find n-grams by their keys, (M,): F for one that is not known."""
        places = np.searchsorted(self.keys, keys)
        learned = np.append(self.keys, -1)
        return np.where(learned[places] == keys, places, len(self.keys))

    def weigh(self, ngrams: Ngrams, num_texts: int) -> TfidfWeights:
        """Weigh the n-grams of texts.

        Args:
            ngrams: As they occur.
            num_texts: N.

        Returns:
            The distinct ones that are known.
        """
        keys, texts, counts = NgramCounts.of(ngrams)
        features = self.find(keys)
        is_known = features < len(self.keys)
        texts, features, counts = texts[is_known], features[is_known], counts[is_known]
        values = (1 + np.log(counts)) * self.idf[features]
        groups = 2 * texts + (features >= self.num_word_features)
        norms = np.sqrt(np.bincount(groups, values**2, 2 * num_texts))
        return TfidfWeights(texts, features, values / norms[groups], counts)


def inverse_frequencies(num_with: Ints, num_texts: int) -> Floats:
    """Compute inverse document frequencies.

    Args:
        num_with: Texts that hold each n-gram, (F,).
        num_texts: Of all.

    Returns:
        ln((1 + N) / (1 + n)) + 1, (F,): as if one further text held every n-gram.
    """
    return np.asarray(np.log((1 + num_texts) / (1 + num_with)) + 1, dtype=np.float64)
