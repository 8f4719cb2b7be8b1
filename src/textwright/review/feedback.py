"""Feedback, from SQLite or from beside the records, joined with recorded texts: labeled texts to train on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from textwright.core.feedback_row import FEEDBACK_FILES, TABLE, FeedbackRow
from textwright.core.prediction_record import RECORD_FILES
from textwright.data.writers import Record, open_output
from textwright.errors import DataError, NotFoundError
from textwright.storage import Location, locate

_COLUMNS: Final = ("request_id", "position", "labels", "text")


class JoinedFeedback(NamedTuple):
    """What came of a join.

    Args:
        num_feedback: Texts with feedback; of several for one text the last counts.
        num_joined: Those whose text was recorded: the rows that were written.
        num_agreeing: Those of them whose labels are what the model had predicted.
    """

    num_feedback: int
    num_joined: int
    num_agreeing: int


def join_feedback(records: str, feedback: str | None, out: Path) -> JoinedFeedback:
    """Write the texts that have feedback, with the right labels and those that were predicted.

    Args:
        records: Folder of ``serve --record --record-texts``, or ``s3://BUCKET/KEY``.
        feedback: SQLite file of ``serve --feedback``, or a folder with its Parquet; None: beside the records.
        out: A file of labeled texts: the columns ``text``, ``label``, ``predicted_label``, ``request_id`` and
            ``position``. Several labels are a list.

    Returns:
        How many were joined, at least one.

    Raises:
        NotFoundError: If there are no records, or no feedback.
        DataError: If a file cannot be read, or no text with feedback was recorded.
    """
    right_labels = {(row.request_id, row.position): tuple(row.labels) for row in read_feedback(feedback or records)}
    rows = sorted(_joined(locate(records), right_labels), key=lambda row: (row[0], row[1]))
    if not rows:
        raise DataError(
            f"{records}: none of the {len(right_labels):,} texts with feedback has its text recorded; start the "
            "server with --record-texts, and name the records of the same server"
        )
    is_single = all(len(right) == 1 and len(predicted) <= 1 for _, _, right, predicted, _ in rows)
    with open_output(out, types=dict.fromkeys(("label", "predicted_label"), str if is_single else list)) as write:
        for request_id, position, right, predicted, text in rows:
            write(_row(request_id, position, right, predicted, text, is_single=is_single))
    return JoinedFeedback(len(right_labels), len(rows), sum(set(row[2]) == set(row[3]) for row in rows))


def read_feedback(typed: str) -> list[FeedbackRow]:
    """Read feedback, the oldest first.

    Args:
        typed: A SQLite file, or a folder with Parquet, also ``s3://BUCKET/KEY``.

    Raises:
        NotFoundError: If there is none.
        DataError: If it cannot be read.
    """
    place = locate(typed)
    if not place.is_remote and place.path.is_file():
        rows = _read_sqlite(place.path)
    else:
        rows = [row for file, _ in place.members(FEEDBACK_FILES) for row in _read_parquet(file)]
    if not rows:
        raise NotFoundError(
            f"there is no feedback at {typed}; store some with: textwright serve RUN --feedback {typed}"
        )
    return sorted(rows, key=lambda row: row.time)


def _read_sqlite(path: Path) -> list[FeedbackRow]:
    names = ", ".join(FeedbackRow._fields)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(f"SELECT {names} FROM {TABLE}").fetchall()  # noqa: S608  constants
    except sqlite3.Error as error:
        raise DataError(f"{path}: {error}; name the file of textwright serve --feedback") from error
    return [
        FeedbackRow(request_id, position, json.loads(labels), key, datetime.fromisoformat(time))
        for request_id, position, labels, key, time in rows
    ]


def _read_parquet(file: Location) -> Iterator[FeedbackRow]:
    for row in _rows(file, FeedbackRow._fields):
        yield FeedbackRow(**row)  # the columns are the fields


def _joined(
    folder: Location, right_labels: dict[tuple[str, int], tuple[str, ...]]
) -> Iterator[tuple[str, int, tuple[str, ...], tuple[str, ...], str]]:
    files = folder.members(RECORD_FILES)
    if not files:
        raise NotFoundError(f"there are no records at {folder}; make some with: textwright serve RUN --record {folder}")
    for file, _ in files:
        for row in _rows(file, _COLUMNS):
            right = right_labels.get((row["request_id"], row["position"]))
            if right is not None and row["text"]:
                yield row["request_id"], row["position"], right, tuple(row["labels"]), row["text"]


def _rows(file: Location, columns: Iterable[str]) -> list[dict[str, Any]]:
    from pyarrow import ArrowException, parquet

    try:
        with file.open() as opened:
            return list(parquet.read_table(opened, columns=list(columns)).to_pylist())
    except (ArrowException, OSError) as error:
        raise DataError(f"{file}: not a Parquet file that can be read: {error}; remove it from the folder") from error


def _row(
    request_id: str, position: int, right: tuple[str, ...], predicted: tuple[str, ...], text: str, *, is_single: bool
) -> Record:
    labels = {"label": right, "predicted_label": predicted}
    shown = {name: "".join(names) if is_single else list(names) for name, names in labels.items()}
    return {"text": text, **shown, "request_id": request_id, "position": position}
