"""Read a JSON body into a form, and say in a sentence what is wrong with it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from textwright.api.validation import check_num_texts
from textwright.errors import RequestError, RequestSyntaxError

_MAX_PLACE_CHARS: Final = 80
_SMALL_BYTES: Final = 8_192


class Form(BaseModel):
    """Base of what other protocols send: exact types, and fields beyond ours are left alone.

    Each list of a form has ``FailFast`` and a greatest length: a validation error for each of a million items takes
    gigabytes. Fields of type ``Any`` are bounded by :func:`strings`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


F = TypeVar("F", bound=Form)


def parse(form: type[F], body: bytes, *, example: str) -> F:
    """Read a body.

    Args:
        form: What it should be.
        body: JSON in UTF-8.
        example: A right body, for the message.

    Returns:
        The form, filled in.

    Raises:
        RequestSyntaxError: If the body is not JSON; says where.
        RequestError: If a field is missing or of another type; names it.
    """
    try:
        if len(body) <= _SMALL_BYTES:
            return form.model_validate_json(body)
        with collector_paused():
            return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        where = first["msg"].removeprefix("Invalid JSON: ")
        raise RequestSyntaxError(f"the body is not JSON in UTF-8: {where}; send for example {example}")
    where = ".".join(map(str, first["loc"]))[:_MAX_PLACE_CHARS]
    reason = first["msg"][0].lower() + first["msg"][1:]
    raise RequestError(f"{where or 'the body'}: {reason}; send for example {example}")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from looking through a million new lists again and again: 0.6 s become 0.1 s."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def items(value: Any, name: str, max_texts: int) -> list[Any]:  # noqa: ANN401  any JSON value
    """Check that a value is a list that is neither empty nor too long, before anything is made of its items.

    Args:
        value: What came.
        name: What the protocol calls it.
        max_texts: Most items.

    Returns:
        One item or more.

    Raises:
        RequestError: If it is no list or is empty.
        RequestLimitError: If it is longer.
    """
    if not isinstance(value, list) or not value:
        raise RequestError(f"{name} must be a list of one text or more")
    check_num_texts(len(value), max_texts)
    return value


def strings(value: Any, name: str, max_texts: int) -> list[str]:  # noqa: ANN401  any JSON value
    """Check that a value is a list of texts.

    Args:
        value: What came.
        name: What the protocol calls it.
        max_texts: Most texts.

    Returns:
        One text or more.

    Raises:
        RequestError: If it is no list, is empty, or holds anything but strings; names the position.
        RequestLimitError: If it is longer.
    """
    texts = items(value, name, max_texts)
    for position, item in enumerate(texts):
        if not isinstance(item, str):
            raise RequestError(f"{name}[{position}] is not a string; each text must be one")
    return texts
