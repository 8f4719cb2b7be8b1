"""Naive-Bayes log-count ratios: how much more often a word occurs in the texts of a label than in the others.

A sum of these ratios is a naive-Bayes classifier. A linear model whose features are the ratios is NBSVM, the strongest
linear baseline for short texts: how far training may move a word is in proportion to what its counts say. Called by
families that may start from counts.

Source:
    Wang & Manning, 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification".
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from textwright.core.types import Bools, Float32s, Floats, Ints

_NUM_FOLDS: Final = 5


class RatioEmbedding(nn.Module):
    """One score per label for each id: its log-count ratio times a learned weight, which starts at 1.

    Args:
        ratios: Log-count ratios, (N, K).
    """

    ratios: Tensor

    def __init__(self, ratios: Float32s) -> None:
        super().__init__()
        self.register_buffer("ratios", torch.from_numpy(ratios))
        self.scale = nn.Parameter(torch.ones_like(self.ratios))

    @property
    def weight(self) -> Tensor:
        """The scores as they are now, (N, K)."""
        return self.ratios * self.scale

    @property
    def num_embeddings(self) -> int:
        """Number of ids N."""
        return len(self.ratios)

    def forward(self, ids: Tensor) -> Tensor:
        """Look scores up, (B, T) -> (B, T, K)."""
        return functional.embedding(ids, self.ratios) * functional.embedding(ids, self.scale)  # (B, T, K)


def log_count_ratios(ids: Ints, texts: Ints, holds: Bools, *, num_ids: int, smoothing: float = 1.0) -> Float32s:
    """Compare how often each id occurs in the texts of a label and in all others, label by label.

    An id counts once per text, however often it stands there.

    Args:
        ids: The ids of all tokens, (M,), in [0, ``num_ids``).
        texts: Which text each token is of, (M,), in [0, N).
        holds: Which labels hold for each text, (N, K).
        num_ids: Number of ids.
        smoothing: Added to every count, > 0; the larger, the less a rare id says.

    Returns:
        Ratios in nats, (``num_ids``, K): above 0 where an id speaks for a label, 0 for an id of no text.
    """
    pairs = np.unique(texts.astype(np.int64) * num_ids + ids)
    texts, ids = np.divmod(pairs, num_ids)
    total = np.bincount(ids, minlength=num_ids).astype(np.float64)  # (num_ids,)
    columns = [_ratio(np.bincount(ids, holds[texts, k], num_ids), total, smoothing) for k in range(holds.shape[1])]
    return np.where(total[:, None] > 0, np.stack(columns, axis=1), 0).astype(np.float32)


def held_out_scores(ids: Ints, texts: Ints, holds: Bools, *, num_ids: int) -> Floats:
    """Score each text by naive Bayes, with the log-count ratios of other texts: five folds take turns.

    Args:
        ids: The ids of all tokens, (M,), in [0, ``num_ids``).
        texts: Which text each token is of, (M,), in [0, N).
        holds: Which labels hold for each text, (N, K).
        num_ids: Number of ids.

    Returns:
        Sums of ratios, (N, K), without the labels' shares.
    """
    texts, ids = np.divmod(np.unique(texts.astype(np.int64) * num_ids + ids), num_ids)
    scores = np.zeros(holds.shape)
    for fold in range(_NUM_FOLDS):
        is_scored = texts % _NUM_FOLDS == fold
        ratios = log_count_ratios(ids[~is_scored], texts[~is_scored], holds, num_ids=num_ids)
        for column in range(holds.shape[1]):
            scores[:, column] += np.bincount(texts[is_scored], ratios[ids[is_scored], column], len(holds))
    return scores


def _ratio(count: Floats | Ints, total: Floats, smoothing: float) -> Floats:
    """Ratio of one label's smoothed shares to those of the rest, (num_ids,)."""
    inside, outside = count + smoothing, total - count + smoothing
    ratio: Floats = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    return ratio
