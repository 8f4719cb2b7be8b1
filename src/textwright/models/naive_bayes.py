"""Naive-Bayes log-count ratios: how much more often a word occurs in the texts of a label than in the others.

A sum of these ratios is a naive-Bayes classifier, and a linear model that is trained from there on is close kin of
NBSVM, the strongest linear baseline for short texts. Called by families that may start from counts.

Source:
    Wang & Manning, 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification".
"""

from __future__ import annotations

import numpy as np

from textwright.core.types import Bools, Float32s, Floats, Ints


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
        Ratios in nats, (``num_ids``, K): above 0 where an id speaks for a label. An id of no text has 0 when a label
        has as many tokens as the others, and so next to nothing otherwise; it is set to 0 in any case.
    """
    pairs = np.unique(texts.astype(np.int64) * num_ids + ids)
    texts, ids = np.divmod(pairs, num_ids)
    total = np.bincount(ids, minlength=num_ids).astype(np.float64)  # (num_ids,)
    columns = [_ratio(np.bincount(ids, holds[texts, k], num_ids), total, smoothing) for k in range(holds.shape[1])]
    return np.where(total[:, None] > 0, np.stack(columns, axis=1), 0).astype(np.float32)


def _ratio(count: Floats | Ints, total: Floats, smoothing: float) -> Floats:
    """Ratio of one label's smoothed shares to those of the rest, (num_ids,)."""
    inside, outside = count + smoothing, total - count + smoothing
    ratio: Floats = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    return ratio
