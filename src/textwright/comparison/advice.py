"""Which row to take for which budget, said from what was measured and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from textwright.comparison.leaderboard import Leaderboard, LeaderboardRow, RowSpeed
from textwright.core.percent import percent
from textwright.evaluate.baselines import LINEAR, MAJORITY

_TIMES_FASTER: Final = 1.5
"""A row that is less than this much cheaper is called about as cheap."""
_CLOSE: Final = 0.015
"""A row is taken for the best one's equal within so many points, and only if the test cannot tell them apart: on few
test texts it cannot tell even a poor row apart."""
_WIDE: Final = 0.1
"""From this width on, an interval is called wide."""
_HARDLY: Final = 0.005
"""If a doubling of the training texts gains surely less than half a point, more of them hardly help."""


def advise(board: Leaderboard) -> tuple[str, ...]:
    """Say which row to take.

    Args:
        board: Measured rows, best first.

    Returns:
        Sentences, the most useful first; none before a row is measured.
    """
    ranked = [row for row in board.rows if row.metrics]
    if not ranked:
        return ()
    if _none_beats_majority(ranked):
        return (*_no_row(ranked, board.primary_metric), *_few_tests(ranked, board.primary_metric))
    return (
        *_most_accurate(ranked, board.primary_metric),
        *_against_linear(ranked),
        *_budgets(ranked, board.primary_metric),
        *_few_labels(ranked),
        *_more_labels(ranked),
        *_few_tests(ranked, board.primary_metric),
    )


def may_be_served(row: LeaderboardRow) -> bool:
    """Whether a row is a model that can be advised: no baseline, and better than the most frequent label."""
    return not row.is_baseline and row.beats_majority is not False


def best_to_serve(board: Leaderboard) -> LeaderboardRow | None:
    """Find the best row that is a model and may be served; None if there is none."""
    return next((row for row in board.rows if row.artifact and may_be_served(row)), None)


def _none_beats_majority(ranked: Sequence[LeaderboardRow]) -> bool:
    served = [row for row in ranked if not row.is_baseline]
    return bool(served) and not any(map(may_be_served, served))


def _no_row(ranked: Sequence[LeaderboardRow], primary_metric: str) -> Iterator[str]:
    majority = next(row for row in ranked if row.name == MAJORITY)
    yield (
        f"No model is distinguishably more accurate than always the most frequent label "
        f"({_percent(majority, primary_metric)}): none of them is advised. Check the labels (textwright data check), "
        "give more labeled texts, or, where one label is nearly all of them, look at macro F1 instead."
    )
    linear = next((row for row in ranked if row.name == LINEAR), None)
    if linear is not None and linear.beats_majority:
        yield f"The linear baseline {linear.name} is more accurate: {_percent(linear, primary_metric)}."


def _most_accurate(ranked: Sequence[LeaderboardRow], primary_metric: str) -> Iterator[str]:
    best, served = ranked[0], [row for row in ranked if may_be_served(row)]
    kind = ", a baseline," if best.is_baseline else ""
    sentence = f"{best.name}{kind} is the most accurate: {_percent(best, primary_metric)}"
    ties = [row for row in served if row is best or _ties(row)]
    limit = _TIMES_FASTER * min(map(_cost, ties), default=0)
    choice = next((row for row in ties if _cost(row) <= limit), best)
    if choice is best:
        yield f"{sentence}; take it when accuracy decides." if best in served else f"{sentence}."
        return
    faster = _times_faster(choice, best)
    verdict = f"{choice.name} ({_percent(choice, primary_metric)}) is not distinguishable from it"
    yield f"{sentence}, but {verdict}{f' and {faster}' if faster else ''}: take {choice.name}."


def _against_linear(ranked: Sequence[LeaderboardRow]) -> Iterator[str]:
    """Be honest where a linear model of an afternoon does as well."""
    linear = next((row for row in ranked if row.name == LINEAR), None)
    better = [row.name for row in ranked if linear and not row.is_baseline and ranked.index(row) < ranked.index(linear)]
    if linear is None or len(ranked) == 1:
        return
    if not better:
        yield "No family is more accurate than the linear baseline here; a larger model must earn its place otherwise."
    elif _ties(linear):
        yield (
            f"The linear baseline {linear.name} is not distinguishable from {ranked[0].name}: accuracy alone is no "
            "reason for a larger model."
        )


def _budgets(ranked: Sequence[LeaderboardRow], primary_metric: str) -> Iterator[str]:
    served = [row for row in ranked if may_be_served(row)]
    if len(served) < 2:
        return
    by_time = _frontier(served, primary_metric, lambda row: row.speed.latency_ms if row.speed else None)
    by_size = _frontier(served, primary_metric, lambda row: row.size_bytes)
    if len(by_time) > 1:
        steps = ", ".join(f"{row.name} from {row.speed.latency_ms:.2g} ms" for row in by_time if row.speed)
        yield f"By the time that one text may take: {steps}; each is more accurate than the one before."
    if len(by_size) > 1:
        steps = ", ".join(f"{row.name} from {(row.size_bytes or 0) / 1e6:.2g} MB" for row in by_size)
        yield f"By the size that may be shipped: {steps}."


def _few_labels(ranked: Sequence[LeaderboardRow]) -> Iterator[str]:
    """Say where on the learning curve another row leads."""
    leaders: list[tuple[int, str]] = []
    for size in sorted({point.num_train for row in ranked for point in row.curve}):
        metrics = [(point.metric.value, row.name) for row in ranked for point in row.curve if point.num_train == size]
        if len(metrics) == len(ranked):
            leaders.append((size, max(metrics, key=lambda pair: pair[0])[1]))
    changes = [
        leaders[index] for index in range(len(leaders)) if index == 0 or leaders[index][1] != leaders[index - 1][1]
    ]
    if len(changes) > 1:
        steps = ", ".join(f"from {size:,} {name}" for size, name in changes)
        yield f"By the number of training texts, the most accurate is {steps}."


def _more_labels(ranked: Sequence[LeaderboardRow]) -> Iterator[str]:
    """Say what more labeled texts would bring, if the last step of the curve was more than chance."""
    row = next((row for row in ranked if may_be_served(row)), None)
    if row is None or len(row.curve) < 2:
        return
    before, last = row.curve[-2:]
    if last.change is None:  # of a table that an earlier version wrote
        return
    change, doublings = last.change, math.log2(last.num_train / before.num_train)
    gain, low, high = (
        100 * value / doublings for value in (change.difference.value, change.difference.low, change.difference.high)
    )
    sentence = (
        f"From {before.num_train:,} to {last.num_train:,} training texts, {row.name} "
        f"{'gained' if gain >= 0 else 'lost'} {abs(gain):.1f} points with each doubling "
        f"(95 % interval {low:+.1f} to {high:+.1f}): "
    )
    yield sentence + _effect(low, high, is_distinguishable=change.is_distinguishable)


def _effect(low: float, high: float, *, is_distinguishable: bool) -> str:
    if high < 100 * _HARDLY:
        return "more labeled texts would hardly help."
    if not is_distinguishable or low <= 0:
        return "whether more labeled texts would help cannot be told from these."
    return "more labeled texts would probably help."


def _few_tests(ranked: Sequence[LeaderboardRow], primary_metric: str) -> Iterator[str]:
    width = ranked[0].metrics[primary_metric].high - ranked[0].metrics[primary_metric].low
    if width >= _WIDE:
        yield (
            f"The test texts are few: the interval of {ranked[0].name} spans {100 * width:.0f} points. "
            "With --folds 10 every text is tested."
        )


def _frontier(
    rows: Sequence[LeaderboardRow], primary_metric: str, cost: Callable[[LeaderboardRow], float | None]
) -> list[LeaderboardRow]:
    """Keep the rows that no cheaper row reaches, from the cheapest to the most accurate."""
    priced = sorted(((price, row) for row in rows if (price := cost(row)) is not None), key=lambda pair: pair[0])
    frontier: list[LeaderboardRow] = []
    for _, row in priced:
        if not frontier or row.metrics[primary_metric].value > frontier[-1].metrics[primary_metric].value:
            frontier.append(row)
    return frontier


def _ties(row: LeaderboardRow) -> bool:
    versus = row.versus_best
    return versus is not None and not versus.is_distinguishable and versus.difference.value >= -_CLOSE


def _cost(row: LeaderboardRow) -> float:
    """Milliseconds of a text, or the size where speed was not measured; where one row has no speed, none has."""
    return row.speed.latency_ms if row.speed else row.size_bytes or math.inf


def _times_faster(row: LeaderboardRow, other: LeaderboardRow) -> str:
    mine, theirs = row.speed, other.speed
    if not isinstance(mine, RowSpeed) or not isinstance(theirs, RowSpeed):
        return ""
    times = theirs.latency_ms / mine.latency_ms
    return f"answers {times:.2g} times as fast" if times >= _TIMES_FASTER else ""


def _percent(row: LeaderboardRow, primary_metric: str) -> str:
    return percent(row.metrics[primary_metric].value)
