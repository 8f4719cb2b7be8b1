"""What more time or more labels would buy, said from what was measured. Pure functions of plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from textwright.model_search.plan import Proposal
from textwright.model_search.trials import Known, StepKind, TrialStatus

_HARDLY: Final = 0.005
"""If a doubling of the training texts gains surely less than half a point, more of them hardly help."""
_MOST_NAMED: Final = 4
_FEW: Final = 200
"""Validation texts below which choices are called uncertain."""
_Z95: Final = 1.96


def more_time(left_open: Sequence[Proposal], known: Known) -> tuple[str, ...]:
    """Say what was not tried for want of time.

    Args:
        left_open: Steps that were not tried, the most useful first.
        known: What was tried.
    """
    stopped = [
        name for name, trial in known.trials.items() if trial.status in (TrialStatus.STOPPED, TrialStatus.DROPPED)
    ]
    sentences = []
    if left_open:
        named = "; ".join(_in_words(item) for item in left_open[:_MOST_NAMED])
        more = len(left_open) - _MOST_NAMED
        sentences.append(f"More time would try {named}{f'; and {more} more' if more > 0 else ''}.")
    elif not stopped:
        sentences.append("Nothing is left to try: more time alone would change nothing.")
    if stopped:
        sentences.append(f"Stopped before the end, for want of time: {', '.join(stopped)}; a larger budget may help.")
    return tuple(sentences)


def _in_words(item: Proposal) -> str:
    seconds = "" if item.seconds is None else f", about {_minutes(item.seconds)}"
    return f"{item.step.name} ({item.step.summary}{seconds})"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def learning_curve(known: Known, family: str) -> tuple[tuple[int, float], ...]:
    """Give the scores of a family's default settings over the number of training texts, ascending.

    Args:
        known: What was tried.
        family: Its name.
    """
    plain = [trial for trial in known.of(StepKind.TRAIN, family) if "variation" not in trial.step.options]
    trials = [*known.of(StepKind.PROBE, family), *plain]
    return tuple(sorted({trial.num_train: trial.score or 0.0 for trial in trials}.items()))


def more_labels(known: Known, family: str) -> tuple[str, ...]:
    """Say what more labeled texts would bring, from the last step of the family's learning curve.

    Args:
        known: What was tried.
        family: Of the chosen model, or of its strong stage.
    """
    return (*_curve_in_words(known, family), *_few_validation_texts(known))


def _curve_in_words(known: Known, family: str) -> Iterator[str]:
    curve = learning_curve(known, family)
    if len(curve) < 2:
        return
    (low, before), (high, after) = curve[-2:]
    doublings = math.log2(high / low)
    gain = (after - before) / doublings
    variance = before * (1 - before) + after * (1 - after)
    half = _Z95 * math.sqrt(max(variance, 0.0) / max(known.num_validation, 1)) / doublings
    yield (
        f"From {low:,} to {high:,} training texts, {family} {'gained' if gain >= 0 else 'lost'} "
        f"{abs(100 * gain):.1f} points with each doubling ({known.num_validation:,} validation texts leave "
        f"{100 * (gain - half):+.1f} to {100 * (gain + half):+.1f} possible): {_effect(gain - half, gain + half)}"
    )


def _effect(low: float, high: float) -> str:
    if high < _HARDLY:
        return "more labeled texts would hardly help."
    if low <= 0:
        return "whether more labeled texts would help cannot be told from these."
    return "more labeled texts would probably help."


def _few_validation_texts(known: Known) -> Iterator[str]:
    if known.num_validation < _FEW:
        yield (
            f"Every choice was made on {known.num_validation:,} validation texts, where one text is "
            f"{100 / known.num_validation:.2g} points: with more of them (more rows, or --validation-fraction) the "
            "choice would be less a matter of chance."
        )
