"""The way of every contract to the model: past the queue or through it; noted in the request's record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter

from starlette.requests import Request

from textwright.api.validation import check_texts
from textwright.core.encodings import Encodings
from textwright.core.stages import StagedEncodings
from textwright.errors import BackendError, RequestLimitError
from textwright.runtime.batcher import Permit
from textwright.runtime.pending import Answer
from textwright.server.engine import Item, Scored, items_of
from textwright.server.guard import charge
from textwright.server.hang_up import noticed
from textwright.server.logs import RequestRecord, record_of
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
        QueueFullError: If more waits than may, or the texts cannot be computed in time.
        DeadlineError: If the answer is not there in time.
        NotReadyError: If the server is starting, stopping or stuck.
        BackendError: If the engine fails.
        ClientDisconnect: If the client hangs up meanwhile.
    """
    service, record = service_of(request), record_of(request)
    record.num_texts, record.model = len(texts), service.title
    check_texts(texts, service.settings)
    charge(request, len(texts))
    min_tokens = 0 if service.batcher.is_free else service.engine.min_tokens(texts)
    with service.batcher.admit(len(texts), min_tokens=min_tokens) as permit:
        if not service.quick_lane.takes(texts):
            return await _queue(request, permit, texts, may_truncate=may_truncate)
        done = await service.quick_lane.score(texts)
    scored, record.num_tokens, record.tokenize_ms, record.queue_ms, record.infer_ms, record.batch_size = done
    _note_truncated(record, [item.prediction.truncated for item in scored], service, may_truncate=may_truncate)
    return scored


async def compute(request: Request, permit: Permit[Item, Scored], encodings: Encodings) -> Answer[Scored]:
    """Queue texts and wait for what the model says.

    Args:
        request: Who asks; if it hangs up, nothing more is computed.
        permit: The right to submit the texts.
        encodings: N texts, at least one.

    Returns:
        N scored texts in order, and what they cost.
    """
    waiting = permit.submit(items_of(encodings))
    with noticed(request.receive, waiting):
        return await waiting


async def _queue(
    request: Request, permit: Permit[Item, Scored], texts: Sequence[str], *, may_truncate: bool
) -> list[Scored]:
    service, record, start = service_of(request), record_of(request), perf_counter()
    encodings = await permit.in_time(_encode(request, texts))
    record.tokenize_ms = 1e3 * (perf_counter() - start)
    record.num_tokens = int(encodings.text_lengths.sum())
    _note_truncated(record, encodings.truncated.tolist(), service, may_truncate=may_truncate)
    if isinstance(encodings, StagedEncodings):
        answer = await compute_staged(service.engine, encodings, partial(compute, request, permit))
        record.num_sent_on = len(texts) - sum(encodings.settled.tolist())
    else:
        answer = await compute(request, permit, encodings)
    record.queue_ms, record.infer_ms, record.batch_size = answer.queue_ms, answer.infer_ms, answer.batch_size
    return answer.results


def _note_truncated(record: RequestRecord, truncated: Sequence[bool], service: Service, *, may_truncate: bool) -> None:
    record.truncated = sum(truncated)
    if record.truncated and not may_truncate:
        raise RequestLimitError(
            f"text {truncated.index(True)} is longer than the {service.info.max_length} tokens that the model reads, "
            "and truncation is switched off; shorten it, or allow truncation"
        )


async def _encode(request: Request, texts: Sequence[str]) -> Encodings:
    """Encode texts unless the client hangs up, and remember it if the fast stage of a cascade fails at that."""
    service = service_of(request)
    try:
        return await service.engine.encode(texts, watch=partial(noticed, request.receive))
    except BackendError:
        service.batcher.last_failed = True
        raise
