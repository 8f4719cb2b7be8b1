"""From a cell to label names: strings, integers, booleans, whole floats, and lists of them.

A list may be one (JSON lines, Parquet) or stand as text in a CSV cell, in the spelling of JSON, of Python or of NumPy:
``["a", "b"]``, ``['a', 'b']``, ``['a' 'b']``, ``[0 1 0]``. The same class has the same name whatever format it comes
from: ``true``, ``"True"`` and a Parquet boolean are "true"; ``1``, ``1.0`` and ``"1.0"`` (which pandas writes for
integers beside empty cells) are "1".
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Sequence
from typing import Final

from textwright.errors import DataError

_WHOLE_FLOAT: Final = re.compile(r"(-?\d+)\.0+")
_NUMPY_NUMBERS: Final = re.compile(r"\[\s*-?\d+\.?\d*(?:\s+-?\d+\.?\d*)*\s*\]")
_NUMPY_STRINGS: Final = re.compile(r"""(['"])\s+(?=['"])""")


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


def as_list(value: object) -> Sequence[object] | None:
    """Return the items of a cell that is a list, as a list or as its text; None for any other cell."""
    if isinstance(value, list | tuple):
        return value
    return _list_from_text(value) if isinstance(value, str) else None


def class_name(value: object, names: Sequence[str]) -> object:
    """Replace the number of a class by its name.

    Args:
        value: A cell: a number, or a name already.
        names: Names of the classes 0, 1, 2, ...

    Returns:
        The name; None for an empty cell and for -1, which stands for "no label" in published datasets.

    Raises:
        DataError: If the number has no name; without a place, which the caller knows.
    """
    name = label_name(value)
    if name in ("", "-1"):
        return None
    if name in names:
        return name
    number = {"false": "0", "true": "1"}.get(name, name)
    if not number.isdecimal() or int(number) >= len(names):
        raise DataError(
            f"the label {name!r} has no name: there are {len(names)} names, for the numbers 0 to {len(names) - 1}; "
            "give as many --label-names as there are labels"
        )
    return names[int(number)]


def _items(value: object, separator: str | None) -> Sequence[object]:
    if isinstance(value, str) and separator is not None:
        return value.split(separator)
    items = as_list(value)
    return [value] if items is None else items


def _list_from_text(text: str) -> Sequence[object] | None:
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        items = json.loads(text)
    except ValueError:
        items = _python_list(text)
    return items if isinstance(items, list) else None


def _python_list(text: str) -> object:
    """Read a list as Python or NumPy prints it; None if it is none."""
    if _NUMPY_NUMBERS.fullmatch(text):
        return [float(number) if "." in number else int(number) for number in text[1:-1].split()]
    try:
        # Without the comma Python would join two strings into one label.
        return ast.literal_eval(_NUMPY_STRINGS.sub(r"\1, ", text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _from_text(text: str) -> str:
    name = text.strip()
    if name.lower() in ("true", "false"):
        return name.lower()
    whole = _WHOLE_FLOAT.fullmatch(name)
    return whole[1] if whole else name
