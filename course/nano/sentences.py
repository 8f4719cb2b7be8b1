"""One vector for many words: means, a decomposition of counts, and BERT twice, 2019.

::

    mean            every word counts the same, "the" too
    idf, SIF        rare words count more; what all sentences share is taken away
    LSA   1990      a document is a row of counts; keep its largest directions
    SBERT 2019      the same BERT reads both texts, and is trained until a cosine says how alike they are

Sources: LSA: Deerwester et al., 1990, https://doi.org/10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9;
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


def without_common(vectors: np.ndarray) -> np.ndarray:
    """Take away the direction that vectors (N, E) share most, their first singular vector: SIF's second half."""
    _, _, directions = np.linalg.svd(vectors, full_matrices=False)
    common = directions[0]  # (E,)
    return vectors - np.outer(vectors @ common, common)  # (N, E)


def lsa(table: sparse.csr_array, dim: int, seed: int = 0) -> np.ndarray:
    """Reduce counts (N, V), weighted by idf and scaled to length 1, to their ``dim`` largest directions, (N, E)."""
    weighted = table * idf(table)  # (N, V)
    lengths = np.maximum(np.sqrt((weighted**2).sum(axis=1)), 1e-12)  # (N,)
    left, singular, _ = svds(weighted.multiply(1 / lengths[:, None]).tocsr(), k=dim, random_state=seed)
    return (left * singular)[:, ::-1]  # (N, E): the largest first


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


def ranks(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """Search: say at which place, from 1, query n (N, E) finds document n (N, E) by cosine; equals come before it."""
    first, second = (
        each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-12) for each in (queries, documents)
    )
    scores = first @ second.T  # (N, N)
    return (scores >= scores.diagonal()[:, None]).sum(axis=1)  # (N,)


def mean_reciprocal_rank(places: np.ndarray) -> float:
    """Average 1 / place: 1 if each is found first, 1/2 if second."""
    return float((1 / places).mean())
