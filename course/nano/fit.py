"""The loop that trains every model here: that of the lesson on training, with a seed and a schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn


def fit(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, ...]],
    optimizer: torch.optim.Optimizer,
    *,
    num_steps: int,
    warm_up: int = 0,
    seed: int = 0,
) -> list[float]:
    """Train a model that returns its own loss.

    Args:
        model: ``model(*batch)`` is a loss, or one for each example, whose mean is taken.
        batches: At least ``num_steps`` of them.
        optimizer: Over the model's weights, with the highest learning rate.
        num_steps: Batches to learn from.
        warm_up: Steps over which the rate rises from near 0; after them it falls to 0 by half a cosine.
        seed: Of dropout, and of whatever else the model draws.

    Returns:
        The loss before each step, in nats.
    """
    torch.manual_seed(seed)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, num_steps, warm_up))
    losses = []
    for batch in islice(batches, num_steps):
        loss = model(*batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def rate(step: int, num_steps: int, warm_up: int = 0) -> float:
    """Scale the learning rate of a step: from near 0 up to 1 at ``warm_up``, and down to 0 at ``num_steps``."""
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    return (1 + math.cos(math.pi * (step - warm_up) / max(1, num_steps - warm_up))) / 2
