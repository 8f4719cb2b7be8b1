"""Open a text file as decoded lines: compression, encoding, and bytes that do not fit it.

Called by the readers of CSV, TSV and JSON lines. UTF-8 is expected, a byte-order mark is believed, and anything else
is refused with its line until the user says what it is: guessing an encoding would change texts in silence.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import ModuleType
from typing import IO, Final, cast

from textwright.data.row_errors import END_AT_FIRST, RowErrors, RowProblem
from textwright.data.sections import Section, SectionFile
from textwright.data.tables import SAMPLE_ROWS, Repairs, Row, Table
from textwright.errors import DataError, MissingExtraError, SettingsError

REPAIR: Final = "repair"
"""The encoding that reads UTF-8, takes bytes that are not for Windows-1252, and counts the lines."""

STREAM: Final = Path("-")
"""Standard input or standard output, in place of a file."""

MAX_LINE: Final = 32 * 2**20
"""Characters of a line, from which on it is refused: compressed, a few MB may hold a line that fills the memory."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1")
"""How gzip, Zstandard and Parquet begin."""
_UNDECODED = re.compile("[\udc80-\udcff]+")
"""What ``surrogateescape`` makes of bytes that do not fit the encoding."""


class TextFile:
    """A file of lines, open.

    Args:
        path: The file; ``.gz`` and ``.zst`` are decompressed while reading. ``STREAM`` reads standard input.
        encoding: A codec name, or "repair"; None expects UTF-8.
        row_errors: What happens to a line whose bytes do not fit the encoding.
        section: Its part that is read; None reads the whole file.
        max_line: Characters of a line, from which on it is refused; None takes ``MAX_LINE``.

    Raises:
        DataError: If the file cannot be opened, or is empty.
        SettingsError: If the encoding is not known.
        MissingExtraError: If ``.zst`` needs a library that is not installed.
    """

    def __init__(
        self,
        path: Path | str,
        encoding: str | None,
        row_errors: RowErrors = END_AT_FIRST,
        section: Section | None = None,
        max_line: int | None = None,
    ) -> None:
        self.name = str(path) if path != STREAM else "standard input"
        self.section = section
        self.repairs = Repairs()
        self._row_errors = row_errors
        self._max_line = max_line or MAX_LINE
        self._repair = encoding == REPAIR
        codec = _codec(encoding)
        path = Path(path)
        if section is None:
            self._file = _open(path)
            self._size_bytes = path.stat().st_size if path != STREAM else None
        else:
            part = SectionFile(section)
            self._file, self._size_bytes = cast("IO[bytes]", part), part.size_bytes
        self._failures: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
        try:
            buffered = io.BufferedReader(self._decompressed(path))
            self._codec = codec or self._detect(buffered)
        except BaseException:
            self._file.close()
            raise
        self._text = io.TextIOWrapper(buffered, self._codec, errors="surrogateescape", newline="")

    def close(self) -> None:
        """Close the file; nothing more can be read."""
        self._text.close()
        self._file.close()

    def fraction_read(self) -> float:
        """Say how much of the file has been read, in [0, 1]; 0 as long as it is not known how much will come."""
        if self._file.closed:
            return 1.0
        return self._file.tell() / max(self._size_bytes, 1) if self._size_bytes is not None else 0.0

    def lines(self) -> Iterator[str]:
        """Decode the file.

        Yields:
            Lines with their ends, in order; every one is Unicode without surrogates or NUL.

        Raises:
            DataError: If bytes do not fit the encoding, or the compressed data is broken; names the line.
        """
        number = 0
        try:
            for number, line in enumerate(iter(partial(self._text.readline, self._max_line), ""), start=1):
                if len(line) == self._max_line:
                    raise DataError(
                        f"{self.name}, line {self._line(number)}: longer than {self._max_line:,} characters, which no "
                        "row of texts is; check that it is the right file, and cut longer texts (an array of JSON can "
                        "be written with an object a line)"
                    )
                yield line if line.isascii() and "\0" not in line else self._checked(line, self._line(number))
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.name}, line {self._line(number + 1)}: not {self._codec}: {error.reason}; {_CURE}"
            ) from error
        except self._failures as error:
            raise DataError(
                f"{self.name}, line {self._line(number + 1)}: the file cannot be read on ({error}); it is cut off or "
                "damaged, write or download it again"
            ) from error

    def table(self, rows: Iterator[Row], demand: str, columns: tuple[str, ...] | None = None) -> Table:
        """Make a table of the rows that are read from this file; it closes the file.

        Args:
            rows: Every row, in order, once.
            demand: What an error says of a whole file without a row.
            columns: Its columns; None takes the keys of the sample, in the order of their first appearance.

        Raises:
            DataError: If there is no row.
        """
        sample = list(islice(rows, SAMPLE_ROWS))
        if not sample and self.section is None:
            raise DataError(f"{self.name}: {demand}")
        return Table(
            name=self.name,
            columns=tuple(dict.fromkeys(chain(*(row.values for row in sample)))) if columns is None else columns,
            sample=sample,
            read=lambda _columns: chain(sample, rows),
            repairs=self.repairs,
            fraction_read=self.fraction_read,
            close=self.close,
        )

    def _line(self, number: int) -> int:
        return number if self.section is None else self.section.line(number)

    def _checked(self, line: str, number: int) -> str:
        if "\0" in line:
            self._report(
                number,
                "a NUL byte; this is no text file, or it is UTF-16 without a mark: then say --encoding utf-16-le",
            )
            line = line.replace("\0", "")
        undecoded = _UNDECODED.search(line)
        if undecoded is None:
            return line
        if self._repair:
            self.repairs.lines.add(number)
        else:
            byte = ord(undecoded[0][0]) - 0xDC00
            self._report(
                number, f"byte 0x{byte:02x} after {undecoded.start()} characters is not {self._codec}; {_CURE}"
            )
        return _UNDECODED.sub(_as_windows_1252, line)

    def _report(self, number: int, reason: str) -> None:
        self._row_errors.report(RowProblem.ENCODING, f"{self.name}, line {number}", reason)

    def _decompressed(self, path: Path) -> io.RawIOBase:
        if path.suffix == ".gz":
            return cast("io.RawIOBase", gzip.open(self._file))
        if path.suffix == ".zst":
            zstandard = _import_zstandard()
            self._failures += (zstandard.ZstdError,)
            reader = zstandard.ZstdDecompressor().stream_reader(self._file, read_across_frames=True)
            return cast("io.RawIOBase", reader)
        return cast("io.RawIOBase", self._file)

    def _detect(self, buffered: io.BufferedReader[io.RawIOBase]) -> str:
        try:
            start = buffered.peek(4)[:4]
        except self._failures as error:
            raise DataError(f"{self.name}: not the compressed file that its name says ({error})") from error
        if not start:
            raise DataError(f"{self.name}: the file is empty; it needs a line of column names and examples")
        return next((codec for mark, codec in _BOMS if start.startswith(mark)), "utf-8")


_CURE: Final = (
    "say which encoding the file has, for example --encoding cp1252, or --encoding repair to read such bytes as "
    "Windows-1252 and have the lines counted"
)


def start_of_standard_input() -> bytes:
    """Return the first bytes that come through standard input, from the first visible one on; they can still be read.

    Raises:
        DataError: If they are those of a compressed or a Parquet file.
    """
    start = bytes(_standard_input().peek(4)).removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(_BINARY):
        raise DataError(
            "standard input: compressed files and Parquet are not read from there; name the file, or decompress it"
        )
    return start


def _standard_input() -> io.BufferedReader[io.RawIOBase]:
    if sys.stdin is None or sys.stdin.closed:
        raise DataError("standard input is closed, so there is nothing to read; name a file")
    return cast("io.BufferedReader[io.RawIOBase]", sys.stdin.buffer)


def _open(path: Path) -> IO[bytes]:
    if path == STREAM:
        return _standard_input()
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror}") from error


def _codec(encoding: str | None) -> str | None:
    if encoding is None:
        return None
    if encoding == REPAIR:
        return "utf-8-sig"
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise SettingsError(
            f"encoding {encoding!r} is not known; use a codec of Python such as cp1252, latin-1 or utf-16, or {REPAIR}"
        ) from error


def _as_windows_1252(undecoded: re.Match[str]) -> str:
    """Decode stray bytes; the five that Windows-1252 leaves open become the replacement character."""
    return undecoded[0].encode("ascii", "surrogateescape").decode("cp1252", "replace")


def _import_zstandard() -> ModuleType:
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError("reading .zst files", "data") from error
    return zstandard
