"""Read JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from textwright.data.settings import DataSettings
from textwright.data.tables import SAMPLE_ROWS, Row, Table
from textwright.data.text_files import TextFile
from textwright.errors import DataError


def open_jsonl(path: Path, settings: DataSettings) -> Table:
    """Open a file of JSON lines, compressed or not.

    Args:
        path: A ``.jsonl`` or ``.ndjson`` file, with ``.gz`` or ``.zst`` behind it or not.
        settings: Its encoding.

    Returns:
        A table; its columns are the keys of the sample's objects, in the order of their first appearance.

    Raises:
        DataError: If the file is empty, or a line of the sample is no JSON object.
    """
    file = TextFile(path, settings.encoding)
    try:
        return _table(file)
    except BaseException:
        file.close()
        raise


def _table(file: TextFile) -> Table:
    rows = _rows(file)
    sample = list(islice(rows, SAMPLE_ROWS))
    if not sample:
        raise DataError(f"{file.name}: the file has blank lines only; it needs one JSON object a line")
    return Table(
        name=file.name,
        columns=tuple(dict.fromkeys(chain.from_iterable(row.values for row in sample))),
        sample=sample,
        read=lambda _columns: chain(sample, rows),
        repairs=file.repairs,
        fraction_read=file.fraction_read,
        close=file.close,
    )


def _rows(file: TextFile) -> Iterator[Row]:
    for number, line in enumerate(file.lines(), start=1):
        if not line.isspace():
            yield Row(number, _object(line, f"{file.name}, line {number}"))


def _object(line: str, place: str) -> Mapping[str, object]:
    try:
        values = json.loads(line.rstrip("\r\n"))  # else a line that is cut in a string is said to hold a line break
    except json.JSONDecodeError as error:
        raise DataError(
            f"{place}: not JSON ({error.msg}: character {error.pos + 1}); each line must hold one whole object"
        ) from error
    except RecursionError as error:
        raise DataError(f"{place}: not JSON ({error}); each line must hold one whole object") from error
    if not isinstance(values, dict):
        raise DataError(
            f"{place}: a JSON {type(values).__name__} where an object was expected; each line must hold one object "
            'such as {"text": "...", "label": "..."}'
        )
    if "\\ud" in line.lower():
        _check_surrogates(values, place)
    return values


def _check_surrogates(values: Mapping[str, object], place: str) -> None:
    r"""Refuse half of a surrogate pair (``"\ud83d"`` alone), which is no Unicode text."""
    for key, value in values.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{place}: {key!r} holds half of a surrogate pair, which is no character; remove the escape "
                "or write the whole character"
            ) from error
