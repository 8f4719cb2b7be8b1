"""How fast the rows answer, side by side: they take turns, so that a slow moment of the machine falls on all."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Final

from textwright.comparison.contender import Predict
from textwright.comparison.leaderboard import Speed

_NUM_ROUNDS: Final = 3
_NUM_LONE_TEXTS: Final = 60
"""Texts answered one by one in each round."""
_NUM_BATCH_TEXTS: Final = 1_000
"""Texts answered in one call in each round."""


def measure_speed(rows: Mapping[str, Predict], texts: Sequence[str]) -> dict[str, Speed]:
    """Time single texts and batches in this process.

    Args:
        rows: Row name -> what answers.
        texts: At least one text, such as those to come.

    Returns:
        Row name -> the median time of a lone text, and the median rate of batches, over all rounds. A first round
        warms up and is not counted.
    """
    lone, batch = texts[:_NUM_LONE_TEXTS], texts[:_NUM_BATCH_TEXTS]
    latencies: dict[str, list[float]] = {name: [] for name in rows}
    rates: dict[str, list[float]] = {name: [] for name in rows}
    for round_number in range(_NUM_ROUNDS + 1):
        for name, predict in rows.items():
            seconds = [_seconds(predict, [text]) for text in lone]
            rate = len(batch) / _seconds(predict, batch)
            if round_number:
                latencies[name] += seconds
                rates[name].append(rate)
    return {name: Speed(1000 * statistics.median(latencies[name]), statistics.median(rates[name])) for name in rows}


def _seconds(predict: Predict, texts: Sequence[str]) -> float:
    start = perf_counter()
    predict(texts)
    return perf_counter() - start
