"""Read JSON: one object a line, or an array of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final

from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.sections import Section
from textwright.data.settings import FileSettings
from textwright.data.tables import Row, Table
from textwright.data.text_files import TextFile
from textwright.errors import DataError

_EACH_LINE: Final = "each line must hold one whole object"
_ARRAY_OR_LINES: Final = "the file must hold an array of objects, or each line one whole object"
_MAX_ARRAY: Final = 2**28
"""Characters of an array on one line, as most programs write it."""
_NO_OBJECT: Final = "the file holds no object; it needs one for each example"
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
    columns = section.columns if section else None
    try:
        return file.table(_rows(file, _lines(file, file.lines(), _EACH_LINE), row_errors), _NO_OBJECT, columns)
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
        return file.table(_rows(file, _objects(file, row_errors), row_errors), _NO_OBJECT)
    except BaseException:
        file.close()
        raise


def _rows(
    file: TextFile, objects: Iterable[tuple[int, Mapping[str, object] | DataError]], row_errors: RowErrors
) -> Iterator[Row]:
    for number, values in objects:
        if not isinstance(values, DataError):
            yield Row(number, values, row_errors.take())
            continue
        row_errors.report(RowProblem.MALFORMED, f"{file.name}, line {number}", str(values))
        if message := row_errors.take():
            yield Row(number, {}, message)


def _objects(file: TextFile, row_errors: RowErrors) -> Iterator[tuple[int, Mapping[str, object] | DataError]]:
    """Read an array or lines, by what the file begins with."""
    lines, start = file.lines(), []
    for line in lines:
        start.append(line)
        if not line.isspace():
            break
    if start and start[-1].lstrip().startswith("["):
        content = "".join(chain(start, lines))
        if message := row_errors.take():  # of which element is not known
            raise DataError(message)
        return _elements(file, content)
    return _lines(file, chain(start, lines), _ARRAY_OR_LINES)


def _lines(file: TextFile, lines: Iterable[str], demand: str) -> Iterator[tuple[int, Mapping[str, object] | DataError]]:
    """Parse each line; one that is no object gives an error that names no place."""
    for number, line in enumerate(lines, start=1 + (file.section.num_lines_skipped if file.section else 0)):
        if line.isspace():
            continue
        try:
            value = json.loads(line.rstrip("\r\n"))  # else a line that is cut in a string is said to hold a line break
        except json.JSONDecodeError as error:
            yield number, DataError(f"not JSON ({error.msg}: character {error.pos + 1}); {demand}")
        except RecursionError as error:
            yield number, DataError(f"not JSON ({error}); {demand}")
        else:
            yield number, _object(value, line)


def _elements(file: TextFile, content: str) -> Iterator[tuple[int, Mapping[str, object] | DataError]]:
    """Parse an array; where it is no JSON, nothing behind that place can be read.

    Raises:
        DataError: If it is no JSON.
    """

    def broken(position: int, what: str) -> DataError:
        line = 1 + content.count("\n", 0, position)
        return DataError(f"{file.name}, line {line}: not JSON ({what}); {_ARRAY_OR_LINES}")

    decode = json.JSONDecoder().raw_decode
    number, counted, position = 1, 0, _after_space(content, content.index("[") + 1)
    is_open = not content.startswith("]", position)
    while is_open:
        number, counted = number + content.count("\n", counted, position), position
        try:
            value, position = decode(content, position)
        except json.JSONDecodeError as error:
            raise broken(error.pos, error.msg) from error
        except RecursionError as error:
            raise broken(position, str(error)) from error
        yield number, _object(value, content[counted:position])
        position = _after_space(content, position)
        is_open = content.startswith(",", position)
        if is_open:
            position = _after_space(content, position + 1)
        elif not content.startswith("]", position):
            raise broken(position, "neither a comma nor the end of the array after an element")
    position = _after_space(content, position + 1)
    if position < len(content):
        raise broken(position, "something follows the end of the array")


def _after_space(content: str, position: int) -> int:
    space = _SPACE.match(content, position)
    return space.end() if space else position


def _object(value: object, written: str) -> Mapping[str, object] | DataError:
    """Return an error, which names no place, for what is no object of Unicode texts.

    Args:
        value: What was parsed.
        written: How it stands in the file.
    """
    if not isinstance(value, dict):
        return DataError(
            f"a JSON {type(value).__name__} where an object was expected; each must be one "
            'such as {"text": "...", "label": "..."}'
        )
    return _half_character(value) or value if "\\ud" in written.lower() else value


def _half_character(values: Mapping[str, object]) -> DataError | None:
    r"""Find half of a surrogate pair (``"\ud83d"`` alone), which is no Unicode text."""
    for key, value in values.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return DataError(
                f"{key!r} holds half of a surrogate pair, which is no character; remove the escape "
                "or write the whole character"
            )
    return None
