"""How many texts a key may have predicted: a bucket that fills steadily and holds one minute's worth."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic

from textwright.errors import RateLimitError

_MINUTE_S = 60


class Bucket:
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
