"""One vector for many words: means, a decomposition of counts, and BERT twice, 2019.

::

    mean            every word counts the same, "the" too
    idf, SIF        rare words count more; what all sentences share is taken away
    LSA   1990      a document is a row of counts; keep its largest directions
    BM25  1994      no vector at all: which rare words do both have, and how often
    SBERT 2019      the same BERT reads both texts, and is trained until a cosine says how alike they are

Sources: LSA: Deerwester et al., 1990, https://doi.org/10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9;
BM25: Robertson et al., 1994, as in Robertson & Zaragoza, 2009, https://doi.org/10.1561/1500000019;
SIF: Arora, Liang & Ma, 2017, https://openreview.net/forum?id=SyK00v5xx; SBERT: Reimers & Gurevych, 2019,
https://arxiv.org/abs/1908.10084; negatives from the batch: Henderson et al., 2017, https://arxiv.org/abs/1705.00652.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import svds
from torch import Tensor, nn
from torch.nn import functional


def counts(documents: Sequence[np.ndarray], num_words: int) -> sparse.csr_array:
    """Count the words of each document, (N, V).

    Args:
        documents: Word ids of each.
        num_words: V.
    """
    rows = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    places = (rows, np.concatenate(documents))
    return sparse.coo_array((np.ones(len(rows)), places), shape=(len(documents), num_words)).tocsr()


def idf(table: sparse.csr_array) -> np.ndarray:
    """Weigh a word by how few documents have it, (V,): log (1 + N) / (1 + n) + 1, so that none weighs nothing."""
    num_holders = (table > 0).sum(axis=0)  # (V,)
    return np.log((1 + table.shape[0]) / (1 + num_holders)) + 1


def sif(frequency: np.ndarray, smoothing: float = 1e-3) -> np.ndarray:
    """Weigh a word by a / (a + p), (V,), where p is its share of all words: SIF's equation (3)."""
    return smoothing / (smoothing + frequency / frequency.sum())


def means(table: sparse.csr_array, vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average the vectors of each document's words.

    Args:
        table: How often each has each word, (N, V).
        vectors: Of the words, (V, E).
        weights: Of the words, (V,): ones, :func:`idf` or :func:`sif`.

    Returns:
        (N, E); zeros for a document without a word.
    """
    weighted = table * weights  # (N, V)
    total = np.maximum(weighted.sum(axis=1), 1e-12)  # (N,)
    return (weighted @ vectors) / total[:, None]  # (N, E)


def common_direction(vectors: np.ndarray) -> np.ndarray:
    """Find the direction that vectors (N, E) share most, their first singular vector, (E,)."""
    _, _, directions = np.linalg.svd(vectors, full_matrices=False)
    return directions[0]  # (E,)


def without(vectors: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Take a direction (E,) of length 1 away from vectors (N, E): SIF's second half."""
    return vectors - np.outer(vectors @ direction, direction)  # (N, E)


def tfidf(table: sparse.csr_array, weights: np.ndarray) -> sparse.csr_array:
    """Weigh counts (N, V), of which the tenth of a word says little more than the first, and scale rows to length 1.

    Args:
        table: How often each document has each word, (N, V).
        weights: Of the words, (V,): :func:`idf` of the documents that are searched, for queries too.
    """
    damped = table.astype(np.float64)
    damped.data = 1 + np.log(damped.data)
    weighted = damped * weights  # (N, V)
    return (weighted * (1 / _lengths(weighted))).tocsr()  # (N, V)


def lsa(weighted: sparse.csr_array, dim: int, seed: int = 0) -> np.ndarray:
    """Find the ``dim`` largest directions (V, E) of :func:`tfidf` (N, V); a text's vector is its row times them."""
    _, _, directions = svds(weighted, k=dim, random_state=seed)
    return directions[::-1].T  # (V, E): the largest first


def bm25(table: sparse.csr_array, k: float = 1.2, b: float = 0.75) -> sparse.csr_array:
    """Weigh the words of documents (N, V) so that a query's counts times them are its scores.

    Args:
        table: How often each document has each word, (N, V).
        k: How soon a further occurrence of a word stops to count.
        b: How far a document that is longer than the mean is held to have more words by length alone, 0 to 1.
    """
    counted = table.tocoo()
    words = table.sum(axis=1)  # (N,)
    damping = k * (1 - b + b * words / words.mean())  # (N,)
    num_holders = (table > 0).sum(axis=0)  # (V,)
    rarity = np.log(1 + (table.shape[0] - num_holders + 0.5) / (num_holders + 0.5))  # (V,)
    values = rarity[counted.col] * counted.data * (k + 1) / (counted.data + damping[counted.row])
    return sparse.coo_array((values, (counted.row, counted.col)), shape=table.shape).tocsr()


def pool_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Average what a BERT says of each token: (B, E) of hidden (B, T, E) and mask (B, T)."""
    weights = mask.unsqueeze(2).to(hidden.dtype)  # (B, T, 1)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)  # (B, E)


def pool_cls(hidden: Tensor) -> Tensor:
    """Take what it says of [CLS], the first token: (B, E) of hidden (B, T, E)."""
    return hidden[:, 0]  # (B, E)


class PairClassifier(nn.Module):
    """SBERT's first way to learn: does one sentence follow from the other? Section 3, "classification objective".

    Args:
        dim: E of a sentence's vector.
        num_labels: K: entailment, neutral, contradiction.
    """

    def __init__(self, dim: int, num_labels: int = 3) -> None:
        super().__init__()
        self.dense = nn.Linear(3 * dim, num_labels, bias=False)

    def forward(self, u: Tensor, v: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss for vectors u, v (B, E) and labels (B,): softmax(W (u, v, |u - v|))."""
        scores = self.dense(torch.cat([u, v, (u - v).abs()], dim=1))  # (B, K)
        return functional.cross_entropy(scores, labels)  # ()


def contrastive_loss(u: Tensor, v: Tensor, scale: float = 20.0) -> Tensor:
    """Ask which v of the batch belongs to each u: how MiniLM was trained, from pairs alone.

    Args:
        u: Of the first text of each pair, (B, E).
        v: Of the second, (B, E): the other B - 1 are the wrong answers.
        scale: Of the cosines, which are too close to each other for a softmax.

    Returns:
        The mean loss; ln B for vectors that say nothing.
    """
    cosines = functional.normalize(u, dim=1) @ functional.normalize(v, dim=1).T  # (B, B)
    return functional.cross_entropy(scale * cosines, torch.arange(len(u)))  # ()


def cosines(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """Compare queries (M, E) with documents (N, E): (M, N); a row of zeros is like none."""
    return (queries / _lengths(queries)) @ (documents / _lengths(documents)).T  # (M, N)


def ranks(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Search: say at which place, from 1, each query finds its document; equals come before it.

    Args:
        scores: Of each query with each document, (M, N).
        own: Which document each query looks for, (M,).
    """
    return (scores >= scores[np.arange(len(own)), own][:, None]).sum(axis=1)  # (M,)


def mean_reciprocal_rank(places: np.ndarray) -> float:
    """Average 1 / place: 1 if each is found first, 1/2 if second."""
    return float((1 / places).mean())


def _lengths(rows: np.ndarray | sparse.csr_array) -> np.ndarray:
    """Measure rows (N, E), (N, 1); never 0."""
    return np.maximum(np.sqrt((rows**2).sum(axis=1)), 1e-12)[:, None]
