"""The page and its four routes; a decision is on the disk when it is answered.

Nobody but the page that this program opened may read texts or decide: other sites' pages run in the same browser. A
request must be made to a name of this machine (another name may point here, DNS rebinding), come from no other site,
and show the token that only the page's address holds.

Source:
    OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet", for custom headers and origins; RFC 6454, section 7.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from importlib import resources
from secrets import compare_digest, token_urlsafe
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from textwright.api.headers import JSON, SAFETY, check_media_type
from textwright.api.problems import STATUS
from textwright.errors import RequestError, TextwrightError
from textwright.review.session import ReviewSession
from textwright.server.http.pages import security_policy
from textwright.server.run import address_of, listen

TOKEN_HEADER: Final = "x-review-token"  # noqa: S105  a header's name
API: Final = "/api/"
_HOST: Final = "127.0.0.1"
_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_BODY_BYTES: Final = 100_000
_FORBIDDEN: Final = 403


def build_app(session: ReviewSession, token: str) -> ASGIApp:
    """Make the application.

    Args:
        session: What is asked and decided.
        token: What the page must show.
    """
    lock = asyncio.Lock()  # one decision at a time, whatever is clicked twice

    async def state(_: Request) -> Response:
        return JSONResponse(session.state(), headers=dict(SAFETY))

    def route(change: Callable[[dict[str, Any]], None]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            content = await _content(request)
            async with lock:
                await asyncio.to_thread(change, content)
                return await state(request)

        return answer

    routes = [
        Route("/", _page()),
        Route(f"{API}state", state),
        Route(f"{API}decide", route(lambda content: session.decide(*_decision(content))), methods=["POST"]),
        Route(f"{API}skip", route(lambda content: session.skip(_index(content))), methods=["POST"]),
        Route(f"{API}undo", route(lambda _: session.undo()), methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={TextwrightError: _refuse}), token)


def serve_page(session: ReviewSession, port: int, announce: Callable[[str], None]) -> None:
    """Answer on this machine until Ctrl-C.

    Args:
        session: What is asked and decided.
        port: 0 takes any that is free.
        announce: Called with the address, its token in it, when the page can be opened.

    Raises:
        PortInUseError: If the port is taken.
    """
    token = token_urlsafe(16)
    with listen(_HOST, port) as listener:
        config = uvicorn.Config(
            build_app(session, token), log_config=None, access_log=False, server_header=False, ws="none", lifespan="off"
        )
        announce(f"{address_of(listener).url}/#{token}")
        uvicorn.Server(config).run(sockets=[listener])


def _page() -> Callable[[Request], Any]:
    html = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    headers = {"content-security-policy": security_policy(html), **dict(SAFETY)}

    async def page(_: Request) -> Response:
        return Response(html, headers=headers, media_type="text/html")

    return page


async def _content(request: Request) -> dict[str, Any]:
    check_media_type(dict(request.headers), (JSON,))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise RequestError(f"the body has more than {_MAX_BODY_BYTES:,} bytes; load the page again")
    try:
        content = json.loads(bytes(body))
    except ValueError as error:
        raise RequestError("the body is not JSON; load the page again") from error
    if not isinstance(content, dict):
        raise RequestError("the body is no object; load the page again")
    return content


def _index(content: dict[str, Any]) -> int:
    index = content.get("index")
    if type(index) is not int:
        raise RequestError("index must be a whole number; load the page again")
    return index


def _decision(content: dict[str, Any]) -> tuple[int, list[str]]:
    labels = content.get("labels")
    if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
        raise RequestError("labels must be a list of labels; load the page again")
    return _index(content), labels


async def _refuse(_: Request, error: Exception) -> Response:
    status = STATUS[type(error)] if isinstance(error, TextwrightError) else 500
    return JSONResponse({"detail": str(error)}, status, dict(SAFETY))


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
