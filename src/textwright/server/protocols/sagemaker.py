"""``/ping`` and ``/invocations`` of a SageMaker container, which are also Vertex AI's health and predict routes.

``api.protocols.sagemaker`` reads and writes their bodies.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.api.headers import CSV, JSON_LINES
from textwright.api.protocols import sagemaker as protocol
from textwright.errors import NotReadyError
from textwright.server.http.openapi import NOT_READY, described, predict_forms, table_content, text_schema, texts_schema
from textwright.server.http.predict import predict_as
from textwright.server.http.state import state_of
from textwright.server.inference.served_model import ServedModel
from textwright.server.protocols import tei

_TEXT_ALONE: Final = {"required": ["text"], "additionalProperties": False}


def build_router(served: ServedModel) -> APIRouter:
    """Make the routes.

    Args:
        served: The loaded model.

    Returns:
        A router with ``/ping`` and ``/invocations``.
    """
    router = APIRouter(tags=["SageMaker, Vertex AI"])
    router.add_api_route("/ping", ping, summary="Is it ready?", responses=NOT_READY)
    text = text_schema(served.settings)
    item = {"anyOf": [text, {"type": "object", "properties": {"text": text}, **_TEXT_ALONE}]}
    instances = {"instances": texts_schema(served.settings, item)}
    vertex = {"type": "object", "properties": instances, "required": ["instances"]}
    inputs = [{**form, "not": {"required": ["instances"]}} for form in tei.request_forms(served.settings)]
    schema = {"anyOf": [vertex, *predict_forms(served.settings), *inputs]}
    example = served.model.example_texts[0]
    documentation = described(served, schema, request={"instances": [example]}, response=served.example)
    bodies, answers = (
        documentation["openapi_extra"]["requestBody"]["content"],
        documentation["responses"][HTTPStatus.OK],
    )
    bodies[CSV] = table_content(example, has_header=False)
    line = json.dumps(example, ensure_ascii=False) + "\n"
    bodies[JSON_LINES] = {
        "schema": {"type": "string", "pattern": rf'\A(("[A-Za-z0-9 .!?]+"\n){{1,3}}|{re.escape(line)})\Z'},
        "example": line,
    }
    answers["content"] |= {media_type: {"schema": {"type": "string"}} for media_type in (CSV, JSON_LINES)}
    router.add_api_route("/invocations", invoke, methods=["POST"], summary="Predict, any form", **documentation)
    return router


async def ping(request: Request) -> JSONResponse:
    """Say whether requests may be sent here."""
    if not await state_of(request).registry.is_ready():
        raise NotReadyError("the model is not ready")
    return JSONResponse({"status": "ready"})


async def invoke(request: Request) -> Response:
    """Predict texts given as `text`, `texts`, `inputs`, `instances`, or as CSV or JSON lines of one text each."""
    return await predict_as(protocol, request)
