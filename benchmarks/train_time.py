"""How long do `bow` and `cnn-glove` train until they are as accurate as promised, beside fastText?

Run with nothing else running: ``make bench-train-time``. One thread each, on the drawn split of `movie-reviews`, in
turn, five seeds. Of ours: seconds from the source to the first epoch of the stated validation accuracy, and to the
artifact, exported, verified and measured. Of fastText, with its defaults and as its tutorial suggests for more accuracy
(25 epochs, rate 1.0, pairs of words): seconds from its file to its model. Accuracy is on the test split; imports count
for neither.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import torch

from _common import save, spread, versions
from speed import train_fasttext
from textwright.comparison.families import from_recipe
from textwright.core.callbacks import Callback, EpochRecord
from textwright.core.types import Float32s
from textwright.data.dataset import Dataset
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.evaluate.predictions import observe
from textwright.pipeline import BuildPlan, build_artifact
from textwright.runtime.loading import load

SOURCE = "movie-reviews"
SEEDS = 5
STATED = {"bow": 0.77, "cnn-glove": 0.79}
"""Recipe -> the accuracy that is promised of it; its validation accuracy has to come there."""
FASTTEXT: dict[str, dict[str, float]] = {
    "fastText": {},
    "fastText, tutorial": {"epoch": 25, "lr": 1.0, "wordNgrams": 2},
}


class Clock(Callback):
    """Notes when the accuracy was there first."""

    def __init__(self, stated: float) -> None:
        self._stated, self._start = stated, perf_counter()
        self.seconds: float | None = None

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:  # noqa: ARG002
        """Look at the clock."""
        if self.seconds is None and record.validation_accuracy >= self._stated:
            self.seconds = perf_counter() - self._start


def ours(recipe: str, seed: int, dataset: Dataset) -> dict[str, float | None]:
    """Train a recipe; time it to its accuracy and to its artifact."""
    row = from_recipe(Path(recipe), DataSettings())
    training = row.training.model_copy(update={"seed": seed})
    with tempfile.TemporaryDirectory() as temporary:
        start, clock = perf_counter(), Clock(STATED[recipe])
        plan = BuildPlan(SOURCE, DataSettings(), training, row.model.model_dump(mode="json"))
        build_artifact(plan, Path(temporary) / "run", callbacks=[clock])
        whole = perf_counter() - start
        accuracy = float(observe(load(Path(temporary) / "run"), dataset.test).correct.mean())
    return {"to_stated_s": clock.seconds, "whole_s": whole, "accuracy": accuracy}


def fasttexts(settings: dict[str, float], dataset: Dataset) -> dict[str, float | None]:
    """Train fastText and time it."""
    model, seconds = train_fasttext(dataset, **settings)
    labels, _ = model.predict([text.lower() for text in dataset.test.texts])
    said = [label[0].removeprefix("__label__") for label in labels]
    true = [dataset.labels.names[target] for target in dataset.test.targets.tolist()]
    return {"whole_s": seconds, "accuracy": statistics.mean(map(str.__eq__, said, true))}


def main() -> None:
    """Measure in turn, print and save."""
    torch.set_num_threads(1)
    dataset = load_dataset(SOURCE, DataSettings())
    contenders: dict[str, Callable[[int], dict[str, float | None]]] = {
        **{name: lambda seed, name=name: ours(name, seed, dataset) for name in STATED},  # type: ignore[misc]
        **{name: lambda _, chosen=chosen: fasttexts(chosen, dataset) for name, chosen in FASTTEXT.items()},  # type: ignore[misc]
    }
    found: dict[str, list[dict[str, float | None]]] = {name: [] for name in contenders}
    for seed in range(SEEDS):
        for name, contender in contenders.items():
            found[name].append(contender(seed))
            print(seed, name, found[name][-1], flush=True)
    save(
        "train_time",
        {
            "command": "make bench-train-time",
            "stated_validation_accuracy": STATED,
            "versions": versions("fasttext-numpy2", "torch", "onnxruntime"),
            "contenders": {name: _sum_up(rows) for name, rows in found.items()},
        },
    )


def _sum_up(rows: list[dict[str, float | None]]) -> dict[str, Any]:
    """Median and range of each measurement; how often the accuracy was reached."""
    values = {key: [row[key] for row in rows] for key in rows[0]}
    there = {key: [value for value in column if value is not None] for key, column in values.items()}
    summary: dict[str, Any] = {key: spread(column) for key, column in there.items() if column}
    return {**summary, **({"times_reached": len(there["to_stated_s"])} if "to_stated_s" in there else {})}


if __name__ == "__main__":
    main()
