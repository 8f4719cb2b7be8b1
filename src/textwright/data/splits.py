"""Cut examples into train, validation and test: stratified, seeded, and never through a group of duplicates.

Called by :mod:`textwright.data.load` for sources that bring no splits, or not all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from textwright.core.types import Bools, Ints
from textwright.errors import DataError

TooFew: TypeAlias = Callable[[Mapping[int, int]], DataError]
"""Makes the error for classes with too few distinct texts: number of the class -> how many it has."""


def draw_splits(
    strata: Ints, groups: Ints, fractions: Sequence[float], seed: int, too_few: TooFew | None = None
) -> Ints:
    """Assign every example to a part, keeping the mix of classes and keeping groups together.

    Args:
        strata: Class of each example, (N,), >= 0.
        groups: Position of the first example of each example's group, (N,); a group goes to one part as a whole,
            and by the class of its first example.
        fractions: Share of the examples for part 1, 2, ...; each > 0, together < 1. Part 0 takes the rest.
        seed: The same seed gives the same parts.
        too_few: Makes the error for the classes with fewer groups than parts; None leaves them to part 0.

    Returns:
        Part of each example, (N,): 0 for the rest, 1, 2, ... for the fractions. Every class with enough
        groups is in every part; a part's share of a class is off by less than its largest group.

    Raises:
        DataError: From ``too_few``.
    """
    units, sizes = np.unique(groups, return_counts=True)  # (G,)
    generator = np.random.default_rng(seed)
    part_of_unit = np.zeros(len(units), dtype=np.int64)
    unit_strata = strata[units]
    lacking: dict[int, int] = {}
    for stratum in np.unique(strata).tolist():
        members = np.flatnonzero(unit_strata == stratum)
        if len(members) > len(fractions):
            order = generator.permutation(members)
            part_of_unit[order] = _cut(sizes[order], fractions)
        else:
            lacking[stratum] = len(members)
    if lacking and too_few is not None:
        raise too_few(lacking)
    return part_of_unit[np.searchsorted(units, groups)]


def draw_folds(strata: Ints, groups: Ints, num_folds: int, seed: int, too_few: TooFew | None = None) -> Ints:
    """Assign every example to one of several folds of like size and like mix of classes.

    Args:
        strata: Class of each example, (N,), >= 0.
        groups: Position of the first example of each example's group, (N,); a group lies in one fold.
        num_folds: Number of folds, >= 2.
        seed: The same seed gives the same folds.
        too_few: Makes the error for the classes with fewer groups than folds; None leaves them to fold 0.

    Returns:
        Fold of each example, (N,), in [0, num_folds).

    Raises:
        DataError: From ``too_few``.
    """
    return draw_splits(strata, groups, [1 / num_folds] * (num_folds - 1), seed, too_few)


def draw_subset(strata: Ints, size: int, seed: int) -> Ints:
    """Draw a part of the examples that has the mix of the whole, the smaller draws inside the larger ones.

    Each class is shuffled, and its examples are spread evenly over [0, 1); a draw is what stands first on that line.
    The first example of each class stands at 0, so that no class is missing from a draw of at least as many examples
    as classes.

    Args:
        strata: Class of each example, (N,), >= 0.
        size: Examples to draw, in [0, N].
        seed: The same seed gives nested draws.

    Returns:
        Their positions, (size,), ascending.
    """
    order = np.random.default_rng(seed).permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]  # by class, shuffled inside
    _, firsts, counts = np.unique(strata[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(firsts, counts)
    place = np.where(rank == 0, 0.0, (rank + 0.5) / np.repeat(counts, counts))
    return np.sort(order[np.argsort(place, kind="stable")[:size]])


def _cut(sizes: Ints, fractions: Sequence[float]) -> Ints:
    """Give shuffled groups to parts 1, 2, ... in turn until each has its share, and the rest to part 0."""
    total = int(sizes.sum())
    quotas = [max(1, round(total * fraction)) for fraction in fractions]
    order = np.argsort(sizes > min(quotas), kind="stable")  # a group larger than a part belongs to the rest
    behind = np.cumsum(sizes[order])
    parts = np.zeros(len(sizes), dtype=np.int64)
    start, filled = 0, 0
    for part, quota in enumerate(quotas, start=1):
        stop = int(np.searchsorted(behind, filled + quota)) + 1
        stop = min(max(stop, start + 1), len(sizes) - len(quotas) + part - 1)
        parts[order[start:stop]] = part
        start, filled = stop, int(behind[stop - 1])
    return parts


def rarest_label(holds: Ints | Bools) -> Ints:
    """Give each multi-label example one class to be stratified by: the rarest of its labels.

    Rare labels are the ones that chance would leave out of a small part; frequent ones look after themselves.

    Args:
        holds: Which labels hold, (N, K).

    Returns:
        Label index, (N,); K for an example without labels.

    Source:
        Sechidis, Tsoumakas & Vlahavas, 2011, "On the Stratification of Multi-Label Data": their order of
        labels, in one pass.
    """
    counts = np.append(holds.sum(axis=0), len(holds) + 1)
    by_rarity = np.argsort(counts, kind="stable")
    none = ~holds.any(axis=1, keepdims=True)
    ranked = np.hstack((holds, none))[:, by_rarity]  # (N, K + 1)
    return np.asarray(by_rarity[ranked.argmax(axis=1)], dtype=np.int64)
