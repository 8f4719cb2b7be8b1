"""Read the body of a request within its limits: media type, bytes, seconds; then the limits of what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from textwright.errors import MediaTypeError, RequestLimitError, RequestTimeoutError, RequestTooLargeError
from textwright.server.settings import ServeSettings

JSON: Final = "application/json"
CSV: Final = "text/csv"
BINARY: Final = "application/octet-stream"
UNDECLARED: Final = ""
"""Stands among the media types of a route that reads a body whose type is not declared."""
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


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
    check_media_type(request.headers, accepted)
    _check_declared_length(request.headers, settings.max_body_bytes)
    try:
        async with asyncio.timeout(settings.body_timeout_s):
            return await _collect(request, settings.max_body_bytes)
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body was not complete after {settings.body_timeout_s:g} seconds; send it at once, in smaller "
            "requests, or start the server with a larger --body-timeout-s"
        ) from None


def check_media_type(headers: Headers, accepted: Sequence[str]) -> None:
    """Refuse what does not declare itself as one of the route's media types, in UTF-8 and not compressed.

    A declared type also keeps other sites' pages from posting here: browsers ask first before they send JSON.

    Args:
        headers: The request's headers.
        accepted: The media types that the route reads.

    Raises:
        MediaTypeError: Names what was declared and what to declare instead.
    """
    declared = headers.get("content-type", "")
    if declared not in accepted:
        _check_parameters(declared, accepted)
    coding = headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise MediaTypeError(f"content-encoding is {coding[:40]!r}; send the body as it is, without compression")


def check_texts(texts: Sequence[str], settings: ServeSettings) -> None:
    """Refuse more texts, or longer ones, than one request may hold.

    Args:
        texts: N texts, at least one.
        settings: The limits.

    Raises:
        RequestLimitError: Names the number, the bound and the cure.
    """
    if len(texts) > settings.max_texts:
        raise RequestLimitError(
            f"the request holds {len(texts)} texts, at most {settings.max_texts} are allowed; send them in several "
            "requests, or start the server with a larger --max-texts"
        )
    longest = max(range(len(texts)), key=lambda position: len(texts[position]))
    if len(texts[longest]) > settings.max_text_chars:
        name = f"text {longest}" if len(texts) > 1 else "the text"
        raise RequestLimitError(
            f"{name} has {len(texts[longest])} characters, at most {settings.max_text_chars} are allowed; cut "
            "it (the model reads only the beginning), or start the server with a larger --max-text-chars"
        )


def media_type_of(headers: Headers) -> str:
    """Tell the declared media type in lower case, without its parameters; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_parameters(declared: str, accepted: Sequence[str]) -> None:
    media_type, *parameters = (part.strip().lower() for part in declared.split(";"))
    if media_type not in accepted:
        found = f"content-type is {media_type[:80]!r}" if media_type else "the request has no content-type"
        raise MediaTypeError(
            f"{found}; send {' or '.join(filter(None, accepted))} and say so in the header content-type"
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in _UTF8:
            raise MediaTypeError(f"charset is {value[:40]!r}; send the body in UTF-8")


def _check_declared_length(headers: Headers, max_bytes: int) -> None:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_many_bytes(f"has {declared} bytes", max_bytes)


async def _collect(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_many_bytes("goes on", max_bytes)
    return bytes(body)


def _too_many_bytes(what: str, max_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the body {what}, at most {max_bytes} bytes are allowed; send the texts in several requests, or start the "
        "server with a larger --max-body-bytes"
    )
