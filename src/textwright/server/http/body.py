"""Read the body of a request within its limits: media type, bytes, seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, cast

from starlette.requests import ClientDisconnect, Request

from textwright.api.body import decompress, too_many_bytes
from textwright.api.headers import check_media_type, is_compressed
from textwright.api.protocols.open_inference import JSON_LENGTH
from textwright.api.validation import RequestLimits
from textwright.errors import RequestTimeoutError
from textwright.server.settings import ServeSettings

SPLIT_KEY: Final = "x-split-key"
"""Header of whoever asks, by which requests are split among models."""
_READ: Final = {
    name.encode(): name for name in ("content-type", "content-encoding", "content-length", JSON_LENGTH, SPLIT_KEY)
}


def headers_of(request: Request) -> dict[str, str]:
    """Read the headers that matter at once, where looking for each would go through all of them each time."""
    return {_READ[name]: value.decode("latin-1") for name, value in reversed(request.scope["headers"]) if name in _READ}


async def read_body(
    request: Request,
    headers: Mapping[str, str],
    settings: ServeSettings,
    limits: RequestLimits,
    accepted: Sequence[str],
) -> bytes:
    """Read a body; the limits hold while it arrives, also when its length is not declared.

    Args:
        request: The request; its body is consumed.
        headers: Of the request; see :func:`headers_of`.
        settings: How long the body may take.
        limits: How large it may be.
        accepted: The media types that the protocol reads.

    Returns:
        At most ``max_body_bytes`` bytes, decompressed but not yet parsed.

    Raises:
        MediaTypeError: If the request declares another media type, charset or content coding.
        RequestTooLargeError: If more bytes are declared, or come, or are unpacked.
        RequestSyntaxError: If the body is not gzip where that is declared.
        RequestTimeoutError: If the body is not there after ``body_timeout_s``.
        ClientDisconnect: If the client hangs up before the body is complete.
    """
    check_media_type(headers, accepted)
    _check_declared_length(headers, limits)
    try:
        with _TimeLimit(settings.body_timeout_s):
            body = await _collect(request, limits)
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body was not complete after {settings.body_timeout_s:g} seconds; send it at once, in smaller "
            "requests, or start the server with a larger --body-timeout-s"
        ) from None
    return await asyncio.to_thread(decompress, body, limits) if is_compressed(headers) else body


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


def _check_declared_length(headers: Mapping[str, str], limits: RequestLimits) -> None:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.max_body_bytes:
        raise too_many_bytes(f"has {declared} bytes", limits)


async def _collect(request: Request, limits: RequestLimits) -> bytes:
    chunks, num_bytes, is_more = [], 0, True
    while is_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        num_bytes += len(chunk)
        if num_bytes > limits.max_body_bytes:
            raise too_many_bytes("goes on", limits)
        chunks.append(chunk)
        is_more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
