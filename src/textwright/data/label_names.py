"""From a cell to label names: strings, integers, booleans, whole floats, and lists of them.

The same class has the same name whatever format it comes from: ``true``, ``"True"`` and a Parquet boolean are "true";
``1``, ``1.0`` and ``"1.0"`` (which pandas writes for integers beside empty cells) are "1".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Final

from textwright.errors import DataError

_WHOLE_FLOAT: Final = re.compile(r"(-?\d+)\.0+")


def label_name(value: object) -> str:
    """Name the label that a cell holds.

    Args:
        value: A cell: string, integer, boolean, float or None.

    Returns:
        The name; empty if the cell is empty or NaN.

    Raises:
        DataError: If the value is of another type; without a place, which the caller knows.
    """
    if isinstance(value, str):
        return _from_text(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise DataError(f"a label of type {type(value).__name__}; a label is a string, an integer or a boolean")


def label_names(value: object, separator: str | None) -> tuple[str, ...]:
    """Name the labels that a cell of a multi-label source holds.

    Args:
        value: A list of labels, a JSON list as text, or labels with a separator between them.
        separator: Text between labels; None if the source has lists.

    Returns:
        Distinct names in the order found; none if no label holds.

    Raises:
        DataError: If an item is of a type that names no label.
    """
    items = _items(value, separator)
    return tuple(dict.fromkeys(name for name in map(label_name, items) if name))


def is_list(value: object) -> bool:
    """Say whether a cell is a list of labels, as a list or as JSON text."""
    return isinstance(value, list | tuple) or (isinstance(value, str) and _json_list(value) is not None)


def _items(value: object, separator: str | None) -> Sequence[object]:
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, str):
        return [value]
    if separator is not None:
        return value.split(separator)
    found = _json_list(value)
    return [value] if found is None else found


def _json_list(text: str) -> list[object] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _from_text(text: str) -> str:
    name = text.strip()
    if name.lower() in ("true", "false"):
        return name.lower()
    whole = _WHOLE_FLOAT.fullmatch(name)
    return whole[1] if whole else name
