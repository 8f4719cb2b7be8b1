"""Find texts that are the same, or the same but for a few words, in time and memory linear in the source.

Called by :mod:`textwright.data.splits`, so that no text is learned from and measured with, and by
:mod:`textwright.data.check`. Two texts are *exact* duplicates if they differ in case and white space alone, and *near*
duplicates if their sets of word bigrams have a Jaccard index of at least ``NEAR`` (a text of 20 words with one word
replaced has 0.83). Candidates come from MinHash signatures cut into bands; each is then compared in full, so a pair
that is called near is near, while a near pair is overlooked with a probability below 1 % (5 % at the bound itself).

Source:
    Broder, 1997, "On the resemblance and containment of documents", for shingles and MinHash; Leskovec, Rajaraman &
    Ullman, 2014, "Mining of Massive Datasets", section 3.4, for the bands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textwright.core.large_arrays import allocate
from textwright.core.types import Bools, Ints
from textwright.data.shingles import Hashes, shingle

NEAR: Final = 0.8
"""Jaccard index of word bigrams from which on two texts are near duplicates."""

_NUM_BANDS: Final = 10
_BAND_ROWS: Final = 4
_NUM_HASHES: Final = _NUM_BANDS * _BAND_ROWS
_SLACK: Final = 0.2
"""Three standard errors of a signature of 40 hashes at 0.8: pairs estimated lower are not compared in full."""
_BATCH_CHARACTERS: Final = 1_000_000
_WORD: Final = re.compile(r"[a-z0-9\u0080-\U0010ffff]+")

Signatures: TypeAlias = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Which texts belong together; a group is named by the position of its first text.

    Args:
        exact: Group of each text by exact duplicates alone, (N,).
        near: Group by exact and near duplicates, and their chains, (N,); every exact group lies in one near group.
    """

    exact: Ints
    near: Ints


def find_duplicates(texts: Sequence[str]) -> Duplicates:
    """Group texts that are the same or nearly so.

    Args:
        texts: N texts; empty ones are exact duplicates of each other.

    Returns:
        Their groups; the same texts give the same groups in every process.
    """
    whole, signatures, has_words = _hash_all(texts)
    _, firsts, inverse = np.unique(whole, return_index=True, return_inverse=True)
    exact = firsts[inverse]
    distinct = np.flatnonzero((exact == np.arange(len(texts))) & has_words)
    return Duplicates(exact, _join_near(texts, exact, distinct, signatures))


def _hash_all(texts: Sequence[str]) -> tuple[Hashes, Signatures, Bools]:
    """Hash every text, and take its MinHash signature, (40, N)."""
    whole = np.empty(len(texts), dtype=np.uint64)
    has_words = np.empty(len(texts), dtype=np.bool_)
    signatures = allocate((_NUM_HASHES, len(texts)), np.uint32)
    for start, stop in batches(texts):
        hashed = shingle(texts[start:stop])
        whole[start:stop], has_words[start:stop] = hashed.whole, hashed.has_words
        for row, factor in zip(signatures, _factors(), strict=True):
            hashes = ((hashed.bigrams * factor) >> np.uint64(32)).astype(np.uint32)
            np.minimum.reduceat(hashes, hashed.starts, out=row[start:stop])
    return whole, signatures, has_words


def batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Cut texts into ranges, first and behind the last, of about a million characters."""
    ends = np.cumsum(np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts)))
    cuts = np.flatnonzero(np.diff(ends // _BATCH_CHARACTERS, prepend=0)) + 1
    edges = sorted({0, *cuts.tolist(), len(texts)})
    return pairwise(edges)


def _factors() -> Hashes:
    """Return the odd multipliers of the 40 hash functions, always the same."""
    return np.random.default_rng(1997).integers(2**63, size=_NUM_HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def _join_near(texts: Sequence[str], exact: Ints, distinct: Ints, signatures: Signatures) -> Ints:
    parent = exact.copy()
    for band in range(0, _NUM_HASHES, _BAND_ROWS):
        first, second = _candidates(signatures[band : band + _BAND_ROWS], distinct)
        close = _estimates(signatures, first, second) >= NEAR - _SLACK
        for a, b in zip(first[close].tolist(), second[close].tolist(), strict=True):
            root_a, root_b = _root(parent, a), _root(parent, b)
            if root_a != root_b and _jaccard(texts[a], texts[b]) >= NEAR:
                parent[max(root_a, root_b)] = min(root_a, root_b)
    while (parent != parent[parent]).any():
        parent = parent[parent]
    return parent


def _candidates(band: Signatures, distinct: Ints) -> tuple[Ints, Ints]:
    """Pair each text with the first and with the previous one of its bucket: at most two pairs for each text."""
    keys = _joined(band[0], band[1], distinct)  # (D,)
    keys ^= _joined(band[2], band[3], distinct) * np.uint64(0x9E3779B97F4A7C15)
    order = np.argsort(keys, kind="stable")
    position = np.arange(len(order))
    is_first = np.diff(keys[order], prepend=keys[order[:1]] + np.uint64(1)) != 0
    first = np.maximum.accumulate(np.where(is_first, position, 0))
    later = np.flatnonzero(~is_first)
    others = np.concatenate((first[later], later - 1))
    pairs = np.unique(others * len(order) + np.concatenate((later, later)))  # one number for each pair
    texts = distinct[order]
    return texts[pairs // max(len(order), 1)], texts[pairs % max(len(order), 1)]


def _joined(low: NDArray[np.uint32], high: NDArray[np.uint32], distinct: Ints) -> Hashes:
    """Join two hashes of each distinct text into one, (D,)."""
    keys = high[distinct].astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= low[distinct]
    return keys


def _estimates(signatures: Signatures, left: Ints, right: Ints) -> NDArray[np.float64]:
    """Estimate the Jaccard index of pairs: the share of equal hashes, (M,)."""
    equal = np.zeros(len(left), dtype=np.int64)
    for row in signatures:
        equal += row[left] == row[right]
    return equal / len(signatures)


def _root(parent: Ints, text: int) -> int:
    while parent[text] != text:
        parent[text] = parent[parent[text]]
        text = int(parent[text])
    return text


def _jaccard(left: str, right: str) -> float:
    a, b = _bigrams(left), _bigrams(right)
    return len(a & b) / len(a | b)


def _bigrams(text: str) -> set[tuple[str, str]]:
    return set(pairwise(["", *_WORD.findall(text.lower()), ""]))
