"""From a source to examples: read, find duplicates, split.

Called by ``train`` (:func:`load_dataset`) and ``evaluate`` (:func:`load_examples`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

import numpy as np

from textwright.core.labels import Labels
from textwright.core.types import Bools, Ints
from textwright.data.assign import are_given, assign_splits
from textwright.data.collect import SPLITS, Collected, collect
from textwright.data.dataset import Dataset, Examples
from textwright.data.download import Progress
from textwright.data.settings import DataSettings
from textwright.data.sources import open_source
from textwright.errors import NotFoundError

DEFAULT_SETTINGS: Final = DataSettings()
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
    return cut(read_source(source, settings, progress=progress), settings)


def cut(collected: Collected, settings: DataSettings, groups: Ints | None = None) -> Dataset:
    """Split a source that was read already, as :func:`load_dataset` does.

    Args:
        collected: N rows.
        settings: Fractions, folds, subset and seeds.
        groups: Groups of duplicates, (N,), for a source that is cut in many ways; None finds them.

    Returns:
        The examples of each split, in the order of the source.

    Raises:
        DataError: As :func:`assign_splits` does.
        SettingsError: As :func:`assign_splits` does.
    """
    labels = collected.labels()
    targets = collected.targets(labels)
    splits = assign_splits(collected, labels, targets, settings, groups)
    parts = {name: _take(collected, targets, np.flatnonzero(splits == number)) for number, name in enumerate(SPLITS)}
    return Dataset(
        source=collected.source,
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
