"""Copy a Parquet file batch by batch, with columns added, for ``textwright predict``.

The columns of the source are never turned into Python's values, so each keeps its type, and the file its metadata:
maps, nanoseconds, dictionaries, and columns whose first values are all null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

from textwright.core.files import open_binary
from textwright.data.columns import find_text_column
from textwright.data.parquet import RowBatches, open_parquet, parquet_file
from textwright.data.settings import FileSettings
from textwright.data.writers import arrow_types
from textwright.errors import DataError

AddColumns: TypeAlias = Callable[[Sequence[str]], Mapping[str, Sequence[object]]]
"""Texts of a batch -> the values of each added column."""


def copy_parquet(
    source: Path,
    target: Path,
    settings: FileSettings,
    types: Mapping[str, type],
    add_columns: AddColumns,
    progress: Callable[[int, float], object],
) -> int:
    """Copy a Parquet file and add columns that are computed from its texts.

    Args:
        source: An existing Parquet file.
        target: Where to write; it appears only when every row was written.
        settings: Text column.
        types: Added columns and their types: ``str``, ``float``, ``bool``, or ``list`` of strings.
        add_columns: Called with the texts of each batch, in order.
        progress: Called with the rows written so far and their share of all, in [0, 1].

    Returns:
        The number of rows.

    Raises:
        DataError: If a text is not a string, or a file cannot be read or written.
    """
    with open_parquet(source) as table, open_binary(target) as output:
        column = find_text_column(table, settings)
        file = parquet_file(source)
        num_rows = int(file.metadata.num_rows)
        rows = RowBatches(file, str(source))
        copy_rows(
            rows, range(num_rows), column, output, types, add_columns, lambda done: progress(done, done / num_rows)
        )
    return num_rows


def copy_rows(
    source: RowBatches,
    rows: range,
    text_column: str,
    output: IO[bytes],
    types: Mapping[str, type],
    add_columns: AddColumns,
    progress: Callable[[int], object],
) -> None:
    """Copy rows of a Parquet file and add columns that are computed from their texts.

    Args:
        source: The file; asked for rows further on, it need not read it again.
        rows: Positions of the rows, from 0.
        text_column: Column of the texts.
        output: Open for writing.
        types: Added columns and their types.
        add_columns: Called with the texts of each batch, in order.
        progress: Called with the number of rows written so far.

    Raises:
        DataError: If a text is not a string, or the file cannot be read on.
    """
    import pyarrow as pa
    from pyarrow import parquet

    file_schema = source.file.schema_arrow
    position = file_schema.names.index(text_column)
    added = arrow_types(types)
    schema = pa.schema([*file_schema, *added.items()], metadata=file_schema.metadata)
    num_rows = 0
    with parquet.ParquetWriter(output, schema) as writer:
        for batch in source.read(rows):
            texts = _texts(batch.column(position), f"{source.name}, row {rows.start + num_rows + 1}", text_column)
            values = add_columns(texts)
            arrays = [pa.array(values[column], kind) for column, kind in added.items()]
            writer.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *arrays], schema=schema))
            num_rows += batch.num_rows
            progress(num_rows)


def _texts(cells: Any, place: str, column: str) -> list[str]:  # noqa: ANN401
    """Return the texts of a column of strings; null is an empty text."""
    texts: list[str] = ["" if cell is None else cell for cell in cells.to_pylist()]
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"{place}: {column!r} is a column of type {cells.type}; the text must be a string")
    return texts
