"""What a lone text and what many texts cost, of several predictors in turn, so that a slow moment falls on all."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np

from textwright.core.types import Floats
from textwright.runtime.predictor import Predictor

_NUM_ROUNDS: Final = 5
_NUM_LONE_TEXTS: Final = 50
_NUM_BATCH_TEXTS: Final = 256


@dataclass(frozen=True, slots=True)
class Speed:
    """What a predictor takes, from text to prediction.

    Args:
        mean_ms: Mean time of a lone text; of a cascade this lies between its stages.
        p50_ms: Median time.
        p95_ms: 95th percentile.
        texts_per_second: Median rate of many texts in one call.
        latency_gain: Mean time of the predictor compared with, divided by this one's; median over the rounds.
        throughput_gain: This rate divided by that predictor's; median over the rounds.
    """

    mean_ms: float
    p50_ms: float
    p95_ms: float
    texts_per_second: float
    latency_gain: float
    throughput_gain: float


def compare_speed(predictors: Mapping[str, Predictor], texts: Sequence[str], against: str) -> dict[str, Speed]:
    """Time predictors in turn.

    Args:
        predictors: Name -> what to time, each with as many threads.
        texts: Texts such as those to come, one or more; evenly spread ones of them are used.
        against: Name of the predictor that gains are told against.

    Returns:
        Name -> its speed; a first round warms up and is not counted.
    """
    lone, many = _spread(texts, _NUM_LONE_TEXTS), _spread(texts, _NUM_BATCH_TEXTS)
    times: dict[str, list[Floats]] = {name: [] for name in predictors}
    rates: dict[str, list[float]] = {name: [] for name in predictors}
    for number in range(_NUM_ROUNDS + 1):
        for name, predictor in predictors.items():
            each, all_at_once = [_seconds(predictor, [text]) for text in lone], _seconds(predictor, many)
            if number:
                times[name].append(np.array(each))
                rates[name].append(len(many) / all_at_once)
    return {name: _sum_up(times[name], rates[name], times[against], rates[against]) for name in predictors}


def _spread(texts: Sequence[str], most: int) -> list[str]:
    places = np.linspace(0, len(texts) - 1, min(most, len(texts))).round().astype(int).tolist()
    return [texts[place] for place in places]


def _seconds(predictor: Predictor, texts: Sequence[str]) -> float:
    start = perf_counter()
    predictor.predict(texts)
    return perf_counter() - start


def _sum_up(
    times: Sequence[Floats], rates: Sequence[float], other_times: Sequence[Floats], other_rates: Sequence[float]
) -> Speed:
    together = 1e3 * np.concatenate(times)
    means, other_means = ([float(item.mean()) for item in each] for each in (times, other_times))
    return Speed(
        mean_ms=1e3 * statistics.median(means),
        p50_ms=float(np.percentile(together, 50)),
        p95_ms=float(np.percentile(together, 95)),
        texts_per_second=statistics.median(rates),
        latency_gain=statistics.median(theirs / ours for ours, theirs in zip(means, other_means, strict=True)),
        throughput_gain=statistics.median(ours / theirs for ours, theirs in zip(rates, other_rates, strict=True)),
    )
