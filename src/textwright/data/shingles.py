"""Hash the words of many texts at once: a pass over bytes in numpy, no Python step for each word.

A run of bytes ``b_s ... b_e`` is hashed as ``sum b_i * P**(i - s)`` modulo 2**64. All runs of a batch come from one
prefix sum of ``b_i * P**i``: the difference of two entries, times the inverse power at the start (P is odd, so it has
one). The work and the memory are linear in the bytes, and equal texts have equal hashes in every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textwright.core.types import Bools, Ints

Hashes: TypeAlias = NDArray[np.uint64]

_PRIME: Final = 0x9E3779B97F4A7C15
_SEPARATOR: Final = "\0"
_BYTES: Final = np.arange(256, dtype=np.uint8)
# Bytes above 127 are part of a letter, an ideograph or an emoji: all of them count as words here.
_IS_WORD: Final = np.array([chr(byte).isalnum() or byte > 127 for byte in range(256)])
_IS_SPACE: Final = np.isin(_BYTES, np.frombuffer(b" \t\n\r\v\f", dtype=np.uint8))


class Shingled(NamedTuple):
    """The hashes of B texts.

    Args:
        whole: Of each text but for its case and white space, (B,).
        bigrams: Of each pair of neighboring words, all texts after one another; the edges of a text count as
            words, so that a text of n words has n + 1 pairs.
        starts: Where each text's bigrams start, (B,).
        has_words: False for texts of punctuation alone, (B,).
    """

    whole: Hashes
    bigrams: Hashes
    starts: Ints
    has_words: Bools


def shingle(texts: Sequence[str]) -> Shingled:
    """Hash texts and their word bigrams.

    Args:
        texts: B >= 1 texts; the memory needed is about 60 bytes for each of their bytes.

    Returns:
        Their hashes; case and white space make no difference anywhere, punctuation only in ``whole``.

    Source:
        Broder, 1997, "On the resemblance and containment of documents", for shingles.
    """
    data = _bytes_of(texts)
    words, is_edge = _word_hashes(data)
    edges = np.flatnonzero(is_edge)  # (B + 1,)
    bigrams = _mix(words[:-1] * np.uint64(3) + words[1:])
    return Shingled(_whole_hashes(data), bigrams, edges[:-1], np.diff(edges) > 1)


def _bytes_of(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Join lower-cased texts, with a zero byte before, between and behind them."""
    clean = (text.replace(_SEPARATOR, " ") for text in texts)
    joined = _SEPARATOR + _SEPARATOR.join(clean).lower() + _SEPARATOR
    return np.frombuffer(joined.encode("utf-8", "surrogatepass"), dtype=np.uint8)


def _word_hashes(data: NDArray[np.uint8]) -> tuple[Hashes, Bools]:
    """Hash each word and each edge of a text, in order; an edge hashes to zero."""
    is_word, is_edge = _IS_WORD[data], data == 0
    before = np.concatenate(([False], is_word[:-1]))
    starts = np.flatnonzero((is_word & ~before) | is_edge)
    behind = np.concatenate((is_word[1:], [False]))
    ends = np.flatnonzero((is_word & ~behind) | is_edge) + 1
    return _run_hashes(data, starts, ends), is_edge[starts]


def _whole_hashes(data: NDArray[np.uint8]) -> Hashes:
    characters = data[~_IS_SPACE[data]]
    edges = np.flatnonzero(characters == 0)
    return _run_hashes(characters, edges[:-1] + 1, edges[1:])


def _run_hashes(data: NDArray[np.uint8], starts: Ints, ends: Ints) -> Hashes:
    size = len(data)
    sums = np.zeros(size + 1, dtype=np.uint64)
    np.cumsum(data * _powers(_PRIME, size), out=sums[1:])
    inverse = _powers(pow(_PRIME, -1, 2**64), size)
    return _mix((sums[ends] - sums[starts]) * inverse[starts])


def _powers(base: int, count: int) -> Hashes:
    """Return base**0 ... base**(count - 1) modulo 2**64."""
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


def _mix(values: Hashes) -> Hashes:
    """Spread every input bit over all output bits, zero staying zero (the finalizer of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
