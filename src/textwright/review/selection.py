"""Which texts are worth a label next: those that a model is unsure of, and no two alike.

Uncertainty alone picks copies of one difficult text; diversity alone picks outliers. So the most uncertain texts are
candidates, and of them each next one is the one whose distance to all chosen before, times its uncertainty, is largest.

Source:
    Settles, 2009, "Active Learning Literature Survey", section 3.1, for margins; Zhdanov, 2019, "Diverse mini-batch
    Active Learning", for a pool of uncertain texts that is made diverse; Gonzalez, 1985, "Clustering to minimize the
    maximum intercluster distance", for farthest-first.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from textwright.core.labels import Task
from textwright.core.types import Float32s, Floats, Ints
from textwright.review.text_features import TextFeatures

_POOL: Final = 10
"""Candidates per text that is chosen."""


def uncertainty(probabilities: Float32s, task: Task) -> Floats:
    """Say how unsure a model is of each text.

    Args:
        probabilities: (N, K).
        task: Single-label: one minus the margin between the two most probable labels. Multi-label: how near the least
            certain yes or no is to an even chance.

    Returns:
        (N,), in [0, 1]; 1 where two labels are equally probable.
    """
    if task is Task.MULTI_LABEL:
        return np.asarray(1 - 2 * np.abs(probabilities - 0.5).min(axis=1), dtype=np.float64)
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities))
    best = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(1 - (best[:, 1] - best[:, 0]), dtype=np.float64)


def choose_texts(uncertainties: Floats, features: TextFeatures, size: int, known: Ints | None = None) -> Ints:
    """Choose texts to label next, the most useful first.

    Args:
        uncertainties: Of N texts, (N,).
        features: Of the same texts.
        size: Texts to choose, >= 0.
        known: Positions of texts that have labels already: they are not chosen, nor what is like them; None for none.

    Returns:
        Positions, at most ``size``; the same input gives the same.
    """
    known = np.zeros(0, dtype=np.int64) if known is None else known
    free = np.ones(len(uncertainties), dtype=np.bool_)
    free[known] = False
    order = np.flatnonzero(free)
    order = order[np.argsort(-uncertainties[order], kind="stable")]
    pool = order[: _POOL * size]
    weights, distances = uncertainties[pool] + 1e-6, np.ones(len(pool))
    if len(known) and len(pool):
        distances = 1 - features.similarities(pool, known).max(axis=1).astype(np.float64)
    chosen: list[int] = []
    scores = weights * distances
    while len(chosen) < min(size, len(pool)):
        best = int(scores.argmax())
        chosen.append(int(pool[best]))
        nearness = features.similarities(pool, pool[best : best + 1])[:, 0]
        distances = np.minimum(distances, 1 - nearness)
        scores = np.where(scores < 0, scores, weights * np.maximum(distances, 0))
        scores[best] = -1
    return np.array(chosen, dtype=np.int64)
