"""The page and its four routes; a decision is on the disk when it is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from importlib import resources
from secrets import token_urlsafe
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from textwright.api.headers import JSON, SAFETY, check_media_type
from textwright.api.problems import STATUS
from textwright.errors import RequestError, TextwrightError
from textwright.review.page.guard import API, Guard
from textwright.review.session import ReviewSession
from textwright.server.http.pages import security_policy
from textwright.server.run import address_of, listen

_HOST: Final = "127.0.0.1"
_MAX_BODY_BYTES: Final = 100_000


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
