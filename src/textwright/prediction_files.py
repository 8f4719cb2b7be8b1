"""Predict a whole file: one row out per row in, in order, in bounded memory; ``textwright predict --input``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from textwright.core.labels import Task
from textwright.data.output import open_output
from textwright.data.settings import DataSettings
from textwright.data.texts import TextRow, TextRows, open_texts
from textwright.errors import DataError
from textwright.runtime.predictor import Prediction, Predictor

_ROWS_AT_ONCE: Final = 4_096


def predict_file(
    predictor: Predictor,
    source: Path,
    target: Path,
    settings: DataSettings,
    *,
    progress: Callable[[int, float], object] | None = None,
) -> int:
    """Predict every text of a file and write its records with the predictions beside them.

    Args:
        predictor: The model.
        source: CSV, TSV, JSON lines or Parquet, ``.gz`` and ``.zst`` included.
        target: Where to write; its ending decides the format. It appears only when every row was written.
        settings: Text column and encoding.
        progress: Called with the rows written so far and the share of the file that was read, in [0, 1].

    Returns:
        The number of rows, the same in both files.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If a row cannot be read or written; names file and line. Nothing is written then.
        BackendError: If the engine fails.
    """
    num_rows = 0
    with open_texts(source, settings) as texts, open_output(target) as write:
        _refuse_taken_columns(source, texts, prediction_columns(predictor))
        while block := list(islice(texts.rows, _ROWS_AT_ONCE)):
            for record in predicted_records(predictor, block):
                write(record)
            num_rows += len(block)
            if progress is not None:
                progress(num_rows, texts.fraction_read())
        if num_rows == 0:
            raise DataError(f"{source}: there is no row to predict; check that it is the right file")
    return num_rows


def predicted_records(predictor: Predictor, rows: list[TextRow]) -> Iterator[Mapping[str, object]]:
    """Put a prediction beside each record.

    Args:
        predictor: The model.
        rows: Texts with their records.

    Yields:
        Each record with the columns of :func:`prediction_columns` added, in the order of the rows.
    """
    columns = prediction_columns(predictor)
    for row, prediction in zip(rows, predictor.predict([row.text for row in rows]), strict=True):
        yield {**row.record, **dict(zip(columns, _values(predictor, prediction), strict=True))}


def prediction_columns(predictor: Predictor) -> list[str]:
    """Name the columns that a prediction adds.

    Args:
        predictor: Its task and labels decide.

    Returns:
        ``predicted_label`` (or ``predicted_labels``, a list), ``confidence``, ``truncated``, for a cascade ``stage``,
        and one ``probability_<label>`` per label.
    """
    chosen = "predicted_label" if predictor.labels.task is Task.SINGLE_LABEL else "predicted_labels"
    stage = ["stage"] if predictor.stages else []
    return [chosen, "confidence", "truncated", *stage, *(f"probability_{name}" for name in predictor.labels.names)]


def _values(predictor: Predictor, prediction: Prediction) -> list[object]:
    is_single = predictor.labels.task is Task.SINGLE_LABEL
    chosen: object = prediction.label if is_single else list(prediction.labels)
    rounded = (round(value, 6) for value in prediction.probabilities.values())
    stage = [prediction.stage] if prediction.stage else []
    return [chosen, round(prediction.confidence, 6), prediction.truncated, *stage, *rounded]


def _refuse_taken_columns(source: Path, texts: TextRows, added: list[str]) -> None:
    taken = [name for name in added if name in texts.columns]
    if taken:
        raise DataError(
            f"{source} has a column {taken[0]!r} already, which the prediction would overwrite; rename or remove it"
        )
