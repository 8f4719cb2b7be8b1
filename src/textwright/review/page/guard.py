"""Nobody but the page that this program opened may read texts or decide: other sites' pages run in the same browser.

A request must be made to a name of this machine (another name may point here, DNS rebinding), come from no other site,
and show the token that only the page's address holds.

Source:
    OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet", for custom headers and origins; RFC 6454, section 7.
"""

from __future__ import annotations

from secrets import compare_digest
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from textwright.api.headers import SAFETY

TOKEN_HEADER: Final = "x-review-token"  # noqa: S105  a header's name
API: Final = "/api/"
_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_FORBIDDEN: Final = 403


class Guard:
    """ASGI middleware that refuses what does not come from the page.

    Args:
        app: The application within.
        token: What the page shows with each request.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = self._problem(Headers(scope=scope), scope["path"])
        app = self._app if problem is None else JSONResponse({"detail": problem}, _FORBIDDEN, dict(SAFETY))
        await app(scope, receive, send)

    def _problem(self, headers: Headers, path: str) -> str | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if urlsplit(f"//{host}").hostname not in _NAMES:
            return "this page answers on this machine alone; open it as localhost or 127.0.0.1"
        if origin is not None and origin != f"http://{host}":
            return "another site may not ask here"
        if path.startswith(API) and not compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token):
            return "open the page by the whole address that the command printed; it holds a token"
        return None
