"""Workbooks and Arrow files are read as the same rows of a CSV file are."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from openpyxl import Workbook
from pyarrow import feather

from textwright.data.load import load_examples, read_source
from textwright.data.settings import DataSettings, FileSettings
from textwright.data.text_reader import open_texts
from textwright.data.writers import open_output
from textwright.errors import DataError

ROWS = [("text", "label"), ("good film", "pos"), ("bad film", "neg"), ("Größe 三", "pos")]


def workbook(path: Path, **sheets: list[tuple[object, ...]]) -> str:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return str(path)


def test_a_workbook_gives_what_its_csv_gives(tmp_path: Path) -> None:
    csv = tmp_path / "rows.csv"
    csv.write_text("\n".join(",".join(row) for row in ROWS), encoding="utf-8")
    xlsx = workbook(tmp_path / "rows.xlsx", Sheet1=ROWS, Empty=[])

    read = read_source(xlsx, DataSettings())
    expected = read_source(str(csv), DataSettings())

    assert (read.texts, read.names, list(read.lines)) == (expected.texts, expected.names, [2, 3, 4])


def test_cells_are_written_as_excel_writes_them_to_csv(tmp_path: Path) -> None:
    rows = [("text", "when", "share", "count", "flag", "none"), ("a", date(2026, 5, 1), 0.5, 3, True, None)]
    xlsx = workbook(tmp_path / "cells.xlsx", Sheet1=[(), (), *rows])

    with open_texts(Path(xlsx), FileSettings(text_column="text")) as texts:
        (row,) = texts.rows

    cells = ["a", "2026-05-01", "0.5", "3", "TRUE", ""]
    assert row.record == dict(zip(rows[0], cells, strict=True))


def test_the_sheet_must_be_named_where_several_have_rows(tmp_path: Path) -> None:
    xlsx = workbook(tmp_path / "rows.xlsx", First=ROWS, Second=[*ROWS, ("more", "neg")])

    with pytest.raises(DataError, match=r"2 sheets have rows \('First', 'Second'\); name one with --sheet"):
        read_source(xlsx, DataSettings())
    assert len(read_source(xlsx, DataSettings(sheet="Second"))) == 4
    with pytest.raises(DataError, match=r"no sheet 'Third'; there are 'First', 'Second'"):
        read_source(xlsx, DataSettings(sheet="Third"))


@pytest.mark.parametrize("num_blank", [0, 2])
def test_a_bad_row_is_named_as_excel_counts_it(num_blank: int, tmp_path: Path) -> None:
    blank = [(None,)] * num_blank
    xlsx = workbook(tmp_path / "rows.xlsx", Sheet1=[*blank, *ROWS[:2], (None,), ("no label", None)])

    with pytest.raises(DataError, match=rf"rows\.xlsx, sheet 'Sheet1', row {4 + num_blank}: the label"):
        read_source(xlsx, DataSettings())


@pytest.mark.parametrize("rows", [[], [("text", "label")]])
def test_a_workbook_without_examples_is_refused(rows: list[tuple[object, ...]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no rows|no example"):
        read_source(workbook(tmp_path / "rows.xlsx", Sheet1=rows), DataSettings())


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.arrow", "rows.feather"])
def test_a_file_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"not what it says")
    with pytest.raises(DataError, match="that can be read"):
        read_source(str(path), DataSettings())


@pytest.mark.parametrize("form", ["file", "stream", "feather"])
def test_arrow_files_are_read_in_every_form(form: str, tmp_path: Path) -> None:
    columns = zip(*ROWS[1:], strict=True)
    table = pa.table(dict(zip(ROWS[0], map(list, columns), strict=True)))
    path = tmp_path / ("rows.feather" if form == "feather" else "rows.arrow")
    if form == "feather":
        feather.write_feather(table, path)
    else:
        new = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
        with new(str(path), table.schema) as writer:
            writer.write_table(table)

    collected = read_source(str(path), DataSettings())

    assert collected.texts == [row[0] for row in ROWS[1:]]
    examples = load_examples(str(path), DataSettings(), collected.labels())
    assert examples.targets.tolist() == [1, 0, 1]


@pytest.mark.parametrize("name", ["out.xlsx", "out.arrow"])
def test_what_is_only_read_is_not_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="read only; write to one of"), open_output(tmp_path / name):
        pass
    assert not list(tmp_path.iterdir())
