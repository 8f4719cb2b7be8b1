"""Texts in a temporary file, for sources that have more of them than memory should hold.

Called by :mod:`textwright.data.reader`, which moves the texts of a large source here. Whoever iterates or takes slices
notices no difference from a list, but that each slice is read anew.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final, Self, overload

import numpy as np

from textwright.core.types import Ints

_ENCODING: Final = ("utf-8", "surrogatepass")
_BLOCK: Final = 8_192
"""Texts that are read at once while iterating."""
_MAX_READ_RATIO: Final = 4
"""Rows are read together where that reads at most so many times their bytes; else one by one."""


class _TextFile:
    """A file of texts and where each ends in it; it is closed with the last that reads from it."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  the finalizer closes it
        self.ends = array("q", [0])
        self._lock = threading.Lock()
        weakref.finalize(self, self.file.close)

    def append(self, text: str) -> None:
        """Write a text behind the others."""
        self.ends.append(self.ends[-1] + self.file.write(text.encode(*_ENCODING)))

    def places(self, rows: Ints) -> tuple[Ints, Ints]:
        """Say where texts start and end; the view ends here, as the array could not grow under it."""
        ends = np.frombuffer(self.ends, dtype=np.int64)
        return ends[rows], ends[rows + 1]

    def read(self, start: int, stop: int) -> bytes:
        """Read a range; the system may give less at once than was asked for."""
        self.file.flush()
        parts: list[bytes] = []
        while start < stop:
            parts.append(self._read_once(start, stop - start))
            start += len(parts[-1])
        return b"".join(parts)

    def _read_once(self, start: int, size: int) -> bytes:
        if hasattr(os, "pread"):  # moves no position, which forked processes share
            return os.pread(self.file.fileno(), size, start)
        with self._lock:
            self.file.seek(start)
            content = self.file.read(size)
            self.file.seek(0, os.SEEK_END)
            return content


class StoredTexts(Sequence[str]):
    """N texts in a file without a name, which vanishes with the process, however it ends.

    Memory holds 8 bytes for each text. Reading is safe in threads and in forked processes.

    Args:
        texts: The first ones.

    Raises:
        OSError: If the folder of temporary files (TMPDIR) is full.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._file = _TextFile()
        self._rows: Ints | None = None
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        """Put a text behind the others of the file."""
        self._file.append(text)

    def take(self, rows: Ints) -> Self:
        """Select texts without reading them.

        Args:
            rows: M positions in [0, N), in the order wanted.

        Returns:
            M texts, in the same file; nothing can be appended to them.
        """
        taken = object.__new__(type(self))
        taken._file = self._file
        taken._rows = rows if self._rows is None else self._rows[rows]
        return taken

    def __len__(self) -> int:
        return len(self._file.ends) - 1 if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Read one text, or a list of them."""
        positions = range(len(self))[index]
        if isinstance(positions, int):
            return self._read(np.array([positions]))[0]
        return self._read(np.arange(positions.start, positions.stop, positions.step))

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _BLOCK):
            yield from self[start : start + _BLOCK]

    def _read(self, positions: Ints) -> list[str]:
        """Read the texts at some positions, (M,)."""
        if not len(positions):
            return []
        rows = positions if self._rows is None else self._rows[positions]
        starts, stops = self._file.places(rows)
        first, last = int(starts.min()), int(stops.max())
        if last - first > _MAX_READ_RATIO * int((stops - starts).sum()) + _BLOCK:
            places = zip(starts.tolist(), stops.tolist(), strict=True)
            return [self._file.read(start, stop).decode(*_ENCODING) for start, stop in places]
        content = self._file.read(first, last)
        places = zip((starts - first).tolist(), (stops - first).tolist(), strict=True)
        return [content[start:stop].decode(*_ENCODING) for start, stop in places]


def take_texts(texts: Sequence[str], rows: Ints) -> list[str] | StoredTexts:
    """Select texts of a list or of a file.

    Args:
        texts: N texts.
        rows: M positions in [0, N), in the order wanted.

    Returns:
        M texts, in a list or in the same file.
    """
    return texts.take(rows) if isinstance(texts, StoredTexts) else [texts[row] for row in rows.tolist()]
