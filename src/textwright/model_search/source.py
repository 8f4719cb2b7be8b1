"""The texts of a search: a file that the test texts are not in.

Everything that the search calls -- training, gates, cascades -- measures what it makes on a split named test. In this
file that split holds the validation texts once more, so whatever is chosen is chosen on validation, and nothing that
runs before the end can read the real test split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.dataset import Dataset, Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.data.splits import draw_subset, rarest_label
from textwright.data.unlabeled import apart_from, read_unlabeled
from textwright.data.writers import open_output
from textwright.errors import DataError

SETTINGS: Final = DataSettings(text_column="text", label_column="label", split_column="split")
"""How the file is read."""
_UNLABELED: Final = "unlabeled.jsonl"
_SEARCHED: Final = {"train": "train", "validation": "validation", "test": "validation"}
"""Split of the file -> split of the source."""


@dataclass(frozen=True, slots=True)
class SearchSource:
    """The texts of a search.

    Args:
        path: The file.
        dataset: What it holds: the source's training and validation split, the latter in the place of the test split.
        unlabeled: File of texts without labels; None where there are none.
        num_unlabeled: How many these are.
    """

    path: Path
    dataset: Dataset
    unlabeled: Path | None = None
    num_unlabeled: int = 0

    @property
    def validation(self) -> Examples:
        """What everything is chosen on."""
        return self.dataset.validation

    def subset(self, size: int | None) -> Dataset:
        """Return the examples with a stratified part of the training texts; smaller parts lie inside larger ones."""
        if size is None or size >= len(self.dataset.train):
            return self.dataset
        targets = self.dataset.train.targets
        strata = rarest_label(targets) if targets.ndim == 2 else np.asarray(targets, dtype=np.int64)
        return replace(self.dataset, train=self.dataset.train.take(draw_subset(strata, size, seed=0)))


def write_search_source(dataset: Dataset, folder: Path, name: str) -> SearchSource:
    """Write the texts of a search, and read them back.

    Args:
        dataset: The source, split.
        folder: Of the search.
        name: Of the source; part of the models' names.

    Raises:
        DataError: If a split is empty.
    """
    for split in ("train", "validation", "test"):
        if not len(dataset.splits[split]):
            raise DataError(f"{dataset.source}: the {split} split has no examples; a search needs 1 or more in it")
    path = folder / f"{name}.jsonl"
    with open_output(path) as write:
        for record in _records(dataset):
            write(record)
    return SearchSource(path, load_dataset(str(path), SETTINGS))


def add_unlabeled(search: SearchSource, unlabeled: str, data: DataSettings, dataset: Dataset) -> SearchSource:
    """Write the texts without labels, none of which is nearly a validation or test text.

    Args:
        search: The texts of the search.
        unlabeled: A file of texts, or any labeled source.
        data: How the user's files are read.
        dataset: The source, split; its test texts are compared with, and nothing else.

    Raises:
        DataError: If no text is left.
    """
    held_out = [*dataset.validation.texts, *dataset.test.texts]
    texts = apart_from(held_out, read_unlabeled(unlabeled, data))
    if not texts:
        raise DataError(
            f"{unlabeled}: every text is nearly one of the validation or test texts; give others, or no --unlabeled"
        )
    path = search.path.with_name(_UNLABELED)
    with open_output(path) as write:
        for text in texts:
            write({"text": text})
    return replace(search, unlabeled=path, num_unlabeled=len(texts))


def _records(dataset: Dataset) -> Iterator[Mapping[str, Any]]:
    for split, part in _SEARCHED.items():
        examples = dataset.splits[part]
        for text, target in zip(examples.texts, examples.targets, strict=True):
            yield {"text": text, "label": _label(target, dataset.labels), "split": split}


def _label(target: Ints | Bools, labels: Labels) -> str | list[str]:
    if labels.task is Task.SINGLE_LABEL:
        return labels.names[int(target)]
    return [labels.names[index] for index in np.flatnonzero(target).tolist()]
