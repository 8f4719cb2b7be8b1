"""Read Excel workbooks; the only place that imports python-calamine.

A cell is read as the text that Excel would write to CSV, so that a file says the same in both forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from textwright.data.settings import FileSettings
from textwright.data.tables import SAMPLE_ROWS, Row, Table, check_columns
from textwright.errors import DataError, MissingExtraError


def open_excel(path: Path | str, settings: FileSettings) -> Table:
    """Open one sheet of a workbook.

    Args:
        path: An ``.xlsx`` file.
        settings: Names the sheet, where several have rows.

    Returns:
        A table; rows are counted as Excel counts them, and the first one that is not empty names the columns.

    Raises:
        DataError: If the file is no workbook or locked by a password, or it cannot be told which sheet is meant, or the
            sheet has no rows.
        MissingExtraError: If python-calamine is not installed.
    """
    workbook = _open(path)
    try:
        sheet = _find_sheet(workbook, path, settings.sheet)
        rows = _rows(sheet)
        name = f"{path}, sheet {sheet.name!r}"
        line, header = next(rows, (1, []))
        columns = check_columns([cell for cell in header if cell.strip()], f"{name}, row {line}")
        position = [line]
        examples = _examples(rows, [number for number, cell in enumerate(header) if cell.strip()], columns, position)
        sample = list(islice(examples, SAMPLE_ROWS))
    finally:
        workbook.close()
    if not sample:
        raise DataError(f"{name}: there is a row of column names and no example below it")

    def read(_columns: Sequence[str]) -> Iterator[Row]:
        yield from sample
        yield from examples

    return Table(name, columns, sample, read, "row", fraction_read=lambda: position[0] / max(sheet.total_height, 1))


def _open(path: Path | str) -> Any:  # noqa: ANN401  a workbook
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ImportError as error:
        raise MissingExtraError("reading Excel files", "excel") from error
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise DataError(f"{path}: the workbook is locked by a password; save it without one") from error
    except (CalamineError, OSError) as error:
        raise DataError(f"{path}: not an Excel workbook that can be read: {error}") from error


def _find_sheet(workbook: Any, path: Path | str, name: str | None) -> Any:  # noqa: ANN401
    """Find the sheet that is named, or the only one that has rows."""
    names = list(workbook.sheet_names)
    if name is not None and name not in names:
        raise DataError(f"{path}: there is no sheet {name!r}; there are {', '.join(map(repr, names))}")
    sheets = [workbook.get_sheet_by_name(sheet) for sheet in ([name] if name is not None else names)]
    with_rows = [sheet for sheet in sheets if sheet.height]
    if not with_rows:
        raise DataError(f"{path}: the file has no rows" + (f" in sheet {name!r}" if name is not None else ""))
    if len(with_rows) > 1:
        shown = ", ".join(repr(sheet.name) for sheet in with_rows)
        raise DataError(f"{path}: {len(with_rows)} sheets have rows ({shown}); name one with --sheet")
    return with_rows[0]


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401
    """Yield the rows that are not empty, each with its number in Excel."""
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [_text(cell) for cell in cells]
        if any(text.strip() for text in texts):
            yield number, texts


def _examples(
    rows: Iterator[tuple[int, list[str]]], places: Sequence[int], columns: Sequence[str], position: list[int]
) -> Iterator[Row]:
    for number, cells in rows:
        position[0] = number
        yield Row(number, dict(zip(columns, [cells[place] for place in places], strict=True)))


def _text(cell: object) -> str:
    """Write a cell as Excel writes it to CSV: whole numbers without a point, truth values in capitals."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return "" if cell is None else str(cell)
