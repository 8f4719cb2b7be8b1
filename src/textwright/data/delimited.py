"""Read CSV and TSV: the standard library's parser, held to the rules, with every line known.

The parser runs in strict mode. Otherwise one forgotten quote would swallow the rows up to the next one in silence.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.settings import DataSettings
from textwright.data.tables import SAMPLE_ROWS, Row, Table, check_columns
from textwright.data.text_files import TextFile
from textwright.errors import DataError

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_MAX_CELL: Final = 16 * 2**20
"""Characters of the largest cell, 16 Mi: more is a quote that was never closed."""


def open_delimited(path: Path, settings: DataSettings, row_errors: RowErrors = END_AT_FIRST) -> Table:
    """Open a CSV or TSV file, compressed or not.

    Args:
        path: A ``.csv`` or ``.tsv`` file, with ``.gz`` or ``.zst`` behind it or not. A CSV whose first line has no
            comma may be separated by semicolons or tabs.
        settings: Its encoding and whether quotes have a meaning.
        row_errors: What happens to a row that cannot be read.

    Returns:
        A table; the first line names its columns.

    Raises:
        DataError: If the file is empty, has no usable header, or a row of the sample is broken.
    """
    file = TextFile(path, settings.encoding, row_errors)
    try:
        return _table(file, is_tsv=".tsv" in path.suffixes[-2:], quotes=settings.quotes, row_errors=row_errors)
    except BaseException:
        file.close()
        raise


def _table(file: TextFile, *, is_tsv: bool, quotes: bool, row_errors: RowErrors) -> Table:
    lines = file.lines()
    first = next(lines)
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(
        chain([first], lines),
        delimiter="\t" if is_tsv else _delimiter(first),
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    cells = _cells(reader, file.name, row_errors)
    _, header = next(cells, (1, []))
    columns = check_columns(header, file.name)
    rows = _rows(cells, columns, file.name, row_errors)
    sample = list(islice(rows, SAMPLE_ROWS))
    if not sample:
        raise DataError(f"{file.name}: there is a line of column names and no example below it")
    return Table(
        name=file.name,
        columns=columns,
        sample=sample,
        read=lambda _columns: chain(sample, rows),
        repairs=file.repairs,
        fraction_read=file.fraction_read,
        close=file.close,
    )


def _delimiter(header: str) -> str:
    return next((mark for mark in ",;\t" if mark in header), ",")


def _cells(reader: CsvReader, name: str, row_errors: RowErrors) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each record with the line it starts on; blank lines are passed over."""
    start = 1
    while True:
        try:
            for cells in reader:
                if cells:
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            line, reason = _broken(error, start, reader.line_num)
            row_errors.report(RowProblem.MALFORMED, f"{name}, line {line}", reason)
            start = reader.line_num + 1  # the parser begins anew with the next line
        else:
            return


def _broken(error: csv.Error, start: int, line: int) -> tuple[int, str]:
    """Return the line to look at, and what is wrong there."""
    cure = 'write a quote inside a quoted cell twice (""), or say --no-quotes if quotes are ordinary characters here'
    if "expected after" in str(error):
        return line, f"a quoted cell that began in the row of line {start} goes on after its quote; {cure}"
    if "field larger" in str(error) and line == start:
        return start, f"a cell of more than {_MAX_CELL:,} characters; cut longer texts"
    if "end of data" in str(error) or "field larger" in str(error):
        return start, f"a quote opens here and is never closed; {cure}"
    return start, f"{error}; {cure}"


def _rows(
    cells: Iterator[tuple[int, list[str]]], columns: Sequence[str], name: str, row_errors: RowErrors
) -> Iterator[Row]:
    width = len(columns)
    for line, values in cells:
        if len(values) == width:
            yield Row(line, dict(zip(columns, values, strict=True)))
            continue
        row_errors.report(
            RowProblem.MALFORMED,
            f"{name}, line {line}",
            f"cells: {len(values)}, but line 1 names {width} columns ({', '.join(columns)}); "
            "put cells that hold the separator in double quotes",
        )
