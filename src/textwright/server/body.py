"""Read the body of a request within its limits: media type, bytes, seconds; large ones off the event loop."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, ParamSpec, TypeVar, cast

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from textwright.api.validation import JSON, check_media_type
from textwright.errors import RequestLimitError, RequestSyntaxError, RequestTimeoutError, RequestTooLargeError
from textwright.server.settings import ServeSettings

CSV: Final = "text/csv"
BINARY: Final = "application/octet-stream"
_GZIP: Final = "gzip"
UNDECLARED: Final = ""
"""Stands among the media types of a route that reads a body whose type is not declared."""


_VALUES_PER_TEXT: Final = 16
_FURTHER_VALUES: Final = 4_096
_QUICK_BYTES: Final = 8_192
"""As many bytes are parsed in a fraction of a millisecond, and a thread costs a tenth of one."""
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string of JSON; one without an end reaches to the end, so that the search is linear whatever comes."""
_READ: Final = {name.encode(): name for name in ("content-type", "content-encoding", "content-length")}

P = ParamSpec("P")
T = TypeVar("T")


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
        At most ``max_body_bytes`` bytes, unpacked but not yet parsed.

    Raises:
        MediaTypeError: If the request declares another media type, charset or content coding.
        RequestTooLargeError: If more bytes are declared, or come, or are unpacked.
        RequestLimitError: If it is JSON of far more values than a request has, on a route that reads no binary data.
        RequestSyntaxError: If the body is not gzip where that is declared.
        RequestTimeoutError: If the body is not there after ``body_timeout_s``.
        ClientDisconnect: If the client hangs up before the body is complete.
    """
    headers = _first_headers(request)
    check_media_type(headers, accepted, (_GZIP,))
    _check_declared_length(headers, settings.max_body_bytes)
    try:
        with _TimeLimit(settings.body_timeout_s):
            body = await _collect(request, settings.max_body_bytes)
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body was not complete after {settings.body_timeout_s:g} seconds; send it at once, in smaller "
            "requests, or start the server with a larger --body-timeout-s"
        ) from None
    if headers.get("content-encoding", "").lower() == _GZIP:
        body = await asyncio.to_thread(_unpack, body, settings.max_body_bytes)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # Where binary texts may stand behind the JSON, whatever type is declared, the route counts in the JSON alone.
    if media_type != CSV and BINARY not in accepted:
        await off_loop(body, check_num_values, body, settings.max_texts)
    return body


async def off_loop(body: bytes, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that reads a body; where the body is large, in a thread, so that the event loop goes on.

    Args:
        body: What the function reads; decides by its size alone.
        function: Parses or checks it.
        *args: For the function.
        **kwargs: For the function.

    Returns:
        What the function returns.
    """
    if len(body) <= _QUICK_BYTES:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


def check_num_values(body: bytes, max_texts: int) -> None:
    """Refuse JSON of far more values than a request of texts has, before anything is made of them.

    A parser holds up every other request while it makes a million objects; counting takes a tenth of that.

    Args:
        body: JSON, or lines of it; whether it is right is not looked at.
        max_texts: Most texts of a request.

    Raises:
        RequestLimitError: If there are more values.
    """
    most = _VALUES_PER_TEXT * max_texts + _FURTHER_VALUES
    if len(body) <= most:
        return
    num_quotes = body.count(b'"')
    if num_quotes > 2 * most:  # those within strings have a backslash before them, and it takes longer to count these
        num_quotes -= body.count(b'\\"')
    if num_quotes <= 2 * most and (_num_marks(body) <= most or _num_marks(_STRING.sub(b"", body)) <= most):
        return
    raise RequestLimitError(
        f"the body has more than {most} values, which no request of at most {max_texts} texts has; send the texts in "
        "several requests, or start the server with a larger --max-texts"
    )


def _num_marks(body: bytes) -> int:
    return sum(map(body.count, (b",", b"[", b"{")))


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


def has_header(headers: Headers, *, otherwise: bool) -> bool:
    """Say whether the first line of a CSV body names its columns.

    Args:
        headers: Of the request; ``text/csv; header=present`` or ``header=absent`` says it.
        otherwise: What holds where they do not.

    Returns:
        True if it does.

    Source:
        RFC 4180, section 3, "header".
    """
    for parameter in headers.get("content-type", "").lower().split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip() == "header" and value.strip(' "') in {"present", "absent"}:
            return value.strip(' "') == "present"
    return otherwise


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


def _unpack(body: bytes, max_bytes: int) -> bytes:
    """Unpack gzip as far as the limit and no further."""
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = unpacking.decompress(body, max_bytes + 1)
    except zlib.error:
        raise RequestSyntaxError("the body is declared as gzip and is not; compress it, or declare nothing") from None
    if len(content) > max_bytes:
        raise _too_many_bytes("goes on when it is unpacked", max_bytes)
    if not unpacking.eof or unpacking.unused_data:
        raise RequestSyntaxError("the body is declared as gzip and is not one whole stream; compress it once")
    return content


def _too_many_bytes(what: str, max_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the body {what}, at most {max_bytes} bytes are allowed; send the texts in several requests, or start the "
        "server with a larger --max-body-bytes"
    )
