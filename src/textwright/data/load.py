"""From a source to examples: read, find duplicates, split.

Called by ``train`` (:func:`load_dataset`) and ``evaluate`` (:func:`load_examples`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.collect import NO_SPLIT, SPLITS, Collected, collect
from textwright.data.dataset import Dataset, Examples
from textwright.data.download import Progress
from textwright.data.duplicates import find_duplicates
from textwright.data.settings import DataSettings
from textwright.data.sources import open_source
from textwright.data.splits import draw_splits, rarest_label
from textwright.errors import DataError, NotFoundError

DEFAULT_SETTINGS: Final = DataSettings()
_TRAIN: Final = SPLITS.index("train")
_HASH_TEXTS: Final = 10_000
"""Texts that are hashed in one call: few calls, little memory."""


def load_dataset(source: str, settings: DataSettings = DEFAULT_SETTINGS, progress: Progress | None = None) -> Dataset:
    """Read a labelled source and split it.

    Splits that the source brings are used as they are. Those it lacks are drawn from its training examples (from all,
    if it brings none), so that every class is in each and no exact or near duplicate is on two sides.

    Args:
        source: A built-in name, a file, a folder with files named train, validation and test, or a Hugging Face id.
        settings: Columns, encoding, fractions and seed.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.

    Returns:
        The examples of each split, in the order of the source.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be used; names the file, the line and the cure.
        AssetError: If a built-in source cannot be fetched.
    """
    collected = read_source(source, settings, progress=progress)
    labels = collected.labels()
    targets = collected.targets(labels)
    splits = assign_splits(collected, labels, targets, settings)
    parts = {name: _take(collected, targets, np.flatnonzero(splits == number)) for number, name in enumerate(SPLITS)}
    return Dataset(
        source=source,
        labels=labels,
        **parts,
        fingerprint=fingerprint(collected.texts, targets, labels),
        splits_are_given=are_given(collected),
    )


def load_examples(
    source: str, settings: DataSettings, labels: Labels, *, split: str | None = None, progress: Progress | None = None
) -> Examples:
    """Read a labelled source whose labels are known already.

    Args:
        source: As for :func:`load_dataset`.
        settings: Columns, encoding, fractions and seed.
        labels: The labels of a model.
        split: "train", "validation" or "test" takes that part, as :func:`load_dataset` cuts it; None takes every row.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.

    Returns:
        At least one example, in the order of the source.

    Raises:
        NotFoundError: If there is no such source or split.
        DataError: If it cannot be used, or a label is unknown; names the file, the line and the cure.
    """
    if split is not None and split not in SPLITS:
        raise NotFoundError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
    collected = read_source(source, settings, labels=labels, progress=progress)
    targets = collected.targets(labels)
    if split is None:
        return Examples(collected.texts, targets)
    splits = assign_splits(collected, labels, targets, settings)
    return _take(collected, targets, np.flatnonzero(splits == SPLITS.index(split)))


def read_source(
    source: str, settings: DataSettings, *, labels: Labels | None = None, progress: Progress | None = None
) -> Collected:
    """Read every row of a labelled source.

    Args:
        source: As for :func:`load_dataset`.
        settings: Columns and encoding.
        labels: Labels that are known already; None takes them from the source.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.

    Returns:
        At least one row.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If a row cannot be used.
    """
    with open_source(source, settings, progress) as tables:
        return collect(source, tables, settings, labels)


def are_given(collected: Collected) -> bool:
    """Say whether a source brings splits of its own."""
    return any(number not in (NO_SPLIT, _TRAIN) for number in set(collected.splits))


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
        Position in ``SPLITS`` of each row's split, (N,).

    Raises:
        DataError: If given splits have no training examples or miss a class there, or a class has too few
            distinct texts to be in each drawn split.
    """
    splits = np.array(collected.splits, dtype=np.int64)
    if not are_given(collected):
        splits[:] = _TRAIN
    rows = np.flatnonzero(splits == _TRAIN)
    wanted = [number for number in range(len(SPLITS)) if number != _TRAIN and not (splits == number).any()]
    if are_given(collected):
        _check_given(collected, labels, targets, splits)
    if wanted:
        groups = find_duplicates(collected.texts).near if groups is None else groups
        splits[rows] = _draw(collected, labels, targets[rows], groups[rows], wanted, settings)
    return splits


def fingerprint(texts: Sequence[str], targets: Ints | Bools, labels: Labels) -> str:
    """Hash every text and label in order.

    Args:
        texts: N texts.
        targets: Their targets.
        labels: Their labels.

    Returns:
        64 hexadecimal digits; lengths are hashed too, so that no two lists of texts run together.
    """
    digest = hashlib.sha256(json.dumps([labels.task, *labels.names]).encode())
    digest.update(np.ascontiguousarray(targets).tobytes())
    for start in range(0, len(texts), _HASH_TEXTS):
        batch = texts[start : start + _HASH_TEXTS]
        digest.update(np.fromiter(map(len, batch), dtype=np.int64, count=len(batch)).tobytes())
        digest.update("".join(batch).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _take(collected: Collected, targets: Ints | Bools, rows: Ints) -> Examples:
    return Examples([collected.texts[row] for row in rows.tolist()], targets[rows])


def _check_given(collected: Collected, labels: Labels, targets: Ints | Bools, splits: Ints) -> None:
    """Refuse given splits that cannot be trained on: a class of another split that training never shows."""
    in_train = _held(targets[splits == _TRAIN], labels)
    if not in_train.any():
        raise DataError(f"{collected.source}: the given splits have no training examples; name some rows train")
    for index in np.flatnonzero(~in_train).tolist():
        rows = np.flatnonzero(targets == index if labels.task is Task.SINGLE_LABEL else targets[:, index])
        raise DataError(
            f"{collected.at(int(rows[0]))}: label {labels.names[index]!r} does not occur in the training split; "
            "correct the label, or add training examples of it"
        )


def _held(targets: Ints | Bools, labels: Labels) -> Bools:
    if labels.task is Task.SINGLE_LABEL:
        return np.bincount(targets, minlength=len(labels)) > 0
    return np.asarray(targets.any(axis=0), dtype=np.bool_)


def _draw(
    collected: Collected,
    labels: Labels,
    targets: Ints | Bools,
    groups: Ints,
    wanted: Sequence[int],
    settings: DataSettings,
) -> Ints:
    """Draw the wanted splits from M training rows; the result holds positions in ``SPLITS``, (M,)."""
    fractions = {"validation": settings.validation_fraction, "test": settings.test_fraction}
    is_single = labels.task is Task.SINGLE_LABEL
    _, firsts, inverse = np.unique(groups, return_index=True, return_inverse=True)
    groups = firsts[inverse]  # a group may begin outside these rows
    num_needed = len(wanted) + 1

    def too_few(stratum: int, num_texts: int) -> DataError:
        count = int((targets == stratum).sum())
        return DataError(
            f"{collected.source}: label {labels.names[stratum]!r} has {num_texts} distinct texts in {count:,} examples "
            f"(near duplicates count once), and needs at least {num_needed} to be in train and each drawn split; add "
            "examples of it or remove it"
        )

    parts = draw_splits(
        np.asarray(targets, dtype=np.int64) if is_single else rarest_label(targets),
        groups,
        [fractions[SPLITS[number]] for number in wanted],
        settings.split_seed,
        too_few if is_single else None,
    )
    return np.array([_TRAIN, *wanted])[parts]
