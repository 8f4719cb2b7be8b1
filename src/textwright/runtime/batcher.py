"""Micro-batching: texts of different requests go through the model together, and each caller gets its own answer.

There is no timer: when the model is free it takes what waits, so a lone request is never delayed, and under load the
batches fill by themselves. Requests lead batches in turn, so that none starves behind a large one, until a deadline is
near: then the earliest deadline goes first. What cannot be computed before its deadline, by the moving average of the
seconds per token and what is queued already, is refused when it comes: computing it halfway would take the time of
those that can. Whatever happens -- a deadline, a client that left, a failing model, the end of the server -- ends in
the one future of the request, which is resolved exactly once; a request whose future is done is not computed any
further.

Callers: servers of many clients at once. Everything here runs on one event loop; the model runs wherever ``run``
takes it. Imports asyncio and no model: items are anything, and ``num_tokens`` tells their length.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from time import monotonic, perf_counter
from typing import Final, Generic, Self, TypeVar

from textwright.errors import BackendError, DeadlineError, NotReadyError, QueueFullError
from textwright.runtime.batching import BatchLimits, CostEstimate, choose_batch
from textwright.runtime.request_state import BatchedResults, Entry, Item, PendingRequest, Result

Work = TypeVar("Work")

_CANDIDATES: Final = 1_024
"""Waiting texts that a batch is chosen from: enough to find neighbors in length, few enough to sort each time."""
_MAX_RETRY_AFTER_S: Final = 60
_USABLE: Final = 0.9
"""Share of the time until its deadline in which a request must be computed, by the estimate, to be admitted."""
_USABLE_BY_SMALL: Final = 0.95
"""The same for a request of one batch, so that large ones leave room for small ones."""
_HOPELESS: Final = 1.25
"""A request that needs so many times what is left until its deadline gives way to others."""
_HOPELESS_ALONE: Final = 2.0
"""The same for a request that meets an empty queue; below, it is tried, and its cost is measured that way."""
_SLACK: Final = 0.05
"""Share of the time limit that is left to spare when the earliest deadline begins to go first."""

logger = logging.getLogger(__name__)


class AdmissionTicket(Generic[Item, Result]):
    """The right to have one request computed, for as long as a ``with`` block lasts; :meth:`Batcher.admit` gives it.

    When the block is left, for whatever reason, nothing of the request is computed any more.
    """

    __slots__ = ("_batcher", "_deadline", "_num_texts", "_request")

    def __init__(self, batcher: Batcher[Item, Result], num_texts: int, deadline: float) -> None:
        self._batcher = batcher
        self._num_texts = num_texts
        self._deadline = deadline
        self._request: PendingRequest[Item, Result] | None = None

    def __enter__(self) -> Self:
        """Count the texts as admitted."""
        self._batcher.num_texts += self._num_texts
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the request."""
        self._batcher.num_texts -= self._num_texts
        if self._request is not None:
            self._batcher._forget(self._request)  # noqa: SLF001  a ticket acts for the batcher

    async def in_time(self, work: Awaitable[Work]) -> Work:
        """Wait for what must be done before the items can be submitted, no longer than until the deadline.

        Args:
            work: What is waited for; it is canceled at the deadline.

        Raises:
            DeadlineError: If it is not done by then.
        """
        try:
            async with asyncio.timeout_at(self._deadline):
                return await work
        except TimeoutError:
            raise self._batcher._late() from None  # noqa: SLF001

    def submit(self, items: Sequence[Item]) -> asyncio.Future[BatchedResults[Result]]:
        """Queue the items of the request; call once.

        Args:
            items: The items, one or more.

        Returns:
            A future of the answer. Its exception is a DeadlineError after the deadline, a NotReadyError if the batcher
            ends, else what the model raised. Whoever resolves or cancels it first decides, and no item is
            computed after that.

        Raises:
            QueueFullError: If more tokens wait than may, or they cannot be computed before the deadline.
            DeadlineError: If the deadline is over already.
            NotReadyError: If the batcher does not run any more.
        """
        self._request = self._batcher._enqueue(items, self._deadline)  # noqa: SLF001
        return self._request.answer


class Batcher(Generic[Item, Result]):
    """A bounded queue in front of a model.

    Args:
        run: Computes one result per item, in order, off the event loop; it may raise anything.
        limits: How much waits, and how much goes through the model at once.
        num_tokens: The length of an item.
        timeout_s: Seconds from admission to the answer, > 0; then the caller gets a DeadlineError.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        limits: BatchLimits,
        *,
        num_tokens: Callable[[Item], int],
        timeout_s: float,
    ) -> None:
        self._run = run
        self._limits = limits
        self._num_tokens = num_tokens
        self._timeout_s = timeout_s
        self._open: dict[PendingRequest[Item, Result], None] = {}  # submitted and awaited, the oldest first
        self._turns: dict[PendingRequest[Item, Result], None] = {}  # those with items left, in the order of their turns
        self._has_work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._now: Callable[[], float] = monotonic  # the time of the loop, once there is one
        self._clock: Callable[[], float] = perf_counter  # for durations: uvloop counts in whole milliseconds
        self._call_started: float | None = None
        self._call_tokens = 0  # of the batch that is computed
        self._tokens_left = 0  # of texts that are submitted and in no batch yet
        self.cost = CostEstimate(limits)
        """What tokens cost; each call of the model corrects it."""
        self.num_texts = 0
        """Texts that are admitted and not yet answered."""
        self.num_tokens = 0
        """Tokens that are submitted and not yet answered."""
        self.last_failed = False
        """True if the last call of the model raised, or gave another number of results than items. Who calls the model
        past the queue says so here."""

    @property
    def is_running(self) -> bool:
        """True while requests are computed: started, not closing, alive, and not stuck in one call of the model."""
        return self._task is not None and not self._task.done() and not self._is_closing and not self._is_stuck

    @property
    def is_free(self) -> bool:
        """True while nothing waits and nothing is computed: a request would be alone in its batch."""
        return not self._turns and self._call_started is None

    def start(self) -> None:
        """Begin to compute what is submitted; call on the event loop that will submit."""
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self._task = loop.create_task(self._work(), name="batcher")
        self._task.add_done_callback(self._on_end)

    async def close(self, grace_s: float) -> None:
        """Stop: let the batch in flight finish, and answer everybody.

        Args:
            grace_s: Seconds that the batch in flight gets, >= 0. What waits, is to be tried again, or is not finished
                by then, is answered with a NotReadyError.
        """
        self._is_closing = True
        if self._task is None:
            return
        for request in self._turns:
            request.fail(_not_running())
        self._has_work.set()
        _, unfinished = await asyncio.wait({self._task}, timeout=grace_s)
        if unfinished:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._fail_open()

    def admit(self, num_texts: int, *, min_tokens: int = 0) -> AdmissionTicket[Item, Result]:
        """Let a request in, or refuse it before any work is done for it.

        An empty queue admits a request of any number of texts.

        Args:
            num_texts: Texts of the request, >= 1.
            min_tokens: Tokens that it has at least, where that is known before it is encoded.

        Returns:
            A ticket, to be entered at once.

        Raises:
            QueueFullError: If more texts wait than may, or cannot be computed in time; says when to come back.
            NotReadyError: If the batcher does not run.
        """
        self._require_running()
        self._require_room("texts", self.num_texts, num_texts, self._limits.max_queue_texts)
        deadline = self._now() + self._timeout_s
        self._require_in_time(min_tokens, deadline)
        return AdmissionTicket(self, num_texts, deadline)

    def _enqueue(self, items: Sequence[Item], deadline: float) -> PendingRequest[Item, Result]:
        self._require_running()
        self._require_time(deadline)
        loop = asyncio.get_running_loop()
        request: PendingRequest[Item, Result] = PendingRequest(items, self._num_tokens, deadline)
        self._require_room("tokens", self.num_tokens, request.num_tokens, self._limits.max_queue_tokens)
        self._require_in_time(request.num_tokens, deadline)
        request.timer = loop.call_at(deadline, self._expire, request)
        self.num_tokens += request.num_tokens
        self._tokens_left += request.tokens_left
        self._open[request] = None
        self._turns[request] = None
        self._has_work.set()
        return request

    def _forget(self, request: PendingRequest[Item, Result]) -> None:
        self.num_tokens -= request.num_tokens
        self._open.pop(request, None)
        self._drop(request)
        request.forget()

    def _drop(self, request: PendingRequest[Item, Result]) -> None:
        """Compute no more of a request."""
        if request in self._turns:
            del self._turns[request]
            self._tokens_left -= request.tokens_left

    async def _work(self) -> None:
        while not self._is_closing:
            await self._has_work.wait()
            if batch := self._take():
                await self._compute(batch)
            else:
                self._has_work.clear()

    def _take(self) -> list[Entry[Item, Result]]:
        """Choose the next batch; its head goes behind those that wait for their turn."""
        now = self._now()
        for request in list(self._turns):
            if request.deadline <= now:
                self._expire(request)
            if request.is_over:
                self._drop(request)
        if len(self._turns) > 1:
            self._drop_hopeless()
        if not self._turns or self._is_closing:
            return []
        batch, head = self._choose(self._next_in_turn(now))
        self._remove(batch)
        if head.left:
            del self._turns[head]
            self._turns[head] = None
        return batch

    def _next_in_turn(self, now: float) -> list[PendingRequest[Item, Result]]:
        """List whose texts may go next, in the order of their turns: all, or those whose deadline allows no other."""
        slack_s = _SLACK * self._timeout_s + self.cost.seconds(self._limits.max_batch_tokens)
        earliest = next(iter(self._open), None)
        if earliest is None or now + self.cost.seconds(self._tokens_left) + slack_s <= earliest.deadline:
            return list(self._turns)
        num_tokens = 0
        urgent: set[PendingRequest[Item, Result]] = set()
        for request in sorted(self._turns, key=lambda request: request.deadline):
            urgent.add(request)
            num_tokens += request.tokens_left
            if now + self.cost.seconds(num_tokens) + slack_s > request.deadline:
                break
        return [request for request in self._turns if request in urgent]

    def _choose(
        self, requests: Sequence[PendingRequest[Item, Result]]
    ) -> tuple[list[Entry[Item, Result]], PendingRequest[Item, Result]]:
        """Choose a batch of the texts of requests; the first of them leads it."""
        candidates: list[Entry[Item, Result]] = []
        head = requests[0]
        for request in requests:
            candidates += request.left[: _CANDIDATES - len(candidates)]
        candidates.sort(key=lambda entry: entry[0])
        first = next(index for index, entry in enumerate(candidates) if entry[3] is head)
        max_tokens, call_tokens = self._limits.max_batch_tokens, self._limits.call_tokens
        lengths = [entry[0] for entry in candidates]
        chosen = choose_batch(lengths, first, max_tokens=max_tokens, call_tokens=call_tokens)
        return candidates[chosen.start : chosen.stop], head

    def _remove(self, batch: Sequence[Entry[Item, Result]]) -> None:
        taken, now = set(map(id, batch)), perf_counter()
        for num_tokens, _, _, request in batch:
            request.tokens_left -= num_tokens
            self._tokens_left -= num_tokens
        for request in {entry[3] for entry in batch}:
            request.note_batch(now, len(batch))
            request.left = [entry for entry in request.left if id(entry) not in taken]
            if not request.left:
                del self._turns[request]

    async def _compute(self, batch: list[Entry[Item, Result]]) -> None:
        """Compute a batch; if it fails, each half of it, so that a text that cannot be computed fails alone."""
        parts = [batch]
        while parts and not self._is_closing:
            part = [entry for entry in parts.pop() if not entry[3].is_over]
            if not part:
                continue
            try:
                results = await self._call([entry[2] for entry in part], sum(entry[0] for entry in part))
            except Exception as error:  # noqa: BLE001  a model may raise anything, and its callers are told
                parts += _halves(part, error)
            else:
                now = perf_counter()
                for (_, position, _, request), result in zip(part, results, strict=True):
                    request.put(position, result, now)

    async def _call(self, items: Sequence[Item], num_tokens: int) -> Sequence[Result]:
        self._call_started, self._call_tokens = self._now(), num_tokens
        has_worked, start = False, self._clock()
        try:
            results = await self._run(items)
            has_worked = len(results) == len(items)
        finally:
            self._call_started, self._call_tokens, self.last_failed = None, 0, not has_worked
        self.cost.observe(num_tokens, self._clock() - start)
        if not has_worked:
            raise BackendError(f"the model gave {len(results)} results for a batch of {len(items)} texts")
        return results

    @property
    def _is_stuck(self) -> bool:
        if self._call_started is None:
            return False
        return self._now() - self._call_started > self._timeout_s

    def _expire(self, request: PendingRequest[Item, Result]) -> None:
        request.fail(self._late())

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the batcher failed", exc_info=error)
        self._fail_open()

    def _fail_open(self) -> None:
        for request in self._open:
            request.fail(_not_running())

    def _require_running(self) -> None:
        if not self.is_running:
            raise _not_running()

    def _require_time(self, deadline: float) -> None:
        if deadline <= self._now():
            raise self._late()

    def _require_room(self, what: str, num_waiting: int, num_new: int, bound: int) -> None:
        if num_waiting and num_waiting + num_new > bound:
            wait_s = _whole_seconds(self.cost.seconds(self.num_tokens))
            raise QueueFullError(
                f"{num_waiting} {what} wait for their answers and at most {bound} may, so {num_new} more are refused; "
                f"try again in {wait_s} s",
                wait_s,
            )

    def _require_in_time(self, num_tokens: int, deadline: float) -> None:
        """Refuse texts that cannot be computed before a deadline, those that came earlier first."""
        left_s = deadline - self._now()
        if self.is_free:
            if (needed_s := self.cost.least_seconds(num_tokens)) > _HOPELESS_ALONE * left_s:
                raise self._too_much(needed_s, left_s, needed_s)
            return
        usable_s = left_s * (_USABLE_BY_SMALL if num_tokens <= self._limits.max_batch_tokens else _USABLE)
        needed_s = self._seconds_with(num_tokens)
        if needed_s > usable_s and self._drop_hopeless():
            needed_s = self._seconds_with(num_tokens)
        if needed_s > usable_s:
            raise self._too_much(needed_s, left_s, min(needed_s - usable_s, self._seconds_with(0)))

    def _seconds_with(self, num_tokens: int) -> float:
        """Estimate how long it takes to compute all that is queued and a number of tokens more."""
        return self.cost.seconds(self._call_tokens + self._tokens_left + num_tokens)

    def _drop_hopeless(self) -> bool:
        """Refuse the oldest request if it takes too long by far: it would only keep others from being in time.

        Only the oldest can: others were admitted because there was time for them, or met an empty queue.
        """
        oldest = next(iter(self._open), None)
        if oldest is None or oldest not in self._turns:
            return False
        needed_s, left_s = self.cost.seconds(oldest.tokens_left), oldest.deadline - self._now()
        if needed_s <= _HOPELESS * left_s:
            return False
        oldest.fail(self._too_much(needed_s, left_s, needed_s))
        self._drop(oldest)
        return True

    def _too_much(self, needed_s: float, left_s: float, wait_s: float) -> QueueFullError:
        retry_s = _whole_seconds(wait_s)
        return QueueFullError(
            f"computing what is queued and these texts would take about {needed_s:.3g} s, and {left_s:.3g} s of the "
            f"{self._timeout_s:g} s for a request are left; send fewer texts, or try again in {retry_s} s",
            retry_s,
        )

    def _late(self) -> DeadlineError:
        return DeadlineError(f"no answer within {self._timeout_s:g} s, so the request was dropped; send fewer texts")


def _halves(part: list[Entry[Item, Result]], error: Exception) -> list[list[Entry[Item, Result]]]:
    """Cut a failed batch in two; a single text cannot be cut, so its request fails."""
    if len(part) == 1:
        part[0][3].fail(error)
        return []
    middle = len(part) // 2
    return [part[middle:], part[:middle]]


def _not_running() -> NotReadyError:
    return NotReadyError("the server is starting, stopping or stuck; ask again in a moment, or another replica")


def _whole_seconds(wait_s: float) -> int:
    """Give seconds as Retry-After says them: whole, and from 1 to 60."""
    return min(max(ceil(wait_s), 1), _MAX_RETRY_AFTER_S)
