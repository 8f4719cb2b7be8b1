"""Inference on the event loop, for models quicker than a queue: what comes in one turn of it is computed together.

A ``bow`` prediction costs less than a deadline, a listener for its client and a thread. So while the batcher is free,
and the model so quick that nobody notices it on the event loop, requests wait only for the end of the turn in which
they came. The texts of a turn are encoded in one call, and go through the model in one, or in several of at most a
millisecond; more texts than are encoded in a millisecond wait for the next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import accumulate
from time import perf_counter
from typing import NamedTuple

import numpy as np

from textwright.api.protocols.request import Scored
from textwright.core.encodings import Encodings
from textwright.errors import TextError
from textwright.runtime.batcher import Batcher
from textwright.server.inference.engine import InferenceEngine, Item


class InlineResult(NamedTuple):
    """What became of the texts of one request.

    Args:
        scored: N scored texts, in order.
        num_tokens: Their tokens.
        tokenize_ms: Time from texts to ids, of all that were encoded together.
        queue_ms: Time from their arrival until the model began, without that.
        infer_ms: Time from there to the last prediction of the call.
        batch_size: Texts of that call, those of other requests included.
    """

    scored: list[Scored]
    num_tokens: int
    tokenize_ms: float
    queue_ms: float
    infer_ms: float
    batch_size: int


class _Waiting(NamedTuple):
    """The texts of one request, and who waits for them since when."""

    texts: Sequence[str]
    num_chars: int
    answer: asyncio.Future[InlineResult]
    since: float


class InlineScheduler:
    """Computes quick requests on the event loop, those of one turn together.

    Args:
        engine: The model; it says what is quick.
        batcher: The queue that is passed by. It learns whether the model works.
    """

    def __init__(self, engine: InferenceEngine, batcher: Batcher[Item, Scored]) -> None:
        self._engine = engine
        self._batcher = batcher
        self._waiting: list[_Waiting] = []

    def accepts(self, texts: Sequence[str]) -> bool:
        """Say whether nobody waits in the queue and texts are quick enough to be computed on the event loop."""
        return self._batcher.is_free and self._engine.are_quick(texts)

    async def score(self, texts: Sequence[str]) -> InlineResult:
        """Compute the texts of one request at the end of this turn of the event loop.

        Args:
            texts: N texts that :meth:`accepts` accepts.

        Returns:
            The answer; its order is that of the texts.

        Raises:
            TextError: If a text cannot be encoded; others of the same turn are not touched.
            BackendError: If the engine fails, or a logit is not finite; nor are they then.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._compute)
        answer: asyncio.Future[InlineResult] = loop.create_future()
        self._waiting.append(_Waiting(texts, sum(map(len, texts)), answer, perf_counter()))
        return await answer

    def _compute(self) -> None:
        """Compute as much as is encoded quickly; the rest in the next turn."""
        together = self._count_quick([item.num_chars for item in self._waiting])
        batch, self._waiting = self._waiting[:together], self._waiting[together:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._compute)
        try:
            self._answer(batch)
        except Exception:  # noqa: BLE001  a model may raise anything, and its callers are told
            self._answer_each(batch)

    def _count_quick(self, num_chars: Sequence[int]) -> int:
        """Count how many of the first are encoded together, at least one."""
        return max(sum(total <= self._engine.quick_chars for total in accumulate(num_chars)), 1)

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        start = perf_counter()
        encodings = self._engine.predictor.encode([text for item in batch for text in item.texts])
        tokenize_s = perf_counter() - start
        sizes = [len(item.texts) for item in batch]
        starts = [0, *accumulate(sizes)]
        for run in self._cut(sizes, encodings):
            begin, part = perf_counter(), encodings.between(starts[run.start], starts[run.stop])
            self._resolve(batch[run.start : run.stop], part, self._engine.score(part), begin, tokenize_s)

    def _cut(self, sizes: Sequence[int], encodings: Encodings) -> Iterator[range]:
        """Cut requests of so many texts into runs that go through the model quickly, or are one request."""
        if self._engine.is_quick(len(encodings), int(encodings.lengths.max())):
            yield range(len(sizes))
            return
        starts = [0, *accumulate(sizes[:-1])]
        first = num_texts = longest = 0
        for position, length in enumerate(np.maximum.reduceat(encodings.lengths, starts).tolist()):
            num_texts, longest = num_texts + sizes[position], max(longest, length)
            if position > first and not self._engine.is_quick(num_texts, longest):
                yield range(first, position)
                first, num_texts, longest = position, sizes[position], length
        yield range(first, len(sizes))

    def _resolve(
        self, batch: Sequence[_Waiting], encodings: Encodings, scored: list[Scored], begin: float, tokenize_s: float
    ) -> None:
        """Give each request its part of what the model said, which began at a time."""
        self._batcher.last_failed = False
        tokenize_ms, infer_ms, places = 1e3 * tokenize_s, 1e3 * (perf_counter() - begin), encodings.offsets.tolist()
        first = 0
        for texts, _, answer, since in batch:
            last = first + len(texts)
            if not answer.done():  # its client may have left
                queue_ms = max(1e3 * (begin - since) - tokenize_ms, 0.0)
                num_tokens = places[last] - places[first]
                answer.set_result(
                    InlineResult(scored[first:last], num_tokens, tokenize_ms, queue_ms, infer_ms, len(scored))
                )
            first = last

    def _answer_each(self, batch: Sequence[_Waiting]) -> None:
        """Compute each request by itself, so that one that cannot be computed fails alone."""
        for item in batch:
            if item.answer.done():
                continue
            try:
                self._answer([item])
            except Exception as error:  # noqa: BLE001
                self._batcher.last_failed = not isinstance(error, TextError)
                item.answer.set_exception(error)
