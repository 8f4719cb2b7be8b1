"""What the OpenAPI document says about the routes of other protocols."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from textwright.api.headers import JSON
from textwright.server import openapi
from textwright.server.service import Service


def described(
    service: Service,
    schema: dict[str, Any],
    *,
    request: object,
    response: object,
    parameters: Sequence[dict[str, Any]] = (openapi.CHOICE,),
) -> dict[str, Any]:
    """Describe a prediction route by the form of its request and an example of each side.

    Args:
        service: The loaded model.
        schema: JSON schema of a body.
        request: A right body.
        response: An answer of that form.
        parameters: What the address holds.

    Returns:
        Keyword arguments for ``APIRouter.add_api_route``.
    """
    body = {"required": True, "content": {JSON: {"schema": schema, "example": request}}}
    success = {"description": "The predictions.", "content": {JSON: {"example": response}}}
    responses = {**openapi.predict_responses(service), HTTPStatus.OK: success}
    return {"responses": responses, "openapi_extra": {"requestBody": body, "parameters": list(parameters)}}
