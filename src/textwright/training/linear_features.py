"""Weigh the n-grams of texts, and give those of folds as they would be if the other texts had never been seen.

Called by ``solver`` and ``linear_search``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from scipy.linalg import solve_triangular  # type: ignore[import-untyped]

from textwright.core.encodings import Encodings
from textwright.core.ngrams import Alphabet, find_ngrams
from textwright.core.tfidf import Tfidf
from textwright.core.types import Floats, Ints
from textwright.models.linear import Features
from textwright.models.ngram_table import blocks
from textwright.training.gram import gram_matrix, gram_root, ngram_scores
from textwright.training.logistic import Matrix

FEW_TEXTS: Final = 3_000
"""Up to so many texts, products of all pairs of texts stand for the n-grams."""
_VERY_FEW_TEXTS: Final = 1_000
"""Up to so many texts they do so even if texts are short: L-BFGS takes its time by the number of scores."""


def weigh(encodings: Encodings, alphabet: Alphabet, tfidf: Tfidf) -> Matrix:
    """Weigh the n-grams of texts, (N, F), sparse float32, a block of texts at a time."""
    num_words, num_features = tfidf.num_word_features, len(tfidf.keys)
    kinds = {"words": num_words > 0, "characters": num_words < num_features}
    values, features, counts = [], [], [np.zeros(1, dtype=np.int64)]
    for start, stop in blocks(encodings):
        part = encodings.between(start, stop)
        weighed = tfidf.weigh(find_ngrams(part, alphabet, **kinds), len(part))
        values.append(weighed.values.astype(np.float32))
        features.append(weighed.features.astype(np.int32))
        counts.append(np.bincount(weighed.texts, minlength=len(part)))
    offsets = np.cumsum(np.concatenate(counts))
    columns = np.concatenate(values), np.concatenate(features), offsets
    return sparse.csr_matrix(columns, shape=(len(encodings), num_features))


class LinearFeatures:
    """The weighed n-grams of texts, of which some are learned from and others scored.

    Of few texts, features are turned so that each text has as many as there are texts; products of texts stay. The
    scores that minimize a loss with an L2 penalty lie in the span of the texts, so that nothing changes but the time
    that a fit takes.

    Args:
        matrix: Weights of all n-grams, (N, F), words first.
        num_words: How many of them are words or pairs of words.
    """

    def __init__(self, matrix: Matrix, num_words: int) -> None:
        num_texts, num_features = matrix.shape
        both = {Features.WORDS: slice(0, num_words), Features.CHARACTERS: slice(num_words, num_features)}
        groups = {kind: columns for kind, columns in both.items() if columns.start < columns.stop}
        self._columns = groups or {Features.WORDS: slice(0, num_words)}
        is_one = len(self._columns) == 1
        self._groups = {kind: matrix if is_one else matrix[:, columns] for kind, columns in self._columns.items()}
        is_dense = num_texts <= _VERY_FEW_TEXTS or matrix.nnz >= num_texts**2 // 4
        self._is_turned = num_texts <= FEW_TEXTS and is_dense
        self._products: dict[Features, Floats] = {}

    @property
    def kinds(self) -> list[Features]:
        """What can be learned from."""
        return [*self._groups, Features.BOTH] if len(self._groups) == 2 else [*self._groups]

    def columns(self, kind: Features) -> slice:
        """Tell which columns are of a kind."""
        return self._columns.get(kind, slice(None))

    def fold(self, kind: Features, learned: Ints, scored: Ints) -> tuple[Matrix, Matrix]:
        """Give the features of texts that are learned from, and those of texts that are scored.

        N-grams that no learned text holds do not count in the length of a scored text's weights, as they will not when
        the model meets new texts.

        Args:
            kind: What is learned from.
            learned: L positions.
            scored: S positions.

        Returns:
            (L, D) and (S, D).
        """
        groups = self._of(kind)
        scales = {group: _scales(self._groups[group], learned, scored) for group in groups}
        if self._is_turned:
            root = gram_root(np.sum([self._product(group)[np.ix_(learned, learned)] for group in groups], axis=0))
            across = np.sum([self._product(group)[np.ix_(learned, scored)] * scales[group] for group in groups], axis=0)
            return root.astype(np.float32), solve_triangular(root, across, lower=True).T.astype(np.float32)
        known = [self._groups[group][learned] for group in groups]
        unseen = [sparse.diags_array(scales[group]) @ self._groups[group][scored] for group in groups]
        return _side_by_side(known), _side_by_side(unseen)

    def all_texts(self, kind: Features) -> tuple[Matrix, Callable[[Floats], Floats]]:
        """Give the features of all texts, (N, D), and what turns scores of them, (D, C), into scores of n-grams."""
        matrix = _side_by_side([self._groups[group] for group in self._of(kind)])
        if not self._is_turned:
            return matrix, lambda scores: scores
        root = gram_root(np.sum([self._product(group) for group in self._of(kind)], axis=0))
        return root.astype(np.float32), partial(ngram_scores, matrix, root)

    def _of(self, kind: Features) -> list[Features]:
        return [kind] if kind in self._groups else [*self._groups]

    def _product(self, group: Features) -> Floats:
        if group not in self._products:
            self._products[group] = gram_matrix(self._groups[group])
        return self._products[group]


def _scales(matrix: Matrix, learned: Ints, scored: Ints) -> Floats:
    """Tell by what the weights of scored texts grow when n-grams that no learned text holds are left out, (S,)."""
    is_known = np.zeros(matrix.shape[1], dtype=np.bool_)
    is_known[matrix[learned].indices] = True
    unseen = matrix[scored]
    squares = np.where(is_known[unseen.indices], unseen.data.astype(np.float64) ** 2, 0)
    texts = np.repeat(np.arange(len(scored)), np.diff(unseen.indptr))
    lengths = np.sqrt(np.bincount(texts, squares, len(scored)))
    return np.divide(1, lengths, out=np.zeros(len(scored)), where=lengths > 0)


def _side_by_side(parts: Sequence[Matrix]) -> Matrix:
    whole = parts[0] if len(parts) == 1 else sparse.hstack(parts, format="csr")
    return whole.astype(np.float32, copy=False)
