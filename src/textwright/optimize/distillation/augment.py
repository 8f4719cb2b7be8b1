"""Altered copies of texts for a teacher to answer: few labeled texts become many that a student can learn from.

They need not make sense, and their labels need not be known: the teacher says what it makes of them. Two kinds:

- words left out and words swapped for others of the same texts, now and then cut to a short run of words;
- the first part of one text followed by the last part of another: phrases of real texts, in a text that is new.

Source:
    Tang et al., 2019, "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks", section 4 (masking,
    replacing and n-gram sampling; here without a tagger, and what is masked is left out: a student knows no mask).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np

from textwright.optimize.distillation.settings import AugmentSettings

_MAX_RUN: Final = 5
"""Longest run of words that a text is cut to, as in the paper."""
_TRIES: Final = 3
"""Copies that come out as texts which are there already are made again this often."""


def augment(texts: Sequence[str], settings: AugmentSettings, *, seed: int) -> list[str]:
    """Make altered copies.

    Args:
        texts: N texts; words are what stands between blanks.
        settings: How many copies, and how they differ.
        seed: The same texts, settings and seed give the same copies.

    Returns:
        At most ``num_copies`` * N new texts, each once, none of them among ``texts``; fewer where the texts are too
        short to give as many.
    """
    generator = np.random.default_rng(seed)
    split = [text.split() for text in texts]
    pool = [word for words in split for word in words]
    seen, copies = set(texts), list[str]()
    if not pool:
        return copies
    for _ in range(settings.num_copies):
        for position in generator.permutation(len(split)).tolist():
            candidates = (_alter(split, position, pool, settings, generator) for _ in range(_TRIES))
            for copy in islice((item for item in candidates if item and item not in seen), 1):
                seen.add(copy)
                copies.append(copy)
    return copies


def _alter(
    split: Sequence[Sequence[str]],
    position: int,
    pool: Sequence[str],
    settings: AugmentSettings,
    generator: np.random.Generator,
) -> str:
    words = split[position]
    if generator.random() < settings.splice_texts:
        return " ".join(_splice(words, split[_below(len(split), generator)], generator))
    if generator.random() < settings.cut_texts:
        words = _cut(words, generator)
    return " ".join(_blur(words, pool, settings, generator))


def _splice(first: Sequence[str], second: Sequence[str], generator: np.random.Generator) -> Sequence[str]:
    """Put a first part before a last part, neither of them empty where the texts are not."""
    head = 1 + _below(max(len(first), 1), generator)
    tail = 1 + _below(max(len(second), 1), generator)
    return [*first[:head], *second[-tail:]]


def _cut(words: Sequence[str], generator: np.random.Generator) -> Sequence[str]:
    length = 1 + _below(_MAX_RUN, generator)
    start = _below(max(len(words) - length, 0) + 1, generator)
    return words[start : start + length]


def _blur(
    words: Sequence[str], pool: Sequence[str], settings: AugmentSettings, generator: np.random.Generator
) -> Iterator[str]:
    """Leave words out, and swap words for others: frequent words come in as often as they stand in the texts."""
    for word, chance in zip(words, generator.random(len(words)).tolist(), strict=True):
        if chance >= settings.drop_words + settings.swap_words:
            yield word
        elif chance >= settings.drop_words:
            yield pool[_below(len(pool), generator)]


def _below(bound: int, generator: np.random.Generator) -> int:
    return int(generator.integers(bound))
