"""What the OpenAPI document says beyond the types: limits as bounds, and examples that the loaded model gave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from textwright.api.headers import CSV, JSON
from textwright.api.problems import MEDIA_TYPE, problem
from textwright.api.schemas import PredictResponse
from textwright.server.inference.served_model import ServedModel
from textwright.server.settings import ServeSettings

_REFUSALS = {
    HTTPStatus.BAD_REQUEST: ("request-syntax", "The body is not JSON in UTF-8."),
    HTTPStatus.UNAUTHORIZED: ("unauthorized", "The server asks for a key, and the request shows none that is known."),
    HTTPStatus.NOT_FOUND: ("not-found", "There is no model of that name or version here."),
    HTTPStatus.REQUEST_TIMEOUT: ("request-timeout", "The body did not arrive in time."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("request-too-large", "The body has more bytes than are allowed."),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("media-type", "The body is not declared as a type that the route reads."),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("request", "A field is missing, unknown, of another type or beyond its bounds."),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "queue-full",
        "Too much waits, or the key has used its share; come back after retry-after seconds.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: ("backend", "The model is broken; ask another replica."),
    HTTPStatus.GATEWAY_TIMEOUT: ("deadline", "The answer was not there in time; nothing more is computed for it."),
}

_PLAIN: Final = "[A-Za-z0-9 .!?]+"


CHOICE: Final = {
    "name": "model",
    "in": "query",
    "required": False,
    "description": "Which model shall answer: its name, or name@version; absent: the server's default.",
    "schema": {"type": "string"},
}
"""The parameter by which an address chooses a model."""


def text_schema(settings: ServeSettings) -> dict[str, Any]:
    """Describe one text."""
    return {"type": "string", "maxLength": settings.max_text_chars}


def texts_schema(settings: ServeSettings, item: dict[str, Any] | None = None) -> dict[str, Any]:
    """Describe the texts of one request, each a text or, in other protocols, something around it."""
    return {"type": "array", "items": item or text_schema(settings), "minItems": 1, "maxItems": settings.max_texts}


def predict_forms(settings: ServeSettings) -> list[dict[str, Any]]:
    """Describe the two JSON bodies of ``POST /v1/predict``; the limits of this server stand in them as bounds."""
    return [
        _only("text", text_schema(settings), "One text."),
        _only("texts", texts_schema(settings), "Several texts; predictions keep their order."),
    ]


def table_content(text: str, *, has_header: bool = True) -> dict[str, Any]:
    """Describe a CSV body; the pattern is that of the plainest table, of one column and without quotes, or the example.

    Args:
        text: The example.
        has_header: Whether the route takes the first line for names of columns.
    """
    table = f"text\r\n{_cell(text)}\r\n" if has_header else f"{_cell(text)}\r\n"
    plain = rf"text(\r\n{_PLAIN}){{1,3}}\r\n" if has_header else rf"({_PLAIN}\r\n){{1,3}}"
    return {"schema": {"type": "string", "pattern": rf"\A({plain}|{re.escape(table)})\Z"}, "example": table}


def _cell(text: str) -> str:
    """Write a text as a cell of a CSV table, after RFC 4180."""
    return '"{}"'.format(text.replace('"', '""')) if any(mark in text for mark in ',"\r\n') else text


def predict_request(served: ServedModel) -> dict[str, Any]:
    """Describe the body of ``POST /v1/predict``, with texts of the model's own.

    Args:
        served: The loaded model.

    Returns:
        An OpenAPI request body.
    """
    texts = list(served.model.example_texts)
    examples = {
        "one": {"summary": "One text", "value": {"text": texts[0]}},
        "explained": {"summary": "One text, explained", "value": {"text": texts[0], "explain": True}},
        "many": {"summary": "Several texts", "value": {"texts": texts if len(texts) > 1 else texts * 2}},
    }
    content = {"schema": {"oneOf": predict_forms(served.settings)}, "examples": examples}
    return {"required": True, "content": {JSON: content, CSV: table_content(texts[0])}}


def predict_responses(served: ServedModel) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of ``POST /v1/predict``, with what the loaded model said about an example.

    Args:
        served: The loaded model.

    Returns:
        Status -> OpenAPI response.
    """
    success = {
        "model": PredictResponse,
        "description": "One prediction per text, in order.",
        "content": {JSON: {"example": served.example}, CSV: {"schema": {"type": "string"}}},
        "headers": {
            "server-timing": {
                "description": "Milliseconds to tokenize the texts, to wait for the model and to infer.",
                "schema": {"type": "string"},
            }
        },
    }
    return {HTTPStatus.OK: success, **{status: refusal(status) for status in _REFUSALS}}


def described(
    served: ServedModel,
    schema: dict[str, Any],
    *,
    request: object,
    response: object,
    parameters: Sequence[dict[str, Any]] = (CHOICE,),
) -> dict[str, Any]:
    """Describe a prediction route by the form of its request and an example of each side.

    Args:
        served: The loaded model.
        schema: JSON schema of a body.
        request: A right body.
        response: An answer of that form.
        parameters: What the address holds.

    Returns:
        Keyword arguments for ``APIRouter.add_api_route``.
    """
    body = {"required": True, "content": {JSON: {"schema": schema, "example": request}}}
    success = {"description": "The predictions.", "content": {JSON: {"example": response}}}
    responses = {**predict_responses(served), HTTPStatus.OK: success}
    return {"responses": responses, "openapi_extra": {"requestBody": body, "parameters": list(parameters)}}


def refusal(status: HTTPStatus) -> dict[str, Any]:
    """Describe one problem that a route answers with.

    Args:
        status: One of the statuses that requests are refused with.

    Returns:
        An OpenAPI response of type application/problem+json.
    """
    code, description = _REFUSALS[status]
    return problem_doc(status, code, description)


def feedback_refusals() -> dict[int | str, dict[str, Any]]:
    """Describe the problems that feedback is answered with; it waits for no model."""
    refusals: dict[int | str, dict[str, Any]] = {
        status: refusal(status) for status in _REFUSALS if status is not HTTPStatus.GATEWAY_TIMEOUT
    }
    broken = HTTPStatus.SERVICE_UNAVAILABLE
    return {**refusals, broken: problem_doc(broken, "not-ready", "It cannot be stored now, as on a full disk.")}


def ask_for_keys(document: dict[str, Any], paths: Sequence[str]) -> None:
    """Say which operations ask for a key, and how they refuse who shows none.

    Args:
        document: An OpenAPI document; it is changed.
        paths: Those that ask, as far as the document has them.
    """
    guarded = [document["paths"][path] for path in paths if path in document["paths"]]
    if guarded:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for operations in guarded:
        for operation in operations.values():
            operation["security"] = [{"key": []}]
            operation["responses"].setdefault(str(int(HTTPStatus.UNAUTHORIZED)), refusal(HTTPStatus.UNAUTHORIZED))


def path_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    """Describe a part of an address that the route reads by itself.

    Args:
        name: As it stands in braces.
        description: What it names.
        example: One that is there.

    Returns:
        An OpenAPI parameter.
    """
    schema = {"type": "string", "minLength": 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def problem_doc(status: HTTPStatus, code: str, description: str) -> dict[str, Any]:
    """Describe a problem with an example.

    Args:
        status: 4xx or 5xx.
        code: Its stable code.
        description: When it is answered, in a sentence.

    Returns:
        An OpenAPI response of type application/problem+json.
    """
    example = problem(status, code, description, "0f8d3c5e")
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": vars(example)}}}


def _only(field: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    properties = {
        field: {**schema, "description": description},
        "model": {"type": ["string", "null"], "description": CHOICE["description"]},
        "explain": {"type": "boolean", "default": False, "description": "Say which words speak for each label."},
        "top_k": {"type": ["integer", "null"], "minimum": 1, "description": "Probabilities per text, best first."},
    }
    return {"type": "object", "properties": properties, "required": [field], "additionalProperties": False}


NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: problem_doc(
        HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", "The server is starting, stopping or broken."
    )
}
"""The refusal of a health check."""
