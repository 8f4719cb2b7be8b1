"""Products of texts stand for their n-grams where texts are fewer: a fit takes its time by the number of texts then.

The scores that minimize a loss with an L2 penalty lie in the span of the texts, so that features may be turned until
each text has as many as there are texts. Products of texts, and with them the solution, stay. Needs no torch.

Source:
    Schölkopf, Herbrich & Smola, 2001, "A Generalized Representer Theorem".
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.linalg import solve_triangular  # type: ignore[import-untyped]

from textwright.core.types import Floats
from textwright.training.logistic import Matrix

_FREQUENT: Final = 0.1
"""An n-gram of a larger share of the texts is cheaper in a product of dense matrices."""
_COLUMNS_AT_ONCE: Final = 4_096
_SMALLEST: Final = 1e-6
"""Added to the product of a text with itself, 1 or 2, since the matrix of equal texts is singular."""


def gram_matrix(matrix: Matrix) -> Floats:
    """Multiply each text by each, (N, N), from sparse (N, D): frequent n-grams as dense matrices, others as sparse."""
    columns = matrix.astype(np.float64).tocsc()  # in float32, products of equal texts would differ
    num_with = np.diff(columns.indptr)
    is_frequent = num_with > _FREQUENT * matrix.shape[0]
    rare, frequent = columns[:, ~is_frequent].tocsr(), columns[:, is_frequent]
    products = (rare @ rare.T).toarray()
    for start in range(0, frequent.shape[1], _COLUMNS_AT_ONCE):
        dense = frequent[:, start : start + _COLUMNS_AT_ONCE].toarray()
        products += dense @ dense.T
    return np.asarray(products)


def gram_root(products: Floats) -> Floats:
    """Find features whose products these are, (N, N), lower triangular, by Cholesky's decomposition."""
    return np.asarray(np.linalg.cholesky(products + _SMALLEST * np.eye(len(products))))


def ngram_scores(matrix: Matrix, root: Floats, scores: Floats) -> Floats:
    """Turn scores of the features that stand for n-grams, (N, C), into scores of the n-grams, (D, C).

    Args:
        matrix: The n-grams of the texts, (N, D).
        root: Their features, (N, N), as :func:`gram_root` gives them.
        scores: Of the features.
    """
    return np.asarray(matrix.T @ solve_triangular(root, scores, lower=True, trans="T"))
