"""A sketch of which words a text holds: numbers of buckets, from which the text cannot be written down again.

Words are hashed into few buckets, so that many words share one. Texts of another domain fill other buckets, which is
all that ``monitor`` asks for. The sketch is of the words as people write them, whatever tokens the model reads. Caller:
``runtime.text_facts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final
from zlib import crc32

import numpy as np

from textwright.core.tokenizer import word_splitter
from textwright.core.types import Int32s

NUM_BUCKETS: Final = 512
"""Few enough that a text is not found by its buckets, many enough that common words differ."""
_MAX_CHARACTERS: Final = 5_000
"""Of each text; more would hold the interpreter while others wait."""

_splitter = cache(word_splitter)


def sketch_words(texts: Sequence[str]) -> list[Int32s]:
    """Hash the words of texts into buckets.

    Args:
        texts: N texts; of each the first 5,000 characters are read.

    Returns:
        The distinct buckets of each text, rising, in [0, 512); the same text gives the same ones in every process.
    """
    split = _splitter()
    buckets = ({crc32(word.encode()) % NUM_BUCKETS for word in split(text[:_MAX_CHARACTERS])} for text in texts)
    return [np.array(sorted(distinct), dtype=np.int32) for distinct in buckets]


def count_buckets(sketches: Sequence[Int32s]) -> list[int]:
    """Count in how many texts each bucket occurs, (512,)."""
    joined = np.concatenate([np.zeros(0, dtype=np.int32), *sketches])
    counts: list[int] = np.bincount(joined, minlength=NUM_BUCKETS).tolist()
    return counts
