"""Which rows of a source are measured: never, without saying so, rows that the model was trained on.

Called by the command line. A source is the training data if its texts and labels have the fingerprint in the manifest,
whatever the file is called; then the splits are cut exactly as they were for training. Of any other source each text
is looked up among the hashes of the training texts, if the run folder has them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from textwright.core.artifact import Artifact, Manifest
from textwright.core.types import Bools, Ints
from textwright.data.dataset import Examples
from textwright.data.download import Progress
from textwright.data.in_memory import DataSource
from textwright.data.load import fingerprint, read_source
from textwright.data.reader import SPLITS, Collected
from textwright.data.settings import DataSettings
from textwright.data.split_assignment import are_given, assign_splits
from textwright.data.text_hashes import TextHashes, find_texts, read_text_hashes
from textwright.errors import DataError, SettingsError

Split: TypeAlias = Literal["auto", "train", "validation", "test", "all"]

TRAINING_TEXTS: Final = "text_hashes_sha256"
"""Where the manifest's account of training says which file of the run folder holds the hashes of its texts."""
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
        num_trained: How many of them are texts that the model was trained on; None if that is not known.
        num_validated: How many are texts that chose its best epoch.
        num_excluded: Rows that were left out because they were seen in training.
        rows: Positions of the examples among all rows of the source that can be used, (N,), ascending; None for all.
    """

    examples: Examples
    split: str
    description: str
    num_trained: int | None = None
    num_validated: int | None = None
    num_excluded: int = 0
    rows: Ints | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what an evaluation says of its rows, as JSON-ready values."""
        return {
            "rows": self.description,
            "num_trained": self.num_trained,
            "num_validated": self.num_validated,
            "num_excluded": self.num_excluded,
        }


def select_rows(
    source: DataSource, settings: DataSettings, artifact: Artifact, split: Split = "auto", *, exclude_seen: bool = False
) -> Selection:
    """Choose the rows to measure an artifact on, knowing its training texts where they came with it.

    Args:
        source: As for :func:`select`.
        settings: What the user set explicitly.
        artifact: Of the model.
        split: As for :func:`select`.
        exclude_seen: Leave out texts that the model was trained or validated on.

    Returns:
        At least one example.

    Raises:
        NotFoundError, DataError, SettingsError: As :func:`select` does.
    """
    seen = training_texts(artifact)
    return select(source, settings, artifact.manifest, split, seen=seen, exclude_seen=exclude_seen)


def training_texts(artifact: Artifact) -> TextHashes | None:
    """Read the hashes of the texts that a model was trained on; None if they did not come with the artifact."""
    return read_text_hashes(artifact.path.parent, str(artifact.manifest.training.get(TRAINING_TEXTS, "")))


def select(
    source: DataSource,
    settings: DataSettings,
    manifest: Manifest,
    split: Split = "auto",
    progress: Progress | None = None,
    *,
    seen: TextHashes | None = None,
    exclude_seen: bool = False,
) -> Selection:
    """Read a labeled source and choose the rows to measure.

    Args:
        source: A built-in name, a file, a folder or a hub id; or rows in memory.
        settings: What the user set explicitly. A source that is called as in training is otherwise read as it was
            then; any other source only inherits how labels are written.
        manifest: Of the model; its labels are the only ones allowed, its data settings cut the training data.
        split: "auto" takes the test split of the training data, or the test split that another source brings, or
            else all its rows.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.
        seen: Hashes of the texts that the model was trained on; None if they are not known.
        exclude_seen: Leave those texts out.

    Returns:
        At least one example.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be used, holds a label that the model does not know, or no text but seen ones that
            are left out.
        SettingsError: If there is no such split, a flag would cut the training data in another way, or seen texts
            shall be left out and are not known.
    """
    stored, reading = stored_settings(manifest), reading_settings(source, settings, manifest)
    collected = read_source(source, reading, labels=manifest.labels, progress=progress)
    targets = collected.targets(manifest.labels)
    if fingerprint(collected.texts, targets, manifest.labels) == manifest.data.get("fingerprint"):
        _check_same_split(settings, stored)
        if reading.split_column != stored.split_column:
            collected = read_source(
                source, reading.model_copy(update={"split_column": stored.split_column}), labels=manifest.labels
            )
        selection = _of_training_data(collected, targets, manifest, stored, split)
        is_described = True
    else:
        selection, is_described = _of_other_data(collected, targets, split), False
    if exclude_seen:
        selection = _without_seen(selection, seen)
    return _counted(selection, seen, is_described=is_described)


def _counted(selection: Selection, seen: TextHashes | None, *, is_described: bool) -> Selection:
    """Count the rows that training has seen; say it where the split does not say it already."""
    if seen is None:
        reason = "whether training has seen any of these texts is not known: its run folder is not beside the artifact"
        return selection if is_described else replace(selection, description=f"{selection.description}; {reason}")
    num_trained, num_validated = (
        int(find_texts(selection.examples.texts, hashes).sum()) for hashes in (seen.train, seen.validation)
    )
    selection = replace(selection, num_trained=num_trained, num_validated=num_validated)
    if is_described and (selection.split != "test" or not num_trained + num_validated):
        return selection
    reason = _in_words(num_trained, num_validated, is_complete=seen.is_complete)
    return replace(selection, description=f"{selection.description}; {reason}")


def _in_words(num_trained: int, num_validated: int, *, is_complete: bool) -> str:
    least = "" if is_complete else "at least "
    parts = [f"the model was trained on {least}{num_trained:,} of these texts"] if num_trained else []
    parts += [f"training chose its best epoch on {least}{num_validated:,} of them"] if num_validated else []
    if parts:
        return f"{' and '.join(parts)}, so the numbers flatter the model; --exclude-seen leaves them out"
    return "none of these texts was seen in training" if is_complete else "none of these texts is known from training"


def _without_seen(selection: Selection, seen: TextHashes | None) -> Selection:
    if seen is None:
        raise SettingsError(
            "--exclude-seen needs to know the training texts, and their hashes are not beside the artifact; give the "
            "run folder that textwright train wrote, or train again"
        )
    texts = selection.examples.texts
    fresh = np.flatnonzero(~(find_texts(texts, seen.train) | find_texts(texts, seen.validation)))
    if not len(fresh):
        raise DataError(
            f"--exclude-seen leaves nothing to measure: all {len(texts):,} texts were seen in training; give texts "
            "that were not"
        )
    num_excluded = len(texts) - len(fresh)
    description = f"{len(fresh):,} rows that are left of {selection.description}; {num_excluded:,} seen ones left out"
    return replace(
        selection,
        examples=selection.examples.take(fresh),
        description=description,
        num_excluded=num_excluded,
        rows=fresh if selection.rows is None else selection.rows[fresh],
    )


def stored_settings(manifest: Manifest) -> DataSettings:
    """Return how the training data of a model was read and cut."""
    return DataSettings.parse(manifest.data.get("settings", {}), source="the artifact's manifest, data.settings")


def reading_settings(source: DataSource, settings: DataSettings, manifest: Manifest) -> DataSettings:
    """Read a source as at training if it is called so; any other one only inherits how labels are written.

    Args:
        source: As for :func:`select`.
        settings: What the user set explicitly.
        manifest: Of the model.
    """
    stored, is_named_alike = stored_settings(manifest), str(source) == manifest.data.get("source")
    one_column = {"label_column", "label_separator", "label_names"}
    replaced = one_column if "label_columns" in settings.model_fields_set else set[str]()
    replaced = {"label_columns"} if one_column & settings.model_fields_set else replaced
    return settings.over(stored.model_dump(include=None if is_named_alike else _LABEL_FORM, exclude=replaced))


def check_same_split(source: DataSource, settings: DataSettings, manifest: Manifest) -> None:
    """Refuse a flag that would cut a model's training data in another way than its training did.

    Raises:
        SettingsError: Names the flag.
    """
    if str(source) == manifest.data.get("source"):
        _check_same_split(settings, stored_settings(manifest))


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
    splits = np.array(collected.splits)
    name = split
    if split == "auto":
        name = "test" if are_given(collected) and (splits == SPLITS.index("test")).any() else "all"
    if name == "all":
        return _chosen(collected, targets, None, "all", "it is another file than the training data")
    rows = np.flatnonzero(splits == SPLITS.index(name))
    if not are_given(collected) or not len(rows):
        raise SettingsError(
            f"{collected.source} has no {name} split: it is another file than the training data, and brings no "
            "such split; measure all its rows with --split all, or name its splits with --split-column"
        )
    return _chosen(collected, targets, rows, name, "the split that the source brings")


def _chosen(collected: Collected, targets: Ints | Bools, rows: Ints | None, split: str, reason: str) -> Selection:
    examples = Examples(collected.texts, targets)
    if rows is not None:
        examples = examples.take(rows)
    rows_of = f"all {len(examples):,} rows" if split == "all" else f"{len(examples):,} rows, the {split} split"
    return Selection(examples, split, f"{rows_of} of {collected.source}: {reason}", rows=rows)


def _check_same_split(settings: DataSettings, stored: DataSettings) -> None:
    for name in _SPLITTING:
        wanted, used = getattr(settings, name), getattr(stored, name)
        if name in settings.model_fields_set and wanted != used:
            raise SettingsError(
                f"the model was trained on this very source with {name} {used!r}, and {wanted!r} would measure rows "
                f"that it was trained on; leave --{name.replace('_', '-')} out"
            )
