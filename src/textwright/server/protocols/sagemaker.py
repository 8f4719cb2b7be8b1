"""``/ping`` and ``/invocations`` of a SageMaker container, which are also Vertex AI's health and predict routes.

``/invocations`` takes what ``/v1/predict`` takes in JSON, and answers likewise; ``{"inputs": ...}`` as Hugging Face's
containers take it; and Vertex AI's ``{"instances": ["a text", {"text": "another"}]}``, whose answer holds
``predictions`` like every other. It also takes CSV and JSON lines as SageMaker's clients and its batch transform send
them: one text a line, no line of names (unless it is declared: ``text/csv; header=present``), and a line of answer for
each.

Source:
    Amazon SageMaker, "Custom Inference Code with Hosting Services"; Google Vertex AI, "Custom container requirements
    for prediction".
"""

from __future__ import annotations

import io
import json
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.api.validation import JSON, check_num_texts
from textwright.errors import NotReadyError, RequestError, RequestLimitError, RequestSyntaxError
from textwright.server.answers import check_answer, write
from textwright.server.body import CSV, media_type_of, off_loop, read_body
from textwright.server.logs import record_of
from textwright.server.openapi import NOT_READY, predict_forms, table_content, text_schema, texts_schema
from textwright.server.protocols import tei
from textwright.server.protocols.documentation import described
from textwright.server.protocols.parsing import Form, collector_paused, items, parse
from textwright.server.routes import answer_json, answer_table, answer_texts, timing_of
from textwright.server.scoring import score
from textwright.server.service import Service, service_of, settings_of
from textwright.wire import EXAMPLE_TEXT, encode_lines

JSON_LINES: Final = "application/jsonlines"
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
    bodies, answers = (
        documentation["openapi_extra"]["requestBody"]["content"],
        documentation["responses"][HTTPStatus.OK],
    )
    bodies[CSV] = table_content()
    bodies[JSON_LINES] = {
        "schema": {"type": "string", "pattern": r'\A("[A-Za-z0-9 .!?]+"\n){1,3}\Z'},
        "example": json.dumps(EXAMPLE_TEXT) + "\n",
    }
    answers["content"] |= {media_type: {"schema": {"type": "string"}} for media_type in (CSV, JSON_LINES)}
    router.add_api_route("/invocations", invoke, methods=["POST"], summary="Predict, any form", **documentation)
    return router


async def ping(request: Request) -> JSONResponse:
    """Say whether requests may be sent here."""
    if not await request.app.state.catalog.is_ready():
        raise NotReadyError("the model is not ready")
    return JSONResponse({"status": "ready"})


async def invoke(request: Request) -> Response:
    """Predict texts given as `text`, `texts`, `inputs`, `instances`, or as CSV or JSON lines of one text each."""
    body = await read_body(request, settings_of(request), (JSON, CSV, JSON_LINES))
    media_type = media_type_of(request.headers)
    if media_type == CSV:
        return await answer_table(request, body, names_columns=False)
    if media_type == JSON_LINES:
        return await _answer_lines(request, body)
    asked = await off_loop(body, parse, Invocation, body, example=json.dumps(_EXAMPLE))
    if asked.instances is not None:
        return await answer_texts(request, _texts(asked.instances, settings_of(request).max_texts))
    if asked.inputs is not None:
        return await tei.answer(request, body)
    return await answer_json(request, body)


async def _answer_lines(request: Request, body: bytes) -> Response:
    service = service_of(request)
    texts = await off_loop(body, _texts_of_lines, body, settings_of(request).max_texts)
    check_answer(service, len(texts))
    scored = await score(request, texts)

    def encode() -> bytes:
        return encode_lines([item.prediction for item in scored])

    answer = await write(len(texts) * len(service.info.labels), encode)
    return Response(answer, headers={"server-timing": timing_of(record_of(request))}, media_type=JSON_LINES)


@collector_paused()
def _texts_of_lines(body: bytes, max_texts: int) -> list[str]:
    texts: list[str] = []
    for number, line in enumerate(io.BytesIO(body), start=1):
        if line.strip():
            check_num_texts(len(texts) + 1, max_texts)
            texts.append(_text_of_line(line, number))
        elif number - len(texts) > max_texts:
            raise RequestLimitError(f"the body has more than {max_texts} empty lines; remove them")
    if not texts:
        raise RequestError('the body has no line; each is a text in JSON: "...", or {"text": "..."}')
    return texts


def _text_of_line(line: bytes, number: int) -> str:
    try:
        content = from_json(line)
    except ValueError:
        raise RequestSyntaxError(f"line {number} is not JSON in UTF-8; each line is one JSON value") from None
    if isinstance(content, dict) and len(content) == 1:
        content = content.get("text", content.get("inputs"))
    if not isinstance(content, str):
        raise RequestError(f'line {number} must be a string, {{"text": "..."}} or {{"inputs": "..."}}')
    return content


def _texts(instances: Any, max_texts: int) -> list[str]:  # noqa: ANN401  any JSON value
    return [_text(item, position) for position, item in enumerate(items(instances, "instances", max_texts))]


def _text(item: Any, position: int) -> str:  # noqa: ANN401  any JSON value
    text = item.get("text") if isinstance(item, dict) and len(item) == 1 else item
    if not isinstance(text, str):
        raise RequestError(f'instances[{position}] must be a string, or an object {{"text": "..."}}')
    return text
