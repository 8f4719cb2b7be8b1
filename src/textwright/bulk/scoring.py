"""Score one fragment: the same function in every process, whichever engine calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from textwright.batch_predict import ERROR, added_types, predicted_records
from textwright.bulk.ledger import FragmentResult
from textwright.bulk.plan import Fragment, PlannedFile
from textwright.data.parquet import RowBatches, parquet_file
from textwright.data.parquet_copy import copy_rows
from textwright.data.row_errors import RowErrorsInRows
from textwright.data.settings import FileSettings
from textwright.data.sources import data_format
from textwright.data.text_reader import open_texts
from textwright.data.writers import open_records
from textwright.errors import BackendError, TextError
from textwright.runtime.prediction_columns import Columns, predict_columns
from textwright.runtime.predictor import Predictor
from textwright.storage import Location

BLOCK_ROWS: Final = 8_192
"""Rows whose texts are sorted by length before batches of them are cut."""

OnRows = Callable[[int], object]
"""Called with the number of rows that were just written."""


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """What is the same for all fragments.

    Args:
        out: Folder of the output.
        data: How the files are read.
        top_k: Labels whose probabilities are written; None writes all.
    """

    out: Location
    data: FileSettings
    top_k: int | None = None


@dataclass(slots=True)
class _Counts:
    num_rows: int = 0
    num_errors: int = 0
    num_truncated: int = 0
    first_error: str = ""

    def add(self, columns: Mapping[str, Sequence[Any]]) -> None:
        errors = [error for error in columns[ERROR] if error]
        self.num_rows += len(columns[ERROR])
        self.num_errors += len(errors)
        self.num_truncated += sum(map(bool, columns["truncated"]))
        self.first_error = self.first_error or next(iter(errors), "")


@dataclass(slots=True)
class _Tally:
    """Predicts, and counts what it predicted."""

    predict: Callable[[Sequence[str]], Columns]
    counts: _Counts = field(default_factory=_Counts)

    def __call__(self, texts: Sequence[str]) -> Columns:
        columns = self.predict(texts)
        self.counts.add(columns)
        return columns


class FragmentScorer:
    """What a process scores fragments with, one after the other.

    Args:
        predictor: The model, of one thread.
        job: What is the same for all fragments.
    """

    def __init__(self, predictor: Predictor, job: ScoreJob) -> None:
        self._predictor = predictor
        self._job = job
        self._types = added_types(predictor, with_errors=True, top_k=job.top_k)
        self._parquet: RowBatches | None = None
        self._open_files = ExitStack()

    def close(self) -> None:
        """Close the input file that was read last."""
        self._open_files.close()
        self._parquet = None

    def score(self, file: PlannedFile, fragment: Fragment, on_rows: OnRows) -> FragmentResult:
        """Read the fragment's rows, predict their texts and write them with the predictions beside them.

        Args:
            file: Where the rows are.
            fragment: Which rows.
            on_rows: Called after each block of rows.

        Returns:
            What was written. The file appears when it is whole; one that is there already is replaced.

        Raises:
            DataError: If the file cannot be read on, or the output cannot be written.
            BackendError: If the engine fails on every text of a block.
        """
        kinds = (data_format(Path(file.source)), data_format(Path(fragment.target)))
        write = self._copy_parquet if kinds == (".parquet", ".parquet") else self._write_records
        tally = _Tally(partial(predict_each, self._predictor, top_k=self._job.top_k))
        with self._job.out.child(fragment.target).writing() as output:
            write(file, fragment, output, tally, on_rows)
            output.flush()
            size = output.tell()
        counts = tally.counts
        return FragmentResult(
            *(fragment.target, counts.num_rows, counts.num_errors, counts.num_truncated, size, counts.first_error)
        )

    def _copy_parquet(
        self, file: PlannedFile, fragment: Fragment, output: IO[bytes], tally: _Tally, on_rows: OnRows
    ) -> None:
        if self._parquet is None or self._parquet.name != file.source:
            self.close()
            section = file.section(fragment)
            self._open_files.enter_context(section.file)
            self._parquet = RowBatches(parquet_file(file.source, section), file.source)
        num_written = 0

        def progress(num_rows: int) -> None:
            nonlocal num_written
            on_rows(num_rows - num_written)
            num_written = num_rows

        rows = range(fragment.start, fragment.stop)
        copy_rows(self._parquet, rows, file.text_column, output, self._types, tally, progress)

    def _write_records(
        self, file: PlannedFile, fragment: Fragment, output: IO[bytes], tally: _Tally, on_rows: OnRows
    ) -> None:
        kind = data_format(Path(fragment.target))
        settings = self._job.data.model_copy(update={"text_column": file.text_column})
        only_columns, section = "json" not in kind, file.section(fragment)
        with (
            section.file,
            open_texts(file.source, settings, RowErrorsInRows(), only_columns=only_columns, section=section) as texts,
            open_records(output, kind, {file.text_column: str, **self._types}) as write,
        ):
            while block := list(islice(texts.rows, BLOCK_ROWS)):
                tally.counts.add({ERROR: [row.error for row in block if row.error], "truncated": []})
                for record in predicted_records(tally, block, self._types):
                    write(record)
                on_rows(len(block))


def predict_each(predictor: Predictor, texts: Sequence[str], *, top_k: int | None = None) -> Columns:
    """Predict texts into columns; a text that cannot be predicted has an error in place of a prediction.

    Args:
        predictor: The model.
        texts: N texts.
        top_k: As for :func:`~textwright.runtime.prediction_columns.prediction_types`.

    Returns:
        The columns of a prediction and the column ``error``, each of N values.

    Raises:
        BackendError: If the engine fails on each of several texts.
    """
    try:
        return {**predict_columns(predictor, texts, top_k), ERROR: [None] * len(texts)}
    except (BackendError, TextError) as error:
        if len(texts) == 1:
            return {
                **{name: [None] for name in added_types(predictor, with_errors=False, top_k=top_k)},
                ERROR: [str(error)],
            }
        middle = len(texts) // 2
        halves = [predict_each(predictor, half, top_k=top_k) for half in (texts[:middle], texts[middle:])]
        if isinstance(error, BackendError) and all(message for half in halves for message in half[ERROR]):
            raise
        return {name: [*halves[0][name], *halves[1][name]] for name in halves[0]}
