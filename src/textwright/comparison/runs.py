"""The runs of a comparison: which candidate learns from what, with which seed, in which order, and how long it takes.

Everything about a run follows from its four fields: its folder, its data, whether it was done. So a comparison that
was killed needs no record of where it was.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from textwright.comparison.candidate import Candidate
from textwright.data.settings import DataSettings


@dataclass(frozen=True, slots=True)
class Run:
    """One training of one candidate.

    Args:
        candidate: Its name.
        seed: Of the training; also draws the subset, so that every candidate learns from the same texts.
        size: Training examples; None is all of them.
        fold: Which fold is tested, from 0; None if there is one test split.
    """

    candidate: str
    seed: int
    size: int | None = None
    fold: int | None = None

    @property
    def folder(self) -> Path:
        """Where its files are, beneath the folder of all runs."""
        size = "all" if self.size is None else str(self.size)
        fold = "" if self.fold is None else f"-fold-{self.fold}"
        return Path(self.candidate) / size / f"seed-{self.seed}{fold}"

    @property
    def summary(self) -> str:
        """Which texts, seed and fold, in words."""
        texts = "all texts" if self.size is None else f"{self.size:,} texts"
        return f"{texts}, seed {self.seed}" + ("" if self.fold is None else f", fold {self.fold}")

    @property
    def is_shipped(self) -> bool:
        """Whether its artifact is kept, being made from all the training examples."""
        return self.size is None and not self.fold

    def data(self, settings: DataSettings) -> DataSettings:
        """Say how the source is cut for this run."""
        changes: dict[str, int] = {}
        if self.size is not None:
            changes |= {"subset_size": self.size, "subset_seed": self.seed}
        if self.fold is not None:
            changes |= {"fold": self.fold}
        return settings.model_copy(update=changes)


def plan_runs(
    candidates: Sequence[Candidate], *, num_seeds: int, num_folds: int | None, sizes: Sequence[int]
) -> list[Run]:
    """List the runs in the order in which they tell most: every candidate once, then again, then on fewer examples.

    Args:
        candidates: Rows of the table.
        num_seeds: Seeds 0, 1, ... of each, >= 1.
        num_folds: Folds of each seed; None has one test split.
        sizes: Sizes of the learning curve below all the examples; may be empty.

    Returns:
        Every run once. A candidate without chance in it runs once where the data is the same for all seeds.
    """
    folds: list[int | None] = [None] if num_folds is None else list(range(num_folds))

    def rounds() -> Iterator[Run]:
        for size in (None, *sorted(sizes, reverse=True)):
            for seed in range(num_seeds):
                for fold in folds:
                    for candidate in candidates:
                        if seed == 0 or size is not None or candidate.depends_on_seed:
                            yield Run(candidate.name, seed, size, fold)

    return list(rounds())


class TimeEstimate:
    """How long a comparison still takes, from the runs that are finished.

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
