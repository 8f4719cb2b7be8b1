"""Everything that a search came to: what the terminal, the JSON file and the page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textwright.core.percent import percent
from textwright.errors import ConstraintError
from textwright.evaluate.intervals import Interval
from textwright.evaluate.scores import TITLES
from textwright.model_search.choice import Finalist, ModelChoice
from textwright.model_search.settings import AutoSettings
from textwright.model_search.trials import Trial, TrialStatus
from textwright.report.base import Report


@dataclass(frozen=True, slots=True)
class HeldOutResult:
    """What was measured on the test texts.

    Args:
        num_texts: Test texts.
        metrics: Metric name -> with its 95 % interval.
        majority: Share of them that always the most frequent label gets right.
        version: Of the artifact.
        size_bytes: Of the artifact.
        warnings: What is wrong with the model, in sentences.
    """

    num_texts: int
    metrics: Mapping[str, Interval]
    majority: float
    version: str
    size_bytes: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AutoReport(Report):
    """A search.

    Args:
        source: What was searched on.
        task: "single-label" or "multi-label".
        num_labels: Labels.
        num_examples: Split name -> examples.
        primary_metric: Name of the metric to say first: accuracy, or exact match.
        metric: Name of the metric that decided.
        settings: Budget, constraints and what was searched.
        seconds: Spent, over all processes.
        trials: What was tried, in order.
        finalists: The models whose costs were measured, those that nothing beats first.
        choice: What is shipped and why.
        test: On the test texts; None if nothing is shipped.
        curves: Family -> its scores over the number of training texts.
        advice: What more time and more labels would buy, in sentences.
        warnings: What deserves a look in the data, in sentences.
        machine: Where all this was measured.
        versions: Library -> version.
    """

    NAME: ClassVar[str] = "auto"

    source: str
    task: str
    num_labels: int
    num_examples: Mapping[str, int]
    primary_metric: str
    metric: str
    settings: AutoSettings
    seconds: float
    trials: Sequence[Trial]
    finalists: Sequence[Finalist]
    choice: ModelChoice
    test: HeldOutResult | None
    curves: Mapping[str, Sequence[tuple[int, float]]]
    advice: tuple[str, ...]
    warnings: tuple[str, ...]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]

    @property
    def chosen(self) -> Finalist | None:
        """The shipped model; None if none keeps to the constraints."""
        return next((item for item in self.finalists if item.name == self.choice.chosen), None)

    @property
    def measured(self) -> tuple[str, ...]:
        """What was measured on the test texts, in sentences; empty if nothing is shipped."""
        if self.test is None:
            return ()
        interval = self.test.metrics[self.primary_metric]
        sentence = (
            f"On the {self.test.num_texts:,} test texts, read once: {TITLES[self.primary_metric].lower()} "
            f"{percent(interval.value)} (95 % interval {percent(interval.low, interval.high)}); "
            f"always the most frequent label is right in {percent(self.test.majority)}."
        )
        bound = self.settings.min_accuracy
        if bound is None or 100 * interval.value >= bound:
            return (sentence,)
        missed = f"That is {bound - 100 * interval.value:.1f} points below --min-accuracy {bound:g}, which the"
        return (
            sentence,
            f"{missed} validation texts had shown; the choice stays, since nothing is chosen on test texts.",
        )

    def raise_unless_shipped(self) -> None:
        """Refuse a search that shipped nothing.

        Raises:
            ConstraintError: Names the nearest model, and by how much it misses which constraint.
        """
        if not self.choice.chosen:
            words = "; ".join(miss.words for miss in self.choice.misses)
            raise ConstraintError(
                f"no model keeps to the constraints and nothing is shipped; the nearest, {self.choice.nearest}, has "
                f"{words}; allow more, give more --budget-minutes, or take it from the folder of the search"
            )

    def charts(self) -> dict[str, str]:
        """Draw accuracy against time, and the learning curves where there are any."""
        from textwright.model_search import figures

        charts = {"tradeoff": figures.tradeoff(self)}
        if any(len(points) > 1 for points in self.curves.values()):
            charts["curves"] = figures.curves(self)
        return charts

    def page_values(self) -> dict[str, Any]:
        """Give the page the titles of metrics, and which outcomes count as done."""
        return {"titles": TITLES, "done": TrialStatus.DONE}
