"""Read JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.sections import Section
from textwright.data.settings import FileSettings
from textwright.data.tables import SAMPLE_ROWS, Row, Table
from textwright.data.text_files import TextFile
from textwright.errors import DataError


def open_jsonl(
    path: Path | str, settings: FileSettings, row_errors: RowErrors = END_AT_FIRST, section: Section | None = None
) -> Table:
    """Open a file of JSON lines, compressed or not.

    Args:
        path: A ``.jsonl`` or ``.ndjson`` file, with ``.gz`` or ``.zst`` behind it or not.
        settings: Its encoding.
        row_errors: What happens to a line that is no JSON object.
        section: Its part that is read; None reads the whole file.

    Returns:
        A table; its columns are the keys of the sample's objects, in the order of their first appearance, or those that
        the section names.

    Raises:
        DataError: If the file is empty, or a line of the sample is no JSON object.
    """
    file = TextFile(path, settings.encoding, row_errors, section)
    try:
        return _table(file, row_errors)
    except BaseException:
        file.close()
        raise


def _table(file: TextFile, row_errors: RowErrors) -> Table:
    rows = _rows(file, row_errors)
    sample = list(islice(rows, SAMPLE_ROWS))
    if not sample and file.section is None:
        raise DataError(f"{file.name}: the file has blank lines only; it needs one JSON object a line")
    return Table(
        name=file.name,
        columns=file.section.columns if file.section else tuple(dict.fromkeys(chain(*(row.values for row in sample)))),
        sample=sample,
        read=lambda _columns: chain(sample, rows),
        repairs=file.repairs,
        fraction_read=file.fraction_read,
        close=file.close,
    )


def _rows(file: TextFile, row_errors: RowErrors) -> Iterator[Row]:
    for number, line in enumerate(file.lines(), start=1 + (file.section.num_lines_skipped if file.section else 0)):
        if line.isspace():
            continue
        try:
            values = _object(line)
        except DataError as error:
            row_errors.report(RowProblem.MALFORMED, f"{file.name}, line {number}", str(error))
            if message := row_errors.take():
                yield Row(number, {}, message)
        else:
            yield Row(number, values, row_errors.take())


def _object(line: str) -> Mapping[str, object]:
    """Parse a line; its errors name no place."""
    try:
        values = json.loads(line.rstrip("\r\n"))  # else a line that is cut in a string is said to hold a line break
    except json.JSONDecodeError as error:
        raise DataError(
            f"not JSON ({error.msg}: character {error.pos + 1}); each line must hold one whole object"
        ) from error
    except RecursionError as error:
        raise DataError(f"not JSON ({error}); each line must hold one whole object") from error
    if not isinstance(values, dict):
        raise DataError(
            f"a JSON {type(values).__name__} where an object was expected; each line must hold one object "
            'such as {"text": "...", "label": "..."}'
        )
    if "\\ud" in line.lower():
        _check_surrogates(values)
    return values


def _check_surrogates(values: Mapping[str, object]) -> None:
    r"""Refuse half of a surrogate pair (``"\ud83d"`` alone), which is no Unicode text."""
    for key, value in values.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{key!r} holds half of a surrogate pair, which is no character; remove the escape "
                "or write the whole character"
            ) from error
