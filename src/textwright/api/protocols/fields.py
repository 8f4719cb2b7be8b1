"""Read the fields of a JSON object one by one, and say in a sentence what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from textwright.api.codec import json_name
from textwright.api.validation import RequestLimits, check_num_texts
from textwright.errors import RequestError

REQUIRED: Final = object()
"""The default of a field that must be there."""


class Kind(NamedTuple):
    """What a field may hold.

    Args:
        accepts: Whether a value is of this kind.
        expected: The kind in words, for the message.
    """

    accepts: Callable[[Any], bool]
    expected: str

    def or_null(self) -> Kind:
        """Accept null as well."""
        return Kind(lambda value: value is None or self.accepts(value), f"{self.expected} or null")


def is_whole(value: object) -> bool:
    """Say whether a value is an integer as JSON Schema has it: 1.0 is one, true is none."""
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def one_of(*values: str) -> Kind:
    """Make the kind of a few strings."""
    return Kind(lambda value: isinstance(value, str) and value in values, f"one of {', '.join(map(repr, values))}")


def list_of(kind: Kind, max_items: int) -> Kind:
    """Make the kind of short lists."""

    def accepts(value: object) -> bool:
        return isinstance(value, list) and len(value) <= max_items and all(map(kind.accepts, value))

    return Kind(accepts, f"a list of at most {max_items} items, each {kind.expected}")


ANY: Final = Kind(lambda _: True, "anything")
STRING: Final = Kind(lambda value: isinstance(value, str), "a string")
BOOLEAN: Final = Kind(lambda value: isinstance(value, bool), "true or false")
OBJECT: Final = Kind(lambda value: isinstance(value, dict), "an object")
WHOLE: Final = Kind(is_whole, "a whole number")
COUNT: Final = Kind(lambda value: is_whole(value) and value >= 1, "a whole number of 1 or more")


class Fields:
    """The fields of a JSON object; those beyond the protocol's are left alone.

    Args:
        content: A JSON value.
        example: A right body, for messages.
        place: Where the value stands in the body; "" for the body itself.

    Raises:
        RequestError: If the value is no object.
    """

    def __init__(self, content: object, *, example: str, place: str = "") -> None:
        self._example = example
        self._place = place
        if not isinstance(content, dict):
            raise self._error(place or "the body", f"must be an object, not {json_name(content)}")
        self._content: dict[str, Any] = content

    def read(self, name: str, kind: Kind, default: object = REQUIRED) -> Any:  # noqa: ANN401  any JSON value
        """Read a field.

        Args:
            name: Of the field.
            kind: What it may hold.
            default: Its value where it is absent.

        Returns:
            The value.

        Raises:
            RequestError: If it is missing or of another kind; names it.
        """
        value = self._content.get(name, default)
        if value is default and default is not REQUIRED:
            return default
        place = f"{self._place}.{name}" if self._place else name
        if value is REQUIRED:
            raise self._error(place, f"is missing; it must be {kind.expected}")
        if not kind.accepts(value):
            raise self._error(place, f"must be {kind.expected}, not {_shown(value)}")
        return value

    def inner(self, name: str, content: object) -> Fields:
        """Read an object that stands in this one.

        Args:
            name: Of the field that holds it.
            content: Its value.
        """
        return Fields(content, example=self._example, place=f"{self._place}.{name}" if self._place else name)

    def _error(self, place: str, problem: str) -> RequestError:
        return RequestError(f"{place} {problem}; send for example {self._example}")


def items(value: Any, name: str, limits: RequestLimits) -> list[Any]:  # noqa: ANN401  any JSON value
    """Check that a value is a list that is neither empty nor too long, before anything is made of its items.

    Args:
        value: What came.
        name: What the protocol calls it.
        limits: Of a request.

    Returns:
        One item or more.

    Raises:
        RequestError: If it is no list or is empty.
        RequestLimitError: If it is longer.
    """
    if not isinstance(value, list) or not value:
        raise RequestError(f"{name} must be a list of one text or more")
    check_num_texts(len(value), limits)
    return value


def strings(value: Any, name: str, limits: RequestLimits) -> Sequence[str]:  # noqa: ANN401  any JSON value
    """Check that a value is a list of texts.

    Args:
        value: What came.
        name: What the protocol calls it.
        limits: Of a request.

    Returns:
        One text or more.

    Raises:
        RequestError: If it is no list, is empty, or holds anything but strings; names the position.
        RequestLimitError: If it is longer.
    """
    texts = items(value, name, limits)
    for position, item in enumerate(texts):
        if not isinstance(item, str):
            raise RequestError(f"{name}[{position}] is not a string; each text must be one")
    return texts


def _shown(value: object) -> str:
    """Name a value by its type; a small number by itself, since it may be of the right type."""
    return (
        str(value)
        if isinstance(value, int) and abs(value) < 1_000_000 and not isinstance(value, bool)
        else json_name(value)
    )
