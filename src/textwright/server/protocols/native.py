"""Routes of the native protocol: predict, what the model is, and the two health checks.

A further protocol is one more file of this form, with a ``build_router`` of its own.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.api.codec import encode_json
from textwright.api.headers import JSON
from textwright.api.protocols import native
from textwright.api.schemas import Health, ModelInfo, ModelList
from textwright.errors import NotReadyError
from textwright.server.http import openapi
from textwright.server.http.predict import predict_as
from textwright.server.http.state import served_model_of, state_of
from textwright.server.inference.served_model import ServedModel

_NOT_READY = "the server is starting, stopping or broken; ask again in a moment, or another replica"


def build_router(served: ServedModel) -> APIRouter:
    """Make the table of routes; the model only fills in their documentation.

    Args:
        served: The loaded model.

    Returns:
        Routes that find their model through the application they are included in.
    """
    router = APIRouter()
    router.add_api_route(
        "/v1/predict",
        predict,
        methods=["POST"],
        summary="Predict labels",
        responses=openapi.predict_responses(served),
        openapi_extra={"requestBody": openapi.predict_request(served), "parameters": [openapi.CHOICE]},
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
    per text, in order. A text longer than the model reads is predicted from the part it reads, and marked `truncated`.

    With `"explain": true` each prediction also says which words speak for its label and which against it, with their
    character offsets. An explained text counts as ten of its key's share.

    With `"top_k": 3` each prediction holds the probabilities of the 3 most probable labels, best first.

    Or send a CSV table as `text/csv`, its first line naming the columns, with the texts in the column `text` (or in the
    only one): it comes back with the predictions in further columns.

    Of several models the first answers, unless `"model"` in the body, or `?model=` in the address, names another. Where
    requests are split among models, the header `x-split-key` says by what: equal keys have equal models.
    """
    return await predict_as(native, request)


async def model(request: Request) -> Response:
    """Say what the loaded model is, what was measured of it and what one request may hold."""
    return Response(encode_json(served_model_of(request).info), media_type=JSON)


async def models(request: Request) -> Response:
    """List the models of this server; the first answers where none is named."""
    infos = [served.info for served in state_of(request).registry.models]
    return Response(encode_json({"models": infos}), media_type=JSON)


async def healthz() -> JSONResponse:
    """Say that the process lives; for restarts, not for routing."""
    return JSONResponse({"status": "alive"})


async def readyz(request: Request) -> JSONResponse:
    """Say whether requests may be sent here: every model is loaded, warm and works, and the server is not stopping."""
    if not await state_of(request).registry.is_ready():
        raise NotReadyError(_NOT_READY)
    return JSONResponse({"status": "ready"})
