"""Stream texts without labels from a file, each with its whole record, for ``textwright predict --input``.

:mod:`textwright.data.writers` writes the records back, with predictions beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from textwright.data.columns import find_text_column
from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.sections import Section
from textwright.data.settings import FileSettings
from textwright.data.sources import open_file, open_section
from textwright.data.tables import Table


class TextRow(NamedTuple):
    """A text and the record that it stands in, all columns.

    Args:
        text: The text; empty for null.
        record: Its columns; all null where the row could not be read.
        error: Why there is no text to predict, with its place; else empty.
    """

    text: str
    record: Mapping[str, object]
    error: str = ""


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
def open_texts(
    path: Path | str,
    settings: FileSettings,
    row_errors: RowErrors = END_AT_FIRST,
    *,
    only_columns: bool = False,
    section: Section | None = None,
) -> Iterator[TextRows]:
    """Open a file of texts, of any format that is read.

    Args:
        path: The file, or ``STREAM`` for standard input; ``.gz`` and ``.zst`` are decompressed while reading.
        settings: Text column, encoding and delimiter.
        row_errors: What happens to a row without a text that can be read; by default it ends the reading.
        only_columns: Give each record exactly the columns of the file, for a format that has columns. A record of JSON
            lines with a further key is an error then.
        section: The part of the file that is read; None reads the whole file.

    Yields:
        Its rows.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it cannot be read, or the text column cannot be told; names the line of a broken row.
    """
    opened = open_section(str(path), settings, section, row_errors) if section else None
    with opened or open_file(Path(path), settings, row_errors) as table:
        column = find_text_column(table, settings)
        rows = _rows(table, column, row_errors, only_columns=only_columns)
        yield TextRows(table.columns, column, rows, table.fraction_read)


def _rows(table: Table, column: str, row_errors: RowErrors, *, only_columns: bool) -> Iterator[TextRow]:
    for line, values, reading_error in table.read(table.columns):
        record, error = values or dict.fromkeys(table.columns), reading_error
        text = record.get(column)
        if not error:
            reason = _text_problem(record, column) or (_column_problem(record, table) if only_columns else "")
            if reason:
                row_errors.report(RowProblem.NO_TEXT, table.at(line), reason)
                error = row_errors.take()
        if only_columns:
            record = {name: record.get(name) for name in table.columns}
        yield TextRow(text if isinstance(text, str) else "", record, error)


def _text_problem(record: Mapping[str, object], column: str) -> str:
    """Say why a record has no text; null is an empty text."""
    text = record.get(column)
    if isinstance(text, str) or (text is None and column in record):
        return ""
    what = f"a value of type {type(text).__name__} stands as" if column in record else "there is no"
    return f"{what} {column!r}; the text must be a string"


def _column_problem(record: Mapping[str, object], table: Table) -> str:
    extra = [name for name in record if name not in table.columns]
    if not extra:
        return ""
    return (
        f"the record has {extra[0]!r}, which none of the first {len(table.sample):,} records had, so it has no column "
        "in this format; write to a .jsonl file"
    )
