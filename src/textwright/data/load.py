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
from textwright.data.dataset import Dataset, Examples, label_counts
from textwright.data.download import Progress
from textwright.data.in_memory import DataSource
from textwright.data.label_variants import suspicious_labels
from textwright.data.rare_labels import drop_rare_labels, dropped
from textwright.data.reader import SPLITS, Collected, collect, unknown_label
from textwright.data.row_errors import END_AT_FIRST, RowErrors
from textwright.data.settings import DataSettings
from textwright.data.sources import open_source
from textwright.data.split_assignment import are_given, assign_splits
from textwright.data.stored_texts import take_texts
from textwright.errors import DataError, NotFoundError

DEFAULT_SETTINGS: Final = DataSettings()
_HASH_TEXTS: Final = 10_000
"""Texts that are hashed in one call: few calls, little memory."""


def load_dataset(
    source: DataSource, settings: DataSettings = DEFAULT_SETTINGS, progress: Progress | None = None
) -> Dataset:
    """Read a labeled source and split it.

    Splits that the source brings are used as they are. Those it lacks are drawn from its training examples (from all,
    if it brings none), so that every class is in each and no exact or near duplicate is on two sides.

    Args:
        source: A built-in name, a file, a folder with files named train, validation and test, or a Hugging Face id; or
            rows in memory.
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
    counts = label_counts(Examples(collected.texts, targets), labels)
    parts = {name: _take(collected, targets, np.flatnonzero(splits == number)) for number, name in enumerate(SPLITS)}
    return Dataset(
        source=collected.source,
        labels=labels,
        **parts,
        fingerprint=fingerprint(collected.texts, targets, labels),
        splits_are_given=are_given(collected),
        warnings=(*dropped(collected), *suspicious_labels(dict(zip(labels.names, counts.tolist(), strict=True)))),
    )


def load_examples(
    source: DataSource,
    settings: DataSettings,
    labels: Labels,
    *,
    split: str | None = None,
    progress: Progress | None = None,
) -> Examples:
    """Read a labeled source whose labels are known already.

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
    source: DataSource,
    settings: DataSettings,
    *,
    labels: Labels | None = None,
    progress: Progress | None = None,
    row_errors: RowErrors = END_AT_FIRST,
) -> Collected:
    """Read every row of a labeled source, without the rows and labels that the settings drop.

    Args:
        source: As for :func:`load_dataset`.
        settings: Columns and encoding.
        labels: Labels that are known already; None takes them from the source.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.
        row_errors: What happens to rows that cannot be used; by default the first is an error.

    Returns:
        At least one row.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If a row cannot be used, or none is left.
    """
    try:
        with open_source(source, settings, progress, row_errors) as tables:
            collected = collect(str(source), tables, settings, labels, row_errors)
    except DataError as error:
        others = list(row_errors.sentences())  # what was counted before reading had to end
        raise DataError("; ".join([str(error), *others])) from error
    if settings.min_examples_per_label is not None and len(collected):
        drop_rare_labels(collected, settings.min_examples_per_label)
        if labels is not None:
            _refuse_unknown(collected, labels)
    if not len(collected):
        raise DataError("; ".join([f"{source}: no row can be used", *dropped(collected), *row_errors.sentences()]))
    return collected


def _refuse_unknown(collected: Collected, labels: Labels) -> None:
    """Refuse labels that a model does not know, which were let in because they could have been rare."""
    names = list(collected.names)
    unknown = [number for number, name in enumerate(names) if name not in labels.names]
    if unknown:
        position = int(np.flatnonzero(np.isin(np.array(collected.label_ids), unknown))[0])
        row = int(np.searchsorted(np.array(collected.label_ends), position, side="right"))
        raise DataError(f"{collected.at(row)}: {unknown_label(names[collected.label_ids[position]], labels)}")


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
    return Examples(take_texts(collected.texts, rows), targets[rows])
