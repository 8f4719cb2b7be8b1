"""Read a JSON body into a form, and say in a sentence what is wrong with it."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from textwright.errors import RequestError, RequestSyntaxError

_MAX_PLACE_CHARS: Final = 80


class Form(BaseModel):
    """Base of what other protocols send: exact types, and fields beyond ours are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


F = TypeVar("F", bound=Form)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole: TypeAlias = Annotated[int, BeforeValidator(_whole)]
"""An integer as JSON Schema has it: 1.0 is one."""


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
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        where = first["msg"].removeprefix("Invalid JSON: ")
        raise RequestSyntaxError(f"the body is not JSON in UTF-8: {where}; send for example {example}")
    where = ".".join(map(str, first["loc"]))[:_MAX_PLACE_CHARS]
    reason = first["msg"][0].lower() + first["msg"][1:]
    raise RequestError(f"{where or 'the body'}: {reason}; send for example {example}")


def strings(value: Any, name: str) -> list[str]:  # noqa: ANN401  any JSON value
    """Check that a value is a list of texts.

    Args:
        value: What came.
        name: What the protocol calls it.

    Returns:
        One text or more.

    Raises:
        RequestError: If it is no list, is empty, or holds anything but strings; names the position.
    """
    if not isinstance(value, list) or not value:
        raise RequestError(f"{name} must be a list of one text or more")
    for position, item in enumerate(value):
        if not isinstance(item, str):
            raise RequestError(f"{name}[{position}] is not a string; each text must be one")
    return value
