"""CSV in, CSV out: every row of a table comes back in its place with its prediction beside it.

The first line names the columns. The text stands in the column ``text``, or in the only one there is. The columns that
are added are those of ``textwright predict`` on a file.

Source:
    RFC 4180, "Common Format and MIME Type for Comma-Separated Values (CSV) Files".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final, Self

from textwright.api.headers import CSV
from textwright.api.model import LoadedModel
from textwright.api.protocols.request import Answer, PredictRequest, Scored
from textwright.api.validation import RequestLimits, check_num_texts
from textwright.errors import RequestError, RequestLimitError
from textwright.runtime.predictor import TextPrediction

TEXT_COLUMN: Final = "text"
_DECIMALS: Final = 6
_LINES_PER_ROW, _FURTHER_LINES = 100, 4_096
"""Lines that a table may have, counting those within cells: reading millions of them would hold up other requests."""


class TableRequest(PredictRequest):
    """A table as it came.

    Args:
        columns: The names in the first line; empty for a table of one column without a name.
        rows: N rows, each as wide as the columns.
        text_index: The column that holds the texts.
    """

    def __init__(self, columns: list[str], rows: list[list[str]], text_index: int) -> None:
        super().__init__([row[text_index] for row in rows])
        self.columns = columns
        self.rows = rows

    @classmethod
    def read(cls, body: bytes, limits: RequestLimits, *, has_header: bool = True) -> Self:
        """Read CSV in UTF-8, with or without a byte order mark.

        Args:
            body: The bytes.
            limits: Of a request; reading stops at the most texts.
            has_header: Whether the first line names the columns; without names a table has one column, the texts.

        Returns:
            A table of one row or more; empty lines are skipped.

        Raises:
            RequestError: If it is not CSV in UTF-8, a row is wider or narrower than the first line, or there is no
                text column or no row; names the line.
            RequestLimitError: If there are more rows, or far more lines than so many rows have.
        """
        try:
            content = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = body.count(b"\n", 0, error.start) + 1
            raise RequestError(f"line {line} of the CSV is not UTF-8; save the file in UTF-8") from None
        _check_num_lines(body, limits)
        lines = _rows(content, limits.max_texts)
        columns = next(lines, (1, []))[1] if has_header else []
        text_index = _text_index(columns) if has_header else 0
        rows: list[list[str]] = []
        for line, row in lines:
            check_num_texts(len(rows) + 1, limits)
            rows.append(_checked(row, line, columns) if has_header else _alone(row, line))
        if not rows:
            where = "beneath its first line, which names the columns" if has_header else "in it"
            raise RequestError(f"the CSV has no row {where}")
        return cls(columns, rows, text_index)

    def check(self, model: LoadedModel) -> None:
        """Refuse a table whose own columns the predictions would hide.

        Raises:
            RequestError: If a column has the name of one that is added.
        """
        conflicts = [name for name in added_columns(model) if name in self.columns]
        if conflicts:
            raise RequestError(f"line 1 of the CSV has a column {conflicts[0]!r} already; rename or remove it")

    def encode(self, model: LoadedModel, scored: Sequence[Scored]) -> Answer:
        """Put the predictions beside the rows.

        Args:
            model: What answered.
            scored: N scored texts, in the order of the rows.

        Returns:
            CSV in UTF-8, with a first line of names if the table has one; several labels of one text are joined by
            ``;``.
        """
        stream = io.StringIO(newline="")
        writer = csv.writer(stream)
        if self.columns:
            writer.writerow([*self.columns, *added_columns(model)])
        pairs = zip(self.rows, scored, strict=True)
        writer.writerows([*row, *_values(item.prediction, model.is_single_label)] for row, item in pairs)
        return Answer(stream.getvalue().encode(), CSV)


def added_columns(model: LoadedModel) -> list[str]:
    """Name the columns that predictions add."""
    chosen = "predicted_label" if model.is_single_label else "predicted_labels"
    stage = ["stage"] if model.has_stages else []
    return [chosen, "confidence", "truncated", *stage, *(f"probability_{name}" for name in model.labels)]


def _check_num_lines(body: bytes, limits: RequestLimits) -> None:
    most = _LINES_PER_ROW * limits.max_texts + _FURTHER_LINES
    if len(body) > most and body.count(b"\n") + body.count(b"\r") - body.count(b"\r\n") > most:
        raise RequestLimitError(
            f"the CSV has more than {most} lines, which no table of at most {limits.max_texts} texts has; send it in "
            f"several requests, or {limits.cure('max_texts')}"
        )


def _rows(content: str, max_rows: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of the line on which it starts."""
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))  # the body's own limit holds, as it does for JSON
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    num_empty = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise RequestError(f"line {line} of the CSV cannot be read: {error}") from None
        if row:
            yield line, row
            continue
        num_empty += 1
        if num_empty > max_rows:
            raise RequestLimitError(f"the CSV has more than {max_rows} empty lines; remove them")


def _text_index(columns: list[str]) -> int:
    if len(columns) == 1:
        return 0
    if columns.count(TEXT_COLUMN) == 1:
        return columns.index(TEXT_COLUMN)
    raise RequestError(
        f"line 1 of the CSV must name one column {TEXT_COLUMN!r}, or one column alone; it names {len(columns)} columns"
    )


def _checked(row: list[str], line: int, columns: list[str]) -> list[str]:
    if len(row) != len(columns):
        raise RequestError(f"line {line} of the CSV has {len(row)} fields, but line 1 names {len(columns)} columns")
    return row


def _alone(row: list[str], line: int) -> list[str]:
    if len(row) != 1:
        raise RequestError(
            f"line {line} of the CSV has {len(row)} fields; without a first line of names each line is one text: "
            "put it in quotes, or declare the names as text/csv; header=present"
        )
    return row


def _values(item: TextPrediction, is_single: bool) -> list[object]:
    chosen = item.label if is_single else ";".join(item.labels)
    probabilities = (round(value, _DECIMALS) for value in item.probabilities.values())
    stage = [item.stage] if item.stage else []
    return [chosen, round(item.confidence, _DECIMALS), str(item.truncated).lower(), *stage, *probabilities]
