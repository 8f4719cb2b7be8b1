"""Which texts belong together: by a column, by length, by label, by a word; for ``evaluate`` and ``promote``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.dataset import Examples
from textwright.data.in_memory import DataSource
from textwright.data.load import read_source
from textwright.data.settings import DataSettings
from textwright.data.sources import open_source
from textwright.errors import SettingsError

_MAX_VALUES: Final = 50
"""Values of a column that are slices of their own, the most frequent ones."""
_MAX_SHOWN: Final = 60
_NUM_LENGTHS: Final = 3
_BUILT_IN: Final = ("length", "label")
_CONTAINS: Final = "contains:"
_COLUMN: Final = "column:"

Cells: TypeAlias = np.ndarray[tuple[int], np.dtype[np.object_]]
"""A column's value of each row, as text, (N,)."""


def make_slices(
    source: DataSource,
    reading: DataSettings,
    columns: Sequence[str],
    examples: Examples,
    rows: Ints | None,
    labels: Labels,
) -> dict[str, Bools]:
    """Find the slices of labeled texts.

    Args:
        source: Where the texts come from.
        reading: How it was read.
        columns: Columns whose values are slices.
        examples: N texts with their targets.
        rows: Their positions among the rows of the source that can be used, (N,); None for all.
        labels: Of the targets.

    Returns:
        Name -> which texts are in the slice, (N,): values of each column, three lengths, and each label.

    Raises:
        SettingsError: If there is no such column; names those there are.
    """
    slices: dict[str, Bools] = {}
    for column, values in read_columns(source, reading, columns, labels).items():
        slices |= _by_value(column, values, rows)
    return {**slices, **_by_length(examples.texts), **_by_label(examples, labels)}


def find_slices(
    source: DataSource,
    reading: DataSettings,
    specs: Sequence[str],
    examples: Examples,
    rows: Ints | None,
    labels: Labels,
) -> dict[str, Bools]:
    """Find the slices that a user asks for.

    Args:
        source: Where the texts come from.
        reading: How it was read.
        specs: "length", "label", "contains:WORDS" (in any case), or a column of the source: its name, or "column:NAME".
        examples: N texts with their targets.
        rows: As for :func:`make_slices`.
        labels: Of the targets.

    Returns:
        Name -> which texts are in the slice, (N,), in the order of the specs.

    Raises:
        SettingsError: If there is no such column; names those there are.
    """
    columns = [spec.removeprefix(_COLUMN) for spec in specs if spec not in _BUILT_IN and not spec.startswith(_CONTAINS)]
    values = read_columns(source, reading, columns, labels, flag="--slice")
    slices: dict[str, Bools] = {}
    for spec in specs:
        if spec == "length":
            slices |= _by_length(examples.texts)
        elif spec == "label":
            slices |= _by_label(examples, labels)
        elif spec.startswith(_CONTAINS):
            slices |= _by_words(examples.texts, spec.removeprefix(_CONTAINS))
        else:
            slices |= _by_value(spec.removeprefix(_COLUMN), values[spec.removeprefix(_COLUMN)], rows)
    return slices


def _by_value(column: str, values: Cells, rows: Ints | None) -> dict[str, Bools]:
    chosen = values if rows is None else values[rows]
    return {f"{column} = {_shortened(value)}": chosen == value for value in _most_frequent(chosen)}


def _by_words(texts: Sequence[str], words: str) -> dict[str, Bools]:
    if not words.strip():
        raise SettingsError("--slice contains: names no words; for example contains:refund")
    wanted = words.casefold()
    return {f"contains {_shortened(words)!r}": np.array([wanted in text.casefold() for text in texts], dtype=np.bool_)}


def read_columns(
    source: DataSource, reading: DataSettings, columns: Sequence[str], labels: Labels, *, flag: str = "--slices"
) -> Mapping[str, Cells]:
    """Read further columns of a labeled source.

    Args:
        source: The source.
        reading: How it is read.
        columns: Their names.
        labels: Those that are known.
        flag: What named the columns, for messages.

    Returns:
        Column -> its value of each row that can be used, as text, (N,).

    Raises:
        SettingsError: If a table has no such column; names those there are.
    """
    if not columns:
        return {}
    collected = read_source(source, reading, labels=labels)
    values: dict[str, list[str]] = {column: [] for column in columns}
    with open_source(source, reading) as tables:
        for number, table in enumerate(tables):
            for column in columns:
                if column not in table.columns:
                    raise SettingsError(
                        f"{flag} names the column {column!r}, and {table.name} has {', '.join(table.columns)}"
                    )
            start = collected.starts[number]
            end = collected.starts[number + 1] if number + 1 < len(tables) else len(collected)
            usable = set(collected.lines[start:end])
            for line, cells, _ in table.read(columns):
                if line in usable:
                    for column in columns:
                        values[column].append(str(cells.get(column, "")))
    return {column: np.array(cells, dtype=object) for column, cells in values.items()}


def _most_frequent(values: Cells) -> list[str]:
    names, counts = np.unique(values.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_MAX_VALUES]
    return [str(names[index]) for index in sorted(order.tolist())]


def _by_length(texts: Sequence[str]) -> dict[str, Bools]:
    """Cut the texts at whole numbers of words into three parts of about as many texts."""
    lengths = np.array([len(text.split()) for text in texts])
    cuts = np.unique(np.quantile(lengths, np.arange(1, _NUM_LENGTHS) / _NUM_LENGTHS, method="lower"))
    bins = np.searchsorted(cuts, lengths)
    slices = {}
    for number in np.unique(bins).tolist():
        inside = bins == number
        low, high = lengths[inside].min(), lengths[inside].max()
        slices[f"length = {low} to {high} words" if low != high else f"length = {low} words"] = inside
    return slices if len(slices) > 1 else {}


def _by_label(examples: Examples, labels: Labels) -> dict[str, Bools]:
    if labels.task is Task.SINGLE_LABEL:
        return {f"label = {_shortened(name)}": examples.targets == index for index, name in enumerate(labels.names)}
    return {
        f"label = {_shortened(name)}": examples.targets[:, index].astype(np.bool_)
        for index, name in enumerate(labels.names)
    }


def _shortened(value: str) -> str:
    plain = " ".join(value.split())
    return plain if len(plain) <= _MAX_SHOWN else plain[: _MAX_SHOWN - 1] + "…"
