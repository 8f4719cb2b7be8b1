"""What can stand in the table: anything that learns from a dataset and then predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from textwright.core.callbacks import Callback
from textwright.data.dataset import Dataset
from textwright.data.settings import DataSettings
from textwright.evaluate.benchmark import Predict
from textwright.evaluate.predictions import LabeledPredictions


@dataclass(frozen=True, slots=True)
class RunJob:
    """What a candidate is asked to learn from, and where it may write.

    Args:
        dataset: The examples, cut as ``data`` says.
        data: How the source is cut.
        seed: Of the training.
        folder: The run's own folder.
        keep_model: Whether the model is wanted afterwards; False leaves nothing but what it said.
    """

    dataset: Dataset
    data: DataSettings
    seed: int
    folder: Path
    keep_model: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run.

    Args:
        predictions: What was true and what was said of each test example.
        num_train: Training examples.
        seconds: From the source to the finished model; None if the run was interrupted in between.
        size_bytes: Of what would be shipped.
        version: Tells this model from another of the same settings.
    """

    predictions: LabeledPredictions
    num_train: int
    seconds: float | None
    size_bytes: int
    version: str


class Candidate(Protocol):
    """One row of the table."""

    @property
    def name(self) -> str:
        """What the row is called; a folder name."""

    @property
    def summary(self) -> str:
        """What it is, in a few words."""

    @property
    def is_baseline(self) -> bool:
        """Whether it stands in the table as a measure for the others, and cannot be served."""

    @property
    def depends_on_seed(self) -> bool:
        """Whether another seed on the same examples gives another model."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every setting but the seed, as JSON-ready values; a run of other settings is not this candidate's."""

    def complete(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give settings that came after a run was made their defaults, so that it is still found equal.

        Args:
            settings: Of an earlier run, perhaps of another version.

        Returns:
            The same with what they lack; as they are if they cannot be read.
        """

    def run(self, job: RunJob, callback: Callback) -> Result:
        """Learn from the training examples, choose with the validation ones, and answer the test texts.

        Args:
            job: What to learn from.
            callback: Called at steps and epochs, where there are any.

        Returns:
            What came of it. Running it again after a kill gives the same.
        """

    def clean_up(self, job: RunJob) -> None:
        """Remove what a finished run needs no more; called when its result is safe.

        Args:
            job: One that was run.
        """

    def reopen(self, job: RunJob) -> Predict:
        """Return the finished model of a job, as it would be used.

        Args:
            job: One that was run.
        """
