"""What training minimizes and what validation is judged by; the task decides both."""

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


def make_objective(
    task: Task,
    *,
    label_smoothing: float = 0.0,
    r_drop: float = 0.0,
    focal_gamma: float = 0.0,
    class_weights: Tensor | None = None,
) -> Objective:
    """Choose the loss of a task.

    Args:
        task: Single-label: cross-entropy of a softmax. Multi-label: mean binary cross-entropy of K sigmoids.
        label_smoothing: Share of the target's probability spread over all labels, in [0, 1).
        r_drop: Weight of :func:`consistency`, >= 0. Above 0 the batch must hold its texts twice, the second pass over
            all of them behind the first.
        focal_gamma: Focusing parameter, >= 0: each loss is multiplied by (1 - p) ** focal_gamma, where p is the
            probability of what is true. 0 multiplies by nothing.
        class_weights: Weight of each label, (K,), of :func:`~textwright.training.class_weight.class_weights`;
            the loss of a batch is the sum of the weighted losses by the number of its texts. None weighs nothing.

    Returns:
        The objective.

    Source:
        Szegedy et al., 2016, "Rethinking the Inception Architecture for Computer Vision", section 7; Lin et al., 2017,
        "Focal Loss for Dense Object Detection", equation 4.
    """
    base = _cross_entropy if task is Task.SINGLE_LABEL else _binary_cross_entropy
    objective: Objective = partial(
        base, label_smoothing=label_smoothing, focal_gamma=focal_gamma, class_weights=class_weights
    )
    if r_drop == 0:
        return objective

    def twice(logits: Tensor, targets: Tensor) -> Tensor:
        first, second = logits.chunk(2)
        return objective(logits, targets) + r_drop * consistency(first, second, task)

    return twice


def distilled(base: Objective, task: Task, *, temperature: float, label_weight: float) -> Objective:
    """Make a loss for targets that a teacher gave.

    The soft part is multiplied by the temperature squared: its gradient shrinks with the temperature by as much.

    Args:
        base: The loss of what counts as true, with label smoothing and R-Drop in it if they are wanted.
        task: Decides the distribution of the soft part.
        temperature: Divisor of the student's logits, as of the teacher's, > 0.
        label_weight: Share of ``base`` in the loss, in [0, 1]; the soft part has the rest.

    Returns:
        An objective for targets (B, 2, K): the teacher's probabilities at that temperature, and what counts as true.

    Source:
        Hinton et al., 2015, "Distilling the Knowledge in a Neural Network", section 2.
    """
    soft_objective = make_objective(task)

    def objective(logits: Tensor, targets: Tensor) -> Tensor:
        soft, true = targets.unbind(dim=1)  # (B, K) each
        learned = temperature**2 * soft_objective(logits / temperature, soft)
        return label_weight * base(logits, true) + (1 - label_weight) * learned

    return objective


def _cross_entropy(
    logits: Tensor, targets: Tensor, *, label_smoothing: float, focal_gamma: float, class_weights: Tensor | None
) -> Tensor:
    if class_weights is None and focal_gamma == 0:
        return functional.cross_entropy(logits, targets, label_smoothing=label_smoothing)
    losses = functional.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none")  # (B,)
    if focal_gamma > 0:
        losses = losses * _focus(functional.cross_entropy(logits, targets, reduction="none"), focal_gamma)
    if class_weights is None:
        return losses.mean()
    # Not divided by the batch's own weights, as torch does: parts of a batch then add up to the whole.
    return (losses * class_weights.to(losses)[targets]).mean()


def _binary_cross_entropy(
    logits: Tensor, targets: Tensor, *, label_smoothing: float, focal_gamma: float, class_weights: Tensor | None
) -> Tensor:
    smooth = targets * (1 - label_smoothing) + label_smoothing / 2
    pos_weight = None if class_weights is None else class_weights.to(logits)
    entropy = functional.binary_cross_entropy_with_logits
    if focal_gamma == 0:
        return entropy(logits, smooth, pos_weight=pos_weight)
    losses = entropy(logits, smooth, pos_weight=pos_weight, reduction="none")  # (B, K)
    return (losses * _focus(entropy(logits, targets, reduction="none"), focal_gamma)).mean()


def _focus(losses: Tensor, gamma: float) -> Tensor:
    """Give (1 - p) ** gamma for losses -log(p) of any shape."""
    # The bound keeps the gradient finite where p is 1 and gamma below 1.
    return (-torch.expm1(-losses)).clamp(min=1e-6) ** gamma


def consistency(logits: Tensor, others: Tensor, task: Task) -> Tensor:
    """Measure how far two passes over the same texts, with other dropout, are apart.

    Args:
        logits: Of the first pass, (B, K), in nats.
        others: Of the second pass, (B, K), in nats.
        task: Decides the distribution: one over K labels, or K of two outcomes each.

    Returns:
        The mean of the two Kullback-Leibler divergences, in nats, a scalar; 0 for equal logits.

    Source:
        Liang et al., 2021, "R-Drop: Regularized Dropout for Neural Networks", equation 2.
    """
    first, second = _log_probabilities(logits, task), _log_probabilities(others, task)
    # KL(p|q) + KL(q|p) = sum (p - q) (log p - log q)
    divergence = ((first.exp() - second.exp()) * (first - second)).sum(dim=-1)
    return divergence.mean() / 2


def _log_probabilities(logits: Tensor, task: Task) -> Tensor:
    if task is Task.SINGLE_LABEL:
        return functional.log_softmax(logits, dim=-1)  # (B, K)
    return functional.logsigmoid(torch.stack([logits, -logits], dim=-1))  # (B, K, 2)


class ValidationScore(NamedTuple):
    """A validation result; of two, the larger is the better: accuracy first, then loss.

    Args:
        accuracy: Share of the texts whose labels are all right, in [0, 1]; with class weights a text of a single-label
            task counts as much as its label.
        negative_loss: Minus the mean loss in nats, without label smoothing and focusing, weighted as in training.
        metric: What ``accuracy`` is called; the same in scores that are compared.
    """

    accuracy: float
    negative_loss: float
    metric: str = "accuracy"


def validation_score(
    logits: Tensor, targets: Tensor, task: Task, class_weights: Tensor | None = None
) -> ValidationScore:
    """Score logits against targets.

    Args:
        logits: (N, K), not calibrated.
        targets: (N,) label indices, or (N, K) zeros and ones.
        task: Decides what "right" means: the highest logit, or every logit on the right side of 0.
        class_weights: Weights of the labels in the loss, (K,); None weighs nothing.

    Returns:
        The score; a logit that is not finite gives a loss that is not finite.
    """
    loss = float(make_objective(task, class_weights=class_weights)(logits, targets))
    if task is Task.SINGLE_LABEL:
        metric = "accuracy" if class_weights is None else "weighted accuracy"
        right = logits.argmax(dim=1) == targets
    else:
        metric = "exact match"
        right = ((logits >= 0) == (targets > 0.5)).all(dim=1)
    weights = torch.ones(len(targets), dtype=torch.float64)
    if class_weights is not None and task is Task.SINGLE_LABEL:
        weights = class_weights.double()[targets]
    return ValidationScore(float((right * weights).sum() / weights.sum()), -loss, metric)
