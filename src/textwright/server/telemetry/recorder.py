"""Record predictions for ``monitor``: Parquet files in a folder or in S3, written by a thread that no answer waits for.

An answer that was sent is put into a queue; that is all a request pays. The thread encodes the texts again, for their
length, their unknown tokens and a sketch of their words, and writes a file at once, under its final name only when it
is whole. A full queue, or a disk or an S3 that takes no more, loses records, which are counted, and never an answer.
Workers, and servers that share a folder, write files of their own.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import token_hex
from time import monotonic, time
from typing import Any, Final, Protocol

from textwright.api.model import LoadedModel
from textwright.api.protocols.request import Scored
from textwright.core.prediction_record import LABELS_KEY, RECORD_FILES, PredictionRecord
from textwright.errors import DataError, SettingsError
from textwright.optional_deps import require
from textwright.runtime.text_facts import describe_texts
from textwright.server.settings import ServeSettings
from textwright.storage import Location, locate

_QUEUE_TEXTS: Final = 10_000
_QUEUE_CHARACTERS: Final = 20_000_000
"""Of the texts that wait for the thread; what comes beyond is dropped."""
_FILE_ROWS: Final = 20_000
_FILE_CHARACTERS: Final = 20_000_000
"""A file is written when it would hold so much, however little time has passed."""
_CLOSE_S: Final = 10.0
"""Seconds in which the thread must have written what it holds when the server stops."""
_LEFTOVER_S: Final = 3600.0
"""Age of a temporary file that nobody writes any more."""
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """What a request leaves for the thread.

    Args:
        time: When it was answered, UTC.
        request_id: As its answer shows it.
        model: What answered.
        texts: N texts.
        scored: What was said of each.
    """

    time: datetime
    request_id: str
    model: LoadedModel
    texts: Sequence[str]
    scored: Sequence[Scored]


class RecordMetrics(Protocol):
    """What counts texts; called from any thread."""

    def note_recorded(self, model: str, records: Sequence[PredictionRecord]) -> None:
        """Count texts that the thread has read."""

    def note_dropped(self, model: str, number: int) -> None:
        """Count texts whose records are lost."""


class Recorder:
    """Records what is answered.

    Args:
        settings: Names the folder, and what is kept in it for how long.
        metrics: What counts texts.

    Raises:
        MissingExtraError: If pyarrow is not installed.
        SettingsError: If the folder cannot be written.
    """

    def __init__(self, settings: ServeSettings, metrics: RecordMetrics) -> None:
        require("data", what="recording predictions")
        if settings.record is None:
            raise SettingsError("there is no folder to record into; name one with --record FOLDER")
        self._settings, self._metrics = settings, metrics
        folder = locate(settings.record)
        _check_writable(folder)
        self._waiting: deque[AnsweredRequest] = deque()
        self._num_texts = self._num_characters = 0
        self._changed = threading.Condition()
        self._is_closing = False
        self._files = _RecordFiles(folder, settings)
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def offer(self, request_id: str, model: LoadedModel, texts: Sequence[str], scored: Sequence[Scored]) -> None:
        """Leave an answered request to the thread, or drop it if too much waits; never waits itself.

        Args:
            request_id: As the answer shows it.
            model: What answered.
            texts: N texts.
            scored: What was said of each.
        """
        num_characters = sum(map(len, texts))
        with self._changed:
            is_full = (
                self._num_texts + len(texts) > _QUEUE_TEXTS or self._num_characters + num_characters > _QUEUE_CHARACTERS
            )
            if not (is_full or self._is_closing):
                self._waiting.append(AnsweredRequest(datetime.now(UTC), request_id, model, texts, scored))
                self._num_texts += len(texts)
                self._num_characters += num_characters
                self._changed.notify()
                return
        self._metrics.note_dropped(model.identity.name, len(texts))

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        is_closing = False
        while not is_closing:
            with self._changed:
                if not (self._waiting or self._is_closing):
                    self._changed.wait(self._files.seconds_left)
                taken, is_closing = list(self._waiting), self._is_closing
                self._waiting.clear()
                self._num_texts = self._num_characters = 0
            for request in taken:
                self._add(request)
            if is_closing or self._files.is_due:
                self._write()

    def _add(self, request: AnsweredRequest) -> None:
        """Describe the texts of a request; a defect in here must not end the thread."""
        name = request.model.identity.name
        try:
            records = describe_request(request, keep_texts=self._settings.record_texts)
        except Exception:
            logger.exception("request not recorded", extra={"fields": {"id": request.request_id}})
            self._metrics.note_dropped(name, len(request.texts))
            return
        self._files.add(request.model, records)
        self._metrics.note_recorded(name, records)
        if self._files.is_due:
            self._write()

    def _write(self) -> None:
        for name, number in self._files.write():
            self._metrics.note_dropped(name, number)


class _RecordFiles:
    """The files of one process: rows that wait for their file, and what may stay in the folder.

    Args:
        folder: Where they are.
        settings: When a file is due, and what may stay.
    """

    def __init__(self, folder: Location, settings: ServeSettings) -> None:
        self._folder, self._settings = folder, settings
        self._process, self._numbers = token_hex(4), count(1)
        self._rows: defaultdict[LoadedModel, list[PredictionRecord]] = defaultdict(list)
        self._num_rows = self._num_characters = 0
        self._due = monotonic() + settings.record_rotate_s

    @property
    def seconds_left(self) -> float:
        """Seconds until a file is due."""
        return max(self._due - monotonic(), 0.0)

    @property
    def is_due(self) -> bool:
        """Whether a file is to be written now."""
        is_large = self._num_rows >= _FILE_ROWS or self._num_characters >= _FILE_CHARACTERS
        return is_large or monotonic() >= self._due

    def add(self, model: LoadedModel, records: Sequence[PredictionRecord]) -> None:
        """Hold rows for the next file of their model."""
        self._rows[model].extend(records)
        self._num_rows += len(records)
        self._num_characters += sum(len(record.text or "") for record in records)

    def write(self) -> list[tuple[str, int]]:
        """Write a file for each model that has rows, then remove what is too old or too much.

        Returns:
            Name of a model -> rows that could not be written, and are lost.
        """
        lost = []
        for model, records in self._rows.items():
            if not records:
                continue
            name = f"records-{records[-1].time.strftime(_STAMP)}-{self._process}-{next(self._numbers):06}.parquet"
            try:
                with self._folder.child(name).writing() as file:
                    write_records(file, model.labels, records)
            except Exception:  # whatever it is, the thread must go on
                logger.exception("records lost", extra={"fields": {"texts": len(records)}})
                lost.append((model.identity.name, len(records)))
        self._rows.clear()
        self._num_rows = self._num_characters = 0
        self._due = monotonic() + self._settings.record_rotate_s
        if lost:  # a place that takes nothing now is not asked to list what it has
            return lost
        oldest = datetime.now(UTC) - timedelta(days=self._settings.record_retention_days)
        try:
            remove_old(self._folder, oldest, self._settings.record_max_bytes)
        except DataError as error:  # S3 does not list them now
            logger.error("records not removed", extra={"fields": {"reason": str(error)}})  # noqa: TRY400
        return lost


def describe_request(request: AnsweredRequest, *, keep_texts: bool) -> list[PredictionRecord]:
    """Make the rows of a request.

    Args:
        request: The request.
        keep_texts: Whether the rows hold the texts.
    """
    identity, facts = request.model.identity, describe_texts(request.model.predictor, request.texts)
    columns = zip(
        request.texts,
        (item.prediction for item in request.scored),
        facts.num_tokens.tolist(),
        facts.unknown_rates.tolist(),
        facts.words,
        strict=True,
    )
    return [
        PredictionRecord(
            time=request.time,
            request_id=request.request_id,
            position=position,
            model=identity.name,
            version=identity.version,
            labels=list(prediction.labels),
            confidence=prediction.confidence,
            probabilities=list(prediction.probabilities.values()),
            num_tokens=num_tokens,
            unknown_rate=unknown_rate,
            truncated=prediction.truncated,
            stage=prediction.stage,
            words=words,
            text=text if keep_texts else None,
        )
        for position, (text, prediction, num_tokens, unknown_rate, words) in enumerate(columns)
    ]


def write_records(file: Any, labels: Sequence[str], records: Sequence[PredictionRecord]) -> None:  # noqa: ANN401  a file
    """Write rows of one model as a whole Parquet file.

    Args:
        file: An open binary file.
        labels: Names of the model's labels, in the order of the probabilities.
        records: The rows.
    """
    import pyarrow as pa
    from pyarrow import parquet

    types = {
        "time": pa.timestamp("us", tz="UTC"),
        "request_id": pa.string(),
        "position": pa.int32(),
        "model": pa.string(),
        "version": pa.string(),
        "labels": pa.list_(pa.string()),
        "confidence": pa.float32(),
        "probabilities": pa.list_(pa.float32()),
        "num_tokens": pa.int32(),
        "unknown_rate": pa.float32(),
        "truncated": pa.bool_(),
        "stage": pa.string(),
        "words": pa.list_(pa.int32()),
        "text": pa.string(),
    }
    metadata = {LABELS_KEY: json.dumps(list(labels)).encode()}
    schema = pa.schema([(name, types[name]) for name in PredictionRecord._fields], metadata=metadata)
    columns = zip(*records, strict=True)
    arrays = [pa.array(list(column), types[name]) for name, column in zip(schema.names, columns, strict=True)]
    parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), file, compression="zstd")


def remove_old(folder: Location, oldest: datetime, max_bytes: int) -> None:
    """Remove files of records that are too old, then the oldest ones until the others are few enough.

    Several processes may do so at once; other files in the folder are not looked at.

    Args:
        folder: Where they are.
        oldest: Files whose last row is before are removed.
        max_bytes: Size of all files together that may stay.
    """
    if not folder.is_remote:  # what is uploaded has no temporary name
        _remove_leftovers(folder)
    total = 0
    for file, size_bytes in reversed(folder.members(RECORD_FILES)):
        total += size_bytes
        if total > max_bytes or _is_before(file, oldest):
            _remove(file)


def _remove_leftovers(folder: Location) -> None:
    """Remove temporary files of a process that was killed while it wrote."""
    for leftover, _ in folder.members(f".{RECORD_FILES}.*"):
        if time() - _modified(leftover) > _LEFTOVER_S:
            _remove(leftover)


def _is_before(file: Location, oldest: datetime) -> bool:
    """Compare the time in a file's name, which a copy of the folder keeps."""
    return file.name.split("-")[1] < oldest.strftime(_STAMP)


def _modified(file: Location) -> float:
    try:
        return file.path.stat().st_mtime
    except OSError:
        return time()


def _remove(file: Location) -> None:
    try:
        file.remove()
    except DataError as error:
        logger.error("records not removed", extra={"fields": {"file": file.name, "reason": str(error)}})  # noqa: TRY400


def _check_writable(folder: Location) -> None:
    """Refuse at the start what would fail at the first file."""
    probe = folder.child(f".writable-{token_hex(4)}")
    try:
        with probe.writing() as file:
            file.write(b"")
        probe.remove()
    except (DataError, OSError) as error:
        message = error.strerror if isinstance(error, OSError) else str(error).removeprefix(f"{probe.address}: ")
        reason = (message or str(error)).partition("; ")[0]
        cure = (
            "check the address, the credentials and AWS_REGION"
            if folder.is_remote
            else "name a folder that this user can write to"
        )
        raise SettingsError(f"--record {folder.address}: {reason}; {cure}") from error
