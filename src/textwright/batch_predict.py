"""Predict a whole file: one row out per row in, in order, in bounded memory; ``textwright predict --input``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from textwright.core.labels import Task
from textwright.data.parquet_copy import copy_parquet
from textwright.data.row_errors import END_AT_FIRST, RowErrorsInRows
from textwright.data.settings import FileSettings
from textwright.data.sources import data_format, open_file, source_format
from textwright.data.text_files import STREAM
from textwright.data.text_reader import TextRow, open_texts
from textwright.data.writers import open_output
from textwright.errors import DataError
from textwright.runtime.predictor import Predictor, TextPrediction

_ROWS_AT_ONCE: Final = 4_096
ERROR: Final = "error"
"""Column that says why a row has no prediction."""


class PredictedFile(NamedTuple):
    """What was written.

    Args:
        num_rows: Rows, as many as were read.
        num_errors: Rows among them without a prediction.
        first_error: Why the first of them has none, with its place; empty if all have one.
    """

    num_rows: int
    num_errors: int = 0
    first_error: str = ""


def predict_file(
    predictor: Predictor,
    source: Path,
    target: Path,
    settings: FileSettings,
    *,
    skip_errors: bool = False,
    progress: Callable[[int, float], object] | None = None,
) -> PredictedFile:
    """Predict every text of a file and write its records with the predictions beside them.

    Args:
        predictor: The model.
        source: CSV, TSV, JSON lines or Parquet, ``.gz`` and ``.zst`` included; ``STREAM`` reads standard input.
        target: Where to write; its ending decides the format. It appears only when every row was written. ``STREAM``
            writes to standard output, as JSON lines where JSON lines or Parquet were read, else as CSV or TSV.
        settings: Text column, encoding and delimiter.
        skip_errors: Go on over a row that cannot be read: it gets no prediction, and a column ``error`` says why.
        progress: Called with the rows written so far and the share of the file that was read, in [0, 1].

    Returns:
        The number of rows, the same in both files, and of those without a prediction.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If a row cannot be read and is not skipped, or cannot be written; names file and line. Nothing is
            written then, but to standard output. Also if no row could be predicted.
        BackendError: If the engine fails.
    """
    kind = source_format(source) if source == STREAM or source.exists() else ""
    progress = progress or (lambda _num_rows, _fraction: None)
    if kind == ".parquet" and target != STREAM and data_format(target) == ".parquet":
        return _predict_parquet(predictor, source, target, settings, with_errors=skip_errors, progress=progress)
    target_kind = data_format(target) if target != STREAM else ".jsonl" if kind == ".parquet" else kind
    row_errors = RowErrorsInRows() if skip_errors else END_AT_FIRST
    types = _column_types(predictor, with_errors=skip_errors)
    num_rows = num_errors = 0
    first_error = ""
    with (
        open_texts(source, settings, row_errors, only_columns="json" not in target_kind) as texts,
        open_output(target, target_kind, {texts.text_column: str, **types}) as write,
    ):
        _refuse_taken_columns(source, texts.columns, types)
        while block := list(islice(texts.rows, _ROWS_AT_ONCE)):
            for record in predicted_records(predictor, block, with_errors=skip_errors):
                write(record)
            errors = [row.error for row in block if row.error]
            first_error = first_error or next(iter(errors), "")
            num_rows, num_errors = num_rows + len(block), num_errors + len(errors)
            progress(num_rows, texts.fraction_read())
        if num_rows == 0:
            raise DataError(f"{source}: there is no row to predict; check that it is the right file")
        if num_rows == num_errors:
            raise DataError(f"{source}: none of {num_rows:,} rows can be predicted; the first: {first_error}")
    return PredictedFile(num_rows, num_errors, first_error)


def _predict_parquet(
    predictor: Predictor,
    source: Path,
    target: Path,
    settings: FileSettings,
    *,
    with_errors: bool,
    progress: Callable[[int, float], object],
) -> PredictedFile:
    types = _column_types(predictor, with_errors=with_errors)
    with open_file(source, settings) as table:
        _refuse_taken_columns(source, table.columns, types)

    def add_columns(texts: Sequence[str]) -> dict[str, list[object]]:
        rows = [_values(predictor, item) + [None] * with_errors for item in predictor.predict(texts)]
        return dict(zip(types, map(list, zip(*rows, strict=True)), strict=True))

    return PredictedFile(copy_parquet(source, target, settings, types, add_columns, progress))


def predicted_records(
    predictor: Predictor, rows: list[TextRow], *, with_errors: bool = False
) -> Iterator[Mapping[str, object]]:
    """Put a prediction beside each record.

    Args:
        predictor: The model.
        rows: Texts with their records.
        with_errors: Also add a column ``error``, null where there is a prediction.

    Yields:
        Each record with the columns of :func:`prediction_columns` added, in the order of the rows; null in a row
        that has an error.
    """
    columns = prediction_columns(predictor)
    texts = [row.text for row in rows if not row.error]
    predictions = iter(predictor.predict(texts) if texts else [])
    for row in rows:
        values = [None] * len(columns) if row.error else _values(predictor, next(predictions))
        error = {ERROR: row.error or None} if with_errors else {}
        yield {**row.record, **dict(zip(columns, values, strict=True)), **error}


def prediction_columns(predictor: Predictor) -> list[str]:
    """Name the columns that a prediction adds.

    Args:
        predictor: Its task and labels decide.

    Returns:
        ``predicted_label`` (or ``predicted_labels``, a list), ``confidence``, ``truncated``, ``stage`` if
        the model has several, and one ``probability_<label>`` per label.
    """
    return list(_column_types(predictor, with_errors=False))


def _column_types(predictor: Predictor, *, with_errors: bool) -> dict[str, type]:
    chosen = ("predicted_label", str) if predictor.labels.task is Task.SINGLE_LABEL else ("predicted_labels", list)
    stage = [("stage", str)] if predictor.stage_names else []
    probabilities = [(f"probability_{name}", float) for name in predictor.labels.names]
    error = [(ERROR, str)] if with_errors else []
    return dict([chosen, ("confidence", float), ("truncated", bool), *stage, *probabilities, *error])


def _values(predictor: Predictor, prediction: TextPrediction) -> list[object]:
    is_single = predictor.labels.task is Task.SINGLE_LABEL
    chosen: object = prediction.label if is_single else list(prediction.labels)
    rounded = (round(value, 6) for value in prediction.probabilities.values())
    stage = [prediction.stage] if prediction.stage else []
    return [chosen, round(prediction.confidence, 6), prediction.truncated, *stage, *rounded]


def _refuse_taken_columns(source: Path, columns: Sequence[str], added: Iterable[str]) -> None:
    conflicts = [name for name in added if name in columns]
    if conflicts:
        raise DataError(
            f"{source} has a column {conflicts[0]!r} already, which the prediction would overwrite; rename or remove it"
        )
