"""What is checked of a request before it is predicted: media type, number and length of texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import nlargest
from operator import itemgetter
from typing import Final, Protocol

from textwright.errors import MediaTypeError, RequestLimitError

JSON: Final = "application/json"
SAFETY_HEADERS: Final = (
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
)
"""Browsers shall take an answer for what it says it is, keep none, and tell nobody where they come from."""
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


class TextLimits(Protocol):
    """What one request may hold."""

    @property
    def max_texts(self) -> int:
        """Most texts, >= 1."""

    @property
    def max_text_chars(self) -> int:
        """Most characters of one text, >= 1."""


def without_prefix(prefix: str, path: str) -> str:
    """Take off the path under which a proxy or a gateway publishes the routes; a path without it stays as it is."""
    return path.removeprefix(prefix) or "/" if path == prefix or path.startswith(prefix + "/") else path


def larger_flag(setting: str) -> str:
    """Say how a limit of the server is raised: the cure in its refusals."""
    return f"start the server with a larger --{setting.replace('_', '-')}"


def check_media_type(headers: Mapping[str, str], accepted: Sequence[str], codings: Sequence[str] = ()) -> None:
    """Refuse what does not declare itself as one of the route's media types, in UTF-8 and not otherwise compressed.

    A declared type also keeps other sites' pages from posting here: browsers ask first before they send JSON.

    Args:
        headers: The request's headers; names are looked up in lower case.
        accepted: The media types that the route reads.
        codings: How a body may be compressed.

    Raises:
        MediaTypeError: Names what was declared and what to declare instead.
    """
    declared = headers.get("content-type", "")
    if declared not in accepted:
        _check_parameters(declared, accepted)
    coding = headers.get("content-encoding", "identity")
    if coding.lower() not in {"identity", *codings}:
        compressed = f"or compressed with {' or '.join(codings)}" if codings else "without compression"
        raise MediaTypeError(f"content-encoding is {coding[:40]!r}; send the body as it is, {compressed}")


def check_texts(texts: Sequence[str], limits: TextLimits, cure: Callable[[str], str] = larger_flag) -> None:
    """Refuse more texts, or longer ones, than one request may hold.

    Args:
        texts: N texts, at least one.
        limits: The limits.
        cure: Says how the limit of a name is raised.

    Raises:
        RequestLimitError: Names the number, the bound and the cure.
    """
    check_num_texts(len(texts), limits.max_texts, cure)
    if max(map(len, texts)) > limits.max_text_chars:
        longest = max(range(len(texts)), key=lambda position: len(texts[position]))
        name = f"text {longest}" if len(texts) > 1 else "the text"
        raise RequestLimitError(
            f"{name} has {len(texts[longest])} characters, at most {limits.max_text_chars} are allowed; cut "
            f"it (the model reads only the beginning), or {cure('max_text_chars')}"
        )


def check_num_texts(num_texts: int, max_texts: int, cure: Callable[[str], str] = larger_flag) -> None:
    """Refuse more texts than one request may hold; call it before anything is made of each.

    Args:
        num_texts: Texts, rows or list items of a request.
        max_texts: Most that are allowed.
        cure: Says how the limit of a name is raised.

    Raises:
        RequestLimitError: Names the number, the bound and the cure.
    """
    if num_texts > max_texts:
        raise RequestLimitError(
            f"the request holds {num_texts} texts, at most {max_texts} are allowed; send them in several "
            f"requests, or {cure('max_texts')}",
            num_texts,
        )


def most_probable(probabilities: Mapping[str, float], top_k: int | None) -> Mapping[str, float]:
    """Choose the labels whose probabilities are answered.

    Args:
        probabilities: Label -> probability.
        top_k: Labels, >= 1; None for all, in the model's order.

    Returns:
        All of them, or the most probable ones, best first.
    """
    if top_k is None:
        return probabilities
    return dict(nlargest(min(top_k, len(probabilities)), probabilities.items(), key=itemgetter(1)))


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
