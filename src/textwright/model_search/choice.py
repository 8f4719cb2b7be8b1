"""Which model to ship: constraints, the Pareto front, the choice and why. Pure functions of plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from textwright.core.percent import percent
from textwright.model_search.settings import Constraints
from textwright.model_search.trials import FinishedModel

_SAME: Final = 1.02
"""Speeds and sizes within this factor are called equal: less is within what machines do from day to day."""


@dataclass(frozen=True, slots=True)
class Finalist:
    """A model whose costs were measured.

    Args:
        model: What was trained, with its scores on the validation texts.
        latency_ms: Median time of one text by itself, one thread.
        texts_per_second: Of many texts in one call.
        usd_per_million: Dollars for a million predictions; None where it was not priced.
        is_on_front: Whether no other finalist is as good in everything and better in something.
    """

    model: FinishedModel
    latency_ms: float
    texts_per_second: float
    usd_per_million: float | None = None
    is_on_front: bool = False

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.name

    @property
    def costs(self) -> tuple[float, ...]:
        """What is better low: time of a text, time of many, size."""
        return self.latency_ms, 1 / self.texts_per_second, float(self.model.size_bytes)

    def with_price(self, usd_per_million: float | None) -> Finalist:
        """Return it priced."""
        return replace(self, usd_per_million=usd_per_million)

    def marked(self, *, is_on_front: bool) -> Finalist:
        """Return it marked."""
        return replace(self, is_on_front=is_on_front)


@dataclass(frozen=True, slots=True)
class Miss:
    """A constraint that a model does not keep to.

    Args:
        name: Of the setting.
        value: Measured; None where it could not be.
        bound: Asked for.
        words: By how much it is missed, in words.
    """

    name: str
    value: float | None
    bound: float
    words: str

    @property
    def excess(self) -> float:
        """How far it is missed, as the logarithm of a ratio; infinite where it was not measured."""
        return math.inf if not self.value else abs(math.log(self.value / self.bound))


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What is shipped.

    Args:
        chosen: Name of the model; empty if none keeps to the constraints.
        nearest: Name of the one that is nearest to them; the chosen one where there is one.
        best: Name of the one with the highest score.
        misses: What the nearest one misses.
        why: In sentences.
    """

    chosen: str
    nearest: str
    best: str
    misses: tuple[Miss, ...]
    why: tuple[str, ...]


def front(finalists: Sequence[Finalist]) -> frozenset[str]:
    """Name the finalists that no other one beats: as good in score, time and size, and better in one of them."""
    return frozenset(item.name for item in finalists if not any(_beats(other, item) for other in finalists))


def _beats(one: Finalist, other: Finalist) -> bool:
    ours, theirs = (-one.model.score, *one.costs), (-other.model.score, *other.costs)
    return all(a <= b for a, b in zip(ours, theirs, strict=True)) and ours != theirs


def misses(finalist: Finalist, constraints: Constraints) -> tuple[Miss, ...]:
    """List the constraints that a model does not keep to.

    Args:
        finalist: Its measurements.
        constraints: The bounds.
    """
    model, price = finalist.model, finalist.usd_per_million
    return (
        *_above("max_latency_ms", finalist.latency_ms, constraints.max_latency_ms, "ms for one text"),
        *_below(100 * model.accuracy, constraints.min_accuracy),
        *_above("max_size_mb", model.size_bytes / 1e6, constraints.max_size_mb, "MB"),
        *_above("max_cost_per_million", price, constraints.max_cost_per_million, "dollars for a million predictions"),
    )


def _above(name: str, value: float | None, bound: float | None, unit: str) -> Iterator[Miss]:
    if bound is not None and value is None:
        yield Miss(name, None, bound, f"its price could not be measured, so {bound:g} {unit} are not shown")
    elif bound is not None and value is not None and value > bound:
        yield Miss(name, value, bound, f"{value:.3g} {unit}, {value / bound:.2g} times the {bound:g} allowed")


def _below(points: float, bound: float | None) -> Iterator[Miss]:
    if bound is not None and points < bound:
        words = f"{percent(points / 100)} on the validation texts, {bound - points:.1f} points below {bound:g} %"
        yield Miss("min_accuracy", points, bound, words)


def choose(finalists: Sequence[Finalist], constraints: Constraints, tolerance: float, metric: str) -> ModelChoice:
    """Choose what to ship: of those that keep to the constraints, the fastest near the best.

    Args:
        finalists: At least one.
        constraints: The bounds.
        tolerance: Share by which the score may lie below that of the best.
        metric: What the score is called.

    Returns:
        The choice; it names the nearest model where none keeps to the constraints.
    """
    missed = {item.name: misses(item, constraints) for item in finalists}
    best = max(finalists, key=lambda item: (item.model.score, item.texts_per_second))
    able = [item for item in finalists if not missed[item.name]]
    if not able:
        nearest = min(finalists, key=lambda item: (sum(miss.excess for miss in missed[item.name]), -item.model.score))
        why = (
            "No model keeps to the constraints, so nothing is shipped.",
            f"The nearest is {nearest.name}: {'; '.join(miss.words for miss in missed[nearest.name])}.",
        )
        return ModelChoice("", nearest.name, best.name, missed[nearest.name], why)
    top = max(able, key=lambda item: (item.model.score, item.texts_per_second))
    near = [item for item in able if item.model.score >= top.model.score - tolerance - 1e-12]
    chosen = max(near, key=lambda item: (item.texts_per_second, item.model.score))
    return ModelChoice(chosen.name, chosen.name, best.name, (), tuple(_reasons(chosen, top, best, metric, tolerance)))


def _reasons(chosen: Finalist, top: Finalist, best: Finalist, metric: str, tolerance: float) -> Iterator[str]:
    score = f"{metric} {percent(chosen.model.score)} on the validation texts"
    if chosen is top:
        yield f"{chosen.name} is taken: {score}, the highest of all that keep to the constraints."
    else:
        yield (
            f"{chosen.name} is taken: {score}, at most {100 * tolerance:g} points below the highest "
            f"({top.name}, {percent(top.model.score)}), and the fastest of those."
        )
    if chosen is not top and chosen.texts_per_second > _SAME * top.texts_per_second:
        times = chosen.texts_per_second / top.texts_per_second
        yield f"It answers {times:.2g} times as many texts a second as {top.name}."
    if best.name != top.name and best.model.score > top.model.score:
        yield (
            f"Without the constraints {best.name} would be {100 * (best.model.score - top.model.score):.1f} points "
            "higher."
        )
