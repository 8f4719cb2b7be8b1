"""Exact look-up of many words at once: a hash table in numpy, built once for a vocabulary.

A word of up to 16 bytes is its own key: two windows of 8 bytes, read as integers, filled up with a byte that no ASCII
text has. Nothing is approximate; the hash only says where to look first. Caller: ``core.word_tokenizer``.

Source:
    Knuth, 1998, "The Art of Computer Programming" 3, section 6.4: multiplicative hashing, linear probing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textwright.core.types import Bools, Int32s, Ints
from textwright.core.word_rule import MARGIN, Tokens

_WINDOW: Final = 8
_LONGEST: Final = 2 * _WINDOW
_NOTHING: Final = np.uint64(2**64 - 1)
"""A window without a byte of text; as a first window it marks a free slot, since no word is empty."""
_FILL: Final = np.array([(_ALL := 2**64 - 1) ^ ((1 << 8 * length) - 1) for length in range(_WINDOW + 1)], np.uint64)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio
_SLOTS_PER_WORD: Final = 4

_Keys = NDArray[np.uint64]


class WordTable:
    """Word -> id, for arrays of words.

    Args:
        vocabulary: Word -> id; words that are not ASCII are left out, since no ASCII text has them.
        unknown_id: The id of all other words.
    """

    def __init__(self, vocabulary: Mapping[str, int], unknown_id: int) -> None:
        short = {word: index for word, index in vocabulary.items() if word.isascii() and 0 < len(word) <= _LONGEST}
        longer = {word: index for word, index in vocabulary.items() if word.isascii() and len(word) > _LONGEST}
        self._long = {word.encode(): index for word, index in longer.items()}
        self._unknown_id = unknown_id
        self._shift = np.uint64(64 - (_SLOTS_PER_WORD * len(short) | 1).bit_length())
        num_slots = 1 << 64 - int(self._shift)
        self._keys = np.full((2, num_slots), _NOTHING)
        self._ids = np.full(num_slots, unknown_id, dtype=np.int32)
        self._insert(short)

    def find(self, tokens: Tokens) -> Int32s:
        """Look words up.

        Args:
            tokens: N tokens of any length.

        Returns:
            Their ids, (N,).
        """
        keys = _keys(tokens.raw, tokens.starts, tokens.lengths)
        slots = self._first_slots(keys)
        pending = np.flatnonzero(self._is_other(slots, keys))
        while pending.size:
            slots[pending] = self._next(slots[pending])
            pending = pending[self._is_other(slots[pending], keys[:, pending])]
        ids = self._ids.take(slots)
        for position in np.flatnonzero(tokens.lengths > _LONGEST).tolist():
            start = int(tokens.starts[position])
            word = tokens.raw[start : start + int(tokens.lengths[position])]
            ids[position] = self._long.get(word, self._unknown_id)
        return ids

    def _insert(self, words: Mapping[str, int]) -> None:
        """Give each word the first free slot from its own on; of several that want one, any comes first."""
        lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
        keys = _keys("".join(words).encode() + bytes(MARGIN), np.cumsum(lengths) - lengths, lengths)
        slots, pending = self._first_slots(keys), np.arange(len(words))
        owners = np.full(len(self._ids), -1)
        while pending.size:
            wanted = slots[pending]
            is_free = owners[wanted] < 0
            owners[wanted[is_free]] = pending[is_free]
            pending = pending[owners[wanted] != pending]
            slots[pending] = self._next(slots[pending])
        self._keys[:, slots] = keys
        self._ids[slots] = list(words.values())

    def _first_slots(self, keys: _Keys) -> Ints:
        slots: Ints = (((keys[0] * _MULTIPLIER + keys[1]) * _MULTIPLIER) >> self._shift).view(np.int64)
        return slots

    def _next(self, slots: Ints) -> Ints:
        return (slots + 1) & (len(self._ids) - 1)

    def _is_other(self, slots: Ints, keys: _Keys) -> Bools:
        """Tell which slots hold another word than asked for; a free slot does not."""
        first, second = self._keys[0].take(slots), self._keys[1].take(slots)
        is_other: Bools = ((first != keys[0]) | (second != keys[1])) & (first != _NOTHING)
        return is_other


def _keys(raw: bytes, starts: Ints, lengths: Ints) -> _Keys:
    """Read the first 16 bytes of each word as two integers, (2, N)."""
    windows: _Keys = np.ndarray(len(raw) - _WINDOW + 1, dtype="<u8", buffer=raw, strides=(1,))  # one at each byte
    keys = np.full((2, len(starts)), _NOTHING)
    keys[0] = windows.take(starts) | _FILL.take(lengths, mode="clip")
    longer = np.flatnonzero(lengths > _WINDOW)
    keys[1, longer] = windows.take(starts[longer] + _WINDOW) | _FILL.take(lengths[longer] - _WINDOW, mode="clip")
    return keys
