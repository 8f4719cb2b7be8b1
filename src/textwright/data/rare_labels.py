"""Drop labels with too few distinct texts: ``--min-examples-per-label``. Called by :mod:`textwright.data.load`."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

import numpy as np

from textwright.core.labels import Task
from textwright.core.types import Bools, Ints
from textwright.data.duplicates import find_duplicates
from textwright.data.reader import Collected

_MAX_SHOWN: Final = 30
"""Labels that a message names; the rest is counted."""


def drop_rare_labels(collected: Collected, min_examples: int) -> None:
    """Drop the labels that have too few distinct texts, and the rows of a single-label source that had them.

    Args:
        collected: N rows; changed in place.
        min_examples: Distinct texts that a label needs, >= 1; near duplicates count once, as where splits are drawn.
    """
    ids = np.array(collected.label_ids, dtype=np.int64)
    row_of_id = np.repeat(np.arange(len(collected)), np.diff(collected.label_ends, prepend=0))
    counts = _distinct_texts(collected, ids, row_of_id)
    is_rare = (counts < min_examples) & (np.bincount(ids, minlength=len(counts)) > 0)
    if not is_rare.any():
        return
    names = list(collected.names)
    collected.dropped_labels = {names[number]: int(counts[number]) for number in np.flatnonzero(is_rare).tolist()}
    collected.num_dropped = len(np.unique(row_of_id[is_rare[ids]]))
    if collected.task is Task.SINGLE_LABEL:
        collected.keep(np.flatnonzero(~is_rare[ids]))
    else:
        num_labels = np.bincount(row_of_id[~is_rare[ids]], minlength=len(collected))
        collected.label_ids = array("i", ids[~is_rare[ids]].tolist())
        collected.label_ends = array("q", np.cumsum(num_labels).tolist())
    _renumber(collected, is_rare)


def dropped(collected: Collected) -> Iterator[str]:
    """Say which rows and labels the settings dropped; nothing if they dropped none."""
    if collected.num_unlabeled:
        yield f"{collected.num_unlabeled:,} rows without a label were dropped (--drop-unlabeled)"
    if collected.dropped_labels:
        shown = [f"{name!r} ({count})" for name, count in collected.dropped_labels.items()]
        more = f" and {len(shown) - _MAX_SHOWN} more" if len(shown) > _MAX_SHOWN else ""
        what = "with their" if collected.task is Task.SINGLE_LABEL else "from"
        yield (
            f"{len(shown)} labels with too few distinct texts were dropped {what} {collected.num_dropped:,} rows "
            f"(--min-examples-per-label): {', '.join(shown[:_MAX_SHOWN])}{more}"
        )


def _distinct_texts(collected: Collected, ids: Ints, row_of_id: Ints) -> Ints:
    """Count the distinct texts of each label, (K,); a group of duplicates counts for the label of its first text."""
    groups = find_duplicates(collected.texts).near
    if collected.task is Task.SINGLE_LABEL:
        is_first = groups == np.arange(len(groups))
        return np.bincount(ids[is_first], minlength=len(collected.names))
    pairs = np.unique(np.stack((ids, groups[row_of_id])), axis=1)
    return np.bincount(pairs[0], minlength=len(collected.names))


def _renumber(collected: Collected, is_rare: Bools) -> None:
    numbers = np.cumsum(~is_rare) - 1
    collected.label_ids = array("i", numbers[np.array(collected.label_ids, dtype=np.int64)].tolist())
    names = [name for name in collected.names if name not in collected.dropped_labels]
    collected.names = {name: number for number, name in enumerate(names)}
