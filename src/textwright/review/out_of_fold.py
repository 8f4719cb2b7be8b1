"""Probabilities of the labels of each text by a linear model that has not seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.core.numerics import activate
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.splits import draw_folds, rarest_label
from textwright.errors import DataError
from textwright.review.text_features import TextFeatures
from textwright.training.calibrate import fit_temperature
from textwright.training.linear_search import LogisticProblem
from textwright.training.logistic import Matrix, label_columns

Fold = tuple[Ints, Ints, Matrix, Matrix]
"""Positions that are learned from and positions that are scored, and the features of both."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Fits one linear model per fold, on the other folds.

    Args:
        folds: Of N texts; each text is scored in one.
        labels: Label names with the task.
        strength: Inverse strength C of the regularization.
    """

    folds: Sequence[Fold]
    labels: Labels
    strength: float

    @classmethod
    def draw(
        cls,
        features: TextFeatures,
        targets: Ints | Bools,
        groups: Ints,
        labels: Labels,
        *,
        num_folds: int,
        strength: float,
        seed: int,
    ) -> OutOfFold:
        """Draw the folds; duplicates lie in one, since a copy that was learned from would repeat its own label.

        Args:
            features: Of N texts.
            targets: (N,) or (N, K).
            groups: Groups of duplicates, (N,).
            labels: Label names with the task.
            num_folds: >= 2.
            strength: Inverse strength C of the regularization, > 0.
            seed: The same seed gives the same folds.

        Raises:
            DataError: If there are too few distinct texts for two folds.
        """
        strata = np.asarray(targets if targets.ndim == 1 else rarest_label(targets), dtype=np.int64)
        numbers = draw_folds(strata, groups, num_folds, seed)
        if len(np.unique(numbers)) < 2:
            raise DataError(
                f"no label has {num_folds} distinct texts, so there is nothing to learn from; add texts, or lower "
                "--num-folds"
            )
        trained = features.for_training()
        kind = trained.kinds[-1]  # all that was counted
        parts = [
            (np.flatnonzero(numbers != number), np.flatnonzero(numbers == number)) for number in np.unique(numbers)
        ]
        return cls([(*part, *trained.fold(kind, *part)) for part in parts], labels, strength)

    def probabilities(self, targets: Ints | Bools, is_trusted: Bools, callback: Callback) -> Float32s:
        """Score each text by the model of its fold, calibrated on the trusted ones.

        Args:
            targets: (N,) or (N, K).
            is_trusted: Which texts may be learned from, (N,).
            callback: Told of the folds.

        Returns:
            (N, K).
        """
        logits = np.zeros((len(targets), len(self.labels)), dtype=np.float32)
        for number, (learned, scored, known, unseen) in enumerate(self.folds):
            callback.on_progress("out-of-fold probabilities", number, len(self.folds))
            rows = is_trusted[learned]
            taught = targets[learned][rows]
            problem = LogisticProblem(taught, label_columns(taught, self.labels), self.labels)
            solution = problem.by_label(problem.solve(known[rows], self.strength, None))
            logits[scored] = solution(unseen).astype(np.float32)
        callback.on_progress("out-of-fold probabilities", len(self.folds), len(self.folds))
        temperature = fit_temperature(logits[is_trusted], targets[is_trusted], self.labels.task)
        return activate(logits, self.labels.task, temperature=temperature)
