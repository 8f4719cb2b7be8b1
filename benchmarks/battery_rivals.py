"""SetFit and fastText's autotune as rows of the battery, each in an environment of its own.

A rival reads a JSON file of texts and labels and writes the probabilities of the test texts: see ``rivals/battery_*``.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import numpy as np

from _common import ROOT
from battery_sources.source import BatterySource
from textwright.comparison.candidate import Result, RunJob
from textwright.core.callbacks import Callback
from textwright.core.labels import Task
from textwright.core.types import Float32s
from textwright.data.assets import asset_path
from textwright.data.dataset import Dataset, Examples
from textwright.evaluate.benchmark import Predict
from textwright.evaluate.predictions import LabeledPredictions

AUTOTUNE_S: Final = 20
_SETFIT_ROWS: Final = 1_000
_MOST_S: Final = 1_800
"""Seconds after which a rival counts as failed."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A program of another environment that learns from texts and answers others."""

    name: str
    summary: str
    is_baseline: bool = True
    depends_on_seed: bool = False

    @property
    def program(self) -> Path:
        """The interpreter of its environment."""
        return ROOT / ".venv-rivals" / self.name.lower() / "bin" / "python"

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it is given."""
        return {}

    def not_run(self, dataset: Dataset, source: BatterySource) -> str:  # noqa: ARG002  the form for all rivals
        """Say why it is not run on a source; empty if it is."""
        return "" if self.program.is_file() else f"not installed in .venv-rivals/{self.name.lower()}"

    def complete(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing came since."""
        return settings

    def run(self, job: RunJob, callback: Callback) -> Result:  # noqa: ARG002  the form of Candidate
        """Start the program; its start and its imports count in the seconds."""
        probabilities, seconds = self.answer(job.dataset)
        return Result(_observations(job.dataset, probabilities), len(job.dataset.train), seconds, 0, "")

    def answer(self, dataset: Dataset) -> tuple[Float32s, float]:
        """Let the program learn the training texts and answer the test texts: probabilities, (N, K), and seconds."""
        with TemporaryDirectory() as folder:
            given, answer = Path(folder) / "given.json", Path(folder) / "probabilities.npy"
            content = {
                "settings": dict(self.settings),
                "num_labels": len(dataset.labels),
                "train": _content(dataset.train),
                "validation": _content(dataset.validation),
                "test": list(dataset.test.texts),
            }
            given.write_text(json.dumps(content), encoding="utf-8")
            script = ROOT / "benchmarks" / "rivals" / f"battery_{self.name.lower()}.py"
            start = perf_counter()
            subprocess.run([self.program, script, given, answer], check=True, timeout=_MOST_S)
            seconds = perf_counter() - start
            return np.load(answer, allow_pickle=False).astype(np.float32), seconds

    def clean_up(self, job: RunJob) -> None:
        """There is nothing on disk."""

    def reopen(self, job: RunJob) -> Predict:
        """RowSpeed is not measured here."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class FastText(Rival):
    """fastText, whose autotune looks for settings on the validation texts."""

    name: str = "fastText"
    summary: str = "fastText with autotune"

    @property
    def settings(self) -> Mapping[str, Any]:
        """How long it looks for settings."""
        return {"seconds": AUTOTUNE_S}


@dataclass(frozen=True, slots=True)
class SetFit(Rival):
    """SetFit on the same MiniLM as ``frozen-bert``.

    Args:
        takes_all_pairs: As its defaults are; False bounds the pairs, so that hundreds of texts take minutes.
    """

    takes_all_pairs: bool = False
    name: str = "SetFit"
    summary: str = "SetFit with MiniLM"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its body, and whether its pairs are bounded."""
        body = {"body": str(asset_path("minilm-l6"))}
        return {**body, "takes_all_pairs": True} if self.takes_all_pairs else body

    def not_run(self, dataset: Dataset, source: BatterySource) -> str:
        """Say why it is not run on a source: pairs of texts are many, and the body knows English."""
        if source.language != "English" or len(dataset.train) > _SETFIT_ROWS or dataset.labels.task is Task.MULTI_LABEL:
            return f"run on English sources of at most {_SETFIT_ROWS:,} training texts with one label each"
        return Rival.not_run(self, dataset, source)


def _content(examples: Examples) -> dict[str, Any]:
    return {"texts": list(examples.texts), "targets": examples.targets.tolist()}


def _observations(dataset: Dataset, probabilities: Float32s) -> LabeledPredictions:
    test = dataset.test
    is_multi_label = dataset.labels.task is Task.MULTI_LABEL
    return LabeledPredictions(
        targets=test.targets,
        predicted=probabilities >= 0.5 if is_multi_label else probabilities.argmax(axis=1),
        probabilities=probabilities,
        uncalibrated=probabilities,
        lengths=np.array([len(text.split()) for text in test.texts], dtype=np.int64),
        truncated=np.zeros(len(test), dtype=np.bool_),
    )
