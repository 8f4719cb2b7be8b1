"""What do 8 to 64 texts of each class give: with a frozen encoder, the same tuned on pairs, static vectors, SetFit?

Run: ``make bench-few-labels``; ``python benchmarks/few_labels.py --speed-only`` measures the texts per second alone and
writes them into the result file. Of each built-in source a pool of training texts and a set of test texts are drawn
once; each draw takes so many texts of each label from the pool, trains each contender on them with its defaults, and
answers the test texts. All contenders see the same texts of each draw. A run that was stopped goes on.

Speed is that of the shipped graphs from text to probabilities, both families in turn, in one process of one thread.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")

import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Final

import numpy as np
import torch

from _common import RESULTS, chosen, save, side_by_side, spread, versions
from battery_rivals import SetFit
from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.core.types import Bools, Ints
from textwright.data.dataset import Dataset, Examples
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
from textwright.training.features import encode_splits
from textwright.training.loop import TrainingRuntime, infer
from textwright.training.run import learner_of, prepare, resolve_settings
from textwright.training.settings import Device, TrainSettings

SOURCES: Final = ("movie-reviews", "airline-tweets", "bbc-news")
FAMILIES: Final = ("frozen-bert", "static-bert")
TUNED: Final = "frozen-bert-contrastive"
RIVAL: Final = SetFit(takes_all_pairs=True)
COUNTS: Final = (8, 16, 64)
POOL_PER_LABEL: Final = 150
NUM_TEST: Final = 400
NUM_VALIDATION: Final = 1
"""Texts of each label that the loop is shown after each epoch; folds of the training texts decide, not these."""
NUM_DRAWS: Final = 10
NUM_RESAMPLES: Final = 2_000
NUM_TIMED: Final = 200
ROUNDS: Final = 3
RESULT: Final = "few_labels"


def main() -> None:
    """Measure what is asked for, and put it into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", help=f"of {', '.join(SOURCES)}; all where none is named")
    parser.add_argument("--draws", type=int, default=NUM_DRAWS)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="texts of each label")
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS), help="what is trained")
    parser.add_argument("--again", action="store_true", help="also what the result file has; without, a run goes on")
    parser.add_argument("--speed-only", action="store_true", help="measure texts per second; keep the accuracies")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    path = RESULTS / f"{RESULT}.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    accuracy, speed = found.get("accuracy", {}), found.get("speed", {})
    generator = np.random.default_rng(0)
    tasks = {name: Task.of(name, generator) for name in SOURCES}
    named = [tasks[name] for name in chosen(parser, given.sources, SOURCES)]
    for task in [] if given.speed_only else named:
        for count in given.counts:
            for name in given.only:
                if not given.again and is_measured(accuracy, task, count, name, given.draws):
                    continue
                measure_accuracy(accuracy, task, count, name, given.draws)
                write(accuracy, speed)
    models = shipped()
    for task in named if given.speed_only or set(FAMILIES) <= set(given.only) else []:
        speed = {**speed, task.name: measure_speed(task, models)}
        write(accuracy, speed)


def is_measured(accuracy: Mapping[str, Any], task: Task, count: int, name: str, num_draws: int) -> bool:
    """Tell whether a contender was measured on as many draws."""
    of_count = accuracy.get(task.name, {}).get("texts_per_label", {}).get(str(count), {})
    return len(of_count.get(name, {}).get("right", ())) >= num_draws


def write(accuracy: Mapping[str, Any], speed: Mapping[str, Any]) -> None:
    """Write the result file."""
    content = {
        "command": "python benchmarks/few_labels.py",
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
        return cls(name, dataset.labels, dataset.train.take(np.concatenate(pool)), dataset.test.take(test))


@dataclass(frozen=True)
class Answers:
    """What a contender makes of one draw.

    Args:
        right: Whether each test text is answered rightly, (N,).
        seconds: From texts to answers.
    """

    right: Bools
    seconds: float


def measure_accuracy(accuracy: dict[str, Any], task: Task, count: int, name: str, num_draws: int) -> None:
    """Train a contender on each draw of so many texts a label, and put what it answers into the results."""
    of_source = accuracy.setdefault(task.name, {"num_labels": len(task.labels), "num_test": len(task.test)})
    of_count = of_source.setdefault("texts_per_label", {}).setdefault(str(count), {})
    contender = CONTENDERS[name]
    answers = [contender(task, *draw(task, count, seed), seed) for seed in range(num_draws)]
    per_draw = [float(each.right.mean()) for each in answers]
    of_count[name] = {
        "accuracy": statistics.fmean(per_draw),
        "deviation": float(np.std(per_draw)),
        "per_draw": per_draw,
        "seconds": statistics.fmean(each.seconds for each in answers),
        "right": [np.packbits(each.right).tobytes().hex() for each in answers],
    }
    for other in of_count:
        of_count[other]["minus_frozen_bert"] = difference(of_count, other, FAMILIES[0], len(task.test))
        of_count[other]["minus_setfit"] = difference(of_count, other, "setfit", len(task.test))
    shown = {
        key: of_count[name][key] for key in ("accuracy", "per_draw", "seconds", "minus_frozen_bert", "minus_setfit")
    }
    print(task.name, count, name, shown, flush=True)


def difference(of_count: Mapping[str, Any], name: str, other: str, num_test: int) -> dict[str, float] | None:
    """Compare the accuracies of two contenders: draws that both have seen and test texts are resampled.

    Returns:
        Mean and the ends of the 95 % bootstrap interval; None where an answer to each text is not there of both.
    """
    if name == other or not all("right" in of_count.get(each, {}) for each in (name, other)):
        return None
    pairs = list(zip(read_right(of_count[name], num_test), read_right(of_count[other], num_test), strict=False))
    differences = np.array([mine.astype(int) - theirs.astype(int) for mine, theirs in pairs])  # (D, N)
    generator = np.random.default_rng(0)
    resampled = []
    for _ in range(NUM_RESAMPLES):
        draws = generator.integers(len(differences), size=len(differences))
        texts = generator.integers(num_test, size=num_test)
        resampled.append(differences[np.ix_(draws, texts)].mean())
    low, high = np.quantile(resampled, (0.025, 0.975))
    return {"num_draws": len(pairs), "value": float(differences.mean()), "low": float(low), "high": float(high)}


def read_right(answers: Mapping[str, Any], num_test: int) -> list[Bools]:
    """Unpack which test texts were answered rightly in each draw."""
    packed = [np.frombuffer(bytes.fromhex(draw), dtype=np.uint8) for draw in answers["right"]]
    return [np.unpackbits(bits)[:num_test].astype(np.bool_) for bits in packed]


def draw(task: Task, count: int, seed: int) -> tuple[Ints, Ints]:
    """Draw rows of the pool to learn from and to show after each epoch."""
    generator = np.random.default_rng(seed)
    rows = [
        generator.choice(np.flatnonzero(task.pool.targets == label), count + NUM_VALIDATION, replace=False)
        for label in range(len(task.labels))
    ]
    return np.concatenate([row[:count] for row in rows]), np.concatenate([row[count:] for row in rows])


def answer_by_family(
    family: str, model: Mapping[str, Any], task: Task, train: Ints, validation: Ints, seed: int
) -> Answers:
    """Train a family as ``textwright train`` does, without its export."""
    splits = task.pool.take(train), task.pool.take(validation), task.test
    dataset = Dataset(task.name, task.labels, *splits, fingerprint="", splits_are_given=True)
    settings = TrainSettings(family=family, device=Device.CPU, seed=seed)
    start = perf_counter()
    prepared = prepare(dataset, settings, model)
    learner = learner_of(prepared, runtime(), Callback())
    learner.fit(task.labels, NoCheckpoints(), Callback())
    stages = prepared.module.stages
    assert stages is not None  # noqa: S101  all families here have them
    test = encode_examples(task.test, prepared.tokenizer)
    features = encode_splits(stages, prepared.validation, test, runtime(), Callback()).validation
    logits = infer(stages.head, features, len(task.labels), runtime()).numpy()
    return Answers(logits.argmax(axis=1) == task.test.targets, perf_counter() - start)


def answer_by_setfit(task: Task, train: Ints, validation: Ints, seed: int) -> Answers:  # noqa: ARG001  it draws nothing
    """Train the other program, in its own environment, on all texts of the draw that a head learns from."""
    splits = task.pool.take(train), task.pool.take(validation), task.test
    dataset = Dataset(task.name, task.labels, *splits, fingerprint="", splits_are_given=True)
    probabilities, seconds = RIVAL.answer(dataset)
    return Answers(probabilities.argmax(axis=1) == task.test.targets, seconds)


def runtime() -> TrainingRuntime:
    """Train on the processor."""
    return TrainingRuntime(make_accelerator(Device.CPU))


def build(name: str, labels: Labels) -> tuple[TextModel, Any]:
    """Make a family's module with its defaults, and its tokenizer."""
    family = find_family(name)
    settings, config = resolve_settings(TrainSettings(family=name, device=Device.CPU), {})
    tokenizer = family.build_tokenizer((), config, settings.max_length)
    return family.build(config, BuildContext(tokenizer, labels)), tokenizer


def shipped() -> dict[str, GraphModel]:
    """Export each family with its defaults; the number of labels and what the head has learned change no time."""
    labels = Labels(("one", "two", "three", "four", "five"))
    models = {}
    for name in FAMILIES:
        module, tokenizer = build(name, labels)
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


CONTENDERS: Final[Mapping[str, Callable[[Task, Ints, Ints, int], Answers]]] = {
    **{name: partial(answer_by_family, name, {}) for name in FAMILIES},
    TUNED: partial(answer_by_family, "frozen-bert", {"contrastive_tuning": True}),
    "setfit": answer_by_setfit,
}


if __name__ == "__main__":
    main()
