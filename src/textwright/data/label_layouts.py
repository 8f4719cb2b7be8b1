"""Where the labels of a row stand: in one cell, in a list, in a vector of 0 and 1, or in a column for each label.

Called by :mod:`textwright.data.reader`, which chooses one layout for each table.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar, Final

from textwright.core.labels import Task
from textwright.data.columns import Columns
from textwright.data.label_names import as_list, class_name, label_name, label_names
from textwright.data.settings import DataSettings
from textwright.data.tables import Table
from textwright.errors import DataError

_APPLIES: Final = frozenset(("1", "true", "yes", "y", "x"))
_APPLIES_NOT: Final = frozenset(("0", "false", "no", "n", ""))
_NAMED: Final = ", its numbers named"
_NOT_ANNOTATED: Final = "-1"
"""What published datasets write where nobody has looked at a row."""


class LabelLayout(ABC):
    """Reads the labels of the rows of one table.

    Args:
        column: What holds the labels, for messages.
    """

    task: ClassVar[Task]

    def __init__(self, column: str) -> None:
        self.column = column

    @property
    @abstractmethod
    def description(self) -> str:
        """What is read as the labels, in words."""

    def key(self, values: Mapping[str, object]) -> Hashable:
        """Return what decides a row's labels, so that equal cells are read once; None if it cannot be a key."""
        cell = values.get(self.column)
        return cell if isinstance(cell, str) else None

    @abstractmethod
    def names(self, values: Mapping[str, object]) -> Sequence[str] | None:
        """Name the labels of a row.

        Returns:
            Distinct names; none if no label of a multi-label source applies; None if the row has not been labeled.

        Raises:
            DataError: If the cell cannot be read; without a place, which the caller knows.
        """


class OneLabel(LabelLayout):
    """One label in a cell.

    Args:
        column: The column.
        classes: Names of the labels 0, 1, 2, ...; None takes the cells as they are.
    """

    task = Task.SINGLE_LABEL

    def __init__(self, column: str, classes: Sequence[str] | None) -> None:
        super().__init__(column)
        self._classes = classes

    @property
    def description(self) -> str:
        """What is read as the labels, in words."""
        return f"one label in column {self.column!r}" + _NAMED * (self._classes is not None)

    def names(self, values: Mapping[str, object]) -> Sequence[str] | None:
        """Name the label of a row."""
        cell = values.get(self.column)
        if as_list(cell) is not None:
            raise DataError(f"a list of labels ({cell}) in a single-label source; give every row a list or none")
        name = label_name(cell if self._classes is None else class_name(cell, self._classes))
        return (name,) if name else None


class LabelList(LabelLayout):
    """Labels in a list, or with a separator between them.

    Args:
        column: The column.
        separator: Text between labels; None expects lists.
        classes: Names of the labels 0, 1, 2, ...; None takes the items as they are.
    """

    task = Task.MULTI_LABEL

    def __init__(self, column: str, separator: str | None, classes: Sequence[str] | None) -> None:
        super().__init__(column)
        self._separator = separator
        self._classes = classes

    @property
    def description(self) -> str:
        """What is read as the labels, in words."""
        how = "lists" if self._separator is None else f"labels separated by {self._separator!r}"
        return f"{how} in column {self.column!r}" + _NAMED * (self._classes is not None)

    def names(self, values: Mapping[str, object]) -> Sequence[str] | None:
        """Name the labels of a row; a cell that is empty says that none applies, an absent one says nothing."""
        if self.column not in values:
            return None
        names = label_names(values[self.column], self._separator)
        if self._classes is None:
            return names
        return [name for name in map(label_name, (class_name(name, self._classes) for name in names)) if name]


class LabelVector(LabelLayout):
    """A vector with 1 where a label applies and 0 where not.

    Args:
        column: The column.
        width: Numbers of a vector.
        classes: Name of each position; None calls them by their number, from 0.
    """

    task = Task.MULTI_LABEL

    def __init__(self, column: str, width: int, classes: Sequence[str] | None) -> None:
        super().__init__(column)
        self._labels = classes or [str(number) for number in range(width)]
        self._has_names = classes is not None

    @property
    def description(self) -> str:
        """What is read as the labels, in words."""
        named = "" if self._has_names else ", called 0, 1, ...; name them with --label-names"
        return f"vectors of {len(self._labels)} numbers 0 or 1 in column {self.column!r}{named}"

    def names(self, values: Mapping[str, object]) -> Sequence[str] | None:
        """Name the positions that hold a 1."""
        cell = values.get(self.column)
        if cell is None or cell == "":
            return None
        items = as_list(cell)
        if items is None or len(items) != len(self._labels):
            raise DataError(
                f"{cell!r} is no vector of {len(self._labels)} numbers 0 or 1, one for each label; correct the row, or "
                "give as many --label-names as the vectors have numbers"
            )
        applies = [_applies(item, self.column) for item in items]
        if None in applies:
            return None
        return [name for name, flag in zip(self._labels, applies, strict=True) if flag]


class LabelColumns(LabelLayout):
    """A column for each label, with 1 where it applies and 0 or nothing where not.

    Args:
        columns: The columns, which are named like the labels.
    """

    task = Task.MULTI_LABEL

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(", ".join(columns))
        self._columns = columns

    @property
    def description(self) -> str:
        """What is read as the labels, in words."""
        return f"{len(self._columns)} columns of 0 and 1, one for each label"

    def key(self, values: Mapping[str, object]) -> Hashable:
        """Return the cells of the row."""
        cells = tuple(values.get(column) for column in self._columns)
        return cells if all(isinstance(cell, str | int | None) for cell in cells) else None

    def names(self, values: Mapping[str, object]) -> Sequence[str] | None:
        """Name the columns that hold a 1; a row with -1 in one of them, or with none of them, is not labeled."""
        if not any(column in values for column in self._columns):
            return None
        applies = [_applies(values.get(column), column) for column in self._columns]
        if None in applies:
            return None
        return [column for column, flag in zip(self._columns, applies, strict=True) if flag]


def find_layout(table: Table, columns: Columns, settings: DataSettings, task: Task | None = None) -> LabelLayout:
    """Choose how the labels of a table are read.

    Args:
        table: The table; its sample is looked at.
        columns: Where its labels stand.
        settings: Label separator and label names, as the user gave them.
        task: What is known already; None takes it from the table.

    Returns:
        A layout of that task, unless there is one column for each label.
    """
    if columns.label is None:
        return LabelColumns(columns.label_columns)
    classes = _split(settings.label_names) or table.class_names.get(columns.label)
    cells = [as_list(row.values.get(columns.label)) for row in table.sample]
    lists = [cell for cell in cells if cell is not None]
    is_multi = bool(lists) or settings.label_separator is not None
    if not (is_multi if task is None else task is Task.MULTI_LABEL):
        return OneLabel(columns.label, classes)
    width = vector_width(lists)
    if width is None or settings.label_separator is not None:
        return LabelList(columns.label, settings.label_separator, classes)
    return LabelVector(columns.label, width, classes)


def vector_width(lists: Sequence[Sequence[object]]) -> int | None:
    """Say how many numbers the vectors of a column have; None if its lists are lists of labels.

    Lists of 0 and 1 that all have one length are vectors, if a number stands twice in one of them: no list of labels
    names a label twice.
    """
    widths = {len(items) for items in lists}
    if len(widths) != 1:
        return None
    numbers = [[label_name(item) for item in items if isinstance(item, bool | int | float)] for items in lists]
    is_binary = all(
        len(names) == len(items) and set(names) <= {"0", "1", "false", "true"}
        for names, items in zip(numbers, lists, strict=True)
    )
    is_repeated = any(len(set(names)) < len(names) for names in numbers)
    return widths.pop() if is_binary and is_repeated else None


def _applies(cell: object, column: str) -> bool | None:
    """Say whether a label applies; None if nobody has looked."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return False
    name = label_name(cell).lower()
    if name in _APPLIES:
        return True
    if name in _APPLIES_NOT:
        return False
    if name == _NOT_ANNOTATED:
        return None
    raise DataError(f"{column!r} holds {cell!r}, which is neither 0 nor 1; correct it, or leave the column out")


def _split(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]
