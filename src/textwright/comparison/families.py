"""A model family as a row of the table: trained, exported and measured by the pipeline, as a user would."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from textwright.comparison.candidate import Result, RunJob
from textwright.config import Settings, find_recipe, read_toml
from textwright.core.callbacks import Callback
from textwright.data.settings import DataSettings
from textwright.errors import InputError, SettingsError
from textwright.evaluate.benchmark import Predict
from textwright.evaluate.predictions import observe
from textwright.models import find_family
from textwright.pipeline import BuildPlan, build_artifact
from textwright.runtime.loading import load
from textwright.training.run import CHECKPOINT, TENSORBOARD, as_recipe, resolve_settings, resolve_stored
from textwright.training.settings import TrainSettings

_ARTIFACT: Final = "artifact"
_LARGE: Final = (CHECKPOINT, TENSORBOARD)
"""What a finished run leaves behind that nobody compares."""


@dataclass(frozen=True, slots=True)
class FamilyCandidate:
    """A family with its settings.

    Args:
        name: The row's name.
        training: Every setting of training, the family's defaults included.
        model: Every setting of the family.
    """

    name: str
    training: TrainSettings
    model: Settings
    is_baseline: bool = False
    depends_on_seed: bool = True

    @property
    def summary(self) -> str:
        """What the family is, in a few words."""
        return find_family(self.training.family).summary

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every setting but the seed."""
        return _without_seed(self.training, self.model)

    def complete(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give settings that came after a run was made their defaults."""
        try:
            overrides = {key: value for key, value in settings.items() if key != "model"}
            return _without_seed(*resolve_stored(overrides, settings["model"], source="an earlier run"))
        except (KeyError, InputError):  # of another version altogether
            return settings

    def run(self, job: RunJob, callback: Callback) -> Result:
        """Build the artifact, or go on where a killed run was, and let it answer the test texts.

        Raises:
            SettingsError: If several processes were started to train together.
        """
        started = _FirstStep()
        start = perf_counter()
        built = build_artifact(self._plan(job), job.folder, callbacks=[started, callback], dataset=job.dataset)
        seconds = perf_counter() - start
        if built is None:
            raise SettingsError("a comparison is one process; run it without torchrun")
        predictions = observe(load(built.artifact.path), job.dataset.test)
        is_whole = started.step == 0 and not built.reused
        return Result(
            predictions=predictions,
            num_train=len(job.dataset.train),
            seconds=seconds if is_whole else None,
            size_bytes=built.artifact.size_bytes,
            version=built.artifact.version,
        )

    def clean_up(self, job: RunJob) -> None:
        """Remove the checkpoint and the events, and the artifact of a run that only shows how it learns."""
        for name in _LARGE if job.keep_model else (*_LARGE, _ARTIFACT):
            shutil.rmtree(job.folder / name, ignore_errors=True)

    def reopen(self, job: RunJob) -> Predict:
        """Load the artifact as it would be served."""
        return load(job.folder).predict

    def _plan(self, job: RunJob) -> BuildPlan:
        training = self.training.model_copy(update={"seed": job.seed})
        source = Path(job.dataset.source.rstrip("/")).name.partition(".")[0]
        model = self.model.model_dump(mode="json")
        return BuildPlan(job.dataset.source, job.data, training, model, name=f"{source}-{self.name}")


def from_family(name: str) -> FamilyCandidate:
    """Make a row of a family as it is by default.

    Args:
        name: Of the family.

    Raises:
        NotFoundError: If there is no such family; names the nearest.
    """
    return FamilyCandidate(name, *resolve_settings(TrainSettings(family=find_family(name).name), {}))


def from_recipe(path: Path, data: DataSettings) -> FamilyCandidate:
    """Make a row of a recipe, called like its file.

    Args:
        path: A TOML file, or the name of a recipe of the package, as ``textwright train --config`` takes it.
        data: How the comparison cuts the source; a recipe cannot cut it otherwise.

    Raises:
        NotFoundError: If there is no such file or family.
        SettingsError: If it is not TOML, a setting is wrong, or one would cut the source otherwise.
    """
    path = find_recipe(path)
    content = read_toml(path)
    model = content.pop("model", {})
    own_data = {name: content.pop(name) for name in list(content) if name in DataSettings.model_fields}
    for name, value in own_data.items():
        if value != getattr(data, name):
            raise SettingsError(
                f"{path}: {name} is {value!r}, but the rows of a comparison share one split, made with "
                f"{getattr(data, name)!r}; remove the line, or set --{name.replace('_', '-')} for all"
            )
    training = TrainSettings.parse({key: value for key, value in content.items() if key != "seed"}, source=str(path))
    return FamilyCandidate(path.stem, *resolve_settings(training, model))


def _without_seed(training: TrainSettings, model: Settings) -> dict[str, Any]:
    return {key: value for key, value in as_recipe(training, model).items() if key != "seed"}


class _FirstStep(Callback):
    """Remembers where training began."""

    def __init__(self) -> None:
        self.step = 0

    def on_train_begin(self, num_steps: int, step: int) -> None:  # noqa: ARG002  the form of Callback
        self.step = step
