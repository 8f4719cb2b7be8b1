"""Read Arrow IPC files, which is what Feather and ``datasets`` write too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from textwright.data.parquet import rows_of_batches, table_of_rows
from textwright.data.tables import SAMPLE_ROWS, Row, Table
from textwright.errors import DataError, MissingExtraError

_BATCH_ROWS = 8_192


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
