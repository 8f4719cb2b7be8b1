"""What only those who run the server may ask; it does not exist unless the server is started with ``--admin-keys``."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from textwright.api.auth import KeyRing, shown_secret
from textwright.api.codec import encode_json
from textwright.api.headers import JSON
from textwright.api.schemas import Reloaded
from textwright.server.http.openapi import problem_doc, refusal
from textwright.server.http.state import state_of
from textwright.server.telemetry.logs import record_of

RELOAD = "/v1/models/{name}/reload"


def build_router(keys: KeyRing) -> APIRouter:
    """Make the routes.

    Args:
        keys: Those that open them; the API's other keys do not.

    Returns:
        A router with ``POST /v1/models/{name}/reload``.
    """

    async def reload(request: Request, name: str) -> Response:
        """Load the artifact of a model anew from its path, and let it answer in the place of the old one.

        The old one answers until the new one is loaded, verified and warm, and finishes what it has. An artifact that
        cannot be served changes nothing.
        """
        record_of(request).key = keys.find(shown_secret(request.headers)).name
        reloaded = await state_of(request).reload(name)
        return Response(encode_json(reloaded), media_type=JSON)

    router = APIRouter(tags=["Admin"])
    router.add_api_route(
        RELOAD,
        reload,
        methods=["POST"],
        response_model=Reloaded,
        summary="Reload a model",
        response_description="It answers from now on.",
        responses={
            HTTPStatus.UNAUTHORIZED: refusal(HTTPStatus.UNAUTHORIZED),
            HTTPStatus.NOT_FOUND: problem_doc(HTTPStatus.NOT_FOUND, "not-found", "There is no such model."),
            HTTPStatus.SERVICE_UNAVAILABLE: problem_doc(
                HTTPStatus.SERVICE_UNAVAILABLE, "reload", "The artifact cannot be served; the old model goes on."
            ),
        },
    )
    return router
