"""The native protocol: predict, what the model is, and the two health checks; and what all protocols share.

A further protocol is one more file of this form, with a ``build_router`` of its own.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.api import inference
from textwright.api.codec import encode_json
from textwright.api.headers import JSON
from textwright.api.protocols import native
from textwright.api.protocols.request import Answer, PredictProtocol
from textwright.api.record import server_timing
from textwright.api.schemas import Health, ModelInfo, ModelList
from textwright.errors import NotReadyError
from textwright.server import openapi
from textwright.server.body import QUICK_BYTES, headers_of, read_body
from textwright.server.guard import key_of
from textwright.server.logs import record_of
from textwright.server.scoring import QueueExecutor
from textwright.server.service import Service, choose, service_of, settings_of

_NOT_READY = "the server is starting, stopping or broken; ask again in a moment, or another replica"


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
    headers, limits = headers_of(request), request.app.state.limits
    body = await read_body(request, headers, settings_of(request), limits, protocol.MEDIA_TYPES)
    if len(body) <= QUICK_BYTES:
        parsed = protocol.parse(headers, body, limits)
    else:
        parsed = await asyncio.to_thread(protocol.parse, headers, body, limits)
    service = service_of(request) if parsed.model is None else choose(request, parsed.model)
    record = record_of(request)
    executor = QueueExecutor(request, service, record)
    answer = await inference.answer(parsed, service.model, key_of(request), record, executor)
    return PredictionResponse(answer, server_timing(record))


def build_router(service: Service) -> APIRouter:
    """Make the table of routes; the service only fills in their documentation.

    Args:
        service: The loaded model.

    Returns:
        Routes that find their service through the application they are included in.
    """
    router = APIRouter()
    router.add_api_route(
        "/v1/predict",
        predict,
        methods=["POST"],
        summary="Predict labels",
        responses=openapi.predict_responses(service),
        openapi_extra={"requestBody": openapi.predict_request(service.settings), "parameters": [openapi.CHOICE]},
    )
    router.add_api_route(
        "/v1/model",
        model,
        response_model=ModelInfo,
        summary="Describe the model",
        response_description="The model.",
        responses={HTTPStatus.NOT_FOUND: openapi.refusal(HTTPStatus.NOT_FOUND)},
        openapi_extra={"parameters": [openapi.CHOICE]},
    )
    router.add_api_route(
        "/v1/models", models, response_model=ModelList, summary="List the models", response_description="The models."
    )
    router.add_api_route(
        "/healthz", healthz, response_model=Health, summary="Is it alive?", response_description="It is."
    )
    router.add_api_route(
        "/readyz",
        readyz,
        response_model=Health,
        summary="Is it ready?",
        response_description="It is.",
        responses=openapi.NOT_READY,
    )
    return router


async def predict(request: Request) -> Response:
    """Predict the label of one text, or of several.

    Send `{"text": "..."}` or `{"texts": ["...", "..."]}`. Both are answered in one form: `predictions` holds one entry
    per text, in order. A text longer than the model reads is predicted from its beginning and marked `truncated`.

    With `"explain": true` each prediction also says which words speak for its label and which against it, with their
    character offsets. An explained text counts as ten of its key's share.

    With `"top_k": 3` each prediction holds the probabilities of the 3 most probable labels, best first.

    Or send a CSV table as `text/csv`, its first line naming the columns, with the texts in the column `text` (or in the
    only one): it comes back with the predictions in further columns.

    Of several models the first answers, unless `"model"` in the body, or `?model=` in the address, names another.
    """
    return await predict_as(native, request)


async def model(request: Request) -> Response:
    """Say what the loaded model is, what was measured of it and what one request may hold."""
    return Response(encode_json(service_of(request).info), media_type=JSON)


async def models(request: Request) -> Response:
    """List the models of this server; the first answers where none is named."""
    infos = [service.info for service in request.app.state.catalog.services]
    return Response(encode_json({"models": infos}), media_type=JSON)


async def healthz() -> JSONResponse:
    """Say that the process lives; for restarts, not for routing."""
    return JSONResponse({"status": "alive"})


async def readyz(request: Request) -> JSONResponse:
    """Say whether requests may be sent here: every model is loaded, warm and works, and the server is not stopping."""
    if not await request.app.state.catalog.is_ready():
        raise NotReadyError(_NOT_READY)
    return JSONResponse({"status": "ready"})
