"""Weights of labels in the loss, so that rare labels are learned like frequent ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from textwright.core.types import Bools, Ints
from textwright.training.settings import ClassWeight


def class_weights(class_weight: ClassWeight, targets: Ints | Bools, num_labels: int) -> Tensor | None:
    """Weigh labels by how rare they are.

    Args:
        class_weight: "none" weighs nothing.
        targets: Of the training split: label indices, (N,), or which labels hold, (N, K).
        num_labels: K.

    Returns:
        (K,), each > 0: of a single-label task what an example of each label counts in the loss, N / (K * count), as in
        scikit-learn; their mean over the examples is 1. Of a multi-label task what "holds" counts where "does not
        hold" counts 1: the ratio of their numbers. A label without an example has 1. None if nothing is weighed.
    """
    if class_weight is ClassWeight.NONE:
        return None
    if targets.ndim == 1:
        counts = np.bincount(targets, minlength=num_labels)
        balanced = len(targets) / (num_labels * np.maximum(counts, 1))
    else:
        counts = targets.sum(axis=0)
        balanced = (len(targets) - counts) / np.maximum(counts, 1)
    return torch.from_numpy(np.where((counts > 0) & (balanced > 0), balanced, 1.0))
