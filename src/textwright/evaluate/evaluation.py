"""What an evaluation says: plain, frozen values that turn into JSON, a page, a model card and a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple

from textwright.core.labels import Labels, Task
from textwright.core.percent import percent
from textwright.errors import GateError
from textwright.evaluate.baselines import Baseline, standing
from textwright.evaluate.behavior.suite import BehaviorScores
from textwright.evaluate.costs import CostScores
from textwright.evaluate.coverage import AbstentionScores, CoverageCurve
from textwright.evaluate.intervals import Interval
from textwright.evaluate.scores import METRICS, shown
from textwright.evaluate.slice_scores import SliceScores
from textwright.report.base import Report, json_values

_NUM_CONFUSIONS: Final = 10


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """Which model was measured.

    Args:
        name: What it is called on the wire.
        family: The kind of model.
        variant: Name of the graph that was run.
        version: First 12 digits of the artifact's digest.
        max_length: Longest text in tokens that it reads whole.
    """

    name: str
    family: str
    variant: str
    version: str
    max_length: int


@dataclass(frozen=True, slots=True)
class LabelScores:
    """How one label fares.

    Args:
        label: Its name.
        support: Examples that have it.
        num_predicted: Examples that were given it.
        precision: Share of ``num_predicted`` that is right; 0 when there is none.
        recall: Share of ``support`` that was found; 0 when there is none.
        f1: Their harmonic mean.
        roc_auc: Chance that a text with the label gets a higher probability of it than one without; None when all
            texts have it, or none.
        pr_auc: Average precision; None when no text has it.
    """

    label: str
    support: int
    num_predicted: int
    precision: Interval
    recall: Interval
    f1: Interval
    roc_auc: Interval | None = None
    pr_auc: Interval | None = None


@dataclass(frozen=True, slots=True)
class ThresholdCurve:
    """What thresholds on the probability of a label come to, from the highest threshold down: ROC and precision-recall.

    Args:
        label: Its name.
        false_positive_rate: Share of the texts without the label that get it, (P,).
        recall: Share of the texts with the label that get it, (P,).
        precision: Share of the texts that get the label that have it, (P,).
    """

    label: str
    false_positive_rate: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Claims of like probability, and how many came true.

    Args:
        low: Lower edge of the bin, held by it.
        high: Upper edge.
        count: Claims in the bin; may be 0.
        num_true: Those that came true.
        mean_score: Their mean probability; 0 in an empty bin.
    """

    low: float
    high: float
    count: int
    num_true: int
    mean_score: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well the probabilities are calibrated at one temperature.

    Args:
        temperature: Divisor of the logits; 1 is the model as it was trained.
        log_loss: In nats.
        calibration_error: Expected calibration error over ``bins``.
        bins: 15 of equal width over [0, 1].
    """

    temperature: float
    log_loss: Interval
    calibration_error: Interval
    bins: tuple[ScoreBin, ...]


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Texts of like length.

    Args:
        shortest: Tokens of the shortest text in the bin, after the cut at ``max_length``.
        longest: Tokens of the longest.
        count: Texts in the bin, >= 1.
        accuracy: Share that is right in whole, with its Wilson interval.
    """

    shortest: int
    longest: int
    count: int
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class TruncationBin:
    """The texts that were cut at ``max_length``, or those that were read whole.

    Args:
        truncated: Whether they were cut.
        count: Texts, >= 1.
        accuracy: Share that is right in whole, with its Wilson interval.
    """

    truncated: bool
    count: int
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class Mistake:
    """A text that the model got wrong.

    Args:
        position: Of the text among those measured, from 1.
        text: Its beginning.
        actual: The labels that hold.
        predicted: The labels that were given.
        confidence: Probability that the model gave to what is wrong.
    """

    position: int
    text: str
    actual: tuple[str, ...]
    predicted: tuple[str, ...]
    confidence: float


class Confusion(NamedTuple):
    """A true label that was taken for another."""

    actual: str
    predicted: str
    num_texts: int
    share: float


@dataclass(frozen=True, slots=True)
class Evaluation(Report):
    """Everything measured of one model on one set of labeled texts.

    Args:
        model: Which model.
        labels: Its labels, in order, with the task.
        source: What the texts are called.
        split: Which part of the source: "test", "validation", "train" or "all".
        num_examples: Number of texts, N.
        num_mistakes: Examples that are not right in whole.
        num_truncated: Texts longer than the model reads.
        threshold: A label of a multi-label task holds from this probability on.
        thresholds: Label name -> its own threshold; see :class:`~textwright.core.decision.Decision`.
        metrics: Metric name -> value with its 95 % bootstrap interval; a share of exactly 0 or 1 has Wilson's.
        per_label: Scores of each label, in order.
        confusion: (K, K) counts, a row for each true label; for a multi-label task (K, 2, 2), for each label a row
            for what is true (no, yes) and a column for what was predicted (no, yes).
        before: Calibration at temperature 1.
        after: Calibration at the fitted temperature, which is the one served.
        histogram: Claims by probability, 20 bins. A claim is "the predicted label is right" in a single-label task
            and "this label holds", once for each label, in a multi-label one.
        by_length: At most 8 bins of about as many texts each, by length.
        worst: The mistakes made with the highest confidence, worst first.
        by_truncation: The texts that were read whole and those that were cut; empty if none was cut.
        curves: ROC and precision-recall of the labels that occur, of many labels the 8 most frequent, at no more than
            100 thresholds each.
        slices: The slices that were asked for.
        behavior: The behavioral tests that were given.
        coverage: Accuracy of the texts that the model is surest of; None in evaluations of earlier versions.
        abstention: Coverage and error rate of a model that abstains; None for one that answers every text. All other
            numbers count the most probable label of a text without an answer.
        costs: Mean cost of a model that decides by costs; None for any other.
        majority: The model against always the most frequent label of these texts; None where that was not measured.
    """

    NAME: ClassVar[str] = "evaluation"

    model: MeasuredModel
    labels: Labels
    source: str
    split: str
    num_examples: int
    num_mistakes: int
    num_truncated: int
    threshold: float
    metrics: Mapping[str, Interval]
    per_label: tuple[LabelScores, ...]
    confusion: list[Any]
    before: Calibration
    after: Calibration
    histogram: tuple[ScoreBin, ...]
    by_length: tuple[LengthBin, ...]
    worst: tuple[Mistake, ...]
    by_truncation: tuple[TruncationBin, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    curves: tuple[ThresholdCurve, ...] = ()
    slices: tuple[SliceScores, ...] = ()
    behavior: tuple[BehaviorScores, ...] = ()
    coverage: CoverageCurve | None = None
    abstention: AbstentionScores | None = None
    costs: CostScores | None = None
    majority: Baseline | None = None

    @property
    def beats_majority(self) -> bool | None:
        """Whether the model is better than always the most frequent label of these texts; None where not measured."""
        return None if self.majority is None else self.majority.is_beaten

    @property
    def standing(self) -> str:
        """How the model stands to the most frequent label, in a sentence; empty where that was not measured."""
        if self.majority is None:
            return ""
        words = standing(self.majority)
        return f"{words[:1].upper()}{words[1:]}."

    @property
    def gate_failures(self) -> tuple[str, ...]:
        """What a gate refuses, in sentences: slices that are significantly worse, and tests that fail."""
        worse = [
            f"{percent(item.share_right.value)} of the {item.num_texts:,} texts where {item.name} are right, "
            f"{100 * item.difference.value:+.1f} points beside the others (p = {item.adjusted_p_value:.2g} after "
            "Holm's correction)"
            for item in self.slices
            if item.is_worse and item.difference is not None
        ]
        failed = [
            f"it fails {item.num_failures:,} of {item.num_texts:,} texts of {item.name!r} ({item.kind}), "
            f"{item.allowed_failures:,} are allowed"
            for item in self.behavior
            if not item.is_passed
        ]
        return (*worse, *failed)

    def raise_unless_passed(self) -> None:
        """Refuse the model in words.

        Raises:
            GateError: Says every slice and test.
        """
        if self.gate_failures:
            raise GateError(f"{self.model.name} does not pass: {'; '.join(self.gate_failures)}")

    @property
    def is_multi_label(self) -> bool:
        """Whether any number of labels may hold at once."""
        return self.labels.task is Task.MULTI_LABEL

    @property
    def primary_metric(self) -> str:
        """Name of the metric to say first: accuracy, or exact match for a multi-label task."""
        return next(iter(self.metrics))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why these numbers say less than they seem to; empty if nothing is wrong with what was measured.

        A file sorted by label, read from its top, has texts of one label alone: saying that label always is right
        every time. That is how a model that knows nothing comes to an accuracy above 90 %.
        """
        present = [row.label for row in self.per_label if row.support]
        if self.is_multi_label or len(present) != 1:
            return ()
        warning = (
            f"all {self.num_examples:,} texts are labeled {present[0]!r}, so a model that always says it is right "
            "every time; measure on texts of every label (a file sorted by label needs shuffling before it is cut)"
        )
        return (warning,)

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as JSON-ready values.

        Returns:
            The fields by name and the warnings, with ``labels`` as a list of names beside ``task``, and both
            calibrations beneath ``calibration``; ``metrics`` holds {"value", "low", "high"} for each metric.
        """
        content: dict[str, Any] = json_values(self)
        content["warnings"] = list(self.warnings)
        content["gate_failures"] = list(self.gate_failures)
        content["task"] = self.labels.task.value
        content["labels"] = list(self.labels.names)
        content["calibration"] = {"before": content.pop("before"), "after": content.pop("after")}
        return content

    def top_confusions(self) -> list[Confusion]:
        """Find the pairs of labels that are taken for each other most often.

        Returns:
            At most 10 pairs, the most frequent first, each with its share of the true label's texts; none for a
            multi-label task.
        """
        if self.is_multi_label:
            return []
        names = self.labels.names
        pairs = [
            Confusion(names[row], names[column], count, count / sum(counts))
            for row, counts in enumerate(self.confusion)
            for column, count in enumerate(counts)
            if count and row != column
        ]
        return sorted(pairs, key=lambda pair: -pair.num_texts)[:_NUM_CONFUSIONS]

    def charts(self) -> dict[str, str]:
        """Draw the plots of the page."""
        from textwright.evaluate import figures

        return {name: draw(self) for name, draw in figures.FIGURES.items()}

    def page_values(self) -> dict[str, Any]:
        """Give the page the metrics, and whether the matrix takes its whole width."""
        from textwright.evaluate.figures import MAX_COUNTED_LABELS

        has_more = len(self.curves) < sum(0 < row.support < self.num_examples for row in self.per_label)
        return {
            "measures": METRICS,
            "shown": shown,
            "shown_labels": f" The {len(self.curves)} most frequent labels." if has_more else "",
            "is_large": len(self.labels) > MAX_COUNTED_LABELS and not self.is_multi_label,
        }
