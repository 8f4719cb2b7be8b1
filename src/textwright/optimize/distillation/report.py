"""What a distillation came to, as the terminal and ``distillation.json`` show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from textwright.core.labels import Labels
from textwright.data.dataset import Examples
from textwright.evaluate.intervals import Interval, share
from textwright.evaluate.paired import SIGNIFICANCE, paired_p_value
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.optimize.candidate_result import LatencyReport
from textwright.optimize.distillation.teacher import TeacherCommittee, columns_of
from textwright.report.base import Report, json_values, with_verdicts
from textwright.runtime.predictor import Predictor


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A model that the student is held against, on the same test texts.

    Args:
        role: "teacher", or "baseline": the same family without a teacher.
        name: Of the model.
        family: Of the model.
        version: Of its artifact.
        variant: Of its graph.
        accuracy: Share of the texts that it answers right in whole.
        gain: The student's accuracy less that, in points.
        p_value: Of the exact paired test that neither is right more often.
        agreement: Share of the texts that both answer alike.
        cost: What the student costs, beside it; None if nobody measured.
    """

    role: str
    name: str
    family: str
    version: str
    variant: str
    accuracy: Interval
    gain: float
    p_value: float
    agreement: Interval
    cost: LatencyReport | None

    @property
    def verdict(self) -> str:
        """Say in words whether the student is better."""
        if self.p_value >= SIGNIFICANCE:
            return f"not distinguishable from {self.name} on these texts (p {self.p_value:.2f})"
        return f"{'better' if self.gain > 0 else 'worse'} than {self.name} (p {self.p_value:.2g})"


@dataclass(frozen=True, slots=True)
class Distillation(Report):
    """Everything that is to be known of a student.

    Args:
        name: The student's.
        family: The student's.
        version: Of its artifact.
        source: The labeled data.
        settings: How it was taught, as the manifest says it.
        num_test: Test texts.
        accuracy: The student's, on them.
        compared_models: Its teachers, then the baseline if there is one.
        metrics: All of the student's metrics on the test texts: name -> value, low and high.
        committee: How good several teachers are together, on the validation split; None for one teacher.
    """

    NAME: ClassVar[str] = "distillation"

    name: str
    family: str
    version: str
    source: str
    settings: Mapping[str, Any]
    num_test: int
    accuracy: Interval
    compared_models: Sequence[ComparedModel]
    metrics: Mapping[str, Mapping[str, float]]
    committee: TeacherCommittee | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready values, each comparison with its verdict in words."""
        return {**json_values(self), "compared_models": with_verdicts(self.compared_models)}


def compare_with(
    student: LabeledPredictions,
    predictor: Predictor,
    predictions: LabeledPredictions,
    *,
    role: str,
    cost: LatencyReport | None,
) -> ComparedModel:
    """Compare the student with another model.

    Args:
        student: What the student said of N test texts.
        predictor: The other model.
        predictions: What it said of the same texts.
        role: What it is to the student.
        cost: What the student costs beside it.
    """
    artifact, right, was_right = predictor.artifact, student.correct, predictions.correct
    return ComparedModel(
        role=role,
        name=artifact.manifest.name,
        family=artifact.manifest.family,
        version=artifact.version,
        variant=predictor.variant,
        accuracy=share(was_right),
        gain=100 * float(right.mean() - was_right.mean()),
        p_value=paired_p_value(right.astype(np.int64), was_right.astype(np.int64)),
        agreement=share(student.agrees_with(predictions)),
        cost=cost,
    )


def observe_in_order(predictor: Predictor, examples: Examples, labels: Labels) -> LabeledPredictions:
    """Predict labeled texts with a model whose labels may stand in another order.

    Args:
        predictor: The model; it knows the same labels.
        examples: N texts, with targets in the order of ``labels``.
        labels: The order wanted.

    Returns:
        What was true and what was predicted in the order of ``labels``; probabilities in the model's own.

    Raises:
        DataError: If the model knows other labels.
    """
    theirs = np.array(columns_of(predictor, labels))  # (K,): where the model has each of the labels
    ours = np.argsort(theirs)
    is_single = examples.targets.ndim == 1
    targets = theirs[examples.targets] if is_single else examples.targets[:, ours]
    predictions = observe(predictor, Examples(examples.texts, targets))
    predicted = ours[predictions.predicted] if is_single else predictions.predicted[:, theirs]
    return replace(predictions, targets=examples.targets, predicted=predicted)
