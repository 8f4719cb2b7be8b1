"""Which of the waiting texts go through the model together. Pure: no clock, no event loop, no numpy.

Caller: ``runtime.batcher``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much waits, and how much goes through the model at once.

    Args:
        max_queue_texts: Texts that may be admitted and unanswered, >= 1; beyond it requests are refused.
        max_queue_tokens: Tokens that may be admitted and unanswered, >= 1.
        max_batch_tokens: Padded tokens of one batch, >= 1; a longer text is a batch by itself.
        call_tokens: What a further call of the model costs, in tokens that could be computed meanwhile, >= 0.
            0 never pads; a large number fills each batch whatever its padding.
        token_s: Seconds that the model takes for one token, > 0; only the advice when to come back depends on it.
    """

    max_queue_texts: int = 4_096
    max_queue_tokens: int = 262_144
    max_batch_tokens: int = 16_384
    call_tokens: float = 64.0
    token_s: float = 1e-4


def choose_batch(lengths: Sequence[int], leader: int, *, max_tokens: int, call_tokens: float) -> range:
    """Choose the texts that go with the leader: its neighbours in length, while padding is cheaper than another call.

    The batch could always be cut in two at the price of one more call, and that would save at most its padding. So it
    grows as long as all of its padding costs no more than that call.

    Args:
        lengths: Tokens of the N waiting texts, in rising order.
        leader: Position of the text that must go, in [0, N).
        max_tokens: Padded tokens of a batch, >= 1; the leader goes alone if it has more.
        call_tokens: The price of another call, in tokens, >= 0.

    Returns:
        Neighbouring positions, the leader's among them.
    """
    start, stop = leader, leader + 1
    longest, num_tokens = max(lengths[leader], 1), lengths[leader]
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
