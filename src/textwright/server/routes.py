"""The native contract: predict, what the model is, and the two health checks.

A further protocol is one more file of this form, with a ``build_router`` of its own.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.server import openapi
from textwright.server.body import JSON, check_texts, read_json
from textwright.server.logs import RequestRecord, record_of
from textwright.server.service import Service, service_of
from textwright.server.worker import Answer
from textwright.wire import Health, ModelInfo, encode_response, parse_request

_NOT_READY = "the server is starting or stopping; ask again in a moment"


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
        openapi_extra={"requestBody": openapi.predict_request(service.settings)},
    )
    router.add_api_route(
        "/v1/model", model, response_model=ModelInfo, summary="Describe the model", response_description="The model."
    )
    router.add_api_route(
        "/healthz", healthz, response_model=Health, summary="Is it alive?", response_description="It is."
    )
    not_ready = openapi.problem_doc(HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", "The server is starting or stopping.")
    router.add_api_route(
        "/readyz",
        readyz,
        response_model=Health,
        summary="Is it ready?",
        response_description="It is.",
        responses={HTTPStatus.SERVICE_UNAVAILABLE: not_ready},
    )
    return router


async def predict(request: Request) -> Response:
    """Predict the label of one text, or of several.

    Send `{"text": "..."}` or `{"texts": ["...", "..."]}`. Both are answered in one form: `predictions` holds one entry
    per text, in order. A text longer than the model reads is predicted from its beginning and marked `truncated`.
    """
    service = service_of(request)
    record = record_of(request)
    texts = parse_request(await read_json(request, service.settings)).all_texts
    record.num_texts = len(texts)
    check_texts(texts, service.settings)
    answer = await service.worker.predict(texts)
    _note(record, answer)
    timing = f"tokenize;dur={answer.tokenize_ms:.3f}, infer;dur={answer.infer_ms:.3f}"
    body = encode_response(service.identity, answer.predictions)
    return Response(body, headers={"server-timing": timing}, media_type=JSON)


async def model(request: Request) -> Response:
    """Say what the loaded model is, what was measured of it and what one request may hold."""
    return Response(service_of(request).info.model_dump_json(), media_type=JSON)


async def healthz() -> JSONResponse:
    """Say that the process lives; for restarts, not for routing."""
    return JSONResponse({"status": "alive"})


async def readyz(request: Request) -> JSONResponse:
    """Say whether requests may be sent here: the model is loaded and warm, and the server is not stopping."""
    if not service_of(request).is_ready:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, _NOT_READY)
    return JSONResponse({"status": "ready"})


def _note(record: RequestRecord, answer: Answer) -> None:
    record.num_tokens = answer.num_tokens
    record.truncated = sum(prediction.truncated for prediction in answer.predictions)
    record.tokenize_ms, record.infer_ms = answer.tokenize_ms, answer.infer_ms
