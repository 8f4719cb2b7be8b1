"""Read CSV and TSV: the standard library's parser, held to the rules, with every line known.

The parser runs in strict mode. Otherwise one forgotten quote would swallow the rows up to the next one in silence.
After an error it goes on with the line below the one where the broken row began, so that no other row is lost.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.sections import Section
from textwright.data.settings import FileSettings
from textwright.data.tables import Row, Table, check_columns
from textwright.data.text_files import TextFile
from textwright.errors import DataError

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_MAX_CELL: Final = 16 * 2**20
"""Characters of the largest cell, 16 Mi: more is a quote that was never closed."""
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^"])"?\r?\n?', re.IGNORECASE)
"""What Excel writes and reads above the column names."""
_SEPARATORS: Final = ",;\t|"
_BACKSLASH_CURE: Final = "quotes are written as \\\" here, so say --escape-character '\\'"


def open_delimited(
    path: Path | str, settings: FileSettings, row_errors: RowErrors = END_AT_FIRST, section: Section | None = None
) -> Table:
    """Open a CSV or TSV file, compressed or not.

    Args:
        path: A ``.csv`` or ``.tsv`` file, with ``.gz`` or ``.zst`` behind it or not. The separator of a CSV is what
            Excel's line ``sep=;`` says, else the first of comma, semicolon, tab and ``|`` that its column names hold.
        settings: Its encoding, its separator if it is another one, and what quotes and backslashes mean.
        row_errors: What happens to a row that cannot be read.
        section: Its part that is read; None reads the whole file.

    Returns:
        A table; the first line names its columns.

    Raises:
        DataError: If the file is empty, has no usable header, or a row of the sample is broken.
    """
    file = TextFile(path, settings.encoding, row_errors, section)
    try:
        return _table(file, settings, row_errors, is_tsv=".tsv" in Path(path).suffixes[-2:])
    except BaseException:
        file.close()
        raise


def _table(file: TextFile, settings: FileSettings, row_errors: RowErrors, *, is_tsv: bool) -> Table:
    text = file.lines()
    first = next(text)
    separator = separator_of(first)
    if separator:
        first = next(text, "")
    lines = _Lines(chain([first], text), num_before=1 if separator else 0)
    delimiter = settings.delimiter or separator or delimiter_of(first, is_tsv=is_tsv)
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if settings.quotes else csv.QUOTE_NONE,
        escapechar=settings.escape_character,
        strict=True,
    )
    records = _records(reader, lines, file.name, row_errors)
    line, header = next(records, (1, []))
    if header is None:
        raise DataError(row_errors.take())
    columns = check_columns(header, f"{file.name}, line {line}")
    if file.section is not None:
        lines.skip(file.section.num_lines_skipped)
    rows = _rows(records, lines, columns, f"line {line} names {len(columns)} columns", file.name, row_errors, delimiter)
    return file.table(rows, "there is a line of column names and no example below it", columns)


def separator_of(line: str) -> str:
    """Return the separator that Excel's line ``sep=;`` names; empty for any other line."""
    separator_line = _SEPARATOR_LINE.fullmatch(line)
    return separator_line[1] if separator_line else ""


def delimiter_of(header: str, *, is_tsv: bool) -> str:
    """Tell the separator from the line that names the columns."""
    return "\t" if is_tsv else next((mark for mark in _SEPARATORS if mark in header), ",")


class _Lines:
    """Gives the parser its lines, and those of a broken record but the first again.

    Args:
        lines: Lines with their ends.
        num_before: Lines of the file that come before them.
    """

    def __init__(self, lines: Iterator[str], *, num_before: int) -> None:
        self._lines = lines
        self._again: list[str] = []
        self.number = num_before
        """Of the line that was given last, from 1."""
        self.record: list[str] = []
        """The lines that the parser has taken since the last whole record."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.number += 1
        self.record.append(line)
        return line

    @property
    def start(self) -> int:
        """The line on which the record begins."""
        return self.number - len(self.record) + 1

    def skip(self, count: int) -> None:
        """Number the following lines as if so many stood before them."""
        self.number += count

    def retry(self) -> None:
        """Give the record's lines again, all but the first."""
        self._again.extend(self.record[:0:-1])
        self.number = self.start
        self.record.clear()


def _records(
    reader: CsvReader, lines: _Lines, name: str, row_errors: RowErrors
) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the cells of each record with the line it starts on, None for a broken one; blank lines are passed over."""
    while True:
        try:
            for cells in reader:
                if cells:
                    yield lines.start, cells
                lines.record.clear()
        except csv.Error as error:
            start = lines.start
            line, reason = _broken(error, lines)
            row_errors.report(RowProblem.MALFORMED, f"{name}, line {line}", reason)
            lines.retry()
            yield start, None
        else:
            return


def _broken(error: csv.Error, lines: _Lines) -> tuple[int, str]:
    """Return the line to look at, and what is wrong there."""
    start, line = lines.start, lines.number
    cure = 'write a quote inside a quoted cell twice (""), or say --no-quotes if quotes are ordinary characters here'
    if _has_backslash_quote(lines):
        cure = _BACKSLASH_CURE
    if "expected after" in str(error):
        return line, f"a quoted cell that began in the row of line {start} goes on after its quote; {cure}"
    if "field larger" in str(error) and line == start:
        return start, f"a cell of more than {_MAX_CELL:,} characters; cut longer texts"
    if "end of data" in str(error) or "field larger" in str(error):
        return start, f"a quote opens here and is never closed; {cure}"
    return start, f"{error}; {cure}"


def _has_backslash_quote(lines: _Lines) -> bool:
    return any('\\"' in line for line in lines.record)


def _rows(
    records: Iterator[tuple[int, list[str] | None]],
    lines: _Lines,
    columns: Sequence[str],
    named: str,
    name: str,
    row_errors: RowErrors,
    delimiter: str,
) -> Iterator[Row]:
    width = len(columns)
    for line, values in records:
        if values is not None and len(values) == width:
            yield Row(line, dict(zip(columns, values, strict=True)), row_errors.take())
            continue
        if values is not None:
            cure = f"put cells that hold {delimiter!r} in double quotes, or name another separator with --delimiter"
            row_errors.report(
                RowProblem.MALFORMED,
                f"{name}, line {line}",
                f"cells: {len(values)}, but {named} ({', '.join(columns)}); "
                + (_BACKSLASH_CURE if _has_backslash_quote(lines) else cure),
            )
        error = row_errors.take()
        if error:
            yield Row(line, {}, error)
