"""word2vec, 2013: a word's vector is what predicts its neighbors.

::

    the quick brown fox jumped over          center: fox, contexts within 2 words: quick, brown, jumped, over
    (fox, jumped) -> score up                a pair of the text
    (fox, tuesday), (fox, of) -> score down  words drawn by chance: negative samples

A network with two tables and no layer between them. Asking "did this pair come from the text?" instead of "which of V
words comes next?" is what made it fast enough for billions of words.

Source: Mikolov et al., 2013, Distributed Representations of Words and Phrases and their Compositionality,
https://arxiv.org/abs/1310.4546; its equations are (1) to (5) below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class SkipGram(nn.Module):
    """Skip-gram with negative sampling.

    Args:
        num_words: V.
        dim: E.
    """

    def __init__(self, num_words: int, dim: int) -> None:
        super().__init__()
        self.centers = nn.Embedding(num_words, dim, sparse=True)  # v of (2): the vectors that are kept
        self.contexts = nn.Embedding(num_words, dim, sparse=True)  # v' of (2): thrown away after training
        nn.init.uniform_(self.centers.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.contexts.weight)

    def forward(self, center: Tensor, context: Tensor, negatives: Tensor) -> Tensor:
        """Return each pair's loss, (B,), for center (B,), context (B,) and negatives (B, K)."""
        words = torch.cat([context.unsqueeze(1), negatives], dim=1)  # (B, 1 + K): the true one first
        v = self.centers(center)  # (B, E)
        u = self.contexts(words)  # (B, 1 + K, E)
        scores = torch.einsum("be,bke->bk", v, u)  # (B, 1 + K)
        true, noise = scores[:, 0], scores[:, 1:]  # (B,), (B, K)
        # (4): log sigma(v'_context . v_center) + sum over K negatives of log sigma(-v'_negative . v_center)
        return -(functional.logsigmoid(true) + functional.logsigmoid(-noise).sum(dim=1))  # (B,)


def gradients(v: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Derive the loss of one pair by hand.

    With s_k = u_k . v and y = (1, 0, ..., 0), (4) is the cross entropy of K + 1 coins, and the derivative of a coin's
    cross entropy by its score is *prediction minus target*: dL/ds_k = sigma(s_k) - y_k. Then s_k is a product:
    dL/dv = sum_k (sigma(s_k) - y_k) u_k, and dL/du_k = (sigma(s_k) - y_k) v.

    Args:
        v: The center's vector, (E,).
        u: Vectors of the true context and of K negatives, (1 + K, E).

    Returns:
        dL/dv (E,) and dL/du (1 + K, E): a word is pulled to its true neighbor and pushed from the drawn ones.
    """
    target = torch.zeros(len(u))  # (1 + K,)
    target[0] = 1
    error = torch.sigmoid(u @ v) - target  # (1 + K,)
    return error @ u, torch.outer(error, v)  # (E,), (1 + K, E)


def subsample(document: np.ndarray, counts: np.ndarray, random: np.random.Generator, threshold: float) -> np.ndarray:
    """Drop each word of ``document`` with probability 1 - sqrt(threshold / frequency), (5): "the" teaches little."""
    frequency = counts[document] / counts.sum()
    return document[random.random(len(document)) < np.sqrt(threshold / frequency)]


def pairs(document: np.ndarray, window: int, random: np.random.Generator) -> np.ndarray:
    """List (center, context), (N, 2), of words at most ``window`` apart.

    Each center draws a window of 1 to ``window`` words of its own, so that near words count more often than far ones.
    """
    reach = random.integers(1, window + 1, size=len(document))
    blocks = []
    for distance in range(1, min(window, len(document) - 1) + 1):
        left, right = document[:-distance], document[distance:]
        blocks.append(np.stack([left, right], axis=1)[reach[:-distance] >= distance])
        blocks.append(np.stack([right, left], axis=1)[reach[distance:] >= distance])
    return np.concatenate(blocks) if blocks else np.zeros((0, 2), dtype=document.dtype)


class Noise:
    """Draws negative samples: a word as often as its count to the power of 3/4, so that rare words get their share."""

    def __init__(self, counts: np.ndarray, power: float = 0.75) -> None:
        weights = counts.astype(np.float64) ** power
        self.upper = np.cumsum(weights / weights.sum())

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
        """Draw word ids of this shape."""
        return np.searchsorted(self.upper[:-1], random.random(shape), side="right")


def batches(
    documents: Sequence[np.ndarray],
    counts: np.ndarray,
    *,
    window: int,
    num_negatives: int,
    batch_size: int,
    threshold: float = 1e-4,
    power: float = 0.75,
    seed: int = 0,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (center, context, negatives) for ever, documents in a new order each time.

    Args:
        documents: Word ids; no pair crosses from one into another.
        counts: How often each word occurs, (V,).
        window: Words to each side, at most.
        num_negatives: K: 5 to 20 for small corpora, 2 to 5 for large ones, says the paper.
        batch_size: B.
        threshold: t of (5).
        power: Of the noise.
        seed: Of everything drawn.
    """
    random, noise = np.random.default_rng(seed), Noise(counts, power)
    buffer, num_buffered = [], 0
    while True:
        for index in random.permutation(len(documents)):
            buffer.append(pairs(subsample(documents[index], counts, random, threshold), window, random))
            num_buffered += len(buffer[-1])
            if num_buffered < 20 * batch_size:
                continue
            shuffled = random.permutation(np.concatenate(buffer))  # neighbors of one word do not share a batch
            buffer, num_buffered = [], 0
            for start in range(0, len(shuffled) - batch_size + 1, batch_size):
                center, context = torch.from_numpy(shuffled[start : start + batch_size]).long().unbind(dim=1)
                yield center, context, torch.from_numpy(noise.draw((batch_size, num_negatives), random))
