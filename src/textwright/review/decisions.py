"""What a person has decided, in a file that is whole after each decision and is gone on with after a kill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from textwright.core.labels import Task
from textwright.data.settings import DataSettings
from textwright.data.sources import data_format, open_file
from textwright.data.writers import open_output
from textwright.errors import DataError, SettingsError
from textwright.review.queue import ReviewItem

COLUMNS: Final = ("text", "label", "given_label", "suggested_label", "file", "line")
_FORMATS: Final = (".csv", ".tsv", ".jsonl", ".ndjson")
_PLAIN: Final = DataSettings()

Key = tuple[str, int, str]


class DecisionFile:
    """The decisions, one row each in the order in which they were made; trained on as it is.

    Args:
        path: Ends in .csv, .tsv or .jsonl; read where it is there.
        task: Of a multi-label task labels are written as lists.

    Raises:
        SettingsError: If the name has another ending, or the file holds something else.
        DataError: If it cannot be read.
    """

    def __init__(self, path: Path, task: Task) -> None:
        self.check_name(path)
        self.path = path
        self._is_multi = task is Task.MULTI_LABEL
        self._rows: dict[Key, Mapping[str, Any]] = {}
        if path.exists() and path.stat().st_size:
            self._read()
        self._stamp = _stamp(path)

    @staticmethod
    def check_name(path: Path) -> None:
        """Refuse a name of another format.

        Raises:
            SettingsError: If decisions cannot be written in its format.
            DataError: If it ends in none that is known.
        """
        if data_format(path) not in _FORMATS:
            raise SettingsError(f"{path}: decisions are written as {', '.join(_FORMATS[:3])}; give such a name")

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def labels_of(self, key: Key) -> tuple[str, ...] | None:
        """Return what was decided; None for nothing yet."""
        row = self._rows.get(key)
        return None if row is None else tuple(row["label"])

    def add(self, item: ReviewItem, labels: Sequence[str]) -> None:
        """Write a decision; the file is whole again when this returns, and as it was if this raises.

        Args:
            item: What was decided on; an earlier decision on it is replaced.
            labels: The right labels.

        Raises:
            DataError: If the file cannot be written, or another program has changed it.
        """
        rows = {key: row for key, row in self._rows.items() if key != item.key}
        rows[item.key] = {
            "text": item.text,
            "label": list(labels),
            "given_label": list(item.given or ()),
            "suggested_label": list(item.suggested),
            "file": item.file,
            "line": item.line,
        }
        self._write(rows)

    def remove(self, key: Key) -> None:
        """Take a decision back.

        Args:
            key: Of the item.

        Raises:
            DataError: As :meth:`add`.
        """
        self._write({other: row for other, row in self._rows.items() if other != key})

    def _write(self, rows: dict[Key, Mapping[str, Any]]) -> None:
        if _stamp(self.path) != self._stamp:
            raise DataError(
                f"{self.path} was changed by another program, and nothing was written over it; end this review and "
                "start it again to go on from there"
            )
        with open_output(self.path) as write:
            for row in rows.values():
                write({name: self._cell(row[name]) for name in COLUMNS})
        self._rows, self._stamp = rows, _stamp(self.path)

    def _cell(self, value: Any) -> Any:  # noqa: ANN401  any cell
        if not isinstance(value, list) or self._is_multi:
            return value
        return value[0] if value else ""

    def _read(self) -> None:
        with open_file(self.path, _PLAIN) as table:
            if not set(COLUMNS) <= set(table.columns):
                raise SettingsError(
                    f"{self.path} is there and holds no decisions of a review (columns {', '.join(COLUMNS)}); give "
                    "another --out"
                )
            for line, values, _ in table.read(COLUMNS):
                try:
                    row = {name: self._parsed(name, values.get(name)) for name in COLUMNS}
                except ValueError as error:
                    raise DataError(f"{table.at(line)} is no decision of a review: {error}") from error
                self._rows[row["file"], row["line"], row["text"]] = row

    def _parsed(self, name: str, value: object) -> Any:  # noqa: ANN401  any cell
        if name == "line":
            return int(str(value))
        if not name.endswith("label"):
            return str(value)
        if self._is_multi:
            names = json.loads(value) if isinstance(value, str) else value
            if not isinstance(names, list):
                raise ValueError(f"{name} must be a list of labels")
            return [str(item) for item in names]
        return [str(value)] if value else []


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Tell one state of a file from another; None where there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
