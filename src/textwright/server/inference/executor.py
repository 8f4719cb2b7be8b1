"""How a server runs the model for a request: past the queue or through it; noted in the request's record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from textwright.api.inference import score_by_stages
from textwright.api.protocols.request import Answer as ProtocolAnswer
from textwright.api.protocols.request import Scored
from textwright.api.record import RequestRecord
from textwright.core.encodings import Encodings
from textwright.runtime.batcher import AdmissionTicket
from textwright.runtime.explanation import TextExplanation
from textwright.runtime.request_state import BatchedResults
from textwright.server.inference.engine import Item, items_of
from textwright.server.inference.explaining import explain
from textwright.server.inference.served_model import ServedModel, ServedStage

_LISTEN_AFTER_S: Final = 0.02
"""Most requests are answered before; only for those that wait longer is it worth a task to listen to the client."""


class QueueExecutor:
    """Runs the model of a request through its queue, unless it is quicker than that; see ``api.inference.Executor``.

    What it raises beyond that: QueueFullError if more waits than may, or the texts cannot be computed in time;
    DeadlineError if the answer is not there in time; NotReadyError if the server is starting, stopping or stuck;
    ClientDisconnect if the client hangs up meanwhile.

    Args:
        receive: The ASGI channel of the request, whose body has been read.
        served: The model that it chose.
        record: What the log will say about it.
    """

    __slots__ = ("_receive", "_record", "_served", "scored")

    def __init__(self, receive: Receive, served: ServedModel, record: RequestRecord) -> None:
        self._receive = receive
        self._served = served
        self._record = record
        self.scored: Sequence[Scored] = ()
        """What the model said of the texts, once it did."""

    async def score(self, texts: Sequence[str], after_encoding: Callable[[Sequence[bool]], None]) -> list[Scored]:
        """Run the model."""
        stages = self._served.model.predictor.stages
        scored = await score_by_stages(stages, texts, self._record, after_encoding, self._run)
        self.scored = scored
        return scored

    async def _run(
        self, number: int, texts: Sequence[str], after_encoding: Callable[[Sequence[bool]], None]
    ) -> list[Scored]:
        """Run one stage of the model, past its queue or through it."""
        stage, record = self._served.stages[number], self._record
        min_tokens = 0 if stage.batcher.is_free else stage.engine.min_tokens(texts)
        with stage.batcher.admit(len(texts), min_tokens=min_tokens) as ticket:
            if not stage.inline.accepts(texts):
                return await self._queue(stage, ticket, texts, after_encoding)
            results = await stage.inline.score(texts)
        record.note_inference(
            results.num_tokens, results.tokenize_ms, results.queue_ms, results.infer_ms, results.batch_size
        )
        after_encoding([item.prediction.truncated for item in results.scored])
        return results.scored

    async def explain(self, texts: Sequence[str], scored: Sequence[Scored]) -> list[TextExplanation]:
        """Explain texts that were scored, their probes in turn with the texts of other requests."""
        start = perf_counter()
        explanations = await explain(self._served, texts, scored, self._probe)
        self._record.explain_ms = 1e3 * (perf_counter() - start)
        return explanations

    async def write(self, function: Callable[[], ProtocolAnswer]) -> ProtocolAnswer:
        """Write a large answer in a thread, so that others are answered meanwhile."""
        return await asyncio.to_thread(function)

    async def _queue(
        self,
        stage: ServedStage,
        ticket: AdmissionTicket[Item, Scored],
        texts: Sequence[str],
        after_encoding: Callable[[Sequence[bool]], None],
    ) -> list[Scored]:
        record, start = self._record, perf_counter()
        encoding = stage.engine.encode(texts, watch=partial(cancel_on_disconnect, self._receive))
        encodings = await ticket.in_time(encoding)
        record.note_inference(len(encodings.ids), 1e3 * (perf_counter() - start))
        after_encoding(encodings.truncated.tolist())
        answer = await self._compute(ticket, encodings)
        record.note_inference(queue_ms=answer.queue_ms, infer_ms=answer.infer_ms, batch_size=answer.batch_size)
        return answer.results

    async def _probe(self, stage: ServedStage, probes: Encodings) -> BatchedResults[Scored]:
        with stage.batcher.admit(len(probes)) as ticket:
            return await self._compute(ticket, probes)

    async def _compute(self, ticket: AdmissionTicket[Item, Scored], encodings: Encodings) -> BatchedResults[Scored]:
        """Queue texts and wait for what the model says; if the client hangs up, nothing more is computed."""
        waiting = ticket.submit(items_of(encodings))
        with cancel_on_disconnect(self._receive, waiting):
            return await waiting


@contextmanager
def cancel_on_disconnect(receive: Receive, answer: asyncio.Future[Any]) -> Iterator[None]:
    """Give a future the exception ClientDisconnect when the client hangs up while the block runs.

    Args:
        receive: The ASGI channel of the request; its body must have been read.
        answer: What is waited for; if it is done already, nothing happens to it.
    """
    loop = asyncio.get_running_loop()
    listeners: list[asyncio.Task[None]] = []
    timer = loop.call_later(_LISTEN_AFTER_S, lambda: listeners.append(loop.create_task(_listen(receive, answer))))
    try:
        yield
    finally:
        timer.cancel()
        for listener in listeners:
            listener.cancel()


async def _listen(receive: Receive, answer: asyncio.Future[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    if not answer.done():
        answer.set_exception(ClientDisconnect())
