"""The one protocol of everything that takes long: training, comparing, optimizing, distilling, pruning, deploying.

A callback derives from :class:`Callback` and overrides what it wants to know; nothing that it does changes the result,
unless it raises :class:`StopTraining`. The terminal's bar, TensorBoard, the history file and tests are all callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
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
        metric: What ``validation_accuracy`` is called: "accuracy", "weighted accuracy" with class weights, or "exact
            match" where a text may have several labels.
    """

    epoch: int
    step: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    is_best: bool
    metric: str = "accuracy"

    @property
    def metric_key(self) -> str:
        """``metric`` as trackers of experiments name it."""
        return self.metric.replace(" ", "_")


class RunInfo(NamedTuple):
    """One of several runs: a training of a comparison, or a candidate of an optimization.

    Args:
        name: Of the row, or of the candidate.
        summary: What it is, in a few words.
        number: Counted from 1.
        total: Runs in all.
    """

    name: str
    summary: str
    number: int
    total: int


class StopTraining(Exception):  # noqa: N818  like StopIteration it is no error
    """A callback raises it to end a training: the best epoch so far is used.

    Before the first epoch has ended there is none, and it comes out of the training.
    """


class Callback:
    """Watches long work; each method does nothing until it is overridden."""

    def on_stage_begin(self, stage: str) -> None:
        """A stage of the work begins.

        Args:
            stage: What is done now, in words.
        """

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Part of a stage is done: texts that a frozen encoder or a teacher has read, bytes of a download.

        Args:
            stage: What is done, in words.
            done: Of ``total``.
            total: As far as is known.
        """

    def on_warning(self, message: str) -> None:
        """Something about the data should be known.

        Args:
            message: A sentence.
        """

    def on_train_begin(self, num_steps: int, step: int) -> None:
        """A training begins.

        Args:
            num_steps: Steps of the whole training, if it is not stopped early.
            step: Steps already taken: above 0 when a checkpoint is resumed.
        """

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        """A training step was taken; on a GPU, which is not made to wait, only every tenth is reported.

        Args:
            step: Steps taken since the start of training.
            loss: Objective of its batch, in nats.
            learning_rate: The highest that a weight had.
        """

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:
        """An epoch has ended and was validated.

        Args:
            record: What it gave.
            logits: Of the validation split, (N, K), in the order of its examples.
        """

    def on_run_begin(self, run: RunInfo) -> None:
        """One of several runs begins.

        Args:
            run: Which.
        """

    def on_run_end(self, run: RunInfo, outcome: str) -> None:
        """A run has ended.

        Args:
            run: Which.
            outcome: What came of it, in words.
        """

    def on_result(self, result: object, seconds_left: float | None) -> None:
        """The result of all runs so far has changed.

        Args:
            result: Of a comparison the ``Leaderboard`` as it stands.
            seconds_left: What the remaining runs will take; None if that is not known.
        """


class CallbackList(Callback):
    """Calls several callbacks, in order.

    Args:
        callbacks: Each gets every call.
    """

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self._callbacks = tuple(callbacks)


def _call_each(name: str) -> Callable[..., None]:
    def call(self: CallbackList, *args: object) -> None:
        for callback in self._callbacks:
            getattr(callback, name)(*args)

    return call


for _name in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _name, _call_each(_name))
