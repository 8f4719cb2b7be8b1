"""What a teacher says of texts: soft targets that take the training split's place in the loop.

A teacher is whatever gives logits for texts; who that is, and which texts it is asked about, decides ``optimize``. Here
stands only what the loop needs: texts, targets and how much each kind of target counts.

Source:
    Hinton et al., 2015, "Distilling the Knowledge in a Neural Network", section 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from textwright.core.labels import Labels, Task
from textwright.core.numerics import activate
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.dataset import Dataset, Examples
from textwright.training.batches import Batch, LoopExamples
from textwright.training.objective import Objective, distilled


@dataclass(frozen=True, slots=True)
class DistillationTargets:
    """M texts and what a teacher says of them.

    Args:
        texts: M texts: the training split first, then any others.
        soft: The teacher's probabilities at ``temperature``, (M, K).
        true: What counts as true, (M, K): the label where it is known, else the teacher's probabilities at
            temperature 1.
        temperature: Divisor of the teacher's and the student's logits, > 0; above 1 the teacher's second thoughts count
            more.
        label_weight: Share of the loss that what counts as true has, in [0, 1].
        vocabulary_texts: What the student's tokenizer is made from: real texts, no altered copies.
        start: Weights that the student starts from, by name; empty leaves those that its family begins with.
    """

    texts: Sequence[str]
    soft: Float32s
    true: Float32s
    temperature: float
    label_weight: float
    vocabulary_texts: Sequence[str]
    start: Mapping[str, Tensor] = field(default_factory=dict)

    def objective(self, base: Objective, task: Task) -> Objective:
        """Make the loss of a batch of :class:`DistillationExamples` out of that of a batch with labels."""
        return distilled(base, task, temperature=self.temperature, label_weight=self.label_weight)

    def examples(self, labels: Labels) -> Examples:
        """Return the texts with the most probable label, or the labels that more likely hold than not."""
        if labels.task is Task.SINGLE_LABEL:
            return Examples(self.texts, self.true.argmax(axis=1).astype(np.int64))
        return Examples(self.texts, self.true >= 0.5)

    def digest(self) -> str:
        """Identify all that the loop learns from: equal distillation targets have equal digests."""
        digest = hashlib.sha256(f"{self.temperature} {self.label_weight}".encode())
        for values in (self.soft, self.true):
            digest.update(values.tobytes())
        for name, weight in self.start.items():
            digest.update(f"{name} {tuple(weight.shape)}".encode() + weight.contiguous().numpy().tobytes())
        return digest.hexdigest()


class Teacher(Protocol):
    """Makes distillation targets for a dataset."""

    def describe(self) -> dict[str, Any]:
        """Return what decides the distillation targets beside the dataset, JSON-ready; it goes into the manifest."""

    def teach(self, dataset: Dataset) -> DistillationTargets:
        """Answer the texts of the training split, and whatever other texts there are."""


@dataclass(frozen=True, slots=True)
class DistillationExamples:
    """Encoded texts whose batches have a teacher's targets.

    Args:
        examples: The M texts of the distillation targets, as token ids or as features.
        distillation: What the teacher says of them.
    """

    examples: LoopExamples
    distillation: DistillationTargets

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def lengths(self) -> Ints:
        """What each example costs, (M,)."""
        return self.examples.lengths

    @property
    def targets(self) -> Ints | Bools:
        """What counts as true, as labels."""
        return self.examples.targets

    def batch(self, positions: Ints) -> Batch:
        """Take some examples as one batch.

        Args:
            positions: B positions in [0, M).

        Returns:
            The batch, with targets (B, 2, K): soft, then what counts as true.
        """
        targets = np.stack([self.distillation.soft[positions], self.distillation.true[positions]], axis=1)
        return Batch(self.examples.batch(positions).inputs, torch.from_numpy(targets))


class TeacherMean(StrEnum):
    """What of several teachers is averaged."""

    PROBABILITIES = "probabilities"
    LOGITS = "logits"


def average(
    logits: Sequence[Float32s], task: Task, *, temperature: float = 1.0, mean: TeacherMean = TeacherMean.PROBABILITIES
) -> Float32s:
    """Let several teachers answer as one.

    Args:
        logits: Of each teacher, (M, K), calibrated, in nats.
        task: Decides softmax or sigmoid.
        temperature: Divisor of the logits, > 0.
        mean: What is averaged; for one teacher it is the same.

    Returns:
        Probabilities, (M, K).
    """
    if mean is TeacherMean.LOGITS:
        return activate(np.mean(logits, axis=0, dtype=np.float32), task, temperature=temperature)
    probabilities = np.stack([activate(item, task, temperature=temperature) for item in logits])
    return np.asarray(probabilities.mean(axis=0))


def soft_targets(
    logits: Sequence[Float32s],
    targets: Ints | Bools,
    labels: Labels,
    *,
    temperature: float,
    mean: TeacherMean = TeacherMean.PROBABILITIES,
) -> tuple[Float32s, Float32s]:
    """Turn teachers' logits into what :class:`DistillationTargets` hold.

    Args:
        logits: Of each teacher, (M, K), calibrated, in nats.
        targets: Label indices of the first N <= M texts, (N,), or which labels hold, (N, K).
        labels: Their task decides softmax or sigmoid.
        temperature: > 0.
        mean: What of several teachers is averaged.

    Returns:
        Probabilities at the temperature, and what counts as true, (M, K) each.
    """
    soft, true = (
        average(logits, labels.task, temperature=divisor, mean=mean)  # (M, K)
        for divisor in (temperature, 1.0)
    )
    true[: len(targets)] = targets if targets.ndim == 2 else targets[:, None] == np.arange(len(labels))
    return soft, true
