"""How many texts a key may have predicted: a bucket that fills steadily and holds one minute's worth."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import ceil
from pathlib import Path
from struct import Struct
from time import monotonic
from typing import Final

from textwright.errors import RateLimitError

_MINUTE_S = 60
_STATE: Final = Struct("<dd")
"""Texts that are left, and when that was computed."""


class TokenBucket:
    """A share of texts per minute; after a pause, a whole minute's share may be asked for at once.

    Args:
        texts_per_minute: The share, >= 1.
        clock: Seconds from any beginning; never runs backwards.
    """

    def __init__(self, texts_per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self.texts_per_minute = texts_per_minute
        self._clock = clock
        self._available = float(texts_per_minute)
        self._filled = clock()

    def take(self, num_texts: int) -> None:
        """Take texts out of the share, or none.

        Args:
            num_texts: Texts of a request.

        Raises:
            RateLimitError: If so many are not there; says when they will be.
        """
        now = self._clock()
        per_second = self.texts_per_minute / _MINUTE_S
        self._available = min(self._available + (now - self._filled) * per_second, self.texts_per_minute)
        self._filled = now
        if num_texts > self._available:
            wait_s = min(max(ceil((num_texts - self._available) / per_second), 1), _MINUTE_S)
            raise RateLimitError(
                f"{num_texts} texts are asked for, {int(self._available)} are left of the {self.texts_per_minute} that "
                f"this key may ask for in a minute; try again in {wait_s} s, at most {self.texts_per_minute} texts",
                wait_s,
            )
        self._available -= num_texts


class SharedTokenBucket(TokenBucket):
    """A share that the workers of one server take from together; what is left stands in a file.

    Args:
        texts_per_minute: The share, >= 1.
        path: The file, the same for all of them.
        clock: Seconds from any beginning, the same for all processes; never runs backwards.
    """

    def __init__(self, texts_per_minute: int, path: Path, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(texts_per_minute, clock)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __del__(self) -> None:
        """Close the file."""
        os.close(self._file)

    def take(self, num_texts: int) -> None:
        """Take texts out of the share, or none; one process at a time."""
        import fcntl  # where there are several workers, there is this module

        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            state = os.pread(self._file, _STATE.size, 0)
            if state:
                self._available, self._filled = _STATE.unpack(state)
            super().take(num_texts)
            os.pwrite(self._file, _STATE.pack(self._available, self._filled), 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
