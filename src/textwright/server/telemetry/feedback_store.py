"""Feedback, stored by a thread of its own so that no answer waits for the disk: in SQLite, or beside the records.

Several workers write into one SQLite file: it is in WAL mode, where readers and a writer do not block each other, and a
writer waits for another one. Beside the records each file of Parquet is whole when it takes its name; what waits while
one is written goes into the next. Each row is stored when its request is answered.

Source:
    SQLite, "Write-Ahead Logging".
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import ClassVar, Final

from textwright.api.feedback import Feedback
from textwright.core.feedback_row import TABLE, FeedbackRow
from textwright.errors import DataError, NotReadyError, QueueFullError, SettingsError
from textwright.optional_deps import require
from textwright.server.settings import ServeSettings
from textwright.storage import Location, locate

_COLUMNS: Final = FeedbackRow._fields
_CREATE: Final = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} "
    "(request_id TEXT NOT NULL, position INTEGER NOT NULL, labels TEXT NOT NULL, key TEXT, time TEXT NOT NULL)"
)
_INSERT: Final = f"INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608  constants
_BUSY_TIMEOUT_S: Final = 5.0
_MAX_WAITING: Final = 1_000
"""Rows that may wait for the disk; more is refused, so that a slow one does not fill the memory."""
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"


def open_feedback(settings: ServeSettings) -> FeedbackStore | None:
    """Open what ``--feedback`` names; None if it names nothing.

    Args:
        settings: The folder of ``--record`` stands for Parquet beside the records, anything else for a SQLite file.

    Raises:
        SettingsError: If it cannot be written, or is another folder.
        MissingExtraError: If pyarrow is not installed and needed.
    """
    if settings.feedback is None:
        return None
    if "://" not in settings.feedback and not Path(settings.feedback).is_dir() and settings.feedback != settings.record:
        return SqliteFeedback(Path(settings.feedback))
    folder = locate(settings.feedback)
    if settings.record is None or locate(settings.record) != folder:
        raise SettingsError(
            f"--feedback {settings.feedback} is a folder; name a SQLite file, or the folder of --record to have "
            "feedback beside the records"
        )
    return ParquetFeedback(folder)


class FeedbackStore(ABC):
    """Appends feedback, in a thread."""

    errors: ClassVar[tuple[type[Exception], ...]]
    """What is raised where a row cannot be stored."""

    def __init__(self) -> None:
        self._num_waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feedback")

    @abstractmethod
    def _writing(self, row: FeedbackRow) -> Callable[[], object]:
        """Take a row; returns what the thread calls to store it."""

    async def add(self, feedback: Feedback, key: str | None) -> None:
        """Store feedback; it is written when this returns.

        Args:
            feedback: What was said.
            key: Name of the API key; None without keys.

        Raises:
            QueueFullError: If too much waits for the disk.
            NotReadyError: If it cannot be written, as on a full disk.
        """
        if self._num_waiting >= _MAX_WAITING:
            raise QueueFullError(f"{self._num_waiting} rows of feedback wait for the disk; come back in a second", 1)
        row = FeedbackRow(feedback.request_id, feedback.position, feedback.labels, key, datetime.now(UTC))
        self._num_waiting += 1
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._writing(row))
        except self.errors as error:
            raise NotReadyError("feedback cannot be stored now; send it again in a moment") from error
        finally:
            self._num_waiting -= 1

    def close(self) -> None:
        """Write what waits."""
        self._thread.shutdown(wait=True)


class SqliteFeedback(FeedbackStore):
    """Appends feedback to a SQLite file.

    Args:
        path: The file; made when missing, in a folder that exists.

    Raises:
        SettingsError: If it cannot be opened, is no SQLite file, or has another table of that name.
    """

    errors = (sqlite3.Error,)

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None
            )
            self._prepare()
        except sqlite3.Error as error:
            raise SettingsError(
                f"--feedback {path}: {error}; name a SQLite file, or a new one in a folder that this user can write to"
            ) from error

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_CREATE)
        rows = self._connection.execute(f"PRAGMA table_info({TABLE})").fetchall()
        columns = tuple(row[1] for row in rows)
        if columns != _COLUMNS:
            raise sqlite3.DatabaseError(f"its table {TABLE!r} has the columns {', '.join(columns)}")

    def _writing(self, row: FeedbackRow) -> Callable[[], object]:
        labels = json.dumps(list(row.labels), ensure_ascii=False)
        values = (row.request_id, row.position, labels, row.key, row.time.isoformat(timespec="milliseconds"))
        return partial(self._connection.execute, _INSERT, values)

    def close(self) -> None:
        """Write what waits, and close the file."""
        super().close()
        self._connection.close()


class _Batch:
    """Rows that go into one file: open until the thread takes it."""

    def __init__(self) -> None:
        self.rows: list[FeedbackRow] = []
        self.is_written = False
        self.error: Exception | None = None


class ParquetFeedback(FeedbackStore):
    """Writes feedback beside the records, a file for what came while the last one was written.

    Args:
        folder: Of the records; the recorder has tried to write there.

    Raises:
        MissingExtraError: If pyarrow is not installed.
    """

    errors = (DataError, OSError)

    def __init__(self, folder: Location) -> None:
        require("data", what="storing feedback as Parquet")
        super().__init__()
        self._folder, self._process, self._numbers = folder, token_hex(4), count(1)
        self._lock, self._batch = threading.Lock(), _Batch()

    def _writing(self, row: FeedbackRow) -> Callable[[], object]:
        with self._lock:
            self._batch.rows.append(row)
            return partial(self._write, self._batch)

    def _write(self, batch: _Batch) -> None:
        """Write a batch if an earlier row of it has not; what failed fails for each row."""
        with self._lock:
            if self._batch is batch:
                self._batch = _Batch()
        if not batch.is_written:
            batch.is_written = True
            try:
                self._write_file(batch.rows)
            except self.errors as error:
                batch.error = error
        if batch.error is not None:
            raise batch.error

    def _write_file(self, rows: list[FeedbackRow]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        types = [pa.string(), pa.int32(), pa.list_(pa.string()), pa.string(), pa.timestamp("us", tz="UTC")]
        columns = [pa.array(list(column), kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
        table = pa.Table.from_arrays(columns, names=list(_COLUMNS))
        name = f"feedback-{rows[-1].time.strftime(_STAMP)}-{self._process}-{next(self._numbers):06}.parquet"
        with self._folder.child(name).writing() as file:
            parquet.write_table(table, file, compression="zstd")
