"""The one definition of a model's latency and throughput; ``optimize`` and ``comparison`` measure by it.

*Latency* is the wall time of a call with one text, from text to prediction. *Throughput* is the number of texts per
second of a call with many. Several models take turns within a round, so that a slow moment of the machine falls on all
of them; a first round warms up and is not counted. Ratios are taken within a round, and their median is reported.

``deploy.cost_estimate`` measures something else: the processor time of a request to a whole server.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypeAlias

import numpy as np

from textwright.core.types import Floats

Predict: TypeAlias = Callable[[Sequence[str]], object]
"""Predicts the labels of texts; what it returns is not looked at."""
NUM_ROUNDS: Final = 5
"""Rounds that count."""
NUM_SINGLE_TEXTS: Final = 50
"""Texts that are predicted one by one in each round."""
NUM_BATCH_TEXTS: Final = 256
"""Texts that are predicted in one call."""
MIN_BATCH_SECONDS: Final = 0.2
"""That call is repeated for so long in each round: a single call of a fast model is mostly chance."""


@dataclass(frozen=True, slots=True)
class Timings:
    """What one model took.

    Args:
        latencies_ms: For each of R rounds the milliseconds of each of N single texts, (N,).
        throughputs: Texts per second in each round, (R,): of the median call.
    """

    latencies_ms: list[Floats] = field(default_factory=list)
    throughputs: list[float] = field(default_factory=list)

    def latency_ms(self, percentile: float = 50) -> float:
        """Return a percentile of all latencies of all rounds; the median unless another is named."""
        return float(np.percentile(np.concatenate(self.latencies_ms), percentile))

    @property
    def mean_latency_ms(self) -> float:
        """The mean latency of a round, median over the rounds."""
        return float(np.median([np.mean(item) for item in self.latencies_ms]))

    @property
    def texts_per_second(self) -> float:
        """The throughput of a round, median over the rounds."""
        return statistics.median(self.throughputs)

    def latency_gain(self, other: Timings, summary: Callable[[Floats], np.floating] = np.median) -> float:
        """Divide another model's latency by this one's in each round.

        Args:
            other: Timed in the same rounds.
            summary: Of the latencies of a round: their median, or their mean where some texts take longer by design.

        Returns:
            The median over the rounds; above 1 this model is faster.
        """
        rounds = zip(self.latencies_ms, other.latencies_ms, strict=True)
        return statistics.median(float(summary(theirs) / summary(ours)) for ours, theirs in rounds)

    def throughput_gain(self, other: Timings) -> float:
        """Divide this model's throughput by another's in each round; return the median, above 1 this one is faster."""
        return statistics.median(
            ours / theirs for ours, theirs in zip(self.throughputs, other.throughputs, strict=True)
        )


def benchmark(
    models: Mapping[str, Predict], texts: Sequence[str], *, num_batch_texts: int = NUM_BATCH_TEXTS
) -> dict[str, Timings]:
    """Time models in turn in this process.

    Args:
        models: Name -> what predicts, each with as many threads.
        texts: One or more texts such as those to come; evenly spread ones of them are predicted.
        num_batch_texts: Texts of a call whose throughput is measured, or all if there are fewer.

    Returns:
        Name -> what the model took.
    """
    single, batch = _spread(texts, NUM_SINGLE_TEXTS), _spread(texts, num_batch_texts)
    timings = {name: Timings() for name in models}
    for round_number in range(NUM_ROUNDS + 1):
        for name, predict in models.items():
            latencies = 1000 * np.array([_seconds(predict, [text]) for text in single])
            throughput = len(batch) / _median_seconds(predict, batch)
            if round_number:
                timings[name].latencies_ms.append(latencies)
                timings[name].throughputs.append(throughput)
    return timings


def _spread(texts: Sequence[str], most: int) -> list[str]:
    positions = np.linspace(0, len(texts) - 1, min(most, len(texts))).round().astype(int).tolist()
    return [texts[position] for position in positions]


def _median_seconds(predict: Predict, texts: Sequence[str]) -> float:
    end, seconds = perf_counter() + MIN_BATCH_SECONDS, [_seconds(predict, texts)]
    while perf_counter() < end:
        seconds.append(_seconds(predict, texts))
    return statistics.median(seconds)


def _seconds(predict: Predict, texts: Sequence[str]) -> float:
    start = perf_counter()
    predict(texts)
    return perf_counter() - start
