"""What the right label was; the route does not exist unless the server is started with ``--feedback FILE``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from textwright.api import feedback
from textwright.api.codec import encode_json
from textwright.api.headers import JSON
from textwright.api.schemas import FeedbackReceipt
from textwright.core.labels import Labels, Task
from textwright.server.http.auth import key_of
from textwright.server.http.body import headers_of, read_body
from textwright.server.http.openapi import CHOICE, feedback_refusals
from textwright.server.http.state import choose, served_model_of, state_of
from textwright.server.inference.served_model import ServedModel
from textwright.server.settings import ServeSettings
from textwright.server.telemetry.feedback_store import FeedbackStore
from textwright.server.telemetry.logs import record_of

ROUTE = "/v1/feedback"


def build_router(store: FeedbackStore, served: ServedModel, settings: ServeSettings) -> APIRouter:
    """Make the route.

    Args:
        store: Where feedback goes.
        served: Its labels stand in the documentation.
        settings: The limits.

    Returns:
        A router with ``POST /v1/feedback``.
    """

    async def give_feedback(request: Request) -> Response:
        """Say what the right label of a text was that this server has answered.

        `request_id` is the header `x-request-id` of the answer, `position` that of the text in its request. Of a
        multi-label model `labels` are those that hold, also none. Feedback is appended; of several for one text, the
        last one counts. Whether there was such a request is not looked up: feedback meets the server's records later.
        """
        state = state_of(request)
        body = await read_body(request, headers_of(request), state.settings, state.limits, feedback.MEDIA_TYPES)
        given = feedback.parse(body, state.limits)
        served = served_model_of(request) if given.model is None else choose(request, given.model)
        given.check(served.model.predictor.labels)
        key = key_of(request)
        if key is not None:
            key.consume_quota(1)
        record_of(request).model = served.title
        await store.add(given, None if key is None else key.name)
        state.metrics.count_feedback(served)
        return Response(
            encode_json(FeedbackReceipt(given.request_id, given.position, list(given.labels))), media_type=JSON
        )

    router = APIRouter()
    router.add_api_route(
        ROUTE,
        give_feedback,
        methods=["POST"],
        response_model=FeedbackReceipt,
        summary="Say what was right",
        response_description="It is stored.",
        responses=feedback_refusals(),
        openapi_extra={
            "requestBody": _request_body(served.model.predictor.labels, settings),
            "parameters": [CHOICE],
        },
    )
    return router


def _request_body(labels: Labels, settings: ServeSettings) -> dict[str, Any]:
    """Describe the body, with a label of the model as example."""
    identifier = {
        "type": "string",
        "pattern": f"^[A-Za-z0-9._:-]{{1,{feedback.MAX_ID_CHARS}}}$",
        "description": "The x-request-id of the answer.",
    }
    position = {
        "type": "integer",
        "minimum": 0,
        "maximum": settings.max_texts - 1,
        "default": 0,
        "description": "Of the text in its request, from 0.",
    }
    one = {"minItems": 1, "maxItems": 1} if labels.task is Task.SINGLE_LABEL else {"uniqueItems": True}
    names = {
        "type": "array",
        "items": {"type": "string", "enum": list(labels.names)},
        **one,
        "description": "The right labels.",
    }
    schema = {
        "type": "object",
        "properties": {
            "request_id": identifier,
            "position": position,
            "labels": names,
            "model": {"type": ["string", "null"], "description": CHOICE["description"]},
        },
        "required": ["request_id", "labels"],
        "additionalProperties": False,
    }
    return {"required": True, "content": {JSON: {"schema": schema, "example": feedback.example(labels.names[0])}}}
