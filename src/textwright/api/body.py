"""The bytes of a request before they are parsed: compression, and how much JSON there is."""

from __future__ import annotations

import re
from typing import Final

from textwright.api.validation import RequestLimits
from textwright.errors import RequestLimitError, RequestSyntaxError, RequestTooLargeError

_VALUES_PER_TEXT: Final = 16
_FURTHER_VALUES: Final = 4_096
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string of JSON; one without an end reaches to the end, so that the search is linear whatever comes."""


def decompress(body: bytes, limits: RequestLimits) -> bytes:
    """Decompress gzip as far as the limit and no further.

    Args:
        body: What came.
        limits: Of a request.

    Returns:
        At most ``max_body_bytes`` bytes.

    Raises:
        RequestSyntaxError: If the body is not one whole stream of gzip.
        RequestTooLargeError: If it holds more bytes.
    """
    import zlib  # a cold start pays for each import

    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = stream.decompress(body, limits.max_body_bytes + 1)
    except zlib.error:
        raise RequestSyntaxError("the body is declared as gzip and is not; compress it, or declare nothing") from None
    if len(content) > limits.max_body_bytes:
        raise too_many_bytes("goes on when it is unpacked", limits)
    if not stream.eof or stream.unused_data:
        raise RequestSyntaxError("the body is declared as gzip and is not one whole stream; compress it once")
    return content


def check_num_values(body: bytes, limits: RequestLimits) -> None:
    """Refuse JSON of far more values than a request of texts has, before anything is made of them.

    A parser holds up every other request while it makes a million objects; counting takes a tenth of that.

    Args:
        body: JSON, or lines of it; whether it is right is not looked at.
        limits: Of a request.

    Raises:
        RequestLimitError: If there are more values.
    """
    most = _VALUES_PER_TEXT * limits.max_texts + _FURTHER_VALUES
    if len(body) <= most:
        return
    num_quotes = body.count(b'"')
    if num_quotes > 2 * most:  # those within strings have a backslash before them, and it takes longer to count these
        num_quotes -= body.count(b'\\"')
    if num_quotes <= 2 * most and (_num_marks(body) <= most or _num_marks(_STRING.sub(b"", body)) <= most):
        return
    raise RequestLimitError(
        f"the body has more than {most} values, which no request of at most {limits.max_texts} texts has; send the "
        f"texts in several requests, or {limits.cure('max_texts')}"
    )


def too_many_bytes(problem: str, limits: RequestLimits) -> RequestTooLargeError:
    """Refuse a body that is too large.

    Args:
        problem: What the body does or has.
        limits: Of a request.

    Returns:
        The error; it names the bound and the cure.
    """
    return RequestTooLargeError(
        f"the body {problem}, at most {limits.max_body_bytes} bytes are allowed; send the texts in several requests, "
        f"or {limits.cure('max_body_bytes')}"
    )


def _num_marks(body: bytes) -> int:
    return sum(map(body.count, (b",", b"[", b"{")))
