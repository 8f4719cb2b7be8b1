"""Read Parquet, batch by batch; the only place of this room that imports pyarrow to read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

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
    file = _open(path)
    names = tuple(file.schema_arrow.names)
    num_rows = max(file.metadata.num_rows, 1)
    position = [0]

    def read(columns: Sequence[str]) -> Iterator[Row]:
        for row in _rows(file, columns, str(path)):
            position[0] = row.line
            yield row

    try:
        sample = _sample(file, names, str(path))
    except BaseException:
        file.close()
        raise
    return Table(
        name=str(path),
        columns=names,
        sample=sample,
        read=read,
        unit="row",
        class_names=_class_names(file.schema_arrow.metadata or {}),
        fraction_read=lambda: position[0] / num_rows,
        close=file.close,
    )


def _open(path: Path) -> Any:  # noqa: ANN401  pyarrow has no types
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "train") from error
    try:
        return parquet.ParquetFile(path)
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


def _sample(file: Any, columns: Sequence[str], name: str) -> list[Row]:  # noqa: ANN401
    rows = _rows(file, columns, name, batch_rows=SAMPLE_ROWS)
    sample = [row for row, _ in zip(rows, range(SAMPLE_ROWS), strict=False)]
    if not sample:
        raise DataError(f"{name}: the file has no rows")
    return sample


def _rows(file: Any, columns: Sequence[str], name: str, batch_rows: int = _BATCH_ROWS) -> Iterator[Row]:  # noqa: ANN401
    from pyarrow import ArrowException

    num_read = 0
    try:
        for batch in file.iter_batches(batch_size=batch_rows, columns=list(columns)):
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
