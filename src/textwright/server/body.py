"""Read the body of a request within its limits: media type, bytes, seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, cast

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from textwright.errors import RequestTimeoutError, RequestTooLargeError
from textwright.exchange import JSON, check_media_type
from textwright.server.settings import ServeSettings

CSV: Final = "text/csv"
BINARY: Final = "application/octet-stream"
UNDECLARED: Final = ""
"""Stands among the media types of a route that reads a body whose type is not declared."""


_READ: Final = {name.encode(): name for name in ("content-type", "content-encoding", "content-length")}


async def read_json(request: Request, settings: ServeSettings) -> bytes:
    """Read a JSON body within the limits; see :func:`read_body`."""
    return await read_body(request, settings, (JSON,))


async def read_body(request: Request, settings: ServeSettings, accepted: Sequence[str]) -> bytes:
    """Read a body; the limits hold while it arrives, also when its length is not declared.

    Args:
        request: The request; its body is consumed.
        settings: The limits.
        accepted: The media types that the route reads.

    Returns:
        At most ``max_body_bytes`` bytes, not yet parsed.

    Raises:
        MediaTypeError: If the request declares another media type, charset or content coding.
        RequestTooLargeError: If more bytes are declared, or come.
        RequestTimeoutError: If the body is not there after ``body_timeout_s``.
        ClientDisconnect: If the client hangs up before the body is complete.
    """
    headers = _first_headers(request)
    check_media_type(headers, accepted)
    _check_declared_length(headers, settings.max_body_bytes)
    try:
        with _TimeLimit(settings.body_timeout_s):
            return await _collect(request, settings.max_body_bytes)
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body was not complete after {settings.body_timeout_s:g} seconds; send it at once, in smaller "
            "requests, or start the server with a larger --body-timeout-s"
        ) from None


class _TimeLimit:
    """As ``asyncio.timeout``, at a fourth of its price: nearly every body is there before anybody could wait for it.

    Args:
        seconds: After these the block is left with a TimeoutError.
    """

    __slots__ = ("_is_over", "_num_cancelled", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = cast("asyncio.Task[object]", asyncio.current_task(loop))
        self._num_cancelled = self._task.cancelling()
        self._timer = loop.call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        self._is_over = True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._timer.cancel()
        # Whoever else has cancelled the task meanwhile is obeyed.
        if self._is_over and self._task.uncancel() <= self._num_cancelled and kind is asyncio.CancelledError:
            raise TimeoutError from error


def media_type_of(headers: Headers) -> str:
    """Tell the declared media type in lower case, without its parameters; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _first_headers(request: Request) -> dict[str, str]:
    """Read the headers that matter at once, where looking for each would go through all of them each time."""
    return {_READ[name]: value.decode("latin-1") for name, value in reversed(request.scope["headers"]) if name in _READ}


def _check_declared_length(headers: Mapping[str, str], max_bytes: int) -> None:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_many_bytes(f"has {declared} bytes", max_bytes)


async def _collect(request: Request, max_bytes: int) -> bytes:
    chunks, num_bytes, is_more = [], 0, True
    while is_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        num_bytes += len(chunk)
        if num_bytes > max_bytes:
            raise _too_many_bytes("goes on", max_bytes)
        chunks.append(chunk)
        is_more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_many_bytes(what: str, max_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the body {what}, at most {max_bytes} bytes are allowed; send the texts in several requests, or start the "
        "server with a larger --max-body-bytes"
    )
