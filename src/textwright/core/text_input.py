"""What a Python caller may give as texts: any iterable of strings, read once.

Containers that iterate over something else (a table over its columns, a mapping over its keys) would be predicted
silently wrong, so they are refused with the cure. Nothing is imported for that: pandas, polars, NumPy, Arrow and
``datasets`` are recognized by their attributes. Callers: ``core.tokenizer``, ``runtime.predictor`` and
``data.in_memory``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from textwright.errors import TextError

_MAX_SHOWN_NAMES: Final = 5


def list_of_texts(texts: Iterable[str]) -> Sequence[str]:
    """Read an iterable of strings once.

    Args:
        texts: A list, tuple, generator, array, Series or column of strings. Items are not looked at here.

    Returns:
        The items in order; a list or a tuple is returned as it is.

    Raises:
        TextError: If it is one string or bytes, a table, a mapping, a set, an array that has not one dimension, or
            nothing that can be iterated over. Names the cure.
    """
    if type(texts) is list or type(texts) is tuple:  # the quick way of almost every call
        return texts
    refuse_other_than_texts(texts)
    to_pylist = getattr(texts, "to_pylist", None)  # Arrow's arrays iterate over scalars of their own
    items: list[str] = list(texts) if to_pylist is None else to_pylist()
    return items


def refuse_other_than_texts(texts: object) -> None:
    """Refuse what is no iterable of strings in order; items are not looked at.

    Raises:
        TextError: As :func:`list_of_texts` does.
    """
    problem = _problem(texts)
    if problem:
        raise TextError(problem)


def describe_bad_item(position: int, item: object) -> str:
    """Say what is wrong with an item that is no string, and the cure.

    Args:
        position: Its place among the texts, from 0.
        item: The item.
    """
    name = f"text {position}"
    if is_missing(item):
        return f"{name} is missing ({item!r}); drop it, or put an empty string in its place, as by fillna('')"
    kind = f"{name} is of type {type(item).__name__}; each text must be a string"
    if isinstance(item, bytes | bytearray):
        return f"{kind}: decode it, for example item.decode('utf-8')"
    if isinstance(item, list | tuple):
        return f"{kind}: give one flat list of strings"
    if isinstance(item, Mapping):
        return f"{kind}: give the value that holds the text, for example [item['text'] for item in texts]"
    return kind


def _problem(texts: Any) -> str:  # noqa: ANN401  whatever a caller gives
    """Say why a container is refused; empty if it is not."""
    if isinstance(texts, str):
        return "texts is one string; give a list of strings: [text]"
    if isinstance(texts, bytes | bytearray | memoryview):
        return "texts is bytes; decode it and give a list of strings: [text.decode('utf-8')]"
    if isinstance(texts, Mapping):
        return f"texts is a mapping ({type(texts).__name__}); give its values: list(texts.values()), or those of a key"
    if isinstance(texts, set | frozenset):
        return "texts is a set, which has no order; give a list, for example sorted(texts)"
    names = column_names(texts)
    if names is not None:
        return f"texts is a table ({type(texts).__name__}); give one column: {_column_cure(names)}"
    num_dimensions = getattr(texts, "ndim", 1)
    if num_dimensions != 1:
        return f"texts is an array of {num_dimensions} dimensions; give one of one dimension, for example texts.ravel()"
    if not isinstance(texts, Iterable):
        return f"texts is of type {type(texts).__name__}; give a list of strings: [text]"
    return ""


def column_names(texts: Any) -> list[str] | None:  # noqa: ANN401  whatever a caller gives
    """List the columns of a table of pandas, polars, Arrow or ``datasets``; None if it is no table."""
    for attribute in ("column_names", "columns"):  # Arrow has both, and the second holds the columns themselves
        names = getattr(texts, attribute, None)
        if names is not None and not callable(names):
            return [str(name) for name in names]
    return None


def _column_cure(names: Sequence[str]) -> str:
    if "text" in names:
        return 'df["text"]'
    shown = ", ".join(map(repr, names[:_MAX_SHOWN_NAMES]))
    more = ", ..." if len(names) > _MAX_SHOWN_NAMES else ""
    return f'df["text"], with the name of your column; it has {shown}{more}' if names else 'df["text"]; it has none'


def is_missing(item: object) -> bool:
    """Tell None, NaN, and pandas' NA and NaT, none of which but None equals itself."""
    if item is None or type(item).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(item, float) and item != item  # NaN alone differs from itself
