"""``/ping`` and ``/invocations`` of a SageMaker container, which are also Vertex AI's health and predict routes.

``/invocations`` takes what ``/v1/predict`` takes, JSON or CSV, and answers likewise; ``{"inputs": ...}`` as Hugging
Face's containers take it; and Vertex AI's ``{"instances": ["a text", {"text": "another"}]}``, whose answer holds
``predictions`` like every other.

Source:
    Amazon SageMaker, "Custom Inference Code with Hosting Services"; Google Vertex AI, "Custom container requirements
    for prediction".
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.errors import NotReadyError, RequestError
from textwright.exchange import JSON
from textwright.server.body import CSV, media_type_of, read_body
from textwright.server.openapi import NOT_READY, predict_forms, table_content, text_schema, texts_schema
from textwright.server.protocols import tei
from textwright.server.protocols.documentation import described
from textwright.server.protocols.parsing import Form, items, parse
from textwright.server.routes import answer_json, answer_table, answer_texts
from textwright.server.service import Service, settings_of

_TEXT_ALONE: Final = {"required": ["text"], "additionalProperties": False}
_EXAMPLE: Final = {"instances": ["A touching film with a great cast."]}


class Invocation(Form):
    """Just enough of a body to see which form it has."""

    instances: Any = None
    inputs: Any = None


def build_router(service: Service) -> APIRouter:
    """Make the routes.

    Args:
        service: The loaded model.

    Returns:
        A router with ``/ping`` and ``/invocations``.
    """
    router = APIRouter(tags=["SageMaker, Vertex AI"])
    router.add_api_route("/ping", ping, summary="Is it ready?", responses=NOT_READY)
    text = text_schema(service.settings)
    item = {"anyOf": [text, {"type": "object", "properties": {"text": text}, **_TEXT_ALONE}]}
    instances = {"instances": texts_schema(service.settings, item)}
    vertex = {"type": "object", "properties": instances, "required": ["instances"]}
    inputs = [{**form, "not": {"required": ["instances"]}} for form in tei.request_forms(service.settings)]
    schema = {"anyOf": [vertex, *predict_forms(service.settings), *inputs]}
    documentation = described(service, schema, request=_EXAMPLE, response=service.example)
    documentation["openapi_extra"]["requestBody"]["content"][CSV] = table_content()
    documentation["responses"][HTTPStatus.OK]["content"][CSV] = {"schema": {"type": "string"}}
    router.add_api_route("/invocations", invoke, methods=["POST"], summary="Predict, any form", **documentation)
    return router


async def ping(request: Request) -> JSONResponse:
    """Say whether requests may be sent here."""
    if not await request.app.state.catalog.is_ready():
        raise NotReadyError("the model is not ready")
    return JSONResponse({"status": "ready"})


async def invoke(request: Request) -> Response:
    """Predict texts given as `text`, `texts`, `inputs`, `instances` or as a CSV table."""
    body = await read_body(request, settings_of(request), (JSON, CSV))
    if media_type_of(request.headers) == CSV:
        return await answer_table(request, body)
    asked = parse(Invocation, body, example=json.dumps(_EXAMPLE))
    if asked.instances is not None:
        return await answer_texts(request, _texts(asked.instances, settings_of(request).max_texts))
    if asked.inputs is not None:
        return await tei.answer(request, body)
    return await answer_json(request, body)


def _texts(instances: Any, max_texts: int) -> list[str]:  # noqa: ANN401  any JSON value
    return [_text(item, position) for position, item in enumerate(items(instances, "instances", max_texts))]


def _text(item: Any, position: int) -> str:  # noqa: ANN401  any JSON value
    text = item.get("text") if isinstance(item, dict) and len(item) == 1 else item
    if not isinstance(text, str):
        raise RequestError(f'instances[{position}] must be a string, or an object {{"text": "..."}}')
    return text
