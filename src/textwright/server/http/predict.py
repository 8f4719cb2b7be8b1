"""Answer a request to predict in the form of any protocol: read its body, run the model, write the answer."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from textwright.api import inference
from textwright.api.protocols.request import Answer, PredictProtocol
from textwright.api.record import server_timing
from textwright.server.http.auth import key_of
from textwright.server.http.body import headers_of, read_body
from textwright.server.http.state import choose, served_model_of, state_of
from textwright.server.inference.executor import QueueExecutor
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
        self.background = None
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
    served = served_model_of(request) if parsed.model is None else choose(request, parsed.model)
    record = record_of(request)
    executor = QueueExecutor(request, served, record)
    answer = await inference.answer(parsed, served.model, key_of(request), record, executor)
    if state.recorder is not None:
        state.recorder.offer(record.id, served.model, parsed.texts, executor.scored)
    return PredictionResponse(answer, server_timing(record))
