"""The labels of a task: their names, their order and how logits become a choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from textwright.errors import DataError


class Task(StrEnum):
    """What is asked about a text; it decides the loss, the activation and the metrics."""

    SINGLE_LABEL = "single-label"
    """Exactly one of the labels holds: softmax, cross-entropy, accuracy."""
    MULTI_LABEL = "multi-label"
    """Each label holds or not by itself: sigmoid, binary cross-entropy, exact match and F1."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The label names of a task, in the order of the logits' columns.

    Args:
        names: K distinct, non-empty names; index = column of the logits.
        task: Single-label or multi-label.

    Raises:
        DataError: If a name is empty or occurs twice, or if there are fewer than 2 labels
            (1 for a multi-label task).
    """

    names: tuple[str, ...]
    task: Task = Task.SINGLE_LABEL

    def __post_init__(self) -> None:
        least = 2 if self.task is Task.SINGLE_LABEL else 1
        if len(self.names) < least:
            raise DataError(
                f"a {self.task} task needs at least {least} labels, got {len(self.names)}: {list(self.names)}; "
                "add examples of another label"
            )
        if "" in self.names:
            raise DataError("a label name is empty; give each label a name of one or more characters")
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise DataError(f"label {twice!r} is named twice; label names must be distinct")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def index(self) -> dict[str, int]:
        """Label name -> label index."""
        return {name: index for index, name in enumerate(self.names)}

    @classmethod
    def sorted_from(cls, names: Sequence[str] | set[str], task: Task) -> Labels:
        """Order distinct names so that the same set always gives the same columns.

        Args:
            names: The label names found in a source, in any order, repeats allowed.
            task: Single-label or multi-label.

        Returns:
            Labels in ascending order; numeric names ("2", "10") are ordered as numbers.
        """
        distinct = set(names)
        numeric = all(name.lstrip("-").isdecimal() for name in distinct)
        return cls(tuple(sorted(distinct, key=(lambda n: (int(n), n)) if numeric else None)), task)
