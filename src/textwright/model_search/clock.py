"""Ends a step whose time is up, and keeps the ledger's account of the time that is spent."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from textwright.core.callbacks import Callback, EpochRecord, StopTraining
from textwright.core.types import Float32s

_SECONDS_BETWEEN_NOTES: Final = 2.0


class Clock(Callback):
    """Watches one step.

    Args:
        limit_s: Seconds after which the step is stopped.
        note: Called every two seconds, and at the end, with the seconds that the step has taken in this process.
    """

    def __init__(self, limit_s: float, note: Callable[[float], None]) -> None:
        self.has_stopped = False
        self._begun = self._noted = monotonic()
        self._limit_s = limit_s
        self._note = note

    @property
    def seconds(self) -> float:
        """What the step has taken in this process."""
        return monotonic() - self._begun

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Look at the time."""
        del stage, done, total
        self._look()

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        """Look at the time."""
        del step, loss, learning_rate
        self._look()

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:
        """Look at the time."""
        del record, logits
        self._look()

    def _look(self) -> None:
        now = monotonic()
        if now - self._noted >= _SECONDS_BETWEEN_NOTES:
            self._noted = now
            self._note(now - self._begun)
        if now - self._begun > self._limit_s:
            self.has_stopped = True
            raise StopTraining(f"its {self._limit_s:.0f} s were up")
