"""AdamW, and the learning rate as a function of the step."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Optimizer

from textwright.train.settings import TrainSettings


def make_optimizer(module: nn.Module, settings: TrainSettings) -> AdamW:
    """Make AdamW for the weights that are trained.

    Weights of one dimension -- biases and norms -- are not decayed: pulling them to zero constrains
    nothing that overfits.

    Args:
        module: The model; weights that require no gradient are left out.
        settings: Learning rate and weight decay.

    Returns:
        An optimizer whose groups carry their highest learning rate as ``peak_lr``.

    Source:
        Loshchilov & Hutter, 2019, "Decoupled Weight Decay Regularization".
    """
    trained = [weight for weight in module.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in trained if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [{**group, "peak_lr": settings.learning_rate} for group in groups if group["params"]]
    return AdamW(groups, lr=settings.learning_rate, fused=True)


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


def set_learning_rate(optimizer: Optimizer, scale: float) -> float:
    """Give each group its share of its highest learning rate.

    Args:
        optimizer: Made by :func:`make_optimizer`.
        scale: In (0, 1].

    Returns:
        The learning rate of the first group.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * scale
    rate: float = optimizer.param_groups[0]["lr"]
    return rate
