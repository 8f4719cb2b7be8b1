"""The weighed n-grams of texts, as the family ``linear`` counts them: for models of folds, neighbors and diversity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from textwright.core.ngrams import Alphabet
from textwright.core.types import Float32s, Floats, Ints
from textwright.models.linear import FAMILY, LinearConfig, build_tokenizer, count_known
from textwright.training.linear_features import LinearFeatures, weigh
from textwright.training.logistic import Matrix

MAX_CHARACTERS: Final = 5_000
"""Characters of a text that are counted: its beginning says what it is about, and n-grams of books fill the memory."""
_SHORTEST: Final = 1e-12
"""Length of a text without a known n-gram, which is like no other."""
_BLOCK_VALUES: Final = 20_000_000
"""Similarities that are computed at once."""


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """What texts are made of.

    Args:
        matrix: Weights of all n-grams, (N, F), sparse float32; words first. Words and characters have length 1 each.
        num_words: How many of the n-grams are words or pairs of words.
        lengths: Euclidean length of each row, (N,), > 0.
    """

    matrix: Matrix
    num_words: int
    lengths: Floats

    @classmethod
    def of(cls, texts: Sequence[str], num_labels: int) -> TextFeatures:
        """Count and weigh the n-grams of texts.

        Args:
            texts: N >= 1 texts.
            num_labels: Bounds the number of n-grams, as in training.
        """
        config = LinearConfig()
        tokenizer = build_tokenizer(texts, config, min(MAX_CHARACTERS, int(FAMILY.defaults["max_length"])))
        encodings = tokenizer.encode(texts)
        alphabet = Alphabet.of(tokenizer.vocabulary, cased=False)
        known, _ = count_known(config, encodings, alphabet, num_labels)
        matrix = weigh(encodings, alphabet, known)
        squares = np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel()
        return cls(matrix, known.num_word_features, np.maximum(np.sqrt(squares), _SHORTEST))

    def for_training(self) -> LinearFeatures:
        """Give them in the form that the family is fitted on."""
        return LinearFeatures(self.matrix, self.num_words)

    def similarities(self, rows: Ints, others: Ints) -> Float32s:
        """Compare texts with others: cosine of words and characters, 0 for nothing in common, 1 for the same.

        Args:
            rows: R positions.
            others: O positions.

        Returns:
            (R, O), in [0, 1].
        """
        products = (self.matrix[rows] @ self.matrix[others].T).toarray()
        return np.asarray(products / self.lengths[rows][:, None] / self.lengths[others], dtype=np.float32)

    def nearest(self, rows: Ints, num_neighbors: int) -> tuple[Ints, Float32s]:
        """Find the texts that are most like given ones.

        Args:
            rows: R positions.
            num_neighbors: Neighbors of each, >= 0; fewer where there are not so many other texts.

        Returns:
            Their positions and similarities, (R, M) each, the most similar first.
        """
        num_texts = self.matrix.shape[0]
        num_neighbors = min(num_neighbors, num_texts - 1)
        everyone, step = np.arange(num_texts), max(_BLOCK_VALUES // num_texts, 1)
        places, values = [np.zeros((0, num_neighbors), np.int64)], [np.zeros((0, num_neighbors), np.float32)]
        for start in range(0, len(rows) if num_neighbors else 0, step):
            block = rows[start : start + step]
            similarities = self.similarities(block, everyone)
            similarities[np.arange(len(block)), block] = -1  # not itself
            best = np.argsort(-similarities, axis=1, kind="stable")[:, :num_neighbors]
            places.append(best)
            values.append(np.take_along_axis(similarities, best, axis=1))
        return np.concatenate(places), np.concatenate(values)
