"""Read plain text: a text a line, or fastText's labeled lines, ``__label__NAME the text``.

Source: fastText's documentation, "Text classification": a line holds its labels, each after ``__label__``, and a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final, NamedTuple

from textwright.data.row_errors import END_AT_FIRST, RowErrors
from textwright.data.settings import FileSettings
from textwright.data.tables import SAMPLE_ROWS, Row, Table
from textwright.data.text_files import TextFile

_MARK: Final = "__label__"


class _TextLine(NamedTuple):
    number: int
    labels: list[str]
    text: str
    error: str


def open_text_lines(path: Path | str, settings: FileSettings, row_errors: RowErrors = END_AT_FIRST) -> Table:
    """Open a file of lines, compressed or not; blank ones are passed over.

    Args:
        path: A ``.txt`` file, with ``.gz`` or ``.zst`` behind it or not.
        settings: Its encoding.
        row_errors: What happens to a line whose bytes do not fit the encoding.

    Returns:
        A table with the column ``text``; and ``label``, if a line of the sample begins with a label: a string, or a
        list where a line of the sample has several.

    Raises:
        DataError: If no line holds anything.
    """
    file = TextFile(path, settings.encoding, row_errors)
    try:
        return file.table(_rows(_lines(file, row_errors)), "the file has blank lines only; it needs one text a line")
    except BaseException:
        file.close()
        raise


def _rows(lines: Iterator[_TextLine]) -> Iterator[Row]:
    sample = list(islice(lines, SAMPLE_ROWS))
    most = max((len(line.labels) for line in sample), default=0)
    for number, labels, text, error in chain(sample, lines):
        if most == 0:
            values: dict[str, object] = {"text": " ".join([*(_MARK + name for name in labels), text])}
        elif most == 1 and len(labels) <= 1:
            values = {"text": text, "label": next(iter(labels), None)}
        else:
            values = {"text": text, "label": labels}
        yield Row(number, values, error)


def _lines(file: TextFile, row_errors: RowErrors) -> Iterator[_TextLine]:
    for number, line in enumerate(file.lines(), start=1):
        rest, labels = line.strip(), []
        while rest.startswith(_MARK):
            label, *words = rest.split(maxsplit=1)
            labels.append(label.removeprefix(_MARK))
            rest = "".join(words)
        if rest or labels:
            yield _TextLine(number, labels, rest, row_errors.take())
