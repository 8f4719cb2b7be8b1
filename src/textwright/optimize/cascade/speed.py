"""What a lone text and what many texts cost, of several predictors in turn, so that a slow moment falls on all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from textwright.evaluate.benchmark import Timings, benchmark
from textwright.runtime.predictor import Predictor


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
        Name -> its speed, as ``evaluate.benchmark`` defines it.
    """
    timings = benchmark({name: predictor.predict for name, predictor in predictors.items()}, texts)
    return {name: _sum_up(item, timings[against]) for name, item in timings.items()}


def _sum_up(timings: Timings, against: Timings) -> Speed:
    return Speed(
        mean_ms=timings.mean_latency_ms,
        p50_ms=timings.latency_ms(),
        p95_ms=timings.latency_ms(95),
        texts_per_second=timings.texts_per_second,
        latency_gain=timings.latency_gain(against, np.mean),
        throughput_gain=timings.throughput_gain(against),
    )
