"""Copy a Parquet file batch by batch, with columns added, for ``textwright predict``.

The columns of the source are never turned into Python's values, so each keeps its type, and the file its metadata:
maps, nanoseconds, dictionaries, and columns whose first values are all null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from textwright.data.columns import find_text_column
from textwright.data.parquet import open_parquet
from textwright.data.settings import FileSettings
from textwright.data.writers import arrow_types, open_binary
from textwright.errors import DataError

_BATCH_ROWS: Final = 8_192

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
    import pyarrow as pa
    from pyarrow import parquet

    num_rows = 0
    with open_parquet(source) as table, parquet.ParquetFile(source) as file, open_binary(target) as output:
        column = find_text_column(table, settings)
        position = file.schema_arrow.names.index(column)
        added = arrow_types(types)
        schema = pa.schema([*file.schema_arrow, *added.items()], metadata=file.schema_arrow.metadata)
        with parquet.ParquetWriter(output, schema) as writer:
            for batch in _batches(file, source):
                values = add_columns(_texts(batch.column(position), table.at(num_rows + 1), column))
                arrays = [pa.array(values[name], kind) for name, kind in added.items()]
                writer.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *arrays], schema=schema))
                num_rows += batch.num_rows
                progress(num_rows, num_rows / file.metadata.num_rows)
    return num_rows


def _batches(file: Any, source: Path) -> Iterator[Any]:  # noqa: ANN401  pyarrow has no types
    from pyarrow import ArrowException

    try:
        yield from file.iter_batches(batch_size=_BATCH_ROWS)
    except (ArrowException, OSError) as error:
        raise DataError(f"{source}: the file cannot be read on: {error}") from error


def _texts(cells: Any, place: str, column: str) -> list[str]:  # noqa: ANN401
    """Return the texts of a column of strings; null is an empty text."""
    texts: list[str] = ["" if cell is None else cell for cell in cells.to_pylist()]
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"{place}: {column!r} is a column of type {cells.type}; the text must be a string")
    return texts
