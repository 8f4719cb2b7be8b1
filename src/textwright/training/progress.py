"""Who is told how training goes: the terminal's bar, TensorBoard and tests all listen to the same calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from textwright.core.types import Float32s


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What one epoch gave: a pass over the training split, or several of a small one.

    Args:
        epoch: Counted from 1.
        step: Steps taken since the start of training.
        train_loss: Mean objective over the epoch's steps, in nats, dropout and label smoothing included.
        validation_loss: Mean loss on the validation split, in nats.
        validation_accuracy: Share of the validation texts whose labels are all right, in [0, 1].
        is_best: True if no epoch before was as good.
    """

    epoch: int
    step: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    is_best: bool


class Progress(Protocol):
    """Listens to a training run; nothing it does may change the result."""

    def on_encode(self, done: int, total: int) -> None:
        """A frozen encoder is at work, before training begins; not called where nothing is left to encode.

        Args:
            done: Texts of a split that were encoded.
            total: Texts of the split that no earlier run has encoded.
        """

    def on_start(self, num_steps: int, step: int) -> None:
        """Training begins.

        Args:
            num_steps: Steps of the whole training, if it is not stopped early.
            step: Steps already taken: above 0 when a checkpoint is resumed.
        """

    def on_step(self, step: int, loss: float, learning_rate: float) -> None:
        """A step was taken; on a GPU, which is not made to wait, only every tenth is told.

        Args:
            step: Steps taken since the start of training.
            loss: Objective of its batch, in nats.
            learning_rate: The highest that a weight had.
        """

    def on_epoch(self, record: EpochRecord, logits: Float32s) -> None:
        """An epoch has ended and was validated.

        Args:
            record: What it gave.
            logits: Of the validation split, (N, K), in the order of its examples.
        """


class SilentProgress:
    """Listens and says nothing."""

    def on_encode(self, done: int, total: int) -> None:
        """Say nothing."""

    def on_start(self, num_steps: int, step: int) -> None:
        """Say nothing."""

    def on_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Say nothing."""

    def on_epoch(self, record: EpochRecord, logits: Float32s) -> None:
        """Say nothing."""


class Everyone:
    """Tells several listeners, in order.

    Args:
        listeners: Each is told everything.
    """

    def __init__(self, listeners: Sequence[Progress]) -> None:
        self._listeners = listeners

    def on_encode(self, done: int, total: int) -> None:
        """Tell everyone how far the encoder is."""
        for listener in self._listeners:
            listener.on_encode(done, total)

    def on_start(self, num_steps: int, step: int) -> None:
        """Tell everyone that training begins."""
        for listener in self._listeners:
            listener.on_start(num_steps, step)

    def on_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Tell everyone about a step."""
        for listener in self._listeners:
            listener.on_step(step, loss, learning_rate)

    def on_epoch(self, record: EpochRecord, logits: Float32s) -> None:
        """Tell everyone about an epoch."""
        for listener in self._listeners:
            listener.on_epoch(record, logits)
