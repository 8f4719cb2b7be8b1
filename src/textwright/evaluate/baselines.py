"""Is a trained model better than the most frequent label, and than a linear model? Compared on the same test texts.

Called by the pipeline at the end of ``train``; ``compare`` shows the same two baselines as rows, and ``evaluate`` the
first. A model that does not beat the majority is nowhere advised to be served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Final

import numpy as np

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.core.percent import percent
from textwright.core.types import Float32s, Ints
from textwright.data.dataset import Dataset, Examples
from textwright.evaluate import scores
from textwright.evaluate.intervals import Interval, bootstrap
from textwright.evaluate.paired import SIGNIFICANCE, paired_p_value
from textwright.evaluate.predictions import LabeledPredictions, choose_labels, label_shares

MAJORITY: Final = "majority"
LINEAR: Final = "tf-idf"
_WIDE: Final = 0.1
"""From this width on, the interval of a difference is that of few texts."""
_TITLES: Final = {MAJORITY: "the most frequent label", LINEAR: "the linear baseline tf-idf"}
_OTHERS: Final = ("linear", "frozen-bert")
"""Families to try where a model is no better: the linear model itself, and what learns from few texts."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a model stands to one baseline.

    Args:
        name: "majority" or "tf-idf".
        settings: What was chosen for it, in words; empty for the majority.
        metrics: Metric name -> of the baseline on the test texts.
        difference: The model's accuracy (exact match for a multi-label task) minus the baseline's, with its paired
            95 % interval.
        p_value: Of the exact paired test.
        seconds: What fitting and measuring it took.
    """

    name: str
    settings: str
    metrics: Mapping[str, float]
    difference: Interval
    p_value: float
    seconds: float

    @property
    def is_distinguishable(self) -> bool:
        """Whether the test tells the two apart."""
        return self.p_value < SIGNIFICANCE

    @property
    def is_beaten(self) -> bool:
        """Whether the model is better, and not by chance."""
        return self.is_distinguishable and self.difference.value > 0

    @property
    def is_better(self) -> bool:
        """Whether the baseline is better, and not by chance."""
        return self.is_distinguishable and self.difference.value < 0

    @property
    def is_undecided(self) -> bool:
        """Whether the model looks better, and the test texts are too few to show it."""
        width = self.difference.high - self.difference.low
        return not self.is_distinguishable and self.difference.value > 0 and width > _WIDE

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values: the fields by name."""
        return {**asdict(self), "metrics": dict(self.metrics)}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Baseline:
        """Read what :meth:`to_json` gave."""
        return cls(**{**content, "difference": Interval(**content["difference"])})


def compare_with_baselines(
    predictions: LabeledPredictions, dataset: Dataset, *, linear: bool = True, callback: Callback | None = None
) -> tuple[Baseline, ...]:
    """Fit the baselines on the training split and test a model against each on the test split.

    Args:
        predictions: What the model said of the test split, in order.
        dataset: The examples that it was trained on, split.
        linear: Whether the linear baseline is fitted too; the majority costs nothing.
        callback: Told what begins.

    Returns:
        The majority, then the linear baseline.
    """
    baselines = [compare_with_majority(predictions, dataset.test, dataset.labels, counted=dataset.train)]
    if linear:
        if callback is not None:
            callback.on_stage_begin("fitting the baselines")
        baselines.append(_linear(predictions, dataset))
    return tuple(baselines)


def observations(examples: Examples, probabilities: Float32s, labels: Labels) -> LabeledPredictions:
    """Put what a baseline says of labeled texts into the form that every metric takes.

    Args:
        examples: N labeled texts.
        probabilities: (N, K).
        labels: Label names with the task.
    """
    return LabeledPredictions(
        targets=examples.targets,
        predicted=choose_labels(probabilities, labels),
        probabilities=probabilities,
        uncalibrated=probabilities,
        lengths=np.array([len(text.split()) for text in examples.texts], dtype=np.int64),
        truncated=np.zeros(len(examples), dtype=np.bool_),
    )


def compare_with_majority(
    predictions: LabeledPredictions, examples: Examples, labels: Labels, *, counted: Examples | None = None
) -> Baseline:
    """Test a model against always the most frequent label.

    Args:
        predictions: What the model said of the examples, in order.
        examples: N labeled texts.
        labels: Label names with the task.
        counted: Where the most frequent label is counted; None counts it in the examples themselves.
    """
    start = perf_counter()
    shares = label_shares(examples if counted is None else counted, labels)
    constant = observations(examples, np.tile(shares, (len(examples), 1)), labels)
    return _compared(MAJORITY, "", constant, predictions, start)


def _linear(predictions: LabeledPredictions, dataset: Dataset) -> Baseline:
    from textwright.evaluate.linear import fit_linear  # SciPy, which the majority does without

    start = perf_counter()
    model = fit_linear(dataset.train, dataset.labels)
    linear = observations(dataset.test, model.probabilities(dataset.test.texts), dataset.labels)
    tuning = model.tuning
    settings = f"{tuning.features}, C {tuning.strength:g}" + (f"; {tuning.note}" if tuning.note else "")
    return _compared(LINEAR, settings, linear, predictions, start)


def _compared(
    name: str, settings: str, baseline: LabeledPredictions, predictions: LabeledPredictions, start: float
) -> Baseline:
    numbers = scores.numbers(baseline)
    measured = scores.measure({key: values.mean(axis=0, keepdims=True) for key, values in numbers.items()})
    metrics = {metric: float(values[0]) for (group, metric), values in measured.items() if group == scores.OVERALL}
    ours, theirs = (_hits(item) for item in (predictions, baseline))
    difference = (ours - theirs).astype(np.float64)[:, None]
    interval = bootstrap({"difference": difference}, lambda means: {"it": means["difference"][:, 0]})["it"]
    return Baseline(name, settings, metrics, interval, paired_p_value(ours, theirs), perf_counter() - start)


def _hits(predictions: LabeledPredictions) -> Ints:
    return predictions.correct.astype(np.int64)


def verdict(baselines: Sequence[Baseline], *, metric: str, value: float, num_examples: int, family: str) -> str:
    """Say in a sentence or two how a model stands to its baselines, and what to try where it is no better.

    Args:
        baselines: The majority first, as :func:`compare_with_baselines` gives them.
        metric: What people call the metric that was tested.
        value: Of the model.
        num_examples: Test texts.
        family: Of the model; it is not what to try next.
    """
    clauses = "; ".join(map(standing, baselines))
    sentence = f"On {num_examples:,} test texts the model's {metric.lower()} is {percent(value)}: {clauses}."
    worst = next((item for item in reversed(baselines) if not item.is_beaten), None)
    if worst is None:
        return sentence
    if value == 1 and family == "linear" and worst.name == LINEAR:
        return f"{sentence} No test text is answered wrongly: only more of them, or harder ones, could tell more."
    others = " or ".join(f"--family {name}" for name in _OTHERS if name != family)
    return (
        f"{sentence} {_reason(worst, family)}. Try {others}; or measure every family with textwright compare, which "
        "also shows whether more labeled texts would help."
    )


def _reason(item: Baseline, family: str) -> str:
    """Say why something else is worth trying."""
    if item.name == MAJORITY:
        return "Nothing shows yet that the model has learned from the texts"
    if item.is_better:
        return "A linear model does better"
    if family == "linear":
        return "The baseline is a model of the same kind; another kind may do better"
    return "A linear model, which trains in seconds, is as accurate"


def standing(item: Baseline) -> str:
    """Say in a clause how a model stands to a baseline."""
    points = f"{100 * abs(item.difference.value):.1f} points"
    ends = f"95 % interval {100 * item.difference.low:+.1f} to {100 * item.difference.high:+.1f}"
    name = f"{_TITLES[item.name]} ({percent(next(iter(item.metrics.values())))})"
    if not item.is_distinguishable:
        return f"not distinguishable from {name}, {ends}"
    return f"{points} {'above' if item.is_beaten else 'below'} {name}, {ends}"
