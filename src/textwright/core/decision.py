"""From probabilities to labels, or to none: the one rule by which a model decides, in prediction and evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Decision:
    """When a label is predicted.

    Args:
        labels: The label names in the order of the probabilities' columns, with the task.
        threshold: A label of a multi-label task holds from this probability on.
        thresholds: Label name -> probability from which on it holds, in place of ``threshold``. Of a single-label task
            of two labels, one of them: it is predicted from there on, and the other below. Empty predicts the most
            probable label.
        min_confidence: Of a single-label task: below this probability of the most probable label the model abstains,
            in [0, 1]; 0 always answers.
        costs: Of a single-label task: true label -> predicted label -> what that costs, for all labels; the label of
            the lowest expected cost is predicted. Empty predicts the most probable label.

    Raises:
        SettingsError: If a name is unknown, a threshold lies outside [0, 1], or a single-label task has any but one
            threshold of two labels; if a model abstains that has thresholds or a multi-label task; or if costs are not
            those of all labels, or there is another decision too.
    """

    labels: Labels
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    min_confidence: float = 0.0
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.thresholds if name not in self.labels.names]
        if unknown:
            raise SettingsError(f"there is a threshold for {unknown[0]!r}; labels: {', '.join(self.labels.names)}")
        for name, value in self.thresholds.items():
            if not 0 <= value <= 1:
                raise SettingsError(f"the threshold of {name!r} is {value}; it must be a probability, 0 to 1")
        if self.thresholds and self._is_single and (len(self.labels), len(self.thresholds)) != (2, 1):
            raise SettingsError(
                f"there are thresholds for {len(self.thresholds)} of {len(self.labels)} labels, of which exactly one "
                "holds; such a task has a threshold only with two labels, for one of them"
            )
        if self.min_confidence and (self.thresholds or not self._is_single):
            what = "there are thresholds of labels" if self.thresholds else "the task is multi-label"
            raise SettingsError(f"min_confidence is {self.min_confidence}, but {what}; such a model cannot abstain")
        if self.costs:
            self._check_costs()

    def _check_costs(self) -> None:
        if self.thresholds or self.min_confidence or not self._is_single:
            raise SettingsError("there are costs beside thresholds, abstaining or a multi-label task; one rule decides")
        names = set(self.labels.names)
        if any(set(row) != names for row in (self.costs, *self.costs.values())):
            raise SettingsError(f"there must be a cost for each pair of the labels {', '.join(self.labels.names)}")

    @property
    def cost_matrix(self) -> Floats:
        """The costs as an array, (K, K), a row for each true label and a column for each predicted one."""
        names = self.labels.names
        return np.array([[self.costs[true][name] for name in names] for true in names], dtype=np.float64)

    @property
    def _is_single(self) -> bool:
        return self.labels.task is Task.SINGLE_LABEL

    def choose(self, probabilities: Float32s) -> Ints:
        """Choose the one label of each text.

        With costs it is the label of the lowest expected cost.

        Args:
            probabilities: Calibrated, of a single-label task, (B, K).

        Returns:
            Label indices, (B,).

        Source:
            Elkan, 2001, "The Foundations of Cost-Sensitive Learning", section 1.1.
        """
        if self.costs:
            return np.asarray((probabilities.astype(np.float64) @ self.cost_matrix).argmin(axis=1))
        if not self.thresholds:
            return np.asarray(probabilities.argmax(axis=1))
        ((name, threshold),) = self.thresholds.items()
        positive = self.labels.index[name]
        return np.where(probabilities[:, positive] >= np.float32(threshold), positive, 1 - positive)

    def holds(self, probabilities: Float32s) -> Bools:
        """Tell which labels hold.

        Args:
            probabilities: Calibrated, (B, K).

        Returns:
            (B, K); of a single-label task one in each row.
        """
        if self._is_single:
            return np.asarray(self.choose(probabilities)[:, None] == np.arange(len(self.labels)))
        cuts = [self.thresholds.get(name, self.threshold) for name in self.labels.names]
        return np.asarray(probabilities >= np.array(cuts, dtype=np.float32))

    def abstains(self, probabilities: Float32s) -> Bools:
        """Tell which texts are left without an answer, since the model is not sure enough.

        Args:
            probabilities: Calibrated, (B, K).

        Returns:
            (B,); False for every text where ``min_confidence`` is 0.
        """
        if not self.min_confidence:
            return np.zeros(len(probabilities), dtype=np.bool_)
        return np.asarray(probabilities.max(axis=1) < np.float32(self.min_confidence))

    def confidence(self, probabilities: Float32s) -> Float32s:
        """Say how sure a model is of its whole answer.

        Args:
            probabilities: Calibrated, (B, K).

        Returns:
            (B,), in [0, 1]: the probability of the predicted label, which without a threshold is the highest; for a
            multi-label task the probability of the least certain yes or no.
        """
        if self._is_single:
            return np.asarray(np.take_along_axis(probabilities, self.choose(probabilities)[:, None], axis=1)[:, 0])
        return np.asarray(np.where(self.holds(probabilities), probabilities, 1 - probabilities).min(axis=1))
