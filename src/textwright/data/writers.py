"""Write records to CSV, TSV, JSON lines or Parquet, one by one, under the final name only when all are written."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeAlias, cast

from textwright.core.files import open_binary
from textwright.data.sources import WRITABLE, data_format
from textwright.data.text_files import STREAM
from textwright.errors import DataError, MissingExtraError

Record: TypeAlias = Mapping[str, object]
WriteRecord: TypeAlias = Callable[[Record], None]

_BATCH_ROWS: Final = 8_192
_NO_TYPES: Final[Mapping[str, type]] = {}


@contextmanager
def open_output(path: Path, kind: str = "", types: Mapping[str, type] = _NO_TYPES) -> Iterator[WriteRecord]:
    """Open a file of records for writing.

    Args:
        path: Its name ends in what :mod:`textwright.data.sources` reads, ``.gz`` and ``.zst`` included; an existing
            file is replaced when the block ends, and left as it is if the block raises. ``STREAM`` writes to standard
            output, record by record.
        kind: The format of standard output: ".csv", ".tsv" or ".jsonl".
        types: Columns whose type does not depend on the first records: ``str``, ``float``, ``bool``, or ``list`` of
            strings. Parquet alone needs it.

    Yields:
        A function that writes one record. The first record's keys are the columns of CSV, TSV and Parquet.

    Raises:
        DataError: If the name ends in no known format, the file cannot be written, or a record does not fit
            the columns.
        MissingExtraError: If Parquet or ``.zst`` needs a library that is not installed.
    """
    if path == STREAM:
        with _text(sys.stdout.buffer, "") as text:
            yield _records(text, kind)
        return
    kind = writable_format(path)
    with open_binary(path) as file, open_records(file, kind, types, suffix=path.suffix) as write:
        yield write


def writable_format(path: Path) -> str:
    """Say in which format a file will be written.

    Raises:
        DataError: If its name stands for none that is written.
    """
    kind = data_format(path)
    if kind not in WRITABLE:
        raise DataError(f"{path}: {kind} files are read only; write to one of {', '.join(WRITABLE)}")
    return kind


@contextmanager
def open_records(
    file: IO[bytes], kind: str, types: Mapping[str, type] = _NO_TYPES, *, suffix: str = ""
) -> Iterator[WriteRecord]:
    """Write records into an open file, as :func:`open_output` does.

    Args:
        file: Open for writing.
        kind: Its format: ".csv", ".tsv", ".jsonl", ".ndjson" or ".parquet".
        types: As for :func:`open_output`.
        suffix: ".gz" or ".zst" compresses.

    Yields:
        A function that writes one record.
    """
    with ExitStack() as stack:
        if kind == ".parquet":
            yield stack.enter_context(_parquet(file, types))
        else:
            yield _records(stack.enter_context(_text(file, suffix)), kind)


@contextmanager
def _text(file: IO[bytes], suffix: str) -> Iterator[IO[str]]:
    with ExitStack() as stack:
        if suffix == ".gz":
            file = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0)))
        elif suffix == ".zst":
            file = stack.enter_context(_zstandard(file))
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()


def _zstandard(file: IO[bytes]) -> Any:  # noqa: ANN401  zstandard's writer
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError("writing .zst files", "data") from error
    return zstandard.ZstdCompressor().stream_writer(file, closefd=False)


def _records(text: IO[str], kind: str) -> WriteRecord:
    return _json_lines(text) if "json" in kind else _delimited(text, "\t" if kind == ".tsv" else ",")


def _json_lines(text: IO[str]) -> WriteRecord:
    def write(record: Record) -> None:
        text.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")

    return write


def _delimited(text: IO[str], delimiter: str) -> WriteRecord:
    rows = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    quoted_rows = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    columns: list[str] = []

    def write(record: Record) -> None:
        if not columns:
            columns.extend(record)
            rows.writerow(columns)
        _check_columns(record, columns)
        cells = [_cell(record.get(name)) for name in columns]
        has_return = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (quoted_rows if has_return else rows).writerow(cells)  # csv leaves \r bare, readers break there

    return write


def _cell(value: object) -> object:
    """Write lists and objects as JSON, so that they can be read again; booleans as JSON writes them."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict | bool) else value


def _check_columns(record: Record, columns: list[str]) -> None:
    extra = [name for name in record if name not in columns]
    if extra:
        raise DataError(
            f"a record has {extra[0]!r}, which the first record had not, so it has no column in this format; "
            "write to a .jsonl file"
        )


@contextmanager
def _parquet(file: IO[bytes], types: Mapping[str, type]) -> Iterator[WriteRecord]:
    """Write in batches; the other types are those of the first batch. A column of nulls becomes strings, later JSON."""
    writer = _ParquetWriter(file, types)
    try:
        yield writer.write
        writer.flush()
    finally:
        writer.close()


class _ParquetWriter:
    def __init__(self, file: IO[bytes], types: Mapping[str, type]) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtraError("writing Parquet files", "data") from error
        self._arrow, self._parquet, self._file = pa, parquet, file
        self._types = arrow_types(types)
        self._strings = [name for name, kind in types.items() if kind is str]
        self._columns: list[str] = []
        self._batch: list[Record] = []
        self._writer: Any = None

    def write(self, record: Record) -> None:
        self._columns = self._columns or list(record)
        _check_columns(record, self._columns)
        self._batch.append({**record, **{name: _string(record.get(name)) for name in self._strings}})
        if len(self._batch) == _BATCH_ROWS:
            self.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def flush(self) -> None:
        if not self._batch:
            return
        try:
            schema = self._writer.schema if self._writer is not None else self._schema()
            table = self._arrow.Table.from_pylist(self._batch, schema=schema)
        except self._arrow.ArrowException as error:
            raise DataError(f"the records do not have one type for each column ({error}); write to .jsonl") from error
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._file, schema)
        self._writer.write_table(table)
        self._batch.clear()

    def _schema(self) -> Any:  # noqa: ANN401
        inferred = self._arrow.Table.from_pylist(self._batch).schema
        nulls = [field.name for field in inferred if self._arrow.types.is_null(field.type)]
        self._strings += [name for name in nulls if name not in self._types]
        types = {**dict.fromkeys(nulls, self._arrow.string()), **self._types}
        return self._arrow.schema([(field.name, types.get(field.name, field.type)) for field in inferred])


def _string(value: object) -> str | None:
    """Write what should have been a string as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def arrow_types(types: Mapping[str, type]) -> dict[str, Any]:
    """Return the Arrow type of each column: ``str``, ``float``, ``bool``, or ``list`` of strings."""
    import pyarrow as pa

    by_type = {str: pa.string(), float: pa.float64(), bool: pa.bool_(), list: pa.list_(pa.string())}
    return {name: by_type[kind] for name, kind in types.items()}
