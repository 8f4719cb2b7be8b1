"""Which part of a long text should a transformer read: its beginning, its beginning and end, or all of it in windows?

Run: ``python benchmarks/long_texts.py``; what the result file has already is not measured again. ``--only frozen-bert``
measures one family, ``--speed`` the texts per second.

Protocol: the shared splits, of which some texts are drawn once, the same for every way to read. Each way to read is
trained with the family's defaults but for max_length, by the loop of ``textwright train``; encoders run in bf16 where
``textwright train`` would. Accuracy is that of the module on the drawn validation and test texts; what to read is
chosen by validation alone. ``bert`` trained on beginnings alone is also measured with its weights as they are in
windows. ``linear`` and ``bow`` read whole texts. Speed is that of the shipped fp32 graph of ``frozen-bert`` from text
to logits, one thread, the ways to read in turn. "load" is the machine's load average when the last seed had ended.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, Final

import numpy as np
import torch

from _common import RESULTS, save, side_by_side, spread, versions
from textwright.core.callbacks import Callback
from textwright.data.dataset import Dataset, Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.export.onnx import to_onnx
from textwright.models import find_family
from textwright.models.family import BuildContext, TextModel
from textwright.runtime.model import GraphModel
from textwright.runtime.session import Session
from textwright.training.batches import EncodedExamples, encode_examples
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.device import make_accelerator, uses_bf16
from textwright.training.features import encode_splits
from textwright.training.loop import TrainingRuntime, infer
from textwright.training.run import learner_of, prepare, resolve_settings
from textwright.training.settings import Device, Precision, TrainSettings

RESULT: Final = "long_texts"
SOURCES: Final = ("bbc-news", "imdb-reviews")
NUM_TRAIN: Final = 1_000
NUM_MEASURED: Final = 500
NUM_TIMED: Final = 40
ROUNDS: Final = 3
NUM_SEEDS: Final = 5
WINDOWS: Final = {"long_texts": "windows"}
READINGS: Final[Mapping[str, tuple[int, Mapping[str, str]]]] = {
    "128, truncate": (128, {}),
    "128, head-tail": (128, {"long_texts": "head-tail"}),
    "128, windows": (128, WINDOWS),
    "128, windows, max": (128, {**WINDOWS, "window_pooling": "max"}),
    "512, truncate": (512, {}),
    "512, head-tail": (512, {"long_texts": "head-tail"}),
    "512, windows": (512, WINDOWS),
}
"""Name -> longest text in tokens that is read at once, and settings of the family."""
FIRST: Final = ("128, truncate", "128, head-tail", "128, windows", "512, truncate")
OF_BERT: Final = ("128, truncate", "128, head-tail", "128, windows")
TRAINED_ON_BEGINNINGS: Final = "128, windows, trained on beginnings"
WHOLE: Final = ("linear", "bow")


def main() -> None:
    """Measure what is asked for and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", nargs="*", choices=SOURCES, default=SOURCES)
    parser.add_argument("--only", nargs="*", choices=["frozen-bert", "bert", *WHOLE], default=[*WHOLE, "frozen-bert"])
    parser.add_argument("--seeds", type=int, default=NUM_SEEDS)
    parser.add_argument("--train-texts", type=int, default=NUM_TRAIN, help="of each source")
    parser.add_argument("--measured-texts", type=int, default=NUM_MEASURED, help="of the validation and the test split")
    parser.add_argument("--readings", nargs="*", choices=[*READINGS], default=FIRST)
    parser.add_argument("--speed", action="store_true", help="measure texts per second alone")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    counts = f"--train-texts {given.train_texts} --measured-texts {given.measured_texts}"
    command = f"python benchmarks/long_texts.py {counts}"
    for source in given.sources:
        dataset = read(source, given.train_texts, given.measured_texts)
        if given.speed:
            note(command, source, "texts_per_second", measure_speed(dataset, given.readings))
            continue
        for family in given.only:
            of_bert = [name for name in given.readings if name in OF_BERT]
            readings = {"frozen-bert": given.readings, "bert": of_bert}.get(family, ["whole"])
            for reading in readings:
                measure(command, source, dataset, family, reading, given.seeds)


def read(source: str, num_train: int, num_measured: int) -> Dataset:
    """Read a source in its shared split, and draw the texts that are learned from and measured on."""
    dataset = load_dataset(source, DataSettings())
    validation, test = (drawn(split, num_measured) for split in (dataset.validation, dataset.test))
    return replace(dataset, train=drawn(dataset.train, num_train), validation=validation, test=test)


def drawn(examples: Examples, count: int) -> Examples:
    """Draw some texts once; fewer are part of more."""
    rows = np.random.default_rng(0).permutation(len(examples))[:count]
    return examples.take(rows)


def stored() -> dict[str, Any]:
    """Read the result file."""
    path = RESULTS / f"{RESULT}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def note(command: str, source: str, name: str, found: Mapping[str, Any]) -> None:
    """Put something into the result file."""
    sources = stored().get("sources", {})
    of_source = sources.get(source, {})
    of_source[name] = {**of_source.get(name, {}), **found}
    content = {
        "command": command,
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "versions": versions("textwright", "torch", "transformers", "onnxruntime", "tokenizers", "numpy"),
        "sources": {**sources, source: of_source},
    }
    save(RESULT, content)
    print(source, name, json.dumps(found)[:400], flush=True)


def measure(command: str, source: str, dataset: Dataset, family: str, reading: str, num_seeds: int) -> None:
    """Train a family that reads in some way with several seeds, and measure it on validation and test."""
    before = stored().get("sources", {}).get(source, {}).get(family, {}).get(reading, {})
    sizes = {"num_train": len(dataset.train), "num_measured": [len(dataset.validation), len(dataset.test)]}
    is_of_these = all(before.get(name) == value for name, value in sizes.items())
    runs = dict(before["seeds"]) if is_of_these else {}
    for seed in range(num_seeds):
        if str(seed) in runs:
            continue
        start = perf_counter()
        model, splits, num_truncated = trained(dataset, family, reading, seed)
        accuracies = {name: accuracy(model, split, len(dataset.labels)) for name, split in splits.items()}
        runs[str(seed)] = {**accuracies, "seconds": round(perf_counter() - start, 1)}
        found = {**sizes, "num_truncated": num_truncated, **summary(runs)}
        note(command, source, family, {reading: found})
        if family == "bert" and reading == "128, truncate":
            note(command, source, family, {TRAINED_ON_BEGINNINGS: in_windows(dataset, model, seed)})


def summary(runs: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Sum the seeds up."""
    means = {
        name: {
            "mean": statistics.fmean(run[name] for run in runs.values()),
            "deviation": float(np.std([run[name] for run in runs.values()])),
        }
        for name in ("validation", "test")
    }
    return {"load": os.getloadavg()[0], **means, "seeds": dict(runs)}


def settings_of(family: str, reading: str, seed: int) -> tuple[TrainSettings, Mapping[str, str]]:
    """Give the settings of training, and those of the family."""
    settings = TrainSettings(family=family, seed=seed, device=Device.CPU)
    if reading not in READINGS:
        return settings, {}
    length, model = READINGS[reading]
    return settings.over({"max_length": length}), model


def trained(
    dataset: Dataset, family: str, reading: str, seed: int
) -> tuple[TextModel, dict[str, EncodedExamples], int]:
    """Train a model; give it with the splits that it is measured on, and the training texts that were cut."""
    prepared = prepare(dataset, *settings_of(family, reading, seed))
    learner = learner_of(prepared, runtime(gains=prepared.supports_bf16), Callback())
    learner.fit(prepared.labels, NoCheckpoints(), Callback())
    test = encode_examples(dataset.test, prepared.tokenizer)
    return prepared.module.eval(), {"validation": prepared.validation, "test": test}, prepared.train.num_truncated


def accuracy(model: TextModel, split: EncodedExamples, num_labels: int) -> float:
    """Measure a trained model."""
    stages = model.stages
    if stages is not None:
        features = encode_splits(stages, split, split, runtime(gains=True), Callback()).train
        logits = infer(stages.head, features, num_labels, runtime(gains=False))
    else:
        logits = infer(model, split, num_labels, runtime(gains=True))
    return float((logits.numpy().argmax(axis=1) == split.targets).mean())


def in_windows(dataset: Dataset, model: TextModel, seed: int) -> dict[str, Any]:
    """Read windows with the weights of a model that was trained on beginnings."""
    prepared = prepare(dataset, *settings_of("bert", "128, windows", seed))
    prepared.module.load_state_dict(model.state_dict())
    splits = {"validation": prepared.validation, "test": encode_examples(dataset.test, prepared.tokenizer)}
    module = prepared.module.eval()
    found = {name: accuracy(module, split, len(dataset.labels)) for name, split in splits.items()}
    return {"num_train": len(dataset.train), **summary({str(seed): found})}


def runtime(*, gains: bool) -> TrainingRuntime:
    """Train on the processor, in the number format that ``textwright train`` takes."""
    accelerator = make_accelerator(Device.CPU)
    return TrainingRuntime(accelerator, uses_bf16(Precision.AUTO, accelerator.device, gains=gains))


def measure_speed(dataset: Dataset, readings: Sequence[str]) -> dict[str, Any]:
    """Answer test texts by ``frozen-bert`` read in each way, in turn: texts a second, from text to logits."""
    texts = list(dataset.test.texts[:NUM_TIMED])
    contenders = {name: partial(answer, shipped(name, dataset), texts) for name in readings}
    seconds = side_by_side(contenders, rounds=ROUNDS)
    return {name: spread([len(texts) / each for each in values]) for name, values in seconds.items()}


def shipped(reading: str, dataset: Dataset) -> GraphModel:
    """Export ``frozen-bert``; what its head has learned changes no time."""
    family = find_family("frozen-bert")
    settings, config = resolve_settings(*settings_of("frozen-bert", reading, 0))
    tokenizer = family.build_tokenizer((), config, settings.max_length)
    module = family.build(config, BuildContext(tokenizer, dataset.labels))
    session = Session(to_onnx(module), num_threads=1)
    return GraphModel(tokenizer.serialize(), session, num_labels=len(dataset.labels))


def answer(model: GraphModel, texts: list[str]) -> None:
    """Turn texts into logits as a predictor does."""
    model.infer_all(model.encode(texts))


if __name__ == "__main__":
    main()
