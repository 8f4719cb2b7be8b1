"""Answer a request to predict in the form of any protocol: read its body, run the model, write the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from textwright.api import inference
from textwright.api.protocols.request import Answer, PredictProtocol
from textwright.api.record import server_timing
from textwright.server.http.auth import key_of
from textwright.server.http.body import SPLIT_KEY, headers_of, read_body
from textwright.server.http.state import choose, served_model_of, state_of, was_split
from textwright.server.inference.executor import QueueExecutor
from textwright.server.inference.served_model import ServedModel
from textwright.server.registry.shadow import ShadowRequest
from textwright.server.registry.traffic import TrafficRouter
from textwright.server.telemetry.logs import record_of

_QUICK_BYTES: Final = 8_192
"""As many bytes are parsed in a fraction of a millisecond, and a thread costs a tenth of one."""


class PredictionResponse(Response):
    """An answer of status 200 whose headers need no looking up.

    Args:
        answer: Of the protocol.
        timing: The value of the header Server-Timing.
    """

    def __init__(self, answer: Answer, timing: str) -> None:
        self.status_code = HTTPStatus.OK
        self.background: BackgroundTask | None = None
        self.body = answer.body
        self.raw_headers = [
            (b"content-length", b"%d" % len(answer.body)),
            (b"content-type", answer.media_type.encode()),
            (b"server-timing", timing.encode()),
        ]
        for name, value in answer.headers.items():
            self.raw_headers.append((name.encode(), value.encode()))


async def predict_as(protocol: PredictProtocol, request: Request) -> Response:
    """Answer a request to predict in the form of a protocol.

    Args:
        protocol: What reads the body and writes the answer.
        request: The request; its body has not been read.

    Returns:
        The answer.
    """
    state, headers = state_of(request), headers_of(request)
    limits = state.limits
    body = await read_body(request, headers, state.settings, limits, protocol.MEDIA_TYPES)
    if len(body) <= _QUICK_BYTES:
        parsed = protocol.parse(headers, body, limits)
    else:
        parsed = await asyncio.to_thread(protocol.parse, headers, body, limits)
    if parsed.model is None:
        served = served_model_of(request, partial(_split_key, request, headers, parsed.texts))
    else:
        served = choose(request, parsed.model)
    record = record_of(request)
    executor = QueueExecutor(request.receive, served, record)
    answer = await inference.answer(parsed, served.model, key_of(request), record, executor)
    if state.recorder is not None:
        state.recorder.offer(record.id, served.model, parsed.texts, executor.scored)
    response = PredictionResponse(answer, server_timing(record))
    if state.traffic is not None and was_split(request):
        response.background = _comparison(state.traffic, served, parsed.texts, executor)
    return response


def _split_key(request: Request, headers: Mapping[str, str], texts: Sequence[str]) -> bytes:
    """Give what a request is known again by: its own key, else the API key's name, else its texts."""
    key = key_of(request)
    if SPLIT_KEY in headers:
        return b"request\0" + headers[SPLIT_KEY].encode("utf-8", "surrogateescape")
    if key is not None:
        return b"key\0" + key.name.encode()
    return b"texts\0" + "\0".join(texts).encode("utf-8", "surrogatepass")


def _comparison(
    traffic: TrafficRouter, served: ServedModel, texts: Sequence[str], executor: QueueExecutor
) -> BackgroundTask | None:
    """Make what is done after the answer is sent: it waits to be compared, if a second model is to be asked."""
    second = traffic.second_of(served)
    if second is None:
        return None
    model, candidate = second
    labels = [item.prediction.labels for item in executor.scored]

    async def compare() -> None:
        traffic.compare(ShadowRequest(texts, labels, served, model, candidate))

    return BackgroundTask(compare)
