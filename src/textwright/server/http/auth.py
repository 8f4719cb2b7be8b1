"""Who may ask: requests without a known key are refused before anything of them is read.

Health checks and the static pages are open: those who restart servers hold no keys, and the pages hold no answers. The
OpenAPI document is not: it names the labels.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from textwright.api.auth import Key, KeyRing, shown_secret
from textwright.api.headers import HEALTH_PATHS
from textwright.errors import UnauthorizedError
from textwright.server.telemetry.logs import problem_response, record_of

PUBLIC_PATHS: Final = HEALTH_PATHS | {"/", "/docs"}
"""Addresses that are read without a key; nothing is posted without one."""
_SCOPE_KEY: Final = "textwright.key"


class AuthMiddleware:
    """ASGI middleware that asks for a key.

    Args:
        app: The application within.
        keys: Those that are good.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or _is_open(scope["method"], scope["path"]) or _has_keys_of_its_own(scope["path"]):
            await self._app(scope, receive, send)
            return
        record = record_of(Request(scope))
        try:
            key = self._keys.find(shown_secret(Headers(scope=scope)))
        except UnauthorizedError as error:
            await problem_response(error, record)(scope, receive, send)
            return
        record.key = key.name
        scope[_SCOPE_KEY] = key
        await self._app(scope, receive, send)


def key_of(request: Request) -> Key | None:
    """Find the key that a request showed; None if the server has no keys."""
    key: Key | None = request.scope.get(_SCOPE_KEY)
    return key


def _has_keys_of_its_own(path: str) -> bool:
    return path.startswith("/v1/models/") and path.endswith("/reload")


def _is_open(method: str, path: str) -> bool:
    return path in PUBLIC_PATHS and method in {"GET", "HEAD"}
