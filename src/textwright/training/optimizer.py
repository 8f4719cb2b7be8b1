"""AdamW, and the learning rate as a function of the step, the epoch and the weight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeAlias

from torch import nn
from torch.optim import AdamW, Optimizer

from textwright.training.settings import TrainSettings

LearningRateFactor: TypeAlias = Callable[[str, int], float]
"""Name of a weight, epoch counted from 0 -> share of the learning rate, 0 or more."""


def make_optimizer(module: nn.Module, settings: TrainSettings, factor: LearningRateFactor | None = None) -> AdamW:
    """Make AdamW for the weights that are trained.

    Weights of one dimension -- biases and norms -- are not decayed: pulling them to zero constrains
    nothing that overfits.

    Args:
        module: The model; weights that require no gradient are left out.
        settings: Learning rate, weight decay, epsilon and number of epochs.
        factor: What each weight takes of the learning rate in each epoch; None gives all of it to all.

    Returns:
        An optimizer whose groups hold weights of one schedule: ``peak_lr``, the highest learning rate, and
        ``factors``, its share in each epoch.

    Source:
        Loshchilov & Hutter, 2019, "Decoupled Weight Decay Regularization".
    """
    groups: dict[tuple[float, tuple[float, ...]], list[nn.Parameter]] = defaultdict(list)
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            factors = tuple(factor(name, epoch) if factor else 1.0 for epoch in range(settings.num_epochs))
            groups[settings.weight_decay if weight.ndim > 1 else 0.0, factors].append(weight)
    rate = settings.learning_rate
    schedules = [
        {"params": weights, "weight_decay": decay, "peak_lr": rate, "factors": factors}
        for (decay, factors), weights in groups.items()
    ]
    assert settings.adam_epsilon != "auto"  # noqa: S101  ``make_learner`` has chosen a number
    return AdamW(schedules, lr=rate, eps=settings.adam_epsilon, fused=True)


def learning_rate_scale(step: int, num_steps: int, warmup_fraction: float) -> float:
    """Say which share of the highest learning rate a step takes: a line up, then a line down.

    Args:
        step: Counted from 0, < ``num_steps``.
        num_steps: Steps of the whole training.
        warmup_fraction: Share of the steps on the way up, in [0, 1]; 0 starts at the top.

    Returns:
        A number in (0, 1]; the last step before ``num_steps`` is still above 0.
    """
    num_warmup = round(num_steps * warmup_fraction)
    if step < num_warmup:
        return (step + 1) / num_warmup
    return (num_steps - step) / max(num_steps - num_warmup, 1)


def set_learning_rate(optimizer: Optimizer, scale: float, *, epoch: int = 0) -> float:
    """Give each group its share of its highest learning rate.

    Args:
        optimizer: Made by :func:`make_optimizer`.
        scale: In (0, 1].
        epoch: Counted from 0; decides each group's factor.

    Returns:
        The highest learning rate of a group.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * group["factors"][epoch] * scale
    return max(float(group["lr"]) for group in optimizer.param_groups)
