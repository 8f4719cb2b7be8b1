"""When the requests of a candidate return to the first model: its errors, its latency, its disagreement."""

from __future__ import annotations

from collections import deque
from math import floor
from typing import Final

from textwright.core.percent import percent
from textwright.server.settings import ServeSettings

_SLOW_SHARE: Final = 0.05
"""Share of the requests that may take longer than the bound of latency: the bound is one of the 95th percentile."""


class CountWindow:
    """The last events of one kind; too many bad ones among them are noticed at once, not when the window is full.

    Args:
        size: Events, >= 1.
        share: Bad ones among them that are allowed, in [0, 1].
    """

    def __init__(self, size: int, share: float) -> None:
        self.share = share
        self.size = size
        self._allowed = floor(share * size)
        self._events: deque[bool] = deque(maxlen=size)
        self._num_bad = 0

    def add(self, is_bad: bool) -> bool:
        """Take in an event.

        Returns:
            True if more of the last events are bad than may be.
        """
        if len(self._events) == self.size:
            self._num_bad -= self._events[0]
        self._events.append(is_bad)
        self._num_bad += is_bad
        return self._num_bad > self._allowed

    def describe(self) -> str:
        """Say what was counted, for a reason."""
        return f"{self._num_bad} of the last {len(self._events)}"


class ReturnGuard:
    """Watches one candidate.

    Args:
        settings: The bounds.
    """

    def __init__(self, settings: ServeSettings) -> None:
        size = settings.split_window
        self._max_latency_ms = settings.split_max_latency_ms
        self._max_disagreement = settings.split_max_disagreement
        self._errors = CountWindow(size, settings.split_max_error_share)
        self._slow = CountWindow(size, _SLOW_SHARE)
        self._disagreements = CountWindow(size, settings.split_max_disagreement or 0.0)

    def note_answer(self, *, is_error: bool, latency_ms: float | None) -> str:
        """Take in a request that the candidate answered or failed to.

        Args:
            is_error: Whether it failed.
            latency_ms: What the model took, its queue included; None if it came to no answer.

        Returns:
            Why requests shall return; empty if they need not.
        """
        if self._errors.add(is_error):
            return f"{self._errors.describe()} requests failed, at most {percent(self._errors.share)} may"
        if self._max_latency_ms is None or latency_ms is None:
            return ""
        if self._slow.add(latency_ms > self._max_latency_ms):
            return (
                f"{self._slow.describe()} requests took longer than {self._max_latency_ms:g} ms, "
                f"at most {percent(_SLOW_SHARE, digits=0)} may"
            )
        return ""

    def note_comparison(self, *, disagrees: bool) -> str:
        """Take in a text that the first model and the candidate were asked; return as :meth:`note_answer`."""
        is_over = self._max_disagreement is not None and self._disagreements.add(disagrees)
        if not is_over:
            return ""
        counted, most = self._disagreements.describe(), self._disagreements.share
        return f"{counted} texts were labeled otherwise, at most {percent(most)} may"
