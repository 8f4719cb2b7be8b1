"""GloVe, 2014, and PPMI + SVD: word vectors from counts.

::

    X[ice, solid] / X[steam, solid]   large: solid goes with ice
    X[ice, gas]   / X[steam, gas]     small: gas goes with steam
    X[ice, water] / X[steam, water]   near 1: water tells them not apart

Ratios of counts carry meaning, and the logarithm of a ratio is a difference. So GloVe asks for vectors whose products
are *logarithms* of counts, w_i . w~_j + b_i + b~_j = log X_ij, as well as E numbers a word allow. The same counts,
reweighted and cut off by a singular value decomposition, are older and need no training.

Source: Pennington, Socher & Manning, 2014, GloVe: Global Vectors for Word Representation,
https://aclanthology.org/D14-1162; its equations are (8) and (9) below. PPMI + SVD: Levy, Goldberg & Dagan, 2015,
Improving Distributional Similarity with Lessons Learned from Word Embeddings, https://aclanthology.org/Q15-1016.
Retrofitting: Faruqui et al., 2015, https://aclanthology.org/N15-1184.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn


def cooccurrences(documents: Sequence[np.ndarray], num_words: int, window: int) -> sparse.csr_array:
    """Count how often words stand near each other; words d apart count 1/d, as GloVe does.

    Args:
        documents: Word ids; no pair crosses from one into another.
        num_words: V.
        window: The largest d.

    Returns:
        X, (V, V), symmetric.
    """
    ids = np.concatenate(documents)
    owner = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    one_side = sparse.csr_array((num_words, num_words), dtype=np.float64)
    for distance in range(1, window + 1):
        together = owner[:-distance] == owner[distance:]
        places = (ids[:-distance][together], ids[distance:][together])
        weights = np.full(len(places[0]), 1 / distance)
        one_side = one_side + sparse.coo_array((weights, places), shape=one_side.shape).tocsr()
    return (one_side + one_side.T).tocsr()


class GloVe(nn.Module):
    """Two vectors and two biases for each word.

    Args:
        num_words: V.
        dim: E; with 0 the biases alone are left.
        top: The count from which a cell weighs 1; 10 is that of Stanford's script for a small corpus.
    """

    def __init__(self, num_words: int, dim: int, top: float = 100) -> None:
        super().__init__()
        self.top = top
        self.words = nn.Embedding(num_words, dim)  # w
        self.contexts = nn.Embedding(num_words, dim)  # w~
        self.word_bias = nn.Embedding(num_words, 1)  # b
        self.context_bias = nn.Embedding(num_words, 1)  # b~
        for table in (self.words, self.contexts, self.word_bias, self.context_bias):
            nn.init.uniform_(table.weight, -0.5 / (dim + 1), 0.5 / (dim + 1))

    def forward(self, word: Tensor, context: Tensor, count: Tensor) -> Tensor:
        """Return each cell's share of the loss, (B,), for word (B,), context (B,) and count X_ij > 0 (B,)."""
        product = (self.words(word) * self.contexts(context)).sum(dim=1)  # (B,)
        guess = product + self.word_bias(word)[:, 0] + self.context_bias(context)[:, 0]  # (B,)
        return weight(count, self.top) * (guess - count.log()) ** 2  # (B,): (8)

    @property
    def vectors(self) -> np.ndarray:
        """The sum w + w~, (V, E), as in the paper."""
        return (self.words.weight + self.contexts.weight).detach().numpy()


def weight(count: Tensor, top: float = 100, power: float = 0.75) -> Tensor:
    """Weigh a cell, (9): a count of 1 is noise, and a count over ``top`` is no more certain than ``top``."""
    return (count / top).pow(power).clamp(max=1)


def batches(counts: sparse.csr_array, batch_size: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (word, context, count) of the cells that are not zero, for ever, in a new order each time."""
    cells, random = counts.tocoo(), np.random.default_rng(seed)
    rows, columns = (torch.from_numpy(each.astype(np.int64)) for each in (cells.row, cells.col))
    values = torch.from_numpy(cells.data.astype(np.float32))
    while True:
        order = torch.from_numpy(random.permutation(len(values)))
        for chosen in order.split(batch_size):
            yield rows[chosen], columns[chosen], values[chosen]


def ppmi(counts: sparse.csr_array, power: float = 0.75) -> sparse.csr_array:
    """Turn counts into positive pointwise mutual information, max(0, log p(i, j) / (p(i) p(j))).

    Args:
        counts: X, (V, V).
        power: p(j) is of counts to this power, as word2vec's noise is; 1 is the textbook's.

    Returns:
        (V, V); cells that chance would fill as well are 0 and not stored.
    """
    cells = counts.tocoo()
    per_word = counts.sum(axis=1)
    per_context = counts.sum(axis=0) ** power
    joint = cells.data / cells.data.sum()
    by_chance = (per_word / per_word.sum())[cells.row] * (per_context / per_context.sum())[cells.col]
    values = np.log(joint / by_chance)
    more = values > 0
    return sparse.coo_array((values[more], (cells.row[more], cells.col[more])), shape=counts.shape).tocsr()


def svd_vectors(matrix: sparse.csr_array, dim: int, num_rounds: int = 4, seed: int = 0) -> np.ndarray:
    """Cut a matrix U S V' down to its ``dim`` largest singular values, and return U sqrt(S), (V, E).

    A matrix turns almost any vectors towards its largest directions; ten more of them than needed, a few rounds, and a
    small exact decomposition find these: Halko, Martinsson & Tropp, 2011, https://arxiv.org/abs/0909.4061.

    Args:
        matrix: (V, V).
        dim: E.
        num_rounds: More are more exact.
        seed: Of the vectors to start from.
    """
    num_words = matrix.shape[0]
    basis = np.random.default_rng(seed).standard_normal((num_words, min(dim + 10, num_words)))  # (V, R)
    for _ in range(num_rounds):
        basis, _ = np.linalg.qr(matrix @ (matrix.T @ basis))  # (V, R), its columns at right angles
    left, singular, _ = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)  # (R, R), (R,)
    return (basis @ left)[:, :dim] * np.sqrt(singular[:dim])  # (V, E)


def retrofit(vectors: np.ndarray, related: Mapping[int, Sequence[int]], num_rounds: int = 10) -> np.ndarray:
    """Pull each word to those that a lexicon calls related, and to where it was: the mean of the two, again and again.

    Args:
        vectors: (V, E).
        related: Word id -> ids of related words.
        num_rounds: Passes over the lexicon; the paper's 10 are enough to settle.

    Returns:
        (V, E); a word that the lexicon does not name stays.
    """
    moved = vectors.copy()
    for _ in range(num_rounds):
        for word, others in related.items():
            moved[word] = (vectors[word] + moved[list(others)].mean(axis=0)) / 2
    return moved
