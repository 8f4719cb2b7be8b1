"""The native contract: predict, what the model is, and the two health checks.

A further protocol is one more file of this form, with a ``build_router`` of its own.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.api.validation import JSON
from textwright.errors import NotReadyError
from textwright.server import openapi
from textwright.server.answers import check_answer, write
from textwright.server.body import CSV, has_header, media_type_of, off_loop, read_body
from textwright.server.explaining import explain
from textwright.server.logs import RequestRecord, record_of
from textwright.server.scoring import score
from textwright.server.service import Service, choose, service_of, settings_of
from textwright.server.table import check_columns, read_table, write_table
from textwright.wire import Health, ModelInfo, ModelList, encode_response, parse_request

_JSON_TYPE: Final = JSON.encode()
_NOT_READY = "the server is starting, stopping or broken; ask again in a moment, or another replica"


class JsonAnswer(Response):
    """A JSON answer of status 200 whose headers need no looking up.

    Args:
        body: JSON in UTF-8.
        timing: The value of the header Server-Timing (W3C).
    """

    def __init__(self, body: bytes, timing: str) -> None:
        self.status_code = HTTPStatus.OK
        self.background = None
        self.body = body
        self.raw_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", _JSON_TYPE),
            (b"server-timing", timing.encode()),
        ]


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
    body = await read_body(request, settings_of(request), (JSON, CSV))
    if media_type_of(request.headers) == CSV:
        return await answer_table(request, body)
    return await answer_json(request, body)


async def answer_json(request: Request, body: bytes) -> Response:
    """Answer a JSON body of the native contract."""
    asked = await off_loop(body, parse_request, body)
    if asked.model is not None:
        choose(request, asked.model)
    if asked.explain:
        return await answer_explained(request, asked.all_texts, asked.top_k)
    return await answer_texts(request, asked.all_texts, asked.top_k)


async def answer_explained(request: Request, texts: list[str], top_k: int | None = None) -> Response:
    """Answer texts in the native form, with which words speak for each label and which against it."""
    num_labels = len(service_of(request).info.labels)
    check_answer(service_of(request), len(texts), min(top_k or num_labels, num_labels))
    scored, explanations, explain_ms = await explain(request, texts)
    said = [item.to_json() for item in explanations]
    answer = encode_response(service_of(request).identity, [item.prediction for item in scored], said, top_k=top_k)
    timing = f"{timing_of(record_of(request))}, explain;dur={explain_ms:.3f}"
    return JsonAnswer(answer, timing)


async def answer_texts(request: Request, texts: list[str], top_k: int | None = None) -> Response:
    """Answer texts in the native form."""
    service = service_of(request)
    num_labels = len(service.info.labels)
    check_answer(service, len(texts), min(top_k or num_labels, num_labels))
    scored = await score(request, texts)

    def encode() -> bytes:
        return encode_response(service.identity, [item.prediction for item in scored], top_k=top_k)

    answer = await write(len(texts) * num_labels, encode)
    return JsonAnswer(answer, timing_of(record_of(request)))


async def answer_table(request: Request, body: bytes, *, names_columns: bool = True) -> Response:
    """Answer a CSV table with the table and its predictions.

    Args:
        request: The request, its body read.
        body: The table.
        names_columns: Whether its first line names the columns, unless the request says so itself.

    Returns:
        CSV, with a first line of names if the table has one.
    """
    named = has_header(request.headers, otherwise=names_columns)
    table = await off_loop(body, read_table, body, settings_of(request).max_texts, has_header=named)
    check_columns(table, service_of(request))
    service = service_of(request)
    check_answer(service, len(table.rows))
    scored = await score(request, table.texts)

    def encode() -> bytes:
        return write_table(table, [item.prediction for item in scored], service)

    answer = await write(len(table.rows) * len(service.info.labels), encode)
    return Response(answer, headers={"server-timing": timing_of(record_of(request))}, media_type=CSV)


async def model(request: Request) -> Response:
    """Say what the loaded model is, what was measured of it and what one request may hold."""
    return Response(service_of(request).info.model_dump_json(), media_type=JSON)


async def models(request: Request) -> Response:
    """List the models of this server; the first answers where none is named."""
    told = ModelList(models=[service.info for service in request.app.state.catalog.services])
    return Response(told.model_dump_json(), media_type=JSON)


async def healthz() -> JSONResponse:
    """Say that the process lives; for restarts, not for routing."""
    return JSONResponse({"status": "alive"})


async def readyz(request: Request) -> JSONResponse:
    """Say whether requests may be sent here: every model is loaded, warm and works, and the server is not stopping."""
    if not await request.app.state.catalog.is_ready():
        raise NotReadyError(_NOT_READY)
    return JSONResponse({"status": "ready"})


def timing_of(record: RequestRecord) -> str:
    """Write the header Server-Timing (W3C) of a request."""
    return f"tokenize;dur={record.tokenize_ms:.3f}, queue;dur={record.queue_ms:.3f}, infer;dur={record.infer_ms:.3f}"
