"""Read JSON: one object a line, or an array of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Final

from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.sections import Section
from textwright.data.settings import FileSettings
from textwright.data.tables import SAMPLE_ROWS, Row, Table
from textwright.data.text_files import TextFile
from textwright.errors import DataError

_EACH_LINE: Final = "each line must hold one whole object"
_ARRAY_OR_LINES: Final = "the file must hold an array of objects, or each line one whole object"
_MAX_ARRAY: Final = 2**28
"""Characters of an array on one line, as most programs write it."""
_SPACE: Final = re.compile(r"[ \t\r\n]*")


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
        return _table(file, _rows(file, file.lines(), row_errors, _EACH_LINE))
    except BaseException:
        file.close()
        raise


def open_json(path: Path | str, settings: FileSettings, row_errors: RowErrors = END_AT_FIRST) -> Table:
    """Open a file that holds an array of objects, which is read into memory whole, or JSON lines.

    Args:
        path: A ``.json`` file, with ``.gz`` or ``.zst`` behind it or not.
        settings: Its encoding.
        row_errors: What happens to an element or a line that is no object.

    Returns:
        A table as that of :func:`open_jsonl`; an object has the number of the line that it begins on.

    Raises:
        DataError: If the file is empty, is no JSON, or its first rows are no objects.
    """
    file = TextFile(path, settings.encoding, row_errors, max_line=_MAX_ARRAY)
    try:
        lines, start = file.lines(), []
        for line in lines:
            start.append(line)
            if not line.isspace():
                break
        is_array = bool(start) and start[-1].lstrip().startswith("[")
        lines = chain(start, lines)
        return _table(
            file, _elements(file, lines, row_errors) if is_array else _rows(file, lines, row_errors, _ARRAY_OR_LINES)
        )
    except BaseException:
        file.close()
        raise


def _table(file: TextFile, rows: Iterator[Row]) -> Table:
    sample = list(islice(rows, SAMPLE_ROWS))
    if not sample and file.section is None:
        raise DataError(f"{file.name}: the file holds no object; it needs one for each example")
    return Table(
        name=file.name,
        columns=file.section.columns if file.section else tuple(dict.fromkeys(chain(*(row.values for row in sample)))),
        sample=sample,
        read=lambda _columns: chain(sample, rows),
        repairs=file.repairs,
        fraction_read=file.fraction_read,
        close=file.close,
    )


def _rows(file: TextFile, lines: Iterable[str], row_errors: RowErrors, demand: str) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1 + (file.section.num_lines_skipped if file.section else 0)):
        if line.isspace():
            continue
        try:
            values = _object(_parsed(line, demand), line)
        except DataError as error:
            row_errors.report(RowProblem.MALFORMED, f"{file.name}, line {number}", str(error))
            if message := row_errors.take():
                yield Row(number, {}, message)
        else:
            yield Row(number, values, row_errors.take())


def _elements(file: TextFile, lines: Iterable[str], row_errors: RowErrors) -> Iterator[Row]:
    """Read an array; where it is no JSON, nothing behind that place can be read."""
    content = "".join(lines)
    decoder = json.JSONDecoder()
    position, counted, number = _after_space(content, content.index("[") + 1), 0, 1
    while not content.startswith("]", position):
        number, counted = number + content.count("\n", counted, position), position
        try:
            value, position = decoder.raw_decode(content, position)
        except json.JSONDecodeError as error:
            raise DataError(f"{file.name}, line {error.lineno}: not JSON ({error.msg}); {_ARRAY_OR_LINES}") from error
        except RecursionError as error:
            raise DataError(f"{file.name}, line {number}: not JSON ({error}); {_ARRAY_OR_LINES}") from error
        try:
            values = _object(value, content[counted:position])
        except DataError as error:
            row_errors.report(RowProblem.MALFORMED, f"{file.name}, line {number}", str(error))
            if message := row_errors.take():
                yield Row(number, {}, message)
        else:
            yield Row(number, values, row_errors.take())
        position = _after_space(content, position)
        if content.startswith(",", position):
            position = _after_space(content, position + 1)
        elif not content.startswith("]", position):
            line = 1 + content.count("\n", 0, position)
            raise DataError(
                f"{file.name}, line {line}: neither a comma nor the end of the array after an object; the file is cut "
                "off or damaged, write or download it again"
            )
    if _after_space(content, position + 1) < len(content):
        raise DataError(f"{file.name}: something follows the end of the array; {_ARRAY_OR_LINES}")


def _after_space(content: str, position: int) -> int:
    space = _SPACE.match(content, position)
    return space.end() if space else position


def _parsed(line: str, demand: str) -> object:
    """Parse a line; its errors name no place."""
    try:
        return json.loads(line.rstrip("\r\n"))  # else a line that is cut in a string is said to hold a line break
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON ({error.msg}: character {error.pos + 1}); {demand}") from error
    except RecursionError as error:
        raise DataError(f"not JSON ({error}); {demand}") from error


def _object(value: object, written: str) -> Mapping[str, object]:
    """Refuse what is no object; errors name no place.

    Args:
        value: What was parsed.
        written: How it stands in the file.
    """
    if not isinstance(value, dict):
        raise DataError(
            f"a JSON {type(value).__name__} where an object was expected; each must be one "
            'such as {"text": "...", "label": "..."}'
        )
    if "\\ud" in written.lower():
        _check_surrogates(value)
    return value


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
