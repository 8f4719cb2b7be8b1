"""Feedback in a SQLite file, written by a thread of its own so that no answer waits for the disk.

Several workers write into one file: it is in WAL mode, where readers and a writer do not block each other, and a writer
waits for another one. Each row is on the disk of the system when its request is answered.

Source:
    SQLite, "Write-Ahead Logging".
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from textwright.api.feedback import Feedback
from textwright.errors import NotReadyError, QueueFullError, SettingsError

TABLE: Final = "feedback"
_COLUMNS: Final = ("request_id", "position", "labels", "key", "time")
_CREATE: Final = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} "
    "(request_id TEXT NOT NULL, position INTEGER NOT NULL, labels TEXT NOT NULL, key TEXT, time TEXT NOT NULL)"
)
_INSERT: Final = f"INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608  constants
_BUSY_TIMEOUT_S: Final = 5.0
_MAX_WAITING: Final = 1_000
"""Rows that may wait for the disk; more is refused, so that a slow one does not fill the memory."""


class FeedbackStore:
    """Appends feedback to a file.

    Args:
        path: The SQLite file; made when missing, in a folder that exists.

    Raises:
        SettingsError: If it cannot be opened, is no SQLite file, or has another table of that name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._num_waiting = 0
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None
            )
            self._prepare()
        except sqlite3.Error as error:
            raise SettingsError(
                f"--feedback {path}: {error}; name a SQLite file, or a new one in a folder that this user can write to"
            ) from error
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feedback")

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_CREATE)
        rows = self._connection.execute(f"PRAGMA table_info({TABLE})").fetchall()
        columns = tuple(row[1] for row in rows)
        if columns != _COLUMNS:
            raise sqlite3.DatabaseError(f"its table {TABLE!r} has the columns {', '.join(columns)}")

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
        row = (
            feedback.request_id,
            feedback.position,
            json.dumps(list(feedback.labels), ensure_ascii=False),
            key,
            datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        self._num_waiting += 1
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.execute, _INSERT, row)
        except sqlite3.Error as error:
            raise NotReadyError("feedback cannot be stored now; send it again in a moment") from error
        finally:
            self._num_waiting -= 1

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._thread.shutdown(wait=True)
        self._connection.close()
