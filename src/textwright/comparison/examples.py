"""The examples of a comparison: one source, read once, and cut as each run needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textwright.comparison.runs import Run
from textwright.data.dataset import Dataset
from textwright.data.download import Progress
from textwright.data.duplicates import find_duplicates
from textwright.data.in_memory import DataSource
from textwright.data.load import cut, read_source
from textwright.data.settings import DataSettings
from textwright.data.split_assignment import are_given
from textwright.errors import SettingsError


class Source:
    """A labeled source that is cut in many ways.

    Args:
        name: A built-in name, a file, a folder or a hub id; or rows in memory.
        settings: How to read it, and into how many folds it is cut.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be used, or is too small for its folds.
        SettingsError: If it brings splits and folds are asked for.
    """

    def __init__(self, name: DataSource, settings: DataSettings, progress: Progress | None = None) -> None:
        self.settings = settings
        self._collected = read_source(name, settings, progress=progress)
        self._groups = None if are_given(self._collected) else find_duplicates(self._collected.texts).near
        self._last = (settings, cut(self._collected, settings, self._groups))
        self.whole = self._last[1]

    def cut(self, run: Run) -> Dataset:
        """Return the examples of a run; those of the run before, if it was cut alike, are not made anew."""
        settings = run.data(self.settings)
        if settings != self._last[0]:
            self._last = (settings, cut(self._collected, settings, self._groups))
        return self._last[1]

    def describe(self) -> dict[str, Any]:
        """Tell what was compared on, as JSON-ready values."""
        whole = self.whole
        return {
            "source": whole.source,
            "fingerprint": whole.fingerprint,
            "task": str(whole.labels.task),
            "labels": list(whole.labels.names),
            "settings": self.settings.model_dump(mode="json"),
            "splits_are_given": whole.splits_are_given,
            "num_examples": {name: len(examples) for name, examples in whole.splits.items()},
        }


def usable_sizes(sizes: Sequence[int], dataset: Dataset) -> list[int]:
    """Keep the sizes of the learning curve that lie below all training examples.

    Args:
        sizes: As asked for, in any order.
        dataset: The whole source, cut.

    Returns:
        Distinct sizes, ascending.

    Raises:
        SettingsError: If one is smaller than the number of labels.
    """
    small = [size for size in sizes if size < len(dataset.labels)]
    if small:
        raise SettingsError(
            f"--sizes has {min(small)}, and {dataset.source} has {len(dataset.labels)} labels; a training set needs "
            "one text of each at least"
        )
    return sorted({size for size in sizes if size < len(dataset.train)})
