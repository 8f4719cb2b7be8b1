"""Records cut into spans of time, for the plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from textwright.core.types import Floats, Ints
from textwright.evaluate.intervals import Interval, wilson
from textwright.monitor.sample import Sample

NUM_WINDOWS: Final = 24
_Z95: Final = 1.96


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The texts of one span of time.

    Args:
        start: Its first moment, ISO 8601, UTC.
        num_texts: Texts in it, >= 1.
        label_shares: Share of the texts for which each label was predicted, (K,).
        confidence: Mean confidence.
        num_tokens: Median number of tokens.
        unknown_rate: Mean share of unknown tokens.
    """

    start: str
    num_texts: int
    label_shares: Sequence[Interval]
    confidence: Interval
    num_tokens: float
    unknown_rate: Interval


def cut_by_time(sample: Sample) -> list[TimeWindow]:
    """Cut a sample into up to 24 spans of equal length; those without a text are left out.

    Args:
        sample: N >= 1 texts.

    Returns:
        The spans in order; none if the times are not known, or all the same.
    """
    if not sample.times or sample.times[0] == sample.times[-1]:
        return []
    first, length = sample.times[0], (sample.times[-1] - sample.times[0]) / NUM_WINDOWS
    numbers = np.array([min(int((time - first) / length), NUM_WINDOWS - 1) for time in sample.times])
    return [
        _window(sample, np.flatnonzero(numbers == number), first + number * length)
        for number in np.unique(numbers).tolist()
    ]


def _window(sample: Sample, rows: Ints, start: datetime) -> TimeWindow:
    num_labels = sample.probabilities.shape[1]
    predicted = sample.predicted[rows]
    hits = predicted.sum(axis=0) if predicted.ndim == 2 else np.bincount(predicted, minlength=num_labels)
    return TimeWindow(
        start=start.isoformat(timespec="milliseconds"),
        num_texts=len(rows),
        label_shares=wilson(np.asarray(hits, dtype=np.int64), np.full(num_labels, len(rows))),
        confidence=_mean(sample.confidences[rows]),
        num_tokens=float(np.median(sample.num_tokens[rows])),
        unknown_rate=_mean(sample.unknown_rates[rows].astype(np.float64)),
    )


def _mean(values: Floats) -> Interval:
    """Average with the normal 95 % interval, inside [0, 1]."""
    value = float(values.mean())
    half = _Z95 * float(values.std()) / np.sqrt(len(values))
    return Interval(value, max(value - half, 0.0), min(value + half, 1.0))
