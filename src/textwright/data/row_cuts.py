"""Where a text file may be cut into parts that hold whole rows; planned by ``bulk``, read through ``data.sections``.

One pass over the bytes. Rows of JSON lines end where lines end. In CSV a line may also end inside a quoted cell, so the
quotes are counted: after an even number of them no cell is open. That holds only where each quote opens or closes a
cell, which is checked; a file with other quotes, as in ``5" disk``, is one part, and the parser reads it alone.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textwright.core.types import Bools, Ints
from textwright.data.delimited import delimiter_of, separator_of
from textwright.data.settings import FileSettings
from textwright.data.sources import data_format
from textwright.data.text_files import REPAIR

_CHUNK: Final = 8 * 2**20
_MAX_LINE: Final = 64 * 2**20
_COMPRESSED_ROW: Final = 50
"""Bytes that a row of a compressed file is taken to have, to show how much is left."""
_NEWLINE, _RETURN, _QUOTE = b'\n\r"'
_UTF8: Final = frozenset({"utf-8", "utf-8-sig", "ascii"})
_ONE_BYTE: Final = ("cp125", "iso8859", "cp437", "cp850", "koi8")
"""How the names of encodings begin in which each byte is a character."""
_BOMS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Bytes: TypeAlias = NDArray[np.uint8]


class Cut(NamedTuple):
    """A place between two rows.

    Args:
        position: The byte at which the next row begins.
        num_lines: Lines before it.
        num_rows: Rows before it; blank lines count as rows, which they are not.
    """

    position: int
    num_lines: int
    num_rows: int


class RowCuts(NamedTuple):
    """Where a file may be cut.

    Args:
        cuts: From where the rows begin to where the file ends; two where it can be read as one part alone.
        header_size: Bytes that name the columns.
        num_header_lines: Lines in them.
        sha256: Of all bytes.
    """

    cuts: list[Cut]
    header_size: int
    num_header_lines: int
    sha256: str


def find_row_cuts(file: IO[bytes], name: str, settings: FileSettings, *, every: int) -> RowCuts:
    """Read a text file once and say where it may be cut.

    Args:
        file: The whole file, at its beginning.
        name: Its path or address; the ending tells the format.
        settings: Encoding, quotes and delimiter.
        every: Rows between two cuts, >= 1.

    Returns:
        The cuts. A compressed file, one in UTF-16, and one whose quotes do not tell where rows end have the first and
        the last only.

    Raises:
        DataError: If the name ends in no known format.
    """
    scan = _Scan(name, settings, every)
    digest = hashlib.sha256()
    rest = b""
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        end = chunk.rfind(b"\n") + 1
        if end:
            scan.read(rest + chunk[:end] if rest else chunk[:end])
            rest = chunk[end:]
        else:
            rest += chunk
            if len(rest) > _MAX_LINE:  # no lines, so nothing to cut
                scan.read(rest)
                rest = b""
    if rest:
        scan.read(rest)
    return scan.result(digest.hexdigest())


class _Scan:
    """Counts quotes and lines, chunk by chunk; each chunk but the last ends with a line."""

    def __init__(self, name: str, settings: FileSettings, every: int) -> None:
        path = Path(name)
        kind = data_format(path)
        self._settings = settings
        self._is_tsv = kind == ".tsv"
        self._every = every
        self._has_header = "json" not in kind
        self._has_quotes = self._has_header and settings.quotes
        self._is_compressed = path.suffix in (".gz", ".zst")
        self._can_cut = (
            not self._is_compressed and _keeps_ascii(settings.encoding) and settings.escape_character is None
        )
        self._delimiter: int | None = None
        self._header: tuple[int, int] | None = None if self._has_header else (0, 0)
        self._is_open = False
        self._position = self._num_lines = self._num_rows = 0
        self._cuts: list[Cut] = []

    def read(self, content: bytes) -> None:
        if self._is_compressed:
            self._position += len(content)
            return
        if not self._position and content.startswith(_BOMS[1:]):
            self._can_cut = False
        if self._can_cut and self._has_header and self._delimiter is None:
            self._delimiter = self._delimiter_of(content)
        data: Bytes = np.frombuffer(content, dtype=np.uint8)
        ends = np.flatnonzero(data == _NEWLINE) + 1
        if not content.endswith(b"\n"):
            ends = np.append(ends, len(content))
        if self._can_cut and self._has_quotes and b'"' in content:
            ends = self._outside_of_quotes(data, ends)
        elif self._is_open:
            ends = ends[:0]
        self._take(content, data, ends)
        self._position += len(content)

    def result(self, sha256: str) -> RowCuts:
        num_rows = self._position // _COMPRESSED_ROW if self._is_compressed else self._num_rows
        end = Cut(self._position, self._num_lines, num_rows)
        if not self._can_cut or self._is_open or self._header is None:
            return RowCuts([Cut(0, 0, 0), end._replace(num_rows=max(end.num_rows, 1))], 0, 0, sha256)
        size, num_lines = self._header
        cuts = [Cut(size, num_lines, 0), *self._cuts]
        if cuts[-1].position < end.position:
            cuts.append(end)
        return RowCuts(cuts, size, num_lines, sha256)

    def _outside_of_quotes(self, data: Bytes, ends: Ints) -> Ints:
        """Return the ends of lines at which no cell is open; a quote that is not at the edge of a cell ends cutting."""
        quotes = np.flatnonzero(data == _QUOTE)
        opens = (np.arange(len(quotes)) % 2 == 0) ^ self._is_open
        first = len(codecs.BOM_UTF8) if not self._position and data[:3].tobytes() == codecs.BOM_UTF8 else 0
        is_first = quotes == first
        before = np.where(is_first | (quotes == 0), _NEWLINE, data[quotes - 1])
        after = np.append(data, np.uint8(_NEWLINE))[quotes + 1] if quotes[-1] + 1 == len(data) else data[quotes + 1]
        if not np.where(opens, self._is_edge(before), self._is_edge(after)).all():
            self._can_cut = False
        is_open = (np.searchsorted(quotes, ends) % 2 == 1) ^ self._is_open
        self._is_open ^= bool(len(quotes) % 2)
        return np.asarray(ends[~is_open])

    def _is_edge(self, neighbors: Bytes) -> Bools:
        return np.isin(neighbors, [self._delimiter or 0, _NEWLINE, _RETURN, _QUOTE])

    def _take(self, content: bytes, data: Bytes, ends: Ints) -> None:
        """Remember each ``every``-th of the places where rows end."""
        if not content.endswith(b"\n") and len(content) > _MAX_LINE:
            self._can_cut = False
        lines = _line_ends(content, data)
        start = 0
        if self._header is None:
            start = self._find_header(content, ends, lines)
        num_rows = len(ends) - start
        first = start + self._every - 1 - self._num_rows % self._every
        for index in range(first, len(ends), self._every):
            num_lines = self._num_lines + int(np.searchsorted(lines, ends[index], side="right"))
            num_before = self._num_rows + index - start + 1
            self._cuts.append(Cut(self._position + int(ends[index]), num_lines, num_before))
        self._num_rows += num_rows
        self._num_lines += len(lines)

    def _find_header(self, content: bytes, ends: Ints, lines: Ints) -> int:
        """Find the row that names the columns; return how many rows end with it or before."""
        start = 0
        for index, end in enumerate(ends.tolist()):
            row = content[start:end]
            start = end
            if row.strip() and not (index == 0 and separator_of(_text(row))):
                self._header = (self._position + end, self._num_lines + int(np.searchsorted(lines, end, side="right")))
                return index + 1
        return len(ends)

    def _delimiter_of(self, content: bytes) -> int | None:
        """Return the byte of the separator, as the reader finds it; gives up cutting if it is no single byte."""
        rows = (_text(line) for line in content.splitlines(keepends=True))
        first = next(rows, "")
        separator = separator_of(first)
        header = next(rows, "") if separator else first
        delimiter = self._settings.delimiter or separator or delimiter_of(header, is_tsv=self._is_tsv)
        self._can_cut &= delimiter.isascii()
        return ord(delimiter)


def _text(row: bytes) -> str:
    return row.decode("utf-8-sig", "replace")


def _line_ends(content: bytes, data: Bytes) -> Ints:
    r"""Return where lines end as Python reads them: at ``\n``, at ``\r\n`` and at ``\r``."""
    is_end = data == _NEWLINE
    if b"\r" in content:
        returns = np.flatnonzero(data == _RETURN)
        followers = np.append(data, np.uint8(0))[returns + 1]
        is_end[returns[followers != _NEWLINE]] = True
    return np.flatnonzero(is_end) + 1


def _keeps_ascii(encoding: str | None) -> bool:
    """Say whether newlines, quotes and delimiters are bytes of their own in an encoding."""
    if encoding in (None, REPAIR):
        return True
    try:
        codec = codecs.lookup(str(encoding)).name
    except LookupError:
        return False  # the reader says so
    return codec in _UTF8 or codec.startswith(_ONE_BYTE)


def spans(cuts: list[Cut], max_rows: int) -> Iterator[tuple[Cut, Cut]]:
    """Join neighboring parts as long as they hold at most so many rows.

    Args:
        cuts: In order; fewer than two stand for no rows.
        max_rows: Rows of a span, >= 1; one part alone may hold more.

    Yields:
        Begin and end of each span.
    """
    if not cuts:
        return
    start, stop = cuts[0], cuts[0]
    for cut in cuts[1:]:
        if cut.num_rows - start.num_rows > max_rows and stop != start:
            yield start, stop
            start = stop
        stop = cut
    if stop != start:
        yield start, stop
