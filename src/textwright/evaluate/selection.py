"""Which rows of a source are measured: never, without saying so, rows that the model was trained on.

Called by the command line. A source is the training data if its texts and labels have the fingerprint in the manifest,
whatever the file is called; then the splits are cut exactly as they were for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from textwright.core.artifact import Manifest
from textwright.core.types import Bools, Ints
from textwright.data.assign import are_given, assign_splits
from textwright.data.collect import SPLITS, Collected
from textwright.data.dataset import Examples
from textwright.data.download import Progress
from textwright.data.load import fingerprint, read_source
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError

Split: TypeAlias = Literal["auto", "train", "validation", "test", "all"]

_SPLITTING: Final = (
    "split_column",
    "validation_fraction",
    "test_fraction",
    "split_seed",
    "num_folds",
    "fold",
    "subset_size",
    "subset_seed",
)
"""Settings that decide which row is in which split."""
_LABEL_FORM: Final = {"label_separator", "label_columns", "label_names"}
"""Settings that say how labels are written."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that are measured.

    Args:
        examples: Their texts and targets, in the order of the source.
        split: "train", "validation", "test" or "all".
        description: Which rows these are and why, in one sentence for people.
    """

    examples: Examples
    split: str
    description: str


def select(
    source: str, settings: DataSettings, manifest: Manifest, split: Split = "auto", progress: Progress | None = None
) -> Selection:
    """Read a labelled source and choose the rows to measure.

    Args:
        source: A built-in name, a file, a folder or a hub id.
        settings: What the user set explicitly. A source that is called as in training is otherwise read as it was
            then; any other source only inherits how labels are written.
        manifest: Of the model; its labels are the only ones allowed, its data settings cut the training data.
        split: "auto" takes the test split of the training data, or the test split that another source brings, or
            else all its rows.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.

    Returns:
        At least one example.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be used, or holds a label that the model does not know.
        SettingsError: If there is no such split, or a flag would cut the training data in another way.
    """
    stored, reading = stored_settings(manifest), reading_settings(source, settings, manifest)
    collected = read_source(source, reading, labels=manifest.labels, progress=progress)
    targets = collected.targets(manifest.labels)
    if fingerprint(collected.texts, targets, manifest.labels) == manifest.data.get("fingerprint"):
        _refuse_another_cut(settings, stored)
        if reading.split_column != stored.split_column:
            collected = read_source(
                source, reading.model_copy(update={"split_column": stored.split_column}), labels=manifest.labels
            )
        return _of_training_data(collected, targets, manifest, stored, split)
    return _of_other_data(collected, targets, split)


def stored_settings(manifest: Manifest) -> DataSettings:
    """Return how the training data of a model was read and cut."""
    return DataSettings.parse(manifest.data.get("settings", {}), source="the artifact's manifest, data.settings")


def reading_settings(source: str, settings: DataSettings, manifest: Manifest) -> DataSettings:
    """Read a source as at training if it is called so; any other one only inherits how labels are written.

    Args:
        source: As for :func:`select`.
        settings: What the user set explicitly.
        manifest: Of the model.
    """
    stored, is_named_alike = stored_settings(manifest), source == manifest.data.get("source")
    one_column = {"label_column", "label_separator", "label_names"}
    replaced = one_column if "label_columns" in settings.model_fields_set else set[str]()
    replaced = {"label_columns"} if one_column & settings.model_fields_set else replaced
    return settings.over(stored.model_dump(include=None if is_named_alike else _LABEL_FORM, exclude=replaced))


def refuse_another_cut(source: str, settings: DataSettings, manifest: Manifest) -> None:
    """Refuse a flag that would cut a model's training data in another way than its training did.

    Raises:
        SettingsError: Names the flag.
    """
    if source == manifest.data.get("source"):
        _refuse_another_cut(settings, stored_settings(manifest))


def _of_training_data(
    collected: Collected, targets: Ints | Bools, manifest: Manifest, stored: DataSettings, split: Split
) -> Selection:
    if split == "all":
        return _chosen(
            collected, targets, None, "all", "they were trained on in part, so the numbers flatter the model"
        )
    name = "test" if split == "auto" else split
    rows = np.flatnonzero(assign_splits(collected, manifest.labels, targets, stored) == SPLITS.index(name))
    reasons = {
        "train": "they were trained on, so the numbers flatter the model",
        "validation": "training chose its best epoch and temperature on them, so the numbers flatter the model",
        "test": "as at training, where they were held out",
    }
    return _chosen(collected, targets, rows, name, reasons[name])


def _of_other_data(collected: Collected, targets: Ints | Bools, split: Split) -> Selection:
    given = np.array(collected.splits)
    name = split
    if split == "auto":
        name = "test" if are_given(collected) and (given == SPLITS.index("test")).any() else "all"
    if name == "all":
        return _chosen(collected, targets, None, "all", "it is not the data that the model was trained on")
    rows = np.flatnonzero(given == SPLITS.index(name))
    if not are_given(collected) or not len(rows):
        raise SettingsError(
            f"{collected.source} has no {name} split: it is not the data that the model was trained on, and brings no "
            "such split; measure all its rows with --split all, or name its splits with --split-column"
        )
    return _chosen(collected, targets, rows, name, "the split that the source brings")


def _chosen(collected: Collected, targets: Ints | Bools, rows: Ints | None, split: str, reason: str) -> Selection:
    examples = Examples(collected.texts, targets)
    if rows is not None:
        examples = examples.take(rows)
    rows_of = f"all {len(examples):,} rows" if split == "all" else f"{len(examples):,} rows, the {split} split"
    return Selection(examples, split, f"{rows_of} of {collected.source}: {reason}")


def _refuse_another_cut(settings: DataSettings, stored: DataSettings) -> None:
    for name in _SPLITTING:
        wanted, used = getattr(settings, name), getattr(stored, name)
        if name in settings.model_fields_set and wanted != used:
            raise SettingsError(
                f"the model was trained on this very source with {name} {used!r}, and {wanted!r} would measure rows "
                f"that it was trained on; leave --{name.replace('_', '-')} out"
            )
