"""The way of every contract to the model: permit, encode, queue, answer; noted in the request's record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import numpy as np
from starlette.requests import Request

from textwright.core.encodings import Encodings
from textwright.core.stages import StagedEncodings
from textwright.errors import BackendError, RequestLimitError
from textwright.exchange import check_texts
from textwright.runtime.batcher import Permit
from textwright.runtime.pending import Answer
from textwright.server.engine import Item, Scored, items_of
from textwright.server.guard import charge
from textwright.server.hang_up import noticed
from textwright.server.logs import record_of
from textwright.server.service import Service, service_of
from textwright.server.staged import compute_staged


async def score(request: Request, texts: Sequence[str], *, may_truncate: bool = True) -> list[Scored]:
    """Predict the texts of a request.

    Args:
        request: A request whose body has been read.
        texts: Its N texts, at least one.
        may_truncate: False refuses texts that are longer than the model reads.

    Returns:
        N scored texts, in order.

    Raises:
        RequestLimitError: If there are more texts, or longer ones, than are allowed; or if a text is longer than the
            model reads and may not be truncated.
        RateLimitError: If the key of the request may not ask for so many texts now.
        QueueFullError: If more waits than may.
        DeadlineError: If the answer is not there in time.
        NotReadyError: If the server is starting, stopping or stuck.
        BackendError: If the engine fails.
        ClientDisconnect: If the client hangs up meanwhile.
    """
    service, record = service_of(request), record_of(request)
    record.num_texts, record.model = len(texts), service.title
    check_texts(texts, service.settings)
    charge(request, len(texts))
    with service.batcher.admit(len(texts)) as permit:
        start = perf_counter()
        encodings = await _encode(service, texts)
        record.tokenize_ms = 1e3 * (perf_counter() - start)
        record.num_tokens = int(encodings.text_lengths.sum())
        record.truncated = int(np.count_nonzero(encodings.truncated))
        if record.truncated and not may_truncate:
            raise _too_long(encodings, service.info.max_length)
        answer = await compute(request, permit, encodings)
    if isinstance(encodings, StagedEncodings):
        record.num_sent_on = int(np.count_nonzero(~encodings.settled))
    record.queue_ms, record.infer_ms, record.batch_size = answer.queue_ms, answer.infer_ms, answer.batch_size
    return answer.results


async def compute(request: Request, permit: Permit[Item, Scored], encodings: Encodings) -> Answer[Scored]:
    """Let what is quick pass by the queue while nobody waits in it; queue all else.

    Args:
        request: Who asks; if it hangs up, nothing more is computed.
        permit: The right to submit the texts.
        encodings: N texts, at least one.

    Returns:
        N scored texts in order, and what they cost.
    """
    service = service_of(request)
    if isinstance(encodings, StagedEncodings):
        return await compute_staged(service.engine, encodings, partial(compute, request, permit))
    if service.batcher.is_free and service.quick_lane.takes(encodings):
        return await permit.pass_by(lambda: service.quick_lane.score(encodings))
    waiting = permit.submit(items_of(encodings))
    with noticed(request.receive, waiting):
        return await waiting


async def _encode(service: Service, texts: Sequence[str]) -> Encodings:
    """Encode texts, and remember it if the fast stage of a cascade fails at that."""
    try:
        return await service.engine.encode(texts)
    except BackendError:
        service.batcher.last_failed = True
        raise


def _too_long(encodings: Encodings, max_length: int) -> RequestLimitError:
    position = int(encodings.truncated.argmax())
    return RequestLimitError(
        f"text {position} is longer than the {max_length} tokens that the model reads, and truncation is switched off; "
        "shorten it, or allow truncation"
    )
