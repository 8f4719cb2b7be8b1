"""One request inside the batcher: what is left to compute, the results so far, the future that its caller awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchedResults(Generic[Result]):
    """The results of one request and what they cost.

    Args:
        results: N results, in the order of the items.
        queue_ms: Time from submission to the start of the request's first batch.
        infer_ms: Time from there to its last result.
        batch_size: Texts in the largest batch that held one of the items, those of other requests included.
    """

    results: list[Result]
    queue_ms: float
    infer_ms: float
    batch_size: int


class PendingRequest(Generic[Item, Result]):
    """One request; its future is resolved once, by whoever comes first, and decides that nothing more is computed.

    Args:
        items: N items, at least one.
        num_tokens: The length of an item.
        deadline: The loop's time at which the answer must be there.
    """

    def __init__(self, items: Sequence[Item], num_tokens: Callable[[Item], int], deadline: float) -> None:
        loop = asyncio.get_running_loop()
        self.left: list[Entry[Item, Result]] = [
            (num_tokens(item), position, item, self) for position, item in enumerate(items)
        ]
        self.num_tokens = self.tokens_left = sum(entry[0] for entry in self.left)
        self.deadline = deadline
        self.timer: asyncio.TimerHandle | None = None
        self.answer: asyncio.Future[BatchedResults[Result]] = loop.create_future()
        self._results: list[Any] = [None] * len(items)
        self._num_missing = len(items)
        self._submitted = perf_counter()  # not the loop's time: uvloop counts in whole milliseconds
        self._started: float | None = None
        self._batch_size = 0

    @property
    def is_over(self) -> bool:
        """True once the caller has its answer, or no longer waits for it."""
        return self.answer.done()

    def note_batch(self, now: float, size: int) -> None:
        """Note that items are computed from now on, in a batch of a size; now is by ``perf_counter``."""
        self._started = now if self._started is None else self._started
        self._batch_size = max(self._batch_size, size)

    def put(self, position: int, result: Result, now: float) -> None:
        """Take one result; the last one resolves the future. Now is by ``perf_counter``."""
        self._results[position] = result
        self._num_missing -= 1
        if self._num_missing == 0 and not self.is_over and self._started is not None:
            queue_ms, infer_ms = 1e3 * (self._started - self._submitted), 1e3 * (now - self._started)
            self.answer.set_result(BatchedResults(self._results, queue_ms, infer_ms, self._batch_size))

    def fail(self, error: Exception) -> None:
        """Resolve the future with an error, unless it is resolved."""
        if not self.is_over:
            self.answer.set_exception(error)

    def forget(self) -> None:
        """Let go of the future: its caller has left, so nobody may be told of an error in it."""
        if self.timer is not None:
            self.timer.cancel()
        if not self.answer.cancel() and not self.answer.cancelled():
            self.answer.exception()


Entry: TypeAlias = tuple[int, int, Item, PendingRequest[Item, Result]]
"""One waiting text: its tokens, its position in its request, itself, its request."""
