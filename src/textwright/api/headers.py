"""Headers that every protocol reads and sends: media types, content coding, what browsers may do with an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from textwright.errors import MediaTypeError

JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonlines"
CSV: Final = "text/csv"
BINARY: Final = "application/octet-stream"
UNDECLARED: Final = ""
"""Stands among the media types of a protocol that reads a body whose type is not declared."""
SAFETY: Final = (
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
)
"""Browsers shall not guess the type of an answer, store it, or send its address to other sites."""
HEALTH_PATHS: Final = frozenset({"/healthz", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready"})
"""Addresses that are read without a key: those who restart servers hold none."""
_GZIP: Final = "gzip"
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


def without_prefix(prefix: str, path: str) -> str:
    """Take off the path under which a proxy or a gateway publishes the routes; a path without it stays as it is."""
    return path.removeprefix(prefix) or "/" if path == prefix or path.startswith(prefix + "/") else path


def check_media_type(headers: Mapping[str, str], accepted: Sequence[str]) -> None:
    """Refuse what does not declare itself as one of the protocol's media types, in UTF-8, plain or as gzip.

    A declared type also keeps other sites' pages from posting here: browsers ask first before they send JSON.

    Args:
        headers: The request's headers; names are looked up in lower case.
        accepted: The media types that the protocol reads.

    Raises:
        MediaTypeError: Names what was declared and what to declare instead.
    """
    declared = headers.get("content-type", "")
    if declared not in accepted:
        _check_parameters(declared, accepted)
    coding = headers.get("content-encoding", "identity")
    if coding.lower() not in {"identity", _GZIP}:
        raise MediaTypeError(f"content-encoding is {coding[:40]!r}; send the body as it is, or compressed with {_GZIP}")


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return the declared media type in lower case, without its parameters; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def has_header(headers: Mapping[str, str], *, otherwise: bool) -> bool:
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


def is_compressed(headers: Mapping[str, str]) -> bool:
    """Say whether the body must be decompressed first."""
    return headers.get("content-encoding", "").lower() == _GZIP


def _check_parameters(declared: str, accepted: Sequence[str]) -> None:
    media_type, *parameters = (part.strip().lower() for part in declared.split(";"))
    if media_type not in accepted:
        actual = f"content-type is {media_type[:80]!r}" if media_type else "the request has no content-type"
        raise MediaTypeError(
            f"{actual}; send {' or '.join(filter(None, accepted))} and say so in the header content-type"
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in _UTF8:
            raise MediaTypeError(f"charset is {value[:40]!r}; send the body in UTF-8")
