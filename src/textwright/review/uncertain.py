"""A queue of texts worth a label next, from a file and an artifact, or from what a server has recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import numpy as np

from textwright.core.callbacks import Callback
from textwright.core.feedback_row import FEEDBACK_FILES
from textwright.core.labels import Labels, Task
from textwright.core.prediction_record import LABELS_KEY
from textwright.core.types import Float32s
from textwright.data.columns import find_text_column
from textwright.data.load import read_source
from textwright.data.settings import DataSettings
from textwright.data.sources import open_file
from textwright.errors import DataError
from textwright.review.queue import ReviewItem, ReviewQueue
from textwright.review.selection import choose_texts, uncertainty
from textwright.review.text_features import TextFeatures
from textwright.runtime.predictor import Predictor, TextPrediction
from textwright.storage import Location, locate

_TEXTS_AT_ONCE: Final = 512


@dataclass(frozen=True, slots=True)
class ScoredTexts:
    """Texts with what a model says of them.

    Args:
        source: What the user called them.
        labels: Label names with the task.
        files: Where each stands, (N,).
        unit: What is counted there: "line", "row", or "text" of a request.
        lines: Its number there, (N,).
        texts: (N,).
        probabilities: (N, K).
        predicted: Labels that the model gives each, (N,).
    """

    source: str
    labels: Labels
    files: Sequence[str]
    unit: str
    lines: Sequence[int]
    texts: Sequence[str]
    probabilities: Float32s
    predicted: Sequence[tuple[str, ...]]


def score_file(path: Path, predictor: Predictor, settings: DataSettings, callback: Callback) -> ScoredTexts:
    """Predict every text of a file; labels that it may have are not looked at.

    Args:
        path: CSV, TSV, JSON lines or Parquet.
        predictor: The model.
        settings: Text column, encoding and delimiter.
        callback: Told how many texts are predicted.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it cannot be read, or holds no text.
    """
    lines, texts = list[int](), list[str]()
    with open_file(path, settings) as table:
        column, unit = find_text_column(table, settings), table.unit
        for line, values, _ in table.read((column,)):
            text = values.get(column)
            if isinstance(text, str) and text.strip():
                lines.append(line)
                texts.append(text)
    if not texts:
        raise DataError(f"{path}: there is no text to review")
    return _scored(str(path), [str(path)] * len(texts), unit, lines, texts, predictor, callback)


def score_source(source: str, predictor: Predictor, settings: DataSettings, callback: Callback) -> ScoredTexts:
    """Predict every text of a built-in source or of a folder of files; see :func:`score_file`.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be read.
    """
    collected = read_source(source, settings)
    places = [collected.place(row) for row in range(len(collected))]
    files, lines = [file for file, _, _ in places], [line for _, _, line in places]
    unit = places[0][1] if places else "line"
    return _scored(source, files, unit, lines, collected.texts, predictor, callback)


def _scored(
    source: str,
    files: Sequence[str],
    unit: str,
    lines: Sequence[int],
    texts: Sequence[str],
    predictor: Predictor,
    callback: Callback,
) -> ScoredTexts:
    predictions = list[TextPrediction]()
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        callback.on_progress("predicting", start, len(texts))
        predictions += predictor.predict(texts[start : start + _TEXTS_AT_ONCE])
    labels = predictor.labels
    probabilities = np.array([[item.probabilities[name] for name in labels.names] for item in predictions], np.float32)
    is_single = labels.task is Task.SINGLE_LABEL  # a label is suggested even where the model abstains
    predicted = [(item.best_label,) if is_single else tuple(item.labels) for item in predictions]
    return ScoredTexts(source, labels, files, unit, lines, texts, probabilities, predicted)


def is_records(source: str) -> bool:
    """Say whether a source is a folder that ``serve --record`` has written, of this machine or of S3."""
    first = next(iter(_parquet_files(source)), None)
    return first is not None and LABELS_KEY in _metadata(first)


def read_records(source: str) -> ScoredTexts:
    """Read recorded texts with the probabilities that were answered.

    Args:
        source: The folder.

    Raises:
        DataError: If no text was recorded, or models of several sets of labels have answered.
    """
    from pyarrow import parquet

    names: list[str] | None = None
    rows: list[Mapping[str, Any]] = []
    for path in _parquet_files(source):
        stored = json.loads(_metadata(path).get(LABELS_KEY, b"null"))
        if names is not None and stored != names:
            raise DataError(f"{path}: its model has other labels than that of the files before; review them apart")
        names = stored
        columns = ["request_id", "position", "labels", "probabilities", "text"]
        with path.open() as file:
            rows += [row for row in parquet.read_table(file, columns=columns).to_pylist() if row["text"]]
    if names is None or not rows:
        raise DataError(
            f"{source}: no text was recorded; start the server with --record-texts to review what it answers"
        )
    probabilities = np.array([row["probabilities"] for row in rows], dtype=np.float32)
    is_single = bool(np.allclose(probabilities.sum(axis=1), 1, atol=1e-2)) and all(
        len(row["labels"]) <= 1 for row in rows
    )
    best = [(names[index],) if is_single else () for index in probabilities.argmax(axis=1).tolist()]
    labels = Labels(tuple(names), Task.SINGLE_LABEL if is_single else Task.MULTI_LABEL)
    return ScoredTexts(
        source,
        labels,
        [row["request_id"] for row in rows],
        "text",
        [int(row["position"]) for row in rows],
        [row["text"] for row in rows],
        probabilities,
        [tuple(row["labels"]) or most_probable for row, most_probable in zip(rows, best, strict=True)],
    )


def queue_of_uncertain(scored: ScoredTexts, size: int) -> ReviewQueue:
    """Choose the texts that are asked about: uncertain ones, no two alike; of equal texts the first.

    Args:
        scored: The texts.
        size: Texts at most.
    """
    firsts = np.array(sorted({text: row for row, text in reversed(list(enumerate(scored.texts)))}.values()))
    unsure = uncertainty(scored.probabilities, scored.labels.task)[firsts]
    features = TextFeatures.of([scored.texts[row] for row in firsts.tolist()], len(scored.labels))
    chosen = firsts[choose_texts(unsure, features, size)]
    items = [_item(scored, row) for row in chosen.tolist()]
    return ReviewQueue(scored.source, scored.labels.task, tuple(scored.labels.names), tuple(items))


def _item(scored: ScoredTexts, row: int) -> ReviewItem:
    probabilities = dict(zip(scored.labels.names, scored.probabilities[row].tolist(), strict=True))
    unsure = uncertainty(scored.probabilities[row : row + 1], scored.labels.task)[0]
    return ReviewItem(
        file=scored.files[row],
        line=scored.lines[row],
        unit=scored.unit,
        text=scored.texts[row],
        given=None,
        suggested=scored.predicted[row],
        probabilities=probabilities,
        reason=f"the model is unsure: uncertainty {unsure:.2f} of 1",
    )


def _parquet_files(source: str) -> list[Location]:
    """List the files of a folder that may be one of records."""
    if not (source.startswith("s3://") or Path(source).is_dir()):
        return []
    folder = locate(source)
    return [folder.child(name) for name in folder.files() if _holds_records(name)]


def _holds_records(name: str) -> bool:
    return name.endswith(".parquet") and not fnmatch(name.rpartition("/")[2], FEEDBACK_FILES)


def _metadata(path: Location) -> Mapping[bytes, bytes]:
    from pyarrow import parquet

    with path.open() as file:
        return parquet.read_schema(file).metadata or {}
