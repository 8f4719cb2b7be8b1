"""Stream the rows of a labeled source into arrays: a million rows cost their texts and a few bytes each.

Called by :mod:`textwright.data.load` and :mod:`textwright.data.check`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.columns import Columns, find_columns
from textwright.data.label_layouts import LabelLayout, find_layout
from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.settings import DataSettings
from textwright.data.stored_texts import StoredTexts, take_texts
from textwright.data.tables import SPLIT_NAMES, Table
from textwright.errors import DataError

SPLITS: Final = ("train", "validation", "test")
NO_SPLIT: Final = -1
"""Split number of a row whose source brings no splits."""
MAX_CHARACTERS_IN_MEMORY: Final = 2**27
"""Of all texts of a source together; with more they go to a temporary file."""
_MAX_KNOWN_CELLS: Final = 100_000
"""Distinct cells whose labels are remembered; further ones are read anew, so that memory stays bounded."""


@dataclass(slots=True)
class Collected:
    """Every row of a source, N of them, in order.

    Args:
        source: What the user called it.
        task: Single-label or multi-label.
        texts: N texts, in a list or, of a large source, in a file.
        label_ids: Numbers of the labels in the order they were first met; all rows' after one another.
        label_ends: Where each row's labels end in ``label_ids``, (N,).
        names: Label names by number.
        lines: Line of each row in its table, (N,).
        splits: Position in ``SPLITS`` of each row's given split, (N,), or ``NO_SPLIT``.
        starts: First row of each table.
        places: What messages call each table, and its unit.
        layout: How the labels are written, in words.
        num_repaired: Lines whose bytes did not fit the encoding.
        num_unlabeled: Rows without a label that were skipped.
        dropped_labels: Labels that were dropped with too few texts -> distinct texts of each.
        num_dropped: Rows that lost a label with them; in a single-label source they were dropped.
        num_characters: Of all texts together.
    """

    source: str
    task: Task
    texts: list[str] | StoredTexts = field(default_factory=list)
    label_ids: array[int] = field(default_factory=lambda: array("i"))
    label_ends: array[int] = field(default_factory=lambda: array("q"))
    names: dict[str, int] = field(default_factory=dict)
    lines: array[int] = field(default_factory=lambda: array("q"))
    splits: array[int] = field(default_factory=lambda: array("b"))
    starts: list[int] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    layout: str = ""
    num_repaired: int = 0
    num_unlabeled: int = 0
    dropped_labels: dict[str, int] = field(default_factory=dict)
    num_dropped: int = 0
    num_characters: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    def add_text(self, text: str) -> None:
        """Append a text; texts that are too many for memory move to a file."""
        self.num_characters += len(text)
        if self.num_characters > MAX_CHARACTERS_IN_MEMORY and isinstance(self.texts, list):
            self.texts = StoredTexts(self.texts)
        self.texts.append(text)

    def at(self, row: int) -> str:
        """Say where a row stands, for a message: "reviews.csv, line 7"."""
        name, unit, line = self.place(row)
        return f"{name}, {unit} {line}"

    def place(self, row: int) -> tuple[str, str, int]:
        """Name the table of a row, what its rows are counted by, and its number: ("reviews.csv", "line", 7)."""
        return (*self.places[bisect_right(self.starts, row) - 1], self.lines[row])

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

    def keep(self, rows: Ints) -> None:
        """Drop all other rows.

        Args:
            rows: Positions of the rows that stay, ascending.
        """
        ends = np.frombuffer(self.label_ends, dtype=np.int64)
        counts = np.diff(ends, prepend=0)
        stays = np.zeros(len(self), dtype=np.bool_)
        stays[rows] = True
        ids = np.frombuffer(self.label_ids, dtype=np.int32)[np.repeat(stays, counts)]
        self.label_ids = array("i", ids.tolist())
        self.label_ends = array("q", np.cumsum(counts[rows]).tolist())
        self.texts = take_texts(self.texts, rows)
        self.lines = array("q", np.frombuffer(self.lines, dtype=np.int64)[rows].tolist())
        self.splits = array("b", np.frombuffer(self.splits, dtype=np.int8)[rows].tolist())
        self.starts = np.searchsorted(rows, self.starts).tolist()


def collect(
    source: str,
    tables: Sequence[Table],
    settings: DataSettings,
    labels: Labels | None = None,
    row_errors: RowErrors = END_AT_FIRST,
) -> Collected:
    """Read every row of a labeled source.

    Args:
        source: What the user called it.
        tables: Its open tables.
        settings: Columns and label separator.
        labels: Names and task that are known already; None takes both from the source.
        row_errors: What happens to rows that cannot be used.

    Returns:
        Its rows, without those that were reported to ``row_errors`` or skipped.

    Raises:
        DataError: If a row has no text, no label or an unknown one, or an unknown split; names file and line.
    """
    columns = [find_columns(table, settings, split_names=tuple(SPLIT_NAMES), labels=labels) for table in tables]
    task = labels.task if labels is not None else find_layout(tables[0], columns[0], settings).task
    layouts = [
        find_layout(table, columns_of_table, settings, task)
        for table, columns_of_table in zip(tables, columns, strict=True)
    ]
    names = dict(labels.index) if labels is not None else {}
    collected = Collected(source, task, names=names, layout=layouts[0].description)
    for table, columns_of_table, layout in zip(tables, columns, layouts, strict=True):
        if layout.task is not task:
            raise DataError(f"{table.name}: a {layout.task} file in a {task} source; give every file the same layout")
        _Collector(collected, table, columns_of_table, layout, settings, labels, row_errors).run()
    return collected


class _Collector:
    """Appends the rows of one table."""

    def __init__(
        self,
        into: Collected,
        table: Table,
        columns: Columns,
        layout: LabelLayout,
        settings: DataSettings,
        labels: Labels | None,
        row_errors: RowErrors,
    ) -> None:
        self._into = into
        self._table = table
        self._columns = columns
        self._layout = layout
        self._settings = settings
        self._labels = labels
        self._row_errors = row_errors
        self._known: dict[Hashable, tuple[int, ...]] = {}
        """Cell -> label ids; most cells were met before."""

    def run(self) -> None:
        into, known, split_column = self._into, self._known, self._columns.split
        text_column, key_of = self._columns.text, self._layout.key
        split_number = SPLITS.index(self._table.split) if self._table.split in SPLITS else NO_SPLIT
        into.starts.append(len(into))
        into.places.append((self._table.name, self._table.unit))
        for line, values, _ in self._table.read(self._columns.names):
            text = values.get(text_column)
            ids = known.get(key_of(values))
            if ids is None:
                ids = self._ids(line, values)
            if not isinstance(text, str):
                text = self._text(text, line, values)
            split = split_number if split_column is None else self._split(values.get(split_column), line)
            if ids is None or text is None or split is None:
                continue
            into.label_ids.extend(ids)
            into.label_ends.append(len(into.label_ids))
            into.add_text(text)
            into.lines.append(line)
            into.splits.append(split)
        into.num_repaired += len(self._table.repairs.lines)

    def _report(self, problem: RowProblem, line: int, reason: str) -> None:
        self._row_errors.report(problem, self._table.at(line), reason)

    def _text(self, value: object, line: int, values: Mapping[str, object]) -> str | None:
        column = self._columns.text
        if value is None and column in values:
            return ""
        what = "there is no" if value is None else f"a value of type {type(value).__name__} stands as"
        self._report(RowProblem.NO_TEXT, line, f"{what} {column!r}; the text must be a string")
        return None

    def _ids(self, line: int, values: Mapping[str, object]) -> tuple[int, ...] | None:
        """Number the labels of a row; None if it cannot be used."""
        try:
            names = self._layout.names(values)
            ids = None if names is None else tuple(map(self._id, names))
        except DataError as error:
            self._report(RowProblem.BAD_LABEL, line, str(error))
            return None
        key = self._layout.key(values)
        if ids is None:
            self._skip_unlabeled(line, values)
        elif key is not None and len(self._known) < _MAX_KNOWN_CELLS:
            self._known[key] = ids
        return ids

    def _skip_unlabeled(self, line: int, values: Mapping[str, object]) -> None:
        if self._settings.drop_unlabeled:
            self._into.num_unlabeled += 1
            return
        column = self._layout.column
        reason = f"the label ({column!r}) is empty; give the row a label or remove it"
        if self._columns.label is not None and column not in values:
            reason = f"there is no {column!r}; give every row its label"
        self._report(RowProblem.UNLABELED, line, f"{reason}, or skip such rows with --drop-unlabeled")

    def _id(self, name: str) -> int:
        names = self._into.names
        # Rare labels are dropped when every row is read; an unknown one may be one of them until then.
        if self._labels is None or name in names or self._settings.min_examples_per_label is not None:
            return names.setdefault(name, len(names))
        raise DataError(unknown_label(name, self._labels))

    def _split(self, value: object, line: int) -> int | None:
        name = SPLIT_NAMES.get(str(value).strip().lower())
        if name is not None:
            return SPLITS.index(name)
        reason = f"split {value!r} ({self._columns.split!r}) is not known; write train, validation or test"
        self._report(RowProblem.BAD_SPLIT, line, reason)
        return None


def unknown_label(name: str, labels: Labels) -> str:
    """Say that a model does not know a label, with the cure."""
    names = ", ".join(map(repr, labels.names[:20])) + (", ..." if len(labels) > 20 else "")
    return (
        f"label {name!r} is unknown to the model, whose labels are {names}; correct the label, remove the row, or "
        "train a new model on the old and the new rows together: textwright train ALL-ROWS --out NEW-FOLDER"
    )
