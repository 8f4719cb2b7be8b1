"""What every reader gives: named columns and a stream of rows, each with the line it stands on.

A reader is one function, ``open_x(path, settings) -> Table``. :mod:`textwright.data.sources` chooses it; nobody else
knows formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, NamedTuple, Self, TypeAlias

from textwright.errors import DataError

SAMPLE_ROWS: Final = 200
"""Rows that are looked at to find columns and the task; read before the rest, whatever the size of the source."""


SPLIT_NAMES: Final[Mapping[str, str]] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
}
"""What people call a split -> its name here."""


class Row(NamedTuple):
    """One record.

    Args:
        line: The line it starts on, from 1.
        values: Its values by column; none if it could not be read.
        error: Why it could not be read, with its place, where reading goes on over such rows; else empty.
    """

    line: int
    values: Mapping[str, object]
    error: str = ""


@dataclass(slots=True)
class Repairs:
    """The lines whose bytes did not fit the encoding and were mended while reading."""

    lines: set[int] = field(default_factory=set)


ReadRows: TypeAlias = Callable[[Sequence[str]], Iterator[Row]]


@dataclass(slots=True)
class Table:
    """An open source of rows; close it, or use it in a ``with`` block.

    Args:
        name: What messages call it: the path, or the built-in name.
        columns: Its column names, distinct.
        sample: The first rows, at most ``SAMPLE_ROWS``; they are given again by ``read``.
        read: Gives every row, once; readers that can leave out columns other than the given ones do so.
        unit: What is counted by ``Row.line``: "line" of a text file, "row" of anything else.
        split: Name of the split that the whole table belongs to, if it is known.
        class_names: Column -> names of its integer labels 0, 1, 2, ..., where the file itself names them.
        repairs: Grows while rows are read.
        fraction_read: How much of the source has been read, in [0, 1].
        close: Lets go of the file.
    """

    name: str
    columns: tuple[str, ...]
    sample: Sequence[Row]
    read: ReadRows
    unit: str = "line"
    split: str | None = None
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    repairs: Repairs = field(default_factory=Repairs)
    fraction_read: Callable[[], float] = lambda: 0.0
    close: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def at(self, line: int) -> str:
        """Say where a row stands, for a message: "reviews.csv, line 7"."""
        return f"{self.name}, {self.unit} {line}"


def check_columns(columns: Sequence[str], place: str) -> tuple[str, ...]:
    """Refuse a header that cannot be one; give columns without a name their position as name.

    Args:
        columns: The cells of the line that names them.
        place: Where that line stands, for messages.

    Returns:
        Distinct names.

    Raises:
        DataError: If a name occurs twice, or the line looks like an example instead of names.
    """
    names = tuple(cell.strip() or f"column {number}" for number, cell in enumerate(columns, start=1))
    for cell in names:
        if names.count(cell) > 1:
            raise DataError(f"{place}: column {cell!r} is named twice; give each column a name of its own")
        if _is_no_name(cell):
            raise DataError(
                f"{place}: {_short(cell)} is no column name, so the first line looks like an example; add a "
                "first line that names the columns, for example text,label"
            )
    return names


def _is_no_name(cell: str) -> bool:
    if cell.endswith(("?", ":")):  # surveys name a column by its question
        return False
    return len(cell) > 64 or len(cell.split()) > 4 or cell.lstrip("-").isdecimal()


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
