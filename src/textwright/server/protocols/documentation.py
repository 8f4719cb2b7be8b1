"""What the OpenAPI document says about the routes of other protocols."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from textwright.exchange import JSON
from textwright.server import openapi
from textwright.server.service import Service


def described(service: Service, request: object, response: object) -> dict[str, Any]:
    """Describe a prediction route by an example of each side.

    Args:
        service: The loaded model.
        request: A right body.
        response: An answer of that form.

    Returns:
        Keyword arguments for ``APIRouter.add_api_route``.
    """
    body = {"required": True, "content": {JSON: {"schema": {"type": "object"}, "example": request}}}
    success = {"description": "The predictions.", "content": {JSON: {"example": response}}}
    responses = {**openapi.predict_responses(service), HTTPStatus.OK: success}
    return {"responses": responses, "openapi_extra": {"requestBody": body}}
