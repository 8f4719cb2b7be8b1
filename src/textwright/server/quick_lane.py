"""The lane for models that are quicker than a queue: what comes in one turn of the event loop is computed together.

A ``bow`` prediction costs less than a future with a deadline, a listener for its client and a thread. So while the
batcher is free, and the model quick enough that nobody notices it on the event loop, requests wait only for the end of
the turn in which they came. All of a turn go through the model in one call, or in several of at most a millisecond.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

from textwright.core.encodings import Encodings
from textwright.runtime.pending import Answer
from textwright.server.engine import Engine, Scored


class _Waiting(NamedTuple):
    """The texts of one request, and who waits for them since when."""

    encodings: Encodings
    answer: asyncio.Future[Answer[Scored]]
    since: float


class QuickLane:
    """Computes quick requests on the event loop, those of one turn together.

    Args:
        engine: The model; it says what is quick.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[_Waiting] = []

    def takes(self, encodings: Encodings) -> bool:
        """Say whether texts are quick enough for this lane."""
        return self._engine.is_quick(len(encodings), _longest(encodings))

    async def score(self, encodings: Encodings) -> Answer[Scored]:
        """Compute the texts of one request at the end of this turn of the event loop.

        Args:
            encodings: N texts that :meth:`takes` takes.

        Returns:
            The answer; its order is that of the texts.

        Raises:
            BackendError: If the engine fails, or a logit is not finite; others of the same turn are not touched.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._compute)
        answer: asyncio.Future[Answer[Scored]] = loop.create_future()
        self._waiting.append(_Waiting(encodings, answer, perf_counter()))
        return await answer

    def _compute(self) -> None:
        """Compute as much as is quick; the rest in the next turn."""
        batch, self._waiting = self._waiting, []
        count = self._count_quick(batch)
        batch, self._waiting = batch[:count], batch[count:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._compute)
        try:
            self._answer(batch)
        except Exception as error:  # noqa: BLE001  a model may raise anything, and its callers are told
            self._fail(batch[0], error) if len(batch) == 1 else self._answer_each(batch)

    def _count_quick(self, waiting: Sequence[_Waiting]) -> int:
        """Count how many of the first go together, at least one."""
        num_texts = longest = 0
        for position, item in enumerate(waiting):
            num_texts, longest = num_texts + len(item.encodings), max(longest, _longest(item.encodings))
            if position and not self._engine.is_quick(num_texts, longest):
                return position
        return len(waiting)

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        start = perf_counter()
        together = batch[0].encodings if len(batch) == 1 else Encodings.join([item.encodings for item in batch])
        scored = self._engine.score(together)
        infer_ms, first = 1e3 * (perf_counter() - start), 0
        for encodings, answer, since in batch:
            last = first + len(encodings)
            if not answer.done():  # its client may have left
                answer.set_result(Answer(scored[first:last], 1e3 * (start - since), infer_ms, len(scored)))
            first = last

    def _answer_each(self, batch: Sequence[_Waiting]) -> None:
        """Compute each request by itself, so that one that cannot be computed fails alone."""
        for item in batch:
            try:
                self._answer([item])
            except Exception as error:  # noqa: BLE001
                self._fail(item, error)

    def _fail(self, item: _Waiting, error: Exception) -> None:
        if not item.answer.done():
            item.answer.set_exception(error)


def _longest(encodings: Encodings) -> int:
    return len(encodings.ids) if len(encodings) == 1 else int(encodings.lengths.max())
