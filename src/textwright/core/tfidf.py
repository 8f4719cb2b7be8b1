"""Weigh the n-grams of texts by TF-IDF, as scikit-learn does for two vectorizers side by side.

The weight of an n-gram that occurs c times in a text is (1 + ln c) times its inverse document frequency; then the
weights of words and pairs are divided by their Euclidean norm, and those of characters by theirs. Callers: ``train``,
which fits on these weights, and ``runtime``, which explains by them. ``models.linear`` does the same in the graph.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from textwright.core.ngrams import FIRST_CHARACTER_KEY, Ngrams
from textwright.core.types import Floats, Ints


class Weighed(NamedTuple):
    """The distinct n-grams of texts with their weights, sorted by text.

    Args:
        texts: Which text each is of, (M,).
        features: Which n-gram it is, (M,), in [0, F).
        values: Its weight, (M,).
        occurrences: Which of the M each given n-gram is, in the given order; -1 for one that is not in the table.
        counts: How often each occurs in its text, (M,).
    """

    texts: Ints
    features: Ints
    values: Floats
    occurrences: Ints
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
        known = np.append(self.keys, -1)
        return np.where(known[places] == keys, places, len(self.keys))

    def weigh(self, ngrams: Ngrams, num_texts: int) -> Weighed:
        """Weigh the n-grams of texts.

        Args:
            ngrams: As they occur.
            num_texts: N.

        Returns:
            The distinct ones that are known.
        """
        features = self.find(ngrams.keys)
        is_known = features < len(self.keys)
        pairs = ngrams.texts[is_known] * len(self.keys) + features[is_known]
        distinct, inverse, counts = np.unique(pairs, return_inverse=True, return_counts=True)
        texts, kinds = np.divmod(distinct, max(len(self.keys), 1))
        values = (1 + np.log(counts)) * self.idf[kinds]
        groups = 2 * texts + (kinds >= self.num_word_features)
        norms = np.sqrt(np.bincount(groups, values**2, 2 * num_texts))
        occurrences = np.full(len(features), -1, dtype=np.int64)
        occurrences[is_known] = inverse.reshape(-1)
        return Weighed(texts, kinds, values / norms[groups], occurrences, counts)


def inverse_frequencies(num_with: Ints, num_texts: int) -> Floats:
    """Compute inverse document frequencies.

    Args:
        num_with: Texts that hold each n-gram, (F,).
        num_texts: Of all.

    Returns:
        ln((1 + N) / (1 + n)) + 1, (F,): as if one further text held every n-gram.
    """
    return np.asarray(np.log((1 + num_texts) / (1 + num_with)) + 1, dtype=np.float64)
