"""Predict a whole file: one row out per row in, in order, in bounded memory; ``textwright predict --input``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from textwright.data.parquet_copy import copy_parquet
from textwright.data.row_errors import END_AT_FIRST, RowErrorsInRows
from textwright.data.settings import FileSettings
from textwright.data.sources import TEXT_FORMATS, data_format, open_file, source_format
from textwright.data.text_files import STREAM
from textwright.data.text_reader import TextRow, open_texts
from textwright.data.writers import open_output
from textwright.errors import DataError
from textwright.runtime.prediction_columns import Columns, predict_columns, prediction_types
from textwright.runtime.predictor import Predictor

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
        source: A data file, ``.gz`` and ``.zst`` included; ``STREAM`` reads standard input.
        target: Where to write; its ending decides the format. It appears only when every row was written. ``STREAM``
            writes to standard output, as CSV or TSV where these were read, else as JSON lines.
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
    target_kind = data_format(target) if target != STREAM else kind if kind in TEXT_FORMATS else ".jsonl"
    row_errors = RowErrorsInRows() if skip_errors else END_AT_FIRST
    types = added_types(predictor, with_errors=skip_errors)
    num_rows = num_errors = 0
    first_error = ""
    with (
        open_texts(source, settings, row_errors, only_columns="json" not in target_kind) as texts,
        open_output(target, target_kind, {texts.text_column: str, **types}) as write,
    ):
        refuse_taken_columns(source, texts.columns, types)
        while block := list(islice(texts.rows, _ROWS_AT_ONCE)):
            for record in predicted_records(partial(predict_columns, predictor), block, types):
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
    types = added_types(predictor, with_errors=with_errors)
    with open_file(source, settings) as table:
        refuse_taken_columns(source, table.columns, types)

    def add_columns(texts: Sequence[str]) -> Columns:
        return {**predict_columns(predictor, texts), **({ERROR: [None] * len(texts)} if with_errors else {})}

    return PredictedFile(copy_parquet(source, target, settings, types, add_columns, progress))


PredictColumns: TypeAlias = Callable[[Sequence[str]], Columns]
"""N texts -> the columns of their predictions, each of N values; perhaps with the column ``error``."""


def predicted_records(
    predict: PredictColumns, rows: Sequence[TextRow], types: Mapping[str, type]
) -> Iterator[Mapping[str, object]]:
    """Put a prediction beside each record.

    Args:
        predict: Called once, with the texts of the rows that have no error.
        rows: Texts with their records.
        types: The columns that are added.

    Yields:
        Each record with the added columns, in the order of the rows; null in a row that has an error, but for the
        column ``error``, which is null in all others.
    """
    texts = [row.text for row in rows if not row.error]
    columns = predict(texts) if texts else {}
    empty = [None] * len(texts)
    values = zip(*(columns.get(name, empty) for name in types), strict=True)
    for row in rows:
        if row.error:
            yield {**row.record, **{name: row.error if name == ERROR else None for name in types}}
        else:
            yield {**row.record, **dict(zip(types, next(values), strict=True))}


def added_types(predictor: Predictor, *, with_errors: bool, top_k: int | None = None) -> dict[str, type]:
    """Name the columns of predictions, and perhaps ``error`` behind them, with their types."""
    return {**prediction_types(predictor, top_k), **({ERROR: str} if with_errors else {})}


def refuse_taken_columns(source: Path | str, columns: Sequence[str], added: Iterable[str]) -> None:
    """Refuse a file that has a column of a name that is added.

    Raises:
        DataError: Names file and column.
    """
    conflicts = [name for name in added if name in columns]
    if conflicts:
        raise DataError(
            f"{source} has a column {conflicts[0]!r} already, which the prediction would overwrite; rename or remove it"
        )
