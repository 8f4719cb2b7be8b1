"""What training minimises and what validation is judged by; the task decides both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from textwright.core.labels import Task

Objective: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Logits (B, K) and targets of a batch -> mean loss in nats, a scalar."""


def make_objective(task: Task, *, label_smoothing: float = 0.0) -> Objective:
    """Choose the loss of a task.

    Args:
        task: Single-label: cross-entropy of a softmax. Multi-label: mean binary cross-entropy of K sigmoids.
        label_smoothing: Share of the target's probability spread over all labels, in [0, 1).

    Returns:
        The objective.

    Source:
        Szegedy et al., 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.
    """
    if task is Task.SINGLE_LABEL:
        return partial(functional.cross_entropy, label_smoothing=label_smoothing)
    return partial(_binary_cross_entropy, label_smoothing=label_smoothing)


def _binary_cross_entropy(logits: Tensor, targets: Tensor, *, label_smoothing: float) -> Tensor:
    smooth = targets * (1 - label_smoothing) + label_smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits, smooth)


class Score(NamedTuple):
    """A validation result; of two, the larger is the better: accuracy first, then loss.

    Args:
        accuracy: Share of the texts whose labels are all right, in [0, 1].
        negative_loss: Minus the mean loss in nats, without label smoothing.
    """

    accuracy: float
    negative_loss: float


def judge(logits: Tensor, targets: Tensor, task: Task) -> Score:
    """Score logits against targets.

    Args:
        logits: (N, K), not calibrated.
        targets: (N,) label indices, or (N, K) zeros and ones.
        task: Decides what "right" means: the highest logit, or every logit on the right side of 0.

    Returns:
        The score; a logit that is not finite gives a loss that is not finite.
    """
    loss = float(make_objective(task)(logits, targets))
    if task is Task.SINGLE_LABEL:
        right = logits.argmax(dim=1) == targets
    else:
        right = ((logits >= 0) == (targets > 0.5)).all(dim=1)
    return Score(float(right.to(torch.float64).mean()), -loss)
