"""Read whole rows out of the middle of a file as if they were a file of their own.

``textwright score`` gives each process such parts. The readers of this room take a :class:`Section` in place of the
whole file; lines are numbered as they stand there.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, Any

from textwright.errors import DataError


@dataclass(frozen=True, slots=True)
class Section:
    """Whole rows of a file.

    Args:
        file: The whole file, open for reading, which can seek.
        start: Where the rows begin: a byte of a text file, a row of Parquet; from 0.
        stop: Where they end, not included; at most the size of the file.
        columns: The columns of the whole file.
        header_size: Bytes at the beginning of the file that name the columns; they are read before the section's.
        num_header_lines: Lines in these bytes.
        num_lines_skipped: Lines between these bytes and the section.
    """

    file: IO[bytes]
    start: int
    stop: int
    columns: tuple[str, ...]
    header_size: int = 0
    num_header_lines: int = 0
    num_lines_skipped: int = 0

    def line(self, number: int) -> int:
        """Turn the number of a line that was read, from 1, into that of the line in the whole file."""
        return number if number <= self.num_header_lines else number + self.num_lines_skipped


class SectionFile(io.RawIOBase):
    """The bytes of a section: those that name the columns, then its own.

    Args:
        section: Of a text file.
    """

    def __init__(self, section: Section) -> None:
        self._file = section.file
        self._spans = [(0, section.header_size), (max(section.start, section.header_size), section.stop)]
        self._position: int | None = None
        self._num_read = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def tell(self) -> int:
        """Return the number of bytes that were read."""
        return self._num_read

    @property
    def size_bytes(self) -> int:
        """All bytes of the section, those read already too."""
        return self._num_read + sum(stop - start for start, stop in self._spans)

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  whatever holds bytes
        """Read the next bytes into a buffer, as many as fit and come at once."""
        while self._spans and self._spans[0][0] >= self._spans[0][1]:
            self._spans.pop(0)
        if not self._spans:
            return 0
        start, stop = self._spans[0]
        if start != self._position:
            self._file.seek(start)
        content = self._file.read(min(len(buffer), stop - start))
        if not content:
            raise DataError("the file has become shorter while it was read; score it again into another folder")
        buffer[: len(content)] = content
        self._position = start + len(content)
        self._spans[0] = (self._position, stop)
        self._num_read += len(content)
        return len(content)

    def close(self) -> None:
        """Close the whole file too."""
        if not self.closed:
            self._file.close()
        super().close()
