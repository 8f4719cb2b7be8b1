"""What a labeled source becomes: texts and targets, split for training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.stored_texts import take_texts
from textwright.errors import DataError


def refuse_unpaired(texts: Sized, targets: Sized) -> None:
    """Refuse texts and targets that cannot belong together.

    Args:
        texts: N texts, in any form.
        targets: Their targets.

    Raises:
        DataError: If there is not one target for each text; they are of different splits then.
    """
    if len(texts) != len(targets):
        raise DataError(
            f"there are {len(texts):,} texts and {len(targets):,} targets; each text needs a target of its own, so "
            "take both from the same split"
        )


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts with their targets, in order.

    Args:
        texts: N texts.
        targets: Label indices, (N,) int64, for a single-label task; which labels hold, (N, K) bool, for a
            multi-label one.

    Raises:
        DataError: If there is not one target for each text.
    """

    texts: Sequence[str]
    targets: Ints | Bools

    def __post_init__(self) -> None:
        refuse_unpaired(self.texts, self.targets)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, positions: Ints) -> Examples:
        """Select examples.

        Args:
            positions: M positions in [0, N), in the order wanted.

        Returns:
            M examples.
        """
        return Examples(take_texts(self.texts, positions), self.targets[positions])


@dataclass(frozen=True, slots=True)
class Dataset:
    """A labeled source, split.

    Args:
        source: What the user called it: a built-in name, a path or a hub id.
        labels: Label names in the order of the logits' columns, with the task.
        train: Examples to learn from.
        validation: Examples to choose settings, epochs and the temperature with.
        test: Examples to measure with, once.
        fingerprint: sha256 over every text and label in order; equal sources have equal fingerprints.
        splits_are_given: True if the source brought its splits, False if they were drawn from a seed.
        warnings: What was dropped while reading, and which labels look like mistakes, in sentences for people.
    """

    source: str
    labels: Labels
    train: Examples
    validation: Examples
    test: Examples
    fingerprint: str
    splits_are_given: bool
    warnings: tuple[str, ...] = ()

    @property
    def splits(self) -> Mapping[str, Examples]:
        """Split name -> examples."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def label_counts(examples: Examples, labels: Labels) -> Ints:
    """Count how often each label holds, (K,)."""
    if labels.task is Task.MULTI_LABEL:
        return np.asarray(examples.targets.sum(axis=0), dtype=np.int64)
    return np.bincount(examples.targets, minlength=len(labels)).astype(np.int64)
