"""Read Parquet and Arrow files, batch by batch; the only place of this room that imports pyarrow to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from textwright.data.tables import SAMPLE_ROWS, Row, Table
from textwright.errors import DataError, MissingExtraError

_BATCH_ROWS: Final = 8_192
_HUGGING_FACE: Final = b"huggingface"
"""Key of the schema's metadata under which ``datasets`` describes its columns."""


def open_parquet(path: Path) -> Table:
    """Open a Parquet file.

    Args:
        path: The file; Parquet compresses by itself.

    Returns:
        A table that reads only the columns that are asked for.

    Raises:
        DataError: If the file is no Parquet file or has no rows.
        MissingExtraError: If pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "train") from error
    try:
        file = parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file that can be read: {error}") from error

    def batches(columns: Sequence[str], batch_rows: int) -> Iterator[Any]:
        return file.iter_batches(batch_size=batch_rows, columns=list(columns))  # type: ignore[no-any-return]

    return _table(path, file.schema_arrow, file.metadata.num_rows, batches, file.close)


def open_arrow(path: Path) -> Table:
    """Open an Arrow IPC file, which is what Feather and ``datasets`` write too.

    Args:
        path: An ``.arrow`` or ``.feather`` file, in the form of files or of streams.

    Returns:
        A table; the file is mapped into memory, so that memory does not grow with it.

    Raises:
        DataError: If the file is no Arrow file or has no rows.
        MissingExtraError: If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtraError("reading Arrow files", "train") from error
    try:
        file = pa.memory_map(str(path))
        try:
            table = pa.ipc.open_file(file).read_all()
        except pa.ArrowInvalid:
            file.seek(0)
            table = pa.ipc.open_stream(file).read_all()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not an Arrow file that can be read: {error}") from error

    def batches(columns: Sequence[str], batch_rows: int) -> Iterator[Any]:
        return iter(table.select(list(columns)).to_batches(max_chunksize=batch_rows))

    return _table(path, table.schema, table.num_rows, batches, file.close)


_Batches: TypeAlias = Callable[[Sequence[str], int], Iterator[Any]]
"""Gives the record batches of some columns, of at most so many rows each."""


def _table(path: Path, schema: Any, num_rows: int, batches: _Batches, close: Callable[[], None]) -> Table:  # noqa: ANN401
    """Make a table of what pyarrow has opened."""
    names = tuple(schema.names)
    position = [0]

    def read(columns: Sequence[str]) -> Iterator[Row]:
        for row in _rows(batches(columns, _BATCH_ROWS), columns, str(path)):
            position[0] = row.line
            yield row

    try:
        sample = list(islice(_rows(batches(names, SAMPLE_ROWS), names, str(path)), SAMPLE_ROWS))
    except BaseException:
        close()
        raise
    if not sample:
        close()
        raise DataError(f"{path}: the file has no rows")
    return Table(
        name=str(path),
        columns=names,
        sample=sample,
        read=read,
        unit="row",
        class_names=_class_names(schema.metadata or {}),
        fraction_read=lambda: position[0] / max(num_rows, 1),
        close=close,
    )


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Map each column of class numbers, or of lists of them, to the names that ``datasets`` wrote into the schema."""
    try:
        features = json.loads(metadata.get(_HUGGING_FACE, b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    items = {
        column: feature[0] if isinstance(feature, list) else feature.get("feature", feature)
        for column, feature in features.items()
        if isinstance(feature, dict) or (isinstance(feature, list) and feature)
    }
    return {column: item["names"] for column, item in items.items() if isinstance(item, dict) and item.get("names")}


def _rows(batches: Iterator[Any], columns: Sequence[str], name: str) -> Iterator[Row]:
    from pyarrow import ArrowException

    num_read = 0
    try:
        for batch in batches:
            values = [_to_python(column) for column in batch.columns]
            for number, cells in enumerate(zip(*values, strict=True), start=num_read + 1):
                yield Row(number, dict(zip(columns, cells, strict=True)))
            num_read += batch.num_rows
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{name}, after row {num_read}: the file cannot be read on: {error}") from error


def _to_python(column: Any) -> list[Any]:  # noqa: ANN401
    """Turn a column into Python's values; those that Python has no type for, such as nanoseconds, into text."""
    try:
        values: list[Any] = column.to_pylist()
    except ValueError:
        values = column.cast("string").to_pylist()
    return values
