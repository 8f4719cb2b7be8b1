"""Logistic regression with L2 regularization on weighed features, solved by L-BFGS: many regularizations, one path.

The objective is scikit-learn's: C times the sum of the losses plus half the squared norm of the scores, the bias not
counted. Labels of a multi-label task are solved for together, each by its own sigmoid, and a binary task as one column;
that is what a one-versus-rest classifier finds, in fewer passes over the features. A label that holds for all texts or
for none is no special case.

Source:
    Liu & Nocedal, 1989, "On the limited memory BFGS method for large scale optimization".
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import expit  # type: ignore[import-untyped]

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Floats, Ints

Matrix: TypeAlias = Any
"""(N, D), of numpy or sparse of scipy; both multiply by ``@``."""
TOLERANCE: Final = 1e-5
"""Largest component of the gradient of the mean loss at the end, a tenth of scikit-learn's default: at that one, a fit
that starts from the solution of another C stops where it began, and rare labels stay as they were."""
_MAX_ITERATIONS: Final = 300
_NUM_CORRECTIONS: Final = 10
_FEW_CORRECTIONS: Final = 4
_MANY_PARAMETERS: Final = 2_000_000
"""So many take fewer corrections, each of which keeps two copies of all parameters."""


class Solution(NamedTuple):
    """A linear model.

    Args:
        scores: (D, C); C is the number of labels, 1 for a binary task.
        bias: (C,).
    """

    scores: Floats
    bias: Floats

    def __call__(self, features: Matrix) -> Floats:
        """Compute logits, (N, C)."""
        return np.asarray(features @ self.scores + self.bias, dtype=np.float64)

    @property
    def with_both_columns(self) -> Solution:
        """Write the one column of a binary task as two, one per label, of the same probabilities."""
        signs = np.array([-0.5, 0.5])
        return Solution(self.scores * signs, self.bias * signs) if self.scores.shape[1] == 1 else self


def columns_of(shares: Bools | Ints | Floats, labels: Labels) -> Floats:
    """Take the columns that are solved for: one per label, or the second alone of a binary task.

    Args:
        shares: How far each label holds for each text, (N, K).
        labels: Label names, with the task.

    Returns:
        (N, C).
    """
    is_binary = labels.task is Task.SINGLE_LABEL and len(labels) == 2
    return np.asarray(shares[:, 1:] if is_binary else shares, dtype=np.float64)


def label_columns(targets: Ints | Bools, labels: Labels) -> Floats:
    """Tell which columns hold for each text, (N, C), of targets (N,) or (N, K)."""
    return columns_of(targets if targets.ndim == 2 else targets[:, None] == np.arange(len(labels)), labels)


def solve(
    features: Matrix,
    targets: Floats,
    strength: float,
    *,
    exclusive: bool,
    weights: Floats | None = None,
    start: Solution | None = None,
    tolerance: float = TOLERANCE,
    max_iterations: int = _MAX_ITERATIONS,
) -> Solution:
    """Fit a logistic regression.

    Args:
        features: (N, D), N >= 1.
        targets: Share of each column that holds, (N, C), in [0, 1].
        strength: Inverse strength C of the regularization, > 0.
        exclusive: True: one softmax over the columns; False: a sigmoid for each.
        weights: What each text, (N, 1), or each column of each text, (N, C), counts for; None counts all alike.
        start: Where to begin; None begins at 0.
        tolerance: Largest component of the gradient of the mean loss at the end, > 0.
        max_iterations: Maximum number of steps of L-BFGS, >= 1.

    Returns:
        The minimum of a convex function, within the tolerance.
    """
    weights = np.ones((len(targets), 1)) if weights is None else weights
    total = weights.sum() / weights.shape[1]
    shares = weights / total
    shape = features.shape[1] + 1, targets.shape[1]
    penalty = 1 / (strength * total)
    losses = _softmax_losses if exclusive else _sigmoid_losses
    transposed = features.T if isinstance(features, np.ndarray) else features.T.tocsr()

    def objective(flat: Floats) -> tuple[float, Floats]:
        parameters = flat.reshape(shape)
        scores = parameters[:-1].astype(features.dtype, copy=False)
        loss, residuals = losses(features @ scores + parameters[-1], targets)
        residuals = residuals * shares
        gradient = np.empty(shape)
        gradient[:-1] = transposed @ residuals.astype(features.dtype, copy=False) + penalty * parameters[:-1]
        gradient[-1] = residuals.sum(axis=0)
        return float((loss * shares).sum() + penalty / 2 * (parameters[:-1] ** 2).sum()), gradient.ravel()

    first = np.zeros(shape) if start is None else np.vstack([start.scores, start.bias])
    corrections = _NUM_CORRECTIONS if first.size < _MANY_PARAMETERS else _FEW_CORRECTIONS
    options = {"maxiter": max_iterations, "gtol": tolerance, "ftol": 1e-12, "maxcor": corrections}
    solution = minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(shape)
    return Solution(solution[:-1], solution[-1])


def _softmax_losses(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Cross-entropy of each text, (N, 1), and its gradient by the logits, (N, C)."""
    highest = logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits - highest)
    sums = exponentials.sum(axis=1, keepdims=True)
    right = np.einsum("ij,ij->i", targets, logits)[:, None]
    exponentials /= sums
    exponentials -= targets
    return np.log(sums) + highest - right, exponentials


def _sigmoid_losses(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Binary cross-entropies of each text, (N, C), and their gradient by the logits, (N, C)."""
    return np.logaddexp(0, logits) - targets * logits, expit(logits) - targets
