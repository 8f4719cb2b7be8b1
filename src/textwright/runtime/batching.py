"""Which of the waiting texts go through the model together, and how long they take. Pure: no clock, no event loop.

Caller: ``runtime.batcher``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp
from typing import Final

_WINDOW_S: Final = 3.0
"""Seconds of computing over which the moving average forgets what the model did before."""
_MAX_SLOWDOWN: Final = 4.0
"""One call counts as at most so many times what was expected, so that a machine that stood still is soon forgotten."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much waits, and how much goes through the model at once.

    Args:
        max_queue_texts: Texts that may be admitted and unanswered, >= 1; beyond it requests are refused.
        max_queue_tokens: Tokens that may be admitted and unanswered, >= 1.
        max_batch_tokens: Padded tokens of one batch, >= 1; a longer text is a batch by itself.
        call_tokens: What a further call of the model costs, in tokens that could be computed meanwhile, >= 0.
            0 never pads; a large number fills each batch whatever its padding.
        token_s: Seconds that the model takes for one token, > 0, as measured at the start; see :class:`CostEstimate`.
    """

    max_queue_texts: int = 4_096
    max_queue_tokens: int = 262_144
    max_batch_tokens: int = 16_384
    call_tokens: float = 64.0
    token_s: float = 1e-4


def choose_batch(lengths: Sequence[int], head: int, *, max_tokens: int, call_tokens: float) -> range:
    """Choose the texts that go with the head: its neighbors in length, while padding is cheaper than another call.

    The batch could always be cut in two at the price of one more call, and that would save at most its padding. So it
    grows as long as all of its padding costs no more than that call.

    Args:
        lengths: Tokens of the N waiting texts, in rising order.
        head: Position of the text that must go, in [0, N).
        max_tokens: Padded tokens of a batch, >= 1; the head goes alone if it has more.
        call_tokens: The price of another call, in tokens, >= 0.

    Returns:
        Neighboring positions, the head's among them.
    """
    start, stop = head, head + 1
    longest, num_tokens = max(lengths[head], 1), lengths[head]
    while start > 0 or stop < len(lengths):
        count = stop - start
        takes_shorter = stop == len(lengths) or (
            start > 0 and longest - lengths[start - 1] <= (lengths[stop] - longest) * count
        )
        added = lengths[start - 1] if takes_shorter else lengths[stop]
        longest, num_tokens = max(longest, added), num_tokens + added
        padded = longest * (count + 1)
        if padded > max_tokens or padded - num_tokens > call_tokens:
            break
        start, stop = (start - 1, stop) if takes_shorter else (start, stop + 1)
    return range(start, stop)


class CostEstimate:
    """Seconds that the model takes for tokens: as measured at the start, then a moving average over its calls.

    The average is weighted by time, so that many short calls say no more than one long call of the same duration.

    Args:
        limits: The cost of a token and of a call, and the size of a batch.
    """

    def __init__(self, limits: BatchLimits) -> None:
        self._initial_token_s = limits.token_s
        self._batch_tokens = limits.max_batch_tokens
        self._call_tokens = min(limits.call_tokens, limits.max_batch_tokens)
        self._duration_s = _WINDOW_S
        self._work = _WINDOW_S / limits.token_s

    @property
    def token_s(self) -> float:
        """Seconds per token."""
        return self._duration_s / self._work

    def seconds(self, num_tokens: int) -> float:
        """Estimate how long tokens take, with the calls that they need.

        Args:
            num_tokens: Tokens of any number of texts, >= 0.
        """
        return self.token_s * (num_tokens + self._call_tokens * ceil(num_tokens / self._batch_tokens))

    def least_seconds(self, num_tokens: int) -> float:
        """Estimate how long tokens take by the cheaper of both prices, that of the start and that of now.

        A request that is refused by it cannot owe that to a machine that is busy for a moment.
        """
        return self.seconds(num_tokens) * min(self._initial_token_s / self.token_s, 1.0)

    def observe(self, num_tokens: int, duration_s: float) -> None:
        """Learn from one call of the model.

        Args:
            num_tokens: Tokens of its texts, without padding.
            duration_s: What it took, >= 0.
        """
        work = self._call_tokens + num_tokens
        duration_s = min(duration_s, _MAX_SLOWDOWN * work * self.token_s)
        decay = exp(-duration_s / _WINDOW_S)
        self._duration_s = decay * self._duration_s + duration_s
        self._work = decay * self._work + work
