"""The table as it stands: finished runs in, a leaderboard out, computed anew only where something changed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from textwright.comparison.advice import advise
from textwright.comparison.candidate import Candidate, Result
from textwright.comparison.leaderboard import CurvePoint, Leaderboard, LeaderboardRow, RowSpeed
from textwright.comparison.runs import Run
from textwright.comparison.summary import above_majority, against_best, by_seed, curve_point, measure_seeds
from textwright.evaluate.baselines import MAJORITY
from textwright.evaluate.predictions import LabeledPredictions

Found = TypeVar("Found")


class LeaderboardTable:
    """Gathers results and sums them up.

    Args:
        candidates: The rows.
        runs: All planned runs, in order.
        frame: What is known before the first run: data, primary metric, protocol, machine, versions; without rows.
    """

    def __init__(self, candidates: Sequence[Candidate], runs: Sequence[Run], frame: Leaderboard) -> None:
        self._candidates = candidates
        self._runs = runs
        self._frame = frame
        self._results: dict[Run, Result] = {}
        self._speeds: Mapping[str, RowSpeed] = {}
        self._known: dict[Hashable, Any] = {}

    def add(self, run: Run, result: Result) -> None:
        """Enter a finished run."""
        self._results[run] = result

    def add_speeds(self, speeds: Mapping[str, RowSpeed]) -> None:
        """Enter what was timed, row name -> speed."""
        self._speeds = speeds

    def versions(self) -> dict[str, str]:
        """Return the version of each row's first seed, of the rows that have one: row name -> version."""
        shipped = [run for run in self._runs if run.seed == 0 and run.is_shipped and run in self._results]
        return {run.candidate: self._results[run].version for run in shipped}

    def leaderboard(self) -> Leaderboard:
        """Sum up what is there."""
        seeds = {one.name: self._seeds(one.name, None) for one in self._candidates}
        rows = [self._row(candidate, seeds[candidate.name]) for candidate in self._candidates]
        rows.sort(key=lambda row: row.metrics[self._frame.primary_metric].value if row.metrics else -1.0, reverse=True)
        measured = {row.name: seeds[row.name] for row in rows if row.metrics}
        if measured:
            best = next(iter(measured))
            key = ("versus", best, *((name, len(part)) for name, part in measured.items()))
            versus = self._once(key, lambda: against_best(best, measured))
            above = self._above_majority(measured)
            rows = [replace(row, versus_best=versus.get(row.name), beats_majority=above.get(row.name)) for row in rows]
        is_complete = len(self._results) == len(self._runs)
        board = replace(self._frame, rows=tuple(rows), is_complete=is_complete)
        return replace(board, advice=advise(board))

    def _above_majority(self, measured: Mapping[str, Sequence[LabeledPredictions]]) -> Mapping[str, bool]:
        if MAJORITY not in measured:
            return {}
        key = ("majority", *((name, len(part)) for name, part in measured.items()))
        return self._once(key, lambda: above_majority(MAJORITY, measured))

    def _row(self, candidate: Candidate, seeds: tuple[LabeledPredictions, ...]) -> LeaderboardRow:
        name = candidate.name
        results = {run: result for run, result in self._results.items() if run.candidate == name}
        whole = [result for run, result in results.items() if run.size is None]
        seconds = [result.seconds for result in whole if result.seconds is not None]
        first = next((run for run in results if run.seed == 0 and run.is_shipped), None)
        return LeaderboardRow(
            name=name,
            summary=candidate.summary,
            is_baseline=candidate.is_baseline,
            num_done=len(results),
            num_planned=sum(run.candidate == name for run in self._runs),
            metrics=self._once(("metrics", name, len(seeds)), lambda: measure_seeds(seeds)) if seeds else {},
            train_s=statistics.median(seconds) if seconds else None,
            size_bytes=statistics.median(result.size_bytes for result in whole) if whole else None,
            speed=self._speeds.get(name),
            curve=self._curve(name),
            version="" if first is None else results[first].version,
            artifact="" if first is None or candidate.is_baseline else f"runs/{first.folder.as_posix()}",
            settings=candidate.settings,
        )

    def _curve(self, name: str) -> tuple[CurvePoint, ...]:
        """Measure each size that has a finished seed, from few examples to all."""
        measured = {
            self._num_train(name, size): seeds
            for size in dict.fromkeys(run.size for run in self._runs)
            if (seeds := self._seeds(name, size))
        }
        points: list[CurvePoint] = []
        smaller: tuple[LabeledPredictions, ...] | None = None
        for num_train, seeds in sorted(measured.items()):
            key = ("curve", name, num_train, len(seeds), len(smaller or ()))
            points.append(self._once(key, partial(curve_point, num_train, seeds, smaller)))
            smaller = seeds
        return tuple(points)

    def _num_train(self, name: str, size: int | None) -> int:
        return size or next(
            result.num_train for run, result in self._results.items() if run.candidate == name and run.size is None
        )

    def _seeds(self, name: str, size: int | None) -> tuple[LabeledPredictions, ...]:
        return by_seed(self._results, [run for run in self._runs if run.candidate == name and run.size == size])

    def _once(self, key: Hashable, compute: Callable[[], Found]) -> Found:
        """Compute what was not computed before; finished seeds never change, so their number says which they are."""
        if key not in self._known:
            self._known[key] = compute()
        value: Found = self._known[key]
        return value
