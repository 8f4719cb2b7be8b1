"""Logits to probabilities, in numpy, the same wherever a model runs; called by runtime, training and evaluate."""

from __future__ import annotations

import numpy as np

from textwright.core.labels import Task
from textwright.core.types import Float32s
from textwright.errors import BackendError, SettingsError


def softmax(logits: Float32s, *, temperature: float = 1.0) -> Float32s:
    """Turn each row of logits into probabilities that sum to 1.

    The row's maximum is subtracted first -- the maximum, not the largest
    magnitude -- so no exponent exceeds 0 and float32 cannot overflow.

    Args:
        logits: Scores straight from the model, (B, K), in nats.
        temperature: Calibration divisor, > 0; 1.0 leaves the model as trained.
            Fitted on the validation split, stored in the artifact's manifest.

    Returns:
        Probabilities, (B, K); every row sums to 1 within 1e-5.

    Raises:
        BackendError: If a logit is NaN or infinite; names the first bad row.
        SettingsError: If the temperature is not a finite number above 0.

    Source:
        Guo et al., 2017, "On Calibration of Modern Neural Networks", section 4.2.
    """
    scaled = _scaled(logits, temperature)
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float32)


def sigmoid(logits: Float32s, *, temperature: float = 1.0) -> Float32s:
    """Turn each logit into a probability of its own.

    Written with exp(-|x|), whose exponent never exceeds 0, so that no logit overflows.

    Args:
        logits: Scores straight from the model, (B, K), in nats.
        temperature: Calibration divisor, > 0; 1.0 leaves the model as trained.

    Returns:
        Probabilities, (B, K), each in [0, 1] by itself.

    Raises:
        BackendError: If a logit is NaN or infinite; names the first bad row.
        SettingsError: If the temperature is not a finite number above 0.
    """
    scaled = _scaled(logits, temperature)
    small = np.exp(-np.abs(scaled))
    return np.asarray(np.where(scaled >= 0, 1.0, small) / (1.0 + small), dtype=np.float32)


def activate(logits: Float32s, task: Task, *, temperature: float = 1.0) -> Float32s:
    """Apply the activation that belongs to the task: softmax or sigmoid.

    Args:
        logits: Scores straight from the model, (B, K), in nats.
        task: Decides the activation; a multi-label model is never served through softmax.
        temperature: Calibration divisor, > 0.

    Returns:
        Probabilities, (B, K).
    """
    activation = softmax if task is Task.SINGLE_LABEL else sigmoid
    return activation(logits, temperature=temperature)


def _scaled(logits: Float32s, temperature: float) -> Float32s:
    if not (np.isfinite(temperature) and temperature > 0):
        raise SettingsError(f"temperature is {temperature}; it must be a finite number above 0")
    if not np.isfinite(logits).all():
        row = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise BackendError(f"the model gave a logit that is not finite for text {row} of the batch: {logits[row]}")
    return np.asarray(logits / np.float32(temperature), dtype=np.float32)
