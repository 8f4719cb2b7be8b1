"""What do 8 to 64 labeled texts of each class give, with a frozen encoder and with static vectors distilled from it?

Run: ``make bench-few-labels``; ``python benchmarks/few_labels.py --speed-only`` measures the texts per second alone and
writes them into the result file. Of each built-in source a pool of training texts and a set of test texts are drawn
once; each draw takes so many texts of each label from the pool, trains the family's head on them with its defaults, and
answers the test texts. Both families see the same texts of each draw.

Speed is that of the shipped graphs from text to probabilities, both families in turn, in one process of one thread.
"""

from __future__ import annotations

import argparse
import copy
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch

from _common import RESULTS, save, side_by_side, spread, versions
from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.core.types import Ints
from textwright.data.dataset import Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.export.onnx import to_onnx
from textwright.models import find_family
from textwright.models.family import BuildContext, TextModel
from textwright.runtime.model import GraphModel
from textwright.runtime.session import Session
from textwright.training.batches import encode_examples
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.device import make_accelerator
from textwright.training.features import FeatureExamples, FeatureSplits, encode_splits
from textwright.training.learner import make_head_learner
from textwright.training.loop import TrainingRuntime, infer
from textwright.training.run import resolve_settings
from textwright.training.settings import Device, TrainSettings

SOURCES: Final = ("movie-reviews", "airline-tweets", "bbc-news")
FAMILIES: Final = ("frozen-bert", "static-bert")
COUNTS: Final = (8, 16, 64)
POOL_PER_LABEL: Final = 150
NUM_TEST: Final = 400
NUM_VALIDATION: Final = 1
"""Texts of each label that the loop is shown after each epoch; folds of the training texts decide, not these."""
NUM_DRAWS: Final = 10
NUM_TIMED: Final = 200
ROUNDS: Final = 3
RESULT: Final = "few_labels"


def main() -> None:
    """Measure what is asked for, and put it into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=NUM_DRAWS)
    parser.add_argument("--speed-only", action="store_true", help="measure texts per second; keep the accuracies")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    path = RESULTS / f"{RESULT}.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    accuracy, speed = found.get("accuracy", {}), found.get("speed", {})
    command = f"python benchmarks/few_labels.py --draws {given.draws}"
    if given.speed_only:  # the accuracies that stay are those of another run
        command = found.get("command", command)
    generator = np.random.default_rng(0)
    tasks = [Task.of(name, generator) for name in SOURCES]
    for task in [] if given.speed_only else tasks:
        accuracy = {**accuracy, task.name: measure_accuracy(task, given.draws)}
        write(command, accuracy, speed)
    models = shipped()
    for task in tasks:
        speed = {**speed, task.name: measure_speed(task, models)}
        write(command, accuracy, speed)


def write(command: str, accuracy: Mapping[str, Any], speed: Mapping[str, Any]) -> None:
    """Write the result file."""
    content = {
        "command": command,
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "versions": versions("textwright", "torch", "onnxruntime", "tokenizers", "numpy"),
        "accuracy": accuracy,
        "speed": speed,
    }
    save(RESULT, content)


@dataclass(frozen=True)
class Task:
    """Texts of a source that are drawn from, and those that are answered.

    Args:
        name: Of the source.
        labels: Its labels.
        pool: Training texts, at most ``POOL_PER_LABEL`` of each label.
        test: At most ``NUM_TEST`` texts of the test split.
    """

    name: str
    labels: Labels
    pool: Examples
    test: Examples

    @classmethod
    def of(cls, name: str, generator: np.random.Generator) -> Task:
        """Draw both once."""
        dataset = load_dataset(name, DataSettings())
        rows = [np.flatnonzero(dataset.train.targets == label) for label in range(len(dataset.labels))]
        pool = [generator.choice(row, min(POOL_PER_LABEL, len(row)), replace=False) for row in rows]
        test = generator.choice(len(dataset.test), min(NUM_TEST, len(dataset.test)), replace=False)
        return cls(name, dataset.labels, taken(dataset.train, np.concatenate(pool)), taken(dataset.test, test))


def taken(examples: Examples, rows: Ints) -> Examples:
    """Take some examples, in the order of the rows."""
    return Examples(tuple(examples.texts[row] for row in rows.tolist()), examples.targets[rows])


def measure_accuracy(task: Task, num_draws: int) -> dict[str, Any]:
    """Train both families' heads on the same draws: texts per label -> family -> accuracy, and their ratio."""
    families = {name: FamilyFeatures.of(name, task) for name in FAMILIES}
    found = {}
    for count in COUNTS:
        draws = [draw(task, count, seed) for seed in range(num_draws)]
        per_draw = {
            name: [family.accuracy(*rows, seed) for seed, rows in enumerate(draws)] for name, family in families.items()
        }
        means = {name: statistics.fmean(values) for name, values in per_draw.items()}
        ratio = means["static-bert"] / means["frozen-bert"]
        found[str(count)] = {
            "families": {
                name: {"accuracy": means[name], "deviation": float(np.std(values)), "per_draw": values}
                for name, values in per_draw.items()
            },
            "ratio": ratio,
        }
        print(task.name, count, {name: round(value, 4) for name, value in means.items()}, round(ratio, 3), flush=True)
    return {"num_labels": len(task.labels), "num_test": len(task.test), "texts_per_label": found}


def draw(task: Task, count: int, seed: int) -> tuple[Ints, Ints]:
    """Draw rows of the pool to learn from and to show after each epoch."""
    generator = np.random.default_rng(seed)
    rows = [
        generator.choice(np.flatnonzero(task.pool.targets == label), count + NUM_VALIDATION, replace=False)
        for label in range(len(task.labels))
    ]
    return np.concatenate([row[:count] for row in rows]), np.concatenate([row[count:] for row in rows])


@dataclass(frozen=True)
class FamilyFeatures:
    """A family with an untrained head, and what its encoder makes of the pool and of the test texts."""

    settings: TrainSettings
    module: TextModel
    labels: Labels
    features: FeatureSplits

    @classmethod
    def of(cls, name: str, task: Task) -> FamilyFeatures:
        """Encode the texts, as far as they are not in the cache."""
        module, tokenizer, settings = build(name, task.labels)
        pool, test = (encode_examples(each, tokenizer) for each in (task.pool, task.test))
        stages = module.stages
        assert stages is not None  # noqa: S101  both families have them
        features = encode_splits(stages, pool, test, runtime(), Callback())
        return cls(settings, module, task.labels, features)

    def accuracy(self, train: Ints, validation: Ints, seed: int) -> float:
        """Train a head as ``textwright train`` does, and measure it on the test texts."""
        pool, test = self.features
        stages = self.module.stages
        assert stages is not None  # noqa: S101  both families have them
        head = copy.deepcopy(stages.head)
        torch.manual_seed(seed)
        for layer in head.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.reset_parameters()
        settings = self.settings.model_copy(update={"seed": seed})
        splits = FeatureSplits(pool.take(train), pool.take(validation))
        learner = make_head_learner(head, splits, self.labels, settings, runtime(), None)
        learner.fit(self.labels, NoCheckpoints(), Callback())
        logits = infer(head, FeatureExamples(test.features, test.targets), len(self.labels), runtime()).numpy()
        return float((logits.argmax(axis=1) == test.targets).mean())


def runtime() -> TrainingRuntime:
    """Train on the processor."""
    return TrainingRuntime(make_accelerator(Device.CPU))


def build(name: str, labels: Labels) -> tuple[TextModel, Any, TrainSettings]:
    """Make a family's module with its defaults, its tokenizer and its settings of training."""
    family = find_family(name)
    settings, config = resolve_settings(TrainSettings(family=name, device=Device.CPU), {})
    tokenizer = family.build_tokenizer((), config, settings.max_length)
    return family.build(config, BuildContext(tokenizer, labels)), tokenizer, settings


def shipped() -> dict[str, GraphModel]:
    """Export each family with its defaults; the number of labels and what the head has learned change no time."""
    labels = Labels(("one", "two", "three", "four", "five"))
    models = {}
    for name in FAMILIES:
        module, tokenizer, _ = build(name, labels)
        session = Session(to_onnx(module), num_threads=1)
        models[name] = GraphModel(tokenizer.serialize(), session, num_labels=len(labels))
    return models


def measure_speed(task: Task, models: Mapping[str, GraphModel]) -> dict[str, Any]:
    """Answer test texts with both families in turn: texts a second, from text to logits."""
    texts = list(task.test.texts)[:NUM_TIMED]
    contenders = {name: partial(answer, model, texts) for name, model in models.items()}
    seconds = side_by_side(contenders, rounds=ROUNDS)
    found = {name: spread([len(texts) / each for each in values]) for name, values in seconds.items()}
    rounds = zip(seconds["frozen-bert"], seconds["static-bert"], strict=True)
    ratio = spread([slow / fast for slow, fast in rounds])
    print(task.name, {name: round(each["median"]) for name, each in found.items()}, ratio, flush=True)
    return {"num_texts": len(texts), "texts_per_second": found, "ratio": ratio}


def answer(model: GraphModel, texts: list[str]) -> None:
    """Turn texts into logits as a predictor does."""
    model.infer_all(model.encode(texts))


if __name__ == "__main__":
    main()
