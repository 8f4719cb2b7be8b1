"""Everything that making a cascade came to: what the terminal, the JSON file and the page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from textwright.core.percent import percent
from textwright.evaluate.batch_invariance import BatchInvariance
from textwright.evaluate.intervals import Interval
from textwright.evaluate.paired_drop import PairedDrop, bound_in_words
from textwright.evaluate.scores import TITLES
from textwright.optimize.cascade.curve import Point
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.optimize.cascade.speed import Speed
from textwright.report.base import Report


@dataclass(frozen=True, slots=True)
class DropOnTexts:
    """What a cascade loses against the strong model alone on some texts.

    Args:
        num_texts: Texts.
        drop: Points lost; below 0 the cascade is better.
        drop_bound: Most points that may be lost on other texts, with a confidence of 95 %.
    """

    num_texts: int
    drop: float
    drop_bound: float

    @classmethod
    def of(cls, drop: PairedDrop) -> Self:
        """Sum up a paired comparison."""
        return cls(drop.num_texts, drop.points, drop.upper_bound())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The cascade beside the strong model alone, on the test texts, which nothing was chosen on.

    Args:
        num_texts: Test texts.
        accuracy: "fast", "strong" and "cascade" -> primary metric.
        share_escalated: Share of the texts that the strong stage answered.
        drop: Strong model's accuracy less the cascade's, in points, with its paired bootstrap interval.
        drop_bound: Most points that may be lost on other texts, with a confidence of 95 %: the fewer texts, the more.
        p_value: Of the exact paired test that neither is right more often.
        agreement: Share of the texts that the cascade answers as the strong model does, in percent.
    """

    num_texts: int
    accuracy: Mapping[str, Interval]
    share_escalated: float
    drop: Interval
    drop_bound: float
    p_value: float
    agreement: float


@dataclass(frozen=True, slots=True)
class Outcome(Report):
    """A cascade and how it came about.

    Args:
        name: What it is called.
        version: Of its artifact.
        source: The labeled texts.
        settings: The bound.
        bound: The bound in words.
        fast: Family, name, version and variant of the fast model.
        strong: The same of the strong one.
        num_texts: Texts that the curve is drawn over, on which neither model was trained.
        gate_texts: Which these are, in words.
        cross_validated: What is lost on them if each part is answered at the point that the others choose.
        curve: From all texts escalated to none.
        point: The chosen one.
        verdict: On the test texts.
        batch_invariance: How far its predictions change with the other texts of a batch.
        speed: "fast", "strong" and "cascade" -> measured in turn; gains are against strong.
        machine: Where all this was measured.
        metric: Name of the primary metric: accuracy, or exact match for several labels.
    """

    NAME: ClassVar[str] = "cascade"

    name: str
    version: str
    source: str
    settings: CascadeSettings
    bound: str
    fast: Mapping[str, str]
    strong: Mapping[str, str]
    num_texts: int
    gate_texts: str
    cross_validated: DropOnTexts
    curve: Sequence[Point]
    point: Point
    verdict: Verdict
    batch_invariance: BatchInvariance
    speed: Mapping[str, Speed]
    machine: Mapping[str, Any]
    metric: str = "accuracy"

    @property
    def gain(self) -> float:
        """How many times the strong model's throughput the cascade has."""
        return self.speed["cascade"].throughput_gain

    @property
    def advice(self) -> str:
        """What to do if the strong model is not the better one; empty if it is."""
        fast, strong = (self.verdict.accuracy[stage].value for stage in ("fast", "strong"))
        if strong > fast:
            return ""
        how = "worse than" if strong < fast else "no better than"
        return (
            f"{self.strong['name']} is {how} {self.fast['name']} on these {self.verdict.num_texts:,} test texts "
            f"({percent(strong)} against {percent(fast)}): serve {self.fast['name']} alone"
        )

    def charts(self) -> dict[str, str]:
        """Draw accuracy against the share of texts escalated."""
        from textwright.optimize.cascade.figures import curve

        return {"curve": curve(self)}

    def page_values(self) -> dict[str, Any]:
        """Give the page what says a bound in words, and what the metric is called."""
        return {"in_words": bound_in_words, "title": TITLES[self.metric]}
