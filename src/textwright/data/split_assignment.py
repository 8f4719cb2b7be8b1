"""Say which split each row of a source belongs to: the split it brings, a drawn one, a fold, or none.

Called by :mod:`textwright.data.load`, :mod:`textwright.data.check` and ``evaluate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.duplicates import find_duplicates
from textwright.data.reader import NO_SPLIT, SPLITS, Collected
from textwright.data.settings import DataSettings
from textwright.data.splits import TooFew, draw_folds, draw_splits, draw_subset, rarest_label
from textwright.errors import DataError, SettingsError

_TRAIN: Final = SPLITS.index("train")
_MAX_LABELS_SHOWN: Final = 30
"""Labels that a message names; the rest is counted."""


def are_given(collected: Collected) -> bool:
    """Say whether a source brings splits of its own."""
    return bool(set(collected.splits) - {NO_SPLIT, _TRAIN})


def assign_splits(
    collected: Collected, labels: Labels, targets: Ints | Bools, settings: DataSettings, groups: Ints | None = None
) -> Ints:
    """Say which split each row belongs to.

    Args:
        collected: N rows.
        labels: Their labels.
        targets: Their targets.
        settings: Fractions and seed of the splits that are drawn.
        groups: Groups of duplicates, (N,); None finds them.

    Returns:
        Position in ``SPLITS`` of each row's split, (N,), or ``NO_SPLIT`` for one that a subset leaves out.

    Raises:
        DataError: If given splits have no training examples or miss a class there, or a class has too few
            distinct texts to be in each drawn split, or in each fold.
        SettingsError: If folds are asked of a source that brings its splits, or a subset has more examples than the
            training split, or fewer than there are labels.
    """
    splits = np.array(collected.splits, dtype=np.int64)
    if are_given(collected):
        _check_given(collected, labels, targets, splits)
    else:
        splits[:] = _TRAIN
    if groups is None and (settings.num_folds or not set(range(len(SPLITS))) <= set(np.unique(splits).tolist())):
        groups = find_duplicates(collected.texts).near
    if groups is not None:
        if settings.num_folds is not None:
            splits[_fold(collected, labels, targets, groups, settings)] = SPLITS.index("test")
        _fill(splits, collected, labels, targets, groups, settings)
    if settings.subset_size is not None:
        _keep_subset(splits, collected, labels, targets, settings)
    return splits


def _check_given(collected: Collected, labels: Labels, targets: Ints | Bools, splits: Ints) -> None:
    """Refuse given splits that cannot be trained on: a class of another split that training never shows."""
    in_train = _held(targets[splits == _TRAIN], labels)
    if not in_train.any():
        raise DataError(f"{collected.source}: the given splits have no training examples; name some rows train")
    absent = np.flatnonzero(~in_train).tolist()
    if absent:
        rows = np.flatnonzero(targets == absent[0] if labels.task is Task.SINGLE_LABEL else targets[:, absent[0]])
        others = ", ".join(repr(labels.names[index]) for index in absent[1 : _MAX_LABELS_SHOWN + 1])
        more = ", ..." if len(absent) > _MAX_LABELS_SHOWN + 1 else ""
        raise DataError(
            f"{collected.at(int(rows[0]))}: label {labels.names[absent[0]]!r} does not occur in the training split; "
            "correct the label, or add training examples of it"
            + (f" (nor do {len(absent) - 1} others: {others}{more})" if others else "")
        )


def _held(targets: Ints | Bools, labels: Labels) -> Bools:
    if labels.task is Task.SINGLE_LABEL:
        return np.bincount(targets, minlength=len(labels)) > 0
    return np.asarray(targets.any(axis=0), dtype=np.bool_)


def _fill(
    splits: Ints, collected: Collected, labels: Labels, targets: Ints | Bools, groups: Ints, settings: DataSettings
) -> None:
    """Draw the splits that are still empty from the training rows; changes ``splits``, (N,)."""
    wanted = [number for number in range(len(SPLITS)) if number != _TRAIN and not (splits == number).any()]
    if not wanted:
        return
    rows = np.flatnonzero(splits == _TRAIN)
    fractions = {"validation": settings.validation_fraction, "test": settings.test_fraction}
    parts = draw_splits(
        _strata(targets[rows], labels),
        _regrouped(groups[rows]),
        [fractions[SPLITS[number]] for number in wanted],
        settings.split_seed,
        _too_few(collected, labels, targets[rows], len(wanted) + 1, "train and each drawn split"),
    )
    splits[rows] = np.array([_TRAIN, *wanted])[parts]


def _fold(collected: Collected, labels: Labels, targets: Ints | Bools, groups: Ints, settings: DataSettings) -> Bools:
    """Say which rows are in the fold that is tested, (N,)."""
    num_folds = settings.num_folds or 0
    if are_given(collected):
        raise SettingsError(
            f"{collected.source} brings its own splits, so it cannot be cut into {num_folds} folds; leave the folds out"
        )
    too_few = _too_few(collected, labels, targets, num_folds, f"each of the {num_folds} folds")
    folds = draw_folds(_strata(targets, labels), _regrouped(groups), num_folds, settings.split_seed, too_few)
    return np.asarray(folds == settings.fold)


def _keep_subset(
    splits: Ints, collected: Collected, labels: Labels, targets: Ints | Bools, settings: DataSettings
) -> None:
    """Leave all but a draw of the training rows, and as large a share of the validation rows; changes ``splits``."""
    size, num_train = settings.subset_size or 0, int((splits == _TRAIN).sum())
    if not len(labels) <= size <= num_train:
        raise SettingsError(
            f"subset_size is {size:,}; {collected.source} has {num_train:,} training examples of {len(labels)} labels, "
            f"so it must be between {len(labels)} and {num_train:,}"
        )
    for name in ("train", "validation"):
        rows = np.flatnonzero(splits == SPLITS.index(name))
        wanted = min(max(round(len(rows) * size / num_train), len(labels)), len(rows))
        splits[rows] = NO_SPLIT
        subset = draw_subset(_strata(targets[rows], labels), wanted, settings.subset_seed)
        splits[rows[subset]] = SPLITS.index(name)


def _strata(targets: Ints | Bools, labels: Labels) -> Ints:
    """Give each row one class to be stratified by, (N,)."""
    return np.asarray(targets, dtype=np.int64) if labels.task is Task.SINGLE_LABEL else rarest_label(targets)


def _regrouped(groups: Ints) -> Ints:
    """Name each group by the position of its first row among these; a group may begin outside them."""
    _, firsts, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.asarray(firsts[inverse])


def _too_few(
    collected: Collected, labels: Labels, targets: Ints | Bools, num_needed: int, places: str
) -> TooFew | None:
    """Make the error for classes with too few distinct texts; a rare label of a multi-label task is no error."""
    if labels.task is Task.MULTI_LABEL:
        return None
    counts = np.bincount(targets, minlength=len(labels))
    needs = f"at least {num_needed} to be in {places}"
    cure = f"--min-examples-per-label {num_needed}"

    def error(lacking: Mapping[int, int]) -> DataError:
        name, *others = [labels.names[stratum] for stratum in lacking]
        stratum, num_texts = next(iter(lacking.items()))
        if not others:
            return DataError(
                f"{collected.source}: label {name!r} has {num_texts} distinct texts in {counts[stratum]:,} examples "
                f"(near duplicates count once), and needs {needs}; add examples of it, or drop it with {cure}"
            )
        shown = [f"{labels.names[stratum]!r} ({number})" for stratum, number in lacking.items()]
        more = f" and {len(shown) - _MAX_LABELS_SHOWN} more" if len(shown) > _MAX_LABELS_SHOWN else ""
        return DataError(
            f"{collected.source}: {len(lacking)} of {len(labels)} labels have too few distinct texts: "
            f"{', '.join(shown[:_MAX_LABELS_SHOWN])}{more}; each needs {needs} (near duplicates count once): add "
            f"examples, join labels, or drop these with {cure}"
        )

    return error
