"""Fast routes to the most used addresses: past the framework's router, to the same functions.

FastAPI keeps these addresses too, for the OpenAPI document and for every other method. Its way costs more than the
rest of a ``bow`` prediction together, and nothing of it is used there: no dependency, no parameter, no response model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from textwright.errors import TextwrightError
from textwright.server.http.exception_handlers import our_error

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class FastRoutes:
    """ASGI middleware that answers some requests itself.

    Args:
        app: The application that answers all others.
        endpoints: Method and path, exactly as asked -> what answers.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[tuple[str, str], Endpoint]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        endpoint = self._endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        scope["endpoint"] = endpoint
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except TextwrightError as error:
            response = our_error(request, error)
        await response(scope, receive, send)
