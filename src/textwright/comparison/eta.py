"""How long a comparison still takes, from the runs that are finished."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from textwright.comparison.runs import Run


class TimeEstimate:
    """Which runs are done, and what they took.

    Args:
        runs: All planned runs, in order.
        num_train: Training examples of a run on all of them.
    """

    def __init__(self, runs: Sequence[Run], num_train: int) -> None:
        self._runs = runs
        self._num_train = num_train
        self._seconds: dict[Run, float | None] = {}

    def finish(self, run: Run, seconds: float | None) -> None:
        """Note that a run is done.

        Args:
            run: Which.
            seconds: What it took; None if that is not known.
        """
        self._seconds[run] = seconds

    def seconds_left(self) -> float | None:
        """Estimate what the runs that are not done will take.

        Returns:
            Seconds; None while a row that has runs left has finished none.
        """
        remaining = [self._estimate(run) for run in self._runs if run not in self._seconds]
        estimates = [seconds for seconds in remaining if seconds is not None]
        return sum(estimates) if len(estimates) == len(remaining) else None

    def _estimate(self, run: Run) -> float | None:
        """Take the row's own time for the size, or its nearest other size's, stretched in proportion."""
        alike = [(other, seconds) for other, seconds in self._seconds.items() if other.candidate == run.candidate]
        measured = [(self._examples(other), seconds) for other, seconds in alike if seconds is not None]
        if not measured:
            return None
        wanted = self._examples(run)
        nearest = min((size for size, _ in measured), key=lambda size: abs(size - wanted))
        return statistics.median(seconds for size, seconds in measured if size == nearest) * wanted / nearest

    def _examples(self, run: Run) -> int:
        return run.size or self._num_train
