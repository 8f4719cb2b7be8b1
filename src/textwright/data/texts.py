"""Stream texts without labels from a file, each with its whole record, for ``textwright predict --input``.

:mod:`textwright.data.output` writes the records back, with predictions beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from textwright.data.columns import find_text_column
from textwright.data.settings import DataSettings
from textwright.data.sources import open_file
from textwright.data.tables import Table
from textwright.errors import DataError


class TextRow(NamedTuple):
    """A text and the record that it stands in, all columns."""

    text: str
    record: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TextRows:
    """An open file of texts.

    Args:
        columns: The columns of the file; JSON lines may hold further ones in later records.
        text_column: The column that the texts come from.
        rows: Every row, in order, once; memory does not grow with the file.
        fraction_read: How much of the file has been read, in [0, 1], for a progress bar.
    """

    columns: tuple[str, ...]
    text_column: str
    rows: Iterator[TextRow]
    fraction_read: Callable[[], float]


@contextmanager
def open_texts(path: Path, settings: DataSettings) -> Iterator[TextRows]:
    """Open a file of texts: CSV, TSV, JSON lines or Parquet.

    Args:
        path: The file; ``.gz`` and ``.zst`` are decompressed while reading.
        settings: Text column and encoding; the label settings are not looked at.

    Yields:
        Its rows. While they are read, a broken row raises :class:`DataError` with its line.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it cannot be read, or the text column cannot be told.
    """
    with open_file(path, settings) as table:
        column = find_text_column(table, settings)
        yield TextRows(table.columns, column, _rows(table, column), table.fraction_read)


def _rows(table: Table, column: str) -> Iterator[TextRow]:
    for line, record in table.read(table.columns):
        text = record.get(column)
        if isinstance(text, str):
            yield TextRow(text, record)
        elif text is None and column in record:
            yield TextRow("", record)
        else:
            what = f"a value of type {type(text).__name__} stands as" if column in record else "there is no"
            raise DataError(f"{table.at(line)}: {what} {column!r}; the text must be a string")
