"""Temperature scaling: one number, fitted on validation, that makes probabilities mean what they say.

Few texts that are all right would ask for probabilities of 1. So the targets are smoothed: what held in all of M
decisions counts as probable by (M + 1) / (M + 2), Laplace's rule of succession. With many texts nothing changes.

Source:
    Guo et al., 2017, "On Calibration of Modern Neural Networks", section 4.2; Platt, 1999, "Probabilistic outputs for
    support vector machines", section 2.2, for the smoothed targets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

from textwright.core.labels import Task
from textwright.core.types import Bools, Float32s, Floats, Ints

LOWEST: Final = 0.05
HIGHEST: Final = 20.0
"""Bounds of a temperature."""
_TOLERANCE: Final = 1e-9
"""How near 1 / temperature comes to the lowest point."""


def fit_temperature(logits: Float32s, targets: Ints | Bools, task: Task) -> float:
    """Find the divisor of the logits that gives the lowest log loss of smoothed targets.

    The log loss is convex in 1 / temperature, so that Brent's bounded search finds its lowest point.

    Args:
        logits: Of the validation split, (N, K), in nats.
        targets: Label indices, (N,), or which labels hold, (N, K).
        task: Single-label: one softmax. Multi-label: K sigmoids.

    Returns:
        A temperature in [0.05, 20]; the bounds hold it when logits are tiny, or labels random. 1.0 if none is better
        than that, or if there are no examples.
    """
    if len(logits) == 0:
        return 1.0
    log_loss = _log_loss_of(logits.astype(np.float64), targets, task)
    bounds = (1.0 / HIGHEST, 1.0 / LOWEST)
    scale = float(minimize_scalar(log_loss, bounds=bounds, method="bounded", options={"xatol": _TOLERANCE}).x)
    return 1.0 / scale if log_loss(scale) < log_loss(1.0) else 1.0


def _log_loss_of(logits: Floats, targets: Ints | Bools, task: Task) -> Callable[[float], float]:
    """Return the mean log loss of smoothed targets, in nats, as a function of 1 / temperature."""
    if task is Task.MULTI_LABEL:
        signed = np.where(targets, logits, -logits)  # (N, K): large where right
        mean = signed.mean() / (signed.size + 2)
        return lambda scale: float(np.logaddexp(0.0, -scale * signed).mean() + scale * mean)
    true = np.take_along_axis(logits, targets.astype(np.int64)[:, None], axis=1)  # (N, 1)
    behind = logits - true  # (N, K): how far each label is ahead of the true one
    # The loss is linear in the target, of which 1 / (N + 2) is shared among the other labels.
    mean = -behind.sum() / max(behind.shape[1] - 1, 1) / len(behind) / (len(behind) + 2)
    return lambda scale: float(np.logaddexp.reduce(scale * behind, axis=1).mean() + scale * mean)
