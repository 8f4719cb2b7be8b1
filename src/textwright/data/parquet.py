"""Read Parquet and Arrow IPC files, batch by batch; the only place of this room that imports pyarrow to read.

Feather, and ``datasets`` on disk, are Arrow IPC files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from textwright.data.sections import Section
from textwright.data.tables import SAMPLE_ROWS, ReadRows, Row, Table
from textwright.errors import DataError, MissingExtraError

_BATCH_ROWS: Final = 8_192
_HUGGING_FACE: Final = b"huggingface"
"""Key of the schema's metadata under which ``datasets`` describes its columns."""


def open_parquet(path: Path | str, section: Section | None = None) -> Table:
    """Open a Parquet file.

    Args:
        path: The file; Parquet compresses by itself.
        section: Its rows that are read; None reads the whole file.

    Returns:
        A table that reads only the columns that are asked for.

    Raises:
        DataError: If the file is no Parquet file or has no rows.
        MissingExtraError: If pyarrow is not installed.
    """
    file = parquet_file(path, section)
    names = tuple(file.schema_arrow.names)
    rows = range(section.start, section.stop) if section else range(file.metadata.num_rows)
    num_rows = max(file.metadata.num_rows, 1)
    position = [0]

    def read(columns: Sequence[str]) -> Iterator[Row]:
        for row in _rows(file, rows, columns, str(path)):
            position[0] = row.line
            yield row

    try:
        sample = _sample(file, rows, names, str(path))
    except BaseException:
        file.close()
        raise
    close = partial(file.close, force=section is not None)
    return table_of_rows(path, file.schema_arrow, sample, read, lambda: position[0] / num_rows, close)


def table_of_rows(
    path: Path | str,
    schema: Any,  # noqa: ANN401  pyarrow has no types
    sample: Sequence[Row],
    read: ReadRows,
    fraction_read: Callable[[], float],
    close: Callable[[], None],
) -> Table:
    """Make a table of what pyarrow has opened.

    Args:
        path: What messages call it.
        schema: Its Arrow schema, whose metadata may name classes.
        sample: The first rows, as :class:`Table` has them.
        read: As of :class:`Table`.
        fraction_read: As of :class:`Table`.
        close: As of :class:`Table`.
    """
    return Table(
        name=str(path),
        columns=tuple(schema.names),
        sample=sample,
        read=read,
        unit="row",
        class_names=_class_names(schema.metadata or {}),
        fraction_read=fraction_read,
        close=close,
    )


def parquet_file(path: Path | str, section: Section | None = None) -> Any:  # noqa: ANN401  pyarrow has no types
    """Open a Parquet file as pyarrow's ``ParquetFile``.

    Args:
        path: What messages call it, and where it is unless a section brings it.
        section: Brings the open file.

    Raises:
        DataError: If the file is no Parquet file.
        MissingExtraError: If pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "data") from error
    try:
        return parquet.ParquetFile(section.file if section else path)
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file that can be read: {error}") from error


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


def _sample(file: Any, rows: range, columns: Sequence[str], name: str) -> list[Row]:  # noqa: ANN401
    first = rows[:SAMPLE_ROWS]
    sample = list(_rows(file, first, columns, name, batch_rows=SAMPLE_ROWS))
    if not sample:
        raise DataError(f"{name}: the file has no rows")
    return sample


def _rows(
    file: Any,  # noqa: ANN401
    rows: range,
    columns: Sequence[str],
    name: str,
    batch_rows: int = _BATCH_ROWS,
) -> Iterator[Row]:
    batches = RowBatches(file, name, columns, batch_rows).read(rows)
    return rows_of_batches(batches, columns, name, num_before=rows.start)


def rows_of_batches(batches: Iterable[Any], columns: Sequence[str], name: str, *, num_before: int = 0) -> Iterator[Row]:
    """Turn Arrow's record batches into rows.

    Args:
        batches: Record batches, in order.
        columns: Their columns.
        name: What messages call the file.
        num_before: Rows of the file before the first one.

    Raises:
        DataError: If a value cannot be read.
    """
    num_read = num_before
    for batch in batches:
        try:
            values = [_to_python(column) for column in batch.columns]
        except UnicodeDecodeError as error:
            raise _unreadable(name, num_read, error) from error
        for number, cells in enumerate(zip(*values, strict=True), start=num_read + 1):
            yield Row(number, dict(zip(columns, cells, strict=True)))
        num_read += batch.num_rows


class RowBatches:
    """Reads rows of a Parquet file, row group by row group; asked for rows further on, it goes on where it is.

    What lies before a row in its row group must be decoded to get there. So whoever reads one part of a row group after
    the other, in order, keeps one of these. Batches begin where row groups do, wherever reading began.

    Args:
        file: As :func:`parquet_file` gives it.
        name: What messages call it.
        columns: The columns to read; None reads all.
        batch_rows: Most rows of a batch, >= 1.
    """

    def __init__(
        self,
        file: Any,  # noqa: ANN401
        name: str,
        columns: Sequence[str] | None = None,
        batch_rows: int = _BATCH_ROWS,
    ) -> None:
        self.file = file
        self.name = name
        self._columns = None if columns is None else list(columns)
        self._batch_rows = batch_rows
        self._group = -1
        self._position = 0
        self._batches: Iterator[Any] = iter(())
        self._pending: Any = None

    def read(self, rows: range) -> Iterator[Any]:
        """Read rows.

        Args:
            rows: Positions of the rows, from 0.

        Yields:
            Record batches, in order.

        Raises:
            DataError: If the file cannot be read on.
        """
        from pyarrow import ArrowException

        start = 0
        for group in range(self.file.metadata.num_row_groups):
            stop = start + self.file.metadata.row_group(group).num_rows
            first, last = max(rows.start, start), min(rows.stop, stop)
            if first < last:
                try:
                    if group != self._group or first < self._position:
                        self._open(group, start)
                    yield from self._between(first, last)
                except (ArrowException, OSError) as error:
                    raise _unreadable(self.name, self._position, error) from error
            start = stop

    def _open(self, group: int, start: int) -> None:
        self._group, self._position, self._pending = group, start, None
        self._batches = self.file.iter_batches(
            batch_size=self._batch_rows, row_groups=[group], columns=self._columns, use_threads=False
        )

    def _between(self, first: int, last: int) -> Iterator[Any]:
        """Yield the rows of the open row group between two positions."""
        end = self._position
        while end < last:
            batch = next(self._batches) if self._pending is None else self._pending
            begin, end = self._position, self._position + batch.num_rows
            self._pending = batch if end > last else None
            self._position = begin if end > last else end
            lower, upper = max(first, begin), min(last, end)
            if lower < upper:
                yield batch.slice(lower - begin, upper - lower)


def _unreadable(name: str, position: int, error: Exception) -> DataError:
    return DataError(f"{name}, after row {position}: the file cannot be read on: {error}")


def _to_python(column: Any) -> list[Any]:  # noqa: ANN401
    """Turn a column into Python's values; those that Python has no type for, such as nanoseconds, into text."""
    try:
        values: list[Any] = column.to_pylist()
    except ValueError:
        values = column.cast("string").to_pylist()
    return values


def open_arrow(path: Path | str) -> Table:
    """Open an Arrow IPC file.

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
        raise MissingExtraError("reading Arrow files", "data") from error
    try:
        file = pa.memory_map(str(path))
        try:
            content = pa.ipc.open_file(file).read_all()
        except pa.ArrowInvalid:
            file.seek(0)
            content = pa.ipc.open_stream(file).read_all()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not an Arrow file that can be read: {error}") from error
    names, num_rows, position = tuple(content.schema.names), content.num_rows, [0]

    def read(columns: Sequence[str]) -> Iterator[Row]:
        batches = content.select(list(columns)).to_batches(max_chunksize=_BATCH_ROWS)
        for row in rows_of_batches(batches, columns, str(path)):
            position[0] = row.line
            yield row

    sample = list(islice(read(names), SAMPLE_ROWS))
    if not sample:
        file.close()
        raise DataError(f"{path}: the file has no rows")
    return table_of_rows(path, content.schema, sample, read, lambda: position[0] / num_rows, file.close)
