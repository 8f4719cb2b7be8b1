"""Stream the rows of a labelled source into arrays: a million rows cost their texts and a few bytes each.

Called by :mod:`textwright.data.load` and :mod:`textwright.data.check`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.columns import Columns, find_columns
from textwright.data.label_names import is_list, label_name, label_names
from textwright.data.settings import DataSettings
from textwright.data.tables import SPLIT_NAMES, Table
from textwright.errors import DataError

SPLITS: Final = ("train", "validation", "test")
NO_SPLIT: Final = -1
"""Split number of a row whose source brings no splits."""


@dataclass(slots=True)
class Collected:
    """Every row of a source, N of them, in order.

    Args:
        source: What the user called it.
        task: Single-label or multi-label.
        texts: N texts.
        label_ids: Numbers of the labels in the order they were first met; all rows' after one another.
        label_ends: Where each row's labels end in ``label_ids``, (N,).
        names: Label names by number.
        lines: Line of each row in its table, (N,).
        splits: Position in ``SPLITS`` of each row's given split, (N,), or ``NO_SPLIT``.
        starts: First row of each table.
        places: What messages call each table, and its unit.
        num_repaired: Lines whose bytes did not fit the encoding.
    """

    source: str
    task: Task
    texts: list[str] = field(default_factory=list)
    label_ids: array[int] = field(default_factory=lambda: array("i"))
    label_ends: array[int] = field(default_factory=lambda: array("q"))
    names: dict[str, int] = field(default_factory=dict)
    lines: array[int] = field(default_factory=lambda: array("q"))
    splits: array[int] = field(default_factory=lambda: array("b"))
    starts: list[int] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    num_repaired: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, row: int) -> str:
        """Say where a row stands, for a message: "reviews.csv, line 7"."""
        name, unit = self.places[bisect_right(self.starts, row) - 1]
        return f"{name}, {unit} {self.lines[row]}"

    def labels(self) -> Labels:
        """Order the label names that were met.

        Raises:
            DataError: If there are fewer than the task needs.
        """
        if self.task is Task.SINGLE_LABEL and len(self.names) == 1:
            (name,) = self.names
            raise DataError(
                f"{self.source}: every one of the {len(self):,} examples has the label {name!r}; a classifier needs "
                "at least 2 labels, so add examples of another one (or check --label-column)"
            )
        if not self.names:
            raise DataError(f"{self.source}: no example has a label; check --label-column")
        return Labels.sorted_from(set(self.names), self.task)

    def targets(self, labels: Labels) -> Ints | Bools:
        """Turn labels into targets.

        Args:
            labels: Holds every name that was met.

        Returns:
            Label indices, (N,), or which labels hold, (N, K), in the order of ``labels``.
        """
        index = labels.index
        order = np.array([index[name] for name in self.names], dtype=np.int64)
        ids = order[np.frombuffer(self.label_ids, dtype=np.int32)] if self.label_ids else np.empty(0, np.int64)
        if self.task is Task.SINGLE_LABEL:
            return ids
        holds = np.zeros((len(self), len(labels)), dtype=np.bool_)  # (N, K)
        num_labels = np.diff(self.label_ends, prepend=0)  # (N,)
        holds[np.repeat(np.arange(len(self)), num_labels), ids] = True
        return holds


def collect(source: str, tables: Sequence[Table], settings: DataSettings, labels: Labels | None = None) -> Collected:
    """Read every row of a labelled source.

    Args:
        source: What the user called it.
        tables: Its open tables.
        settings: Columns and label separator.
        labels: Names and task that are known already; None takes both from the source.

    Returns:
        At least one row.

    Raises:
        DataError: If a row has no text, no label or an unknown one, or an unknown split; names file and line.
    """
    columns = [find_columns(table, settings, split_names=tuple(SPLIT_NAMES)) for table in tables]
    task = labels.task if labels is not None else _task(tables[0], columns[0], settings)
    collected = Collected(source, task, names=dict(labels.index) if labels is not None else {})
    for table, found in zip(tables, columns, strict=True):
        _Collector(collected, table, found, settings, labels).run()
    return collected


def _task(table: Table, columns: Columns, settings: DataSettings) -> Task:
    is_multi = settings.label_separator is not None or any(
        is_list(row.values.get(str(columns.label))) for row in table.sample
    )
    return Task.MULTI_LABEL if is_multi else Task.SINGLE_LABEL


class _Collector:
    """Appends the rows of one table."""

    def __init__(
        self, into: Collected, table: Table, columns: Columns, settings: DataSettings, labels: Labels | None
    ) -> None:
        self._into = into
        self._table = table
        self._columns = columns
        self._separator = settings.label_separator
        self._labels = labels
        self._known: dict[str, tuple[int, ...]] = {}
        """Cell -> label ids; most cells are strings that were met before."""

    def run(self) -> None:
        into, known, split_column = self._into, self._known, self._columns.split
        text_column, label_column = self._columns.text, str(self._columns.label)
        split = SPLITS.index(self._table.split) if self._table.split in SPLITS else NO_SPLIT
        into.starts.append(len(into))
        into.places.append((self._table.name, self._table.unit))
        for line, values in self._table.read(self._columns.names):
            text, label = values.get(text_column), values.get(label_column)
            ids = known.get(label) if isinstance(label, str) else None
            into.label_ids.extend(self._ids(label, line, values) if ids is None else ids)
            into.label_ends.append(len(into.label_ids))
            into.texts.append(text if isinstance(text, str) else self._text(text, line, values))
            into.lines.append(line)
            into.splits.append(split if split_column is None else self._split(values.get(split_column), line))
        into.num_repaired += len(self._table.repairs.lines)

    def _text(self, value: object, line: int, values: object) -> str:
        column = self._columns.text
        if value is None and column in values:  # type: ignore[operator]
            return ""
        what = "there is no" if value is None else f"a value of type {type(value).__name__} stands as"
        raise DataError(f"{self._table.at(line)}: {what} {column!r}; the text must be a string")

    def _ids(self, label: object, line: int, values: object) -> tuple[int, ...]:
        if label is None and self._columns.label not in values:  # type: ignore[operator]
            raise DataError(f"{self._table.at(line)}: there is no {self._columns.label!r}; give every row its label")
        try:
            names = self._names(label)
        except DataError as error:
            raise DataError(f"{self._table.at(line)}: {error}") from error
        ids = tuple(self._id(name, line) for name in names)
        if isinstance(label, str):
            self._known[label] = ids
        return ids

    def _names(self, label: object) -> tuple[str, ...]:
        if self._into.task is Task.MULTI_LABEL:
            return label_names(label, self._separator)
        if is_list(label):
            raise DataError(f"a list of labels ({label}) in a single-label source; give every row a list or none")
        name = label_name(label)
        if not name:
            raise DataError(f"the label ({self._columns.label!r}) is empty; give the row a label or remove it")
        return (name,)

    def _id(self, name: str, line: int) -> int:
        names = self._into.names
        if self._labels is None:
            return names.setdefault(name, len(names))
        if name not in names:
            known = ", ".join(map(repr, self._labels.names[:20])) + (", ..." if len(self._labels) > 20 else "")
            raise DataError(
                f"{self._table.at(line)}: label {name!r} is unknown to the model, whose labels are {known}; correct "
                "the label, remove the row, or train again with it"
            )
        return names[name]

    def _split(self, value: object, line: int) -> int:
        name = SPLIT_NAMES.get(str(value).strip().lower())
        if name is None:
            raise DataError(
                f"{self._table.at(line)}: split {value!r} ({self._columns.split!r}) is not known; write train, "
                "validation or test"
            )
        return SPLITS.index(name)
