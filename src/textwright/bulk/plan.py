"""Cut the input files into fragments: whole rows that one process scores and writes to one file.

The plan depends on the files and the settings alone, never on the number of processes or on the engine.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from textwright.batch_predict import refuse_taken_columns
from textwright.bulk.inputs import InputFile
from textwright.bulk.settings import ScoreSettings
from textwright.data.columns import find_text_column
from textwright.data.parquet import parquet_file
from textwright.data.row_cuts import Cut, RowCuts, find_row_cuts, spans
from textwright.data.row_errors import RowErrorsInRows
from textwright.data.sections import Section
from textwright.data.settings import FileSettings
from textwright.data.sources import data_format, open_section
from textwright.errors import DataError, NotFoundError
from textwright.storage import FileState, Location

_LEAST_ROWS: Final = 1_024
"""Of a fragment; a text file may be cut after each such number of rows."""
_MOST_ROWS: Final = 65_536
_PARTS: Final = 64
"""Into how many fragments the input is cut, if they are then neither too small nor too large."""


class Fragment(NamedTuple):
    """Rows of one input file that become one output file.

    Args:
        target: Name of the output file, relative to the folder of the output.
        start: Byte of a text file or row of a Parquet file at which it begins.
        stop: Where it ends, not included.
        num_lines_skipped: Lines of a text file between the line of column names and its first row.
        num_rows: Rows; of a text file blank lines are counted, of a compressed one it is a guess.
    """

    target: str
    start: int
    stop: int
    num_lines_skipped: int
    num_rows: int


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """An input file and how it is cut.

    Args:
        source: Its address.
        name: As :class:`InputFile` has it.
        size_bytes: Its size when it was planned.
        modified: When it had been written.
        sha256: Of its bytes; empty for Parquet files of S3, which are not read to be planned.
        columns: Its columns.
        text_column: That of the texts.
        header_size: Bytes that name the columns, of a file that is cut.
        num_header_lines: Lines in them.
        fragments: In order; none for a file without rows.
    """

    source: str
    name: str
    size_bytes: int
    modified: str
    sha256: str
    columns: tuple[str, ...]
    text_column: str
    header_size: int
    num_header_lines: int
    fragments: tuple[Fragment, ...]

    @property
    def state(self) -> FileState:
        """Size and time when it was planned."""
        return FileState(self.size_bytes, self.modified)

    @property
    def num_rows(self) -> int:
        """Rows of all fragments, as far as is known."""
        return sum(fragment.num_rows for fragment in self.fragments)

    def section(self, fragment: Fragment) -> Section:
        """Open the file at a fragment."""
        return Section(
            Location(self.source).open(),
            *(fragment.start, fragment.stop, self.columns),
            *(self.header_size, self.num_header_lines, fragment.num_lines_skipped),
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values for the ledger."""
        return asdict(self) | {"fragments": [list(fragment) for fragment in self.fragments]}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` gave."""
        fragments = tuple(Fragment(*values) for values in content["fragments"])
        return cls(**{**content, "columns": tuple(content["columns"]), "fragments": fragments})


def plan_files(
    files: Sequence[InputFile], data: FileSettings, settings: ScoreSettings, added: Iterable[str]
) -> list[PlannedFile]:
    """Plan files: where each is cut, and what each part is called.

    Args:
        files: The files to score.
        data: How to read them.
        settings: Format and rows of a fragment.
        added: Columns that predictions add; a file that has one of them is refused.

    Returns:
        The files in their order.

    Raises:
        DataError: If a file cannot be read, or two files would be written under one name.
    """
    added, every = list(added), min(_LEAST_ROWS, settings.fragment_rows or _LEAST_ROWS)
    prepared = [_prepare(file, data, added, every) for file in files]
    num_rows = sum(planned.num_rows for planned, _ in prepared)
    max_rows = settings.fragment_rows or min(max(-(-num_rows // _PARTS), _LEAST_ROWS), _MOST_ROWS)
    planned = [_cut(planned, cuts, max_rows, settings) for planned, cuts in prepared]
    counts = Counter(fragment.target for file in planned for fragment in file.fragments)
    twice = next((target for target, count in counts.items() if count > 1), None)
    if twice is not None:
        raise DataError(
            f"two input files would be written to {twice}; give another name to one, or score them into two folders"
        )
    return planned


def state_of(file: InputFile) -> FileState:
    """Return size and time of an input file.

    Raises:
        NotFoundError: If it is not there any more.
    """
    state = file.location.state()
    if state is None:
        raise NotFoundError(f"there is no file {file.location.address} any more")
    return state


def fingerprint(location: Location) -> str:
    """Hash a file's bytes."""
    with location.open() as file:
        digest = hashlib.sha256()
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _prepare(file: InputFile, data: FileSettings, added: Sequence[str], every: int) -> tuple[PlannedFile, list[Cut]]:
    """Read a file as far as is needed to cut it; its one fragment stands for all rows."""
    address, state = file.location.address, state_of(file)
    row_cuts = _row_cuts(file.location, data, every) if state.size_bytes else RowCuts([], 0, 0, "")
    empty = PlannedFile(address, file.name, *state, row_cuts.sha256, (), "", 0, 0, ())
    if len(row_cuts.cuts) < 2 or row_cuts.cuts[0] == row_cuts.cuts[-1]:
        return empty, []
    first, last = row_cuts.cuts[0], row_cuts.cuts[-1]
    with file.location.open() as content:
        section = Section(content, first.position, last.position, (), row_cuts.header_size, row_cuts.num_header_lines)
        with open_section(address, data, section, RowErrorsInRows()) as table:
            table.columns = table.columns or tuple(dict.fromkeys(name for row in table.sample for name in row.values))
            refuse_taken_columns(address, table.columns, added)
            columns, text_column = table.columns, find_text_column(table, data)
    whole = Fragment("", first.position, last.position, 0, last.num_rows)
    header = row_cuts.header_size, row_cuts.num_header_lines
    planned = PlannedFile(address, file.name, *state, row_cuts.sha256, columns, text_column, *header, (whole,))
    return planned, row_cuts.cuts


def _row_cuts(location: Location, data: FileSettings, every: int) -> RowCuts:
    address = location.address
    with location.open() as content:
        if data_format(Path(address)) != ".parquet":
            return find_row_cuts(content, address, data, every=every)
        file = parquet_file(address, Section(content, 0, 0, ()))
        num_rows = file.metadata.num_rows
    cuts = [Cut(row, 0, row) for row in [*range(0, num_rows, every), num_rows]]
    return RowCuts(cuts, 0, 0, "" if location.is_remote else fingerprint(location))


def _cut(planned: PlannedFile, cuts: list[Cut], max_rows: int, settings: ScoreSettings) -> PlannedFile:
    """Cut a prepared file into fragments, and name their outputs."""
    stem, kind = _stem_and_format(planned.name)
    suffix = f".{settings.format}" if settings.format else kind
    fragments = tuple(
        Fragment(
            f"{stem}-{number:05}{suffix}",
            *(start.position, stop.position),
            start.num_lines - planned.num_header_lines,
            stop.num_rows - start.num_rows,
        )
        for number, (start, stop) in enumerate(spans(cuts, max_rows))
    )
    return replace(planned, fragments=fragments)


def _stem_and_format(name: str) -> tuple[str, str]:
    """Cut the endings off: "2024/a.csv.gz" gives "2024/a" and ".csv"."""
    kind = data_format(Path(name))
    position = name.lower().rindex(kind)
    return name[:position], kind
