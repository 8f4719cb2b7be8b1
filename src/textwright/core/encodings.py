"""Many texts as token ids, in flat arrays: the form in which ids go from tokenization to padding.

The ids of all texts lie in one array, so a million texts of 20 words are 80 MB and not a million lists, and no step
between text and model runs once for each token in Python. Callers: ``core.tokenizer`` makes them;
``training``, ``export`` and ``runtime`` take, join and pad them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np

from textwright.core.large_arrays import concatenate
from textwright.core.types import Bools, Int32s, Ints, TokenIds


class Encoded(NamedTuple):
    """One text as token ids, special tokens included, cut at the tokenizer's maximum length."""

    ids: TokenIds
    truncated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Encodings:
    """N texts as token ids.

    Args:
        ids: The ids of all texts, one text after the other.
        offsets: Text i is ``ids[offsets[i]:offsets[i + 1]]``, (N + 1,), from 0 on.
        truncated: Which texts were longer than ``max_length`` and lost tokens, (N,).
    """

    ids: Int32s
    offsets: Ints
    truncated: Bools

    @classmethod
    def of(cls, lists: Sequence[TokenIds], truncated: Sequence[bool] | None = None) -> Encodings:
        """Lay lists of token ids flat.

        Args:
            lists: N lists; a list may be empty.
            truncated: N flags; None for none.
        """
        ids = np.array(list(chain.from_iterable(lists)), dtype=np.int32)
        offsets = np.array([0, *accumulate(map(len, lists))], dtype=np.int64)
        return cls(ids, offsets, np.array(truncated or [False] * len(lists), dtype=np.bool_))

    @classmethod
    def join(cls, parts: Iterable[Encodings]) -> Encodings:
        """Put several encodings one after the other, in order; none at all give no texts.

        The ids of many texts go to a temporary file, see :mod:`textwright.core.large_arrays`.
        """
        lengths: list[Ints] = [np.empty(0, dtype=np.int64)]
        truncated: list[Bools] = [np.empty(0, dtype=np.bool_)]

        def ids() -> Iterator[Int32s]:
            for part in parts:
                lengths.append(part.lengths)
                truncated.append(part.truncated)
                yield part.ids

        joined = concatenate(ids(), np.int32)
        return cls(joined, offsets_of(np.concatenate(lengths)), np.concatenate(truncated))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, position: int) -> Encoded:
        position = range(len(self))[position]  # counts negative positions from the end, and refuses what is beyond
        start, stop = self.offsets[position : position + 2].tolist()
        return Encoded(self.ids[start:stop].tolist(), bool(self.truncated[position]))

    def __iter__(self) -> Iterator[Encoded]:
        return (self[position] for position in range(len(self)))

    @property
    def lengths(self) -> Ints:
        """Number of tokens of each text, (N,); an empty text may have none."""
        return self.offsets[1:] - self.offsets[:-1]

    def take(self, positions: Ints) -> Encodings:
        """Select texts.

        Args:
            positions: M positions in [0, N), in the order wanted.
        """
        lengths = self.lengths[positions]
        return self._spans(self.offsets[positions], lengths, self.truncated[positions])

    def between(self, start: int, stop: int) -> Encodings:
        """Select the texts from ``start`` up to, not including, ``stop``, without a copy of their ids."""
        offsets = self.offsets[start : stop + 1]
        ids = self.ids[offsets[0] : offsets[-1]]
        return Encodings(ids, offsets - offsets[0], self.truncated[start:stop])

    def cut(self, max_length: int) -> Encodings:
        """Cut each text to its first ``max_length`` tokens, and mark those that lost some."""
        lengths = self.lengths
        too_long = lengths > max_length
        if not too_long.any():
            return self
        return self._spans(self.offsets[:-1], np.minimum(lengths, max_length), self.truncated | too_long)

    def _spans(self, starts: Ints, lengths: Ints, truncated: Bools) -> Encodings:
        offsets = offsets_of(lengths)
        shifts = np.repeat(starts - offsets[:-1], lengths)  # from a place in the new array to the place in the old
        return Encodings(self.ids[np.arange(offsets[-1]) + shifts], offsets, truncated)


def offsets_of(lengths: Sequence[int] | Ints) -> Ints:
    """Turn N lengths into the N + 1 places where texts start and the last one ends."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def pad(batch: Encodings | Sequence[TokenIds], pad_id: int) -> tuple[Ints, Ints]:
    """Pad a batch on the right to its longest text: the one padding of all rooms.

    Args:
        batch: B texts, as encodings or as lists of token ids; a text may have none.
        pad_id: The id to fill with; never attended to.

    Returns:
        ``input_ids`` (B, T) and ``attention_mask`` (B, T), 1 on tokens and 0 on padding; T is the longest text's
        number of tokens, at least 1.
    """
    encodings = batch if isinstance(batch, Encodings) else Encodings.of(batch)
    lengths = encodings.lengths
    shape = len(lengths), max(int(lengths.max(initial=0)), 1)
    if encodings.ids.size == shape[0] * shape[1]:  # one text, or all of one length: there is nothing to fill
        return encodings.ids.reshape(shape).astype(np.int64), np.ones(shape, dtype=np.int64)
    is_token = np.arange(shape[1]) < lengths[:, None]  # (B, T)
    input_ids = np.full(shape, pad_id, dtype=np.int64)
    input_ids[is_token] = encodings.ids
    return input_ids, is_token.astype(np.int64)
