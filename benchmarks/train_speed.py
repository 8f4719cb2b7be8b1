"""How fast does `bert` train beside Hugging Face Trainer, and `frozen-bert` encode beside sentence-transformers?

Run with nothing else running: ``python benchmarks/train_speed.py``; ``--texts 200 --rounds 1`` shows that it works.
How accurate both become, over seeds: ``bert_settings.py``.

Training: the same encoder, texts, batch size of 32 and number of epochs; Trainer with its defaults, which pad each
batch to its longest text and compute in fp32; nothing is saved, logged or evaluated in between. Encoding: from text to
vectors of the last layer; sentence-transformers with its defaults.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments
from transformers.utils import logging

from _common import save, spread, versions
from textwright.core.callbacks import Callback
from textwright.data.assets import asset_path
from textwright.data.dataset import Dataset, Examples
from textwright.data.load import load_dataset
from textwright.models import find_family
from textwright.models.bert import BertConfig
from textwright.models.encoder import Pooling, load_sentence_encoder
from textwright.models.family import BuildContext
from textwright.models.pretrained import open_pretrained
from textwright.training.batches import encode_examples
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.device import make_accelerator
from textwright.training.loop import Splits, TrainingRuntime, fit, infer
from textwright.training.run import resolve_settings
from textwright.training.settings import TrainSettings

ENCODER = "minilm-l6"
MAX_LENGTH = 128
BATCH_SIZE = 32
TRAINER_EPOCHS = 3
"""Its default."""


class Clock(Callback):
    """Times the steps alone: from the start of the loop to the last step before validation."""

    def on_train_begin(self, num_steps: int, step: int) -> None:  # noqa: ARG002
        """Start."""
        self.start = self.stop = perf_counter()

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:  # noqa: ARG002
        """Take the time."""
        self.stop = perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds between start and last step."""
        return self.stop - self.start


def train_ours(dataset: Dataset, *, bf16: bool) -> float:
    """Train `bert` with its defaults for an epoch; return examples per second."""
    settings, config = resolve_settings(TrainSettings(family="bert", num_epochs=1), {"encoder": ENCODER})
    family = find_family("bert")
    encoder = family.build_tokenizer([], config, settings.max_length)
    torch.manual_seed(0)
    module = family.build(config, BuildContext(encoder, dataset.labels))
    runtime, clock = TrainingRuntime(make_accelerator(settings.device), bf16), Clock()
    splits = Splits(encode_examples(dataset.train, encoder), encode_examples(dataset.validation, encoder))
    fit(module, splits, dataset.labels, settings, runtime=runtime, checkpointer=NoCheckpoints(), callback=clock)
    return len(dataset.train) / clock.seconds


def train_trainer(dataset: Dataset, *, num_epochs: int, seed: int = 0) -> tuple[float, dict[str, float]]:
    """Train the same encoder with Trainer's defaults; return examples per second, and accuracy by split."""
    path = asset_path(ENCODER)
    tokenizer = AutoTokenizer.from_pretrained(path)
    torch.manual_seed(seed)  # the head's first weights
    model = AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=len(dataset.labels), dtype=torch.float32
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=BATCH_SIZE,
            num_train_epochs=num_epochs,
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = Trainer(model, arguments, train_dataset=_rows(dataset.train, tokenizer), processing_class=tokenizer)
        seconds = trainer.train().metrics["train_runtime"]
        splits = {"validation_accuracy": dataset.validation, "test_accuracy": dataset.test}
        accuracies = {
            name: _accuracy(trainer.predict(_rows(split, tokenizer)).predictions, split)
            for name, split in splits.items()
        }
    return num_epochs * len(dataset.train) / seconds, accuracies


def _rows(examples: Examples, tokenizer: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    encoded = tokenizer(list(examples.texts), truncation=True, max_length=MAX_LENGTH, padding=False)["input_ids"]
    return [{"input_ids": ids, "label": label} for ids, label in zip(encoded, examples.targets.tolist(), strict=True)]


def _accuracy(logits: NDArray[np.float32], examples: Examples) -> float:
    return float((logits.argmax(axis=1) == examples.targets).mean())


def encoders(texts: list[str]) -> dict[str, Callable[[], NDArray[np.float32]]]:
    """Name -> from the texts to their vectors, (N, H)."""
    theirs = SentenceTransformer(str(asset_path(ENCODER)))
    pretrained = open_pretrained(ENCODER)
    tokenizer = pretrained.load_tokenizer(int(theirs.max_seq_length or MAX_LENGTH))
    module = load_sentence_encoder(pretrained, pooling=Pooling.AUTO, max_length=tokenizer.max_length)
    accelerator = make_accelerator(TrainSettings().device)
    module.to(accelerator.device)
    examples = Examples(texts, np.zeros(len(texts), dtype=np.int64))

    def ours(*, bf16: bool) -> NDArray[np.float32]:
        encoded = encode_examples(examples, tokenizer)
        vectors = infer(module, encoded, module.hidden_dim, TrainingRuntime(accelerator, bf16), batch_size=64)
        return np.asarray(vectors.numpy(), dtype=np.float32)

    return {
        "sentence-transformers": lambda: np.asarray(theirs.encode(texts), dtype=np.float32),
        "textwright fp32": lambda: ours(bf16=False),
        "textwright bf16": lambda: ours(bf16=True),
    }


def measure_encoding(texts: list[str], rounds: int) -> dict[str, Any]:
    """Time the encoders in turn, and compare their vectors."""
    contenders = encoders(texts)
    vectors = {name: contender() for name, contender in contenders.items()}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            start = perf_counter()
            contender()
            rates[name].append(len(texts) / (perf_counter() - start))
    reference = vectors.pop("sentence-transformers")
    return {
        "num_texts": len(texts),
        "texts_per_second": {name: spread(values) for name, values in rates.items()},
        "lowest_cosine": {name: float(_cosine(found, reference).min()) for name, found in vectors.items()},
        "ratio": _ratios(rates, "sentence-transformers"),
    }


def _cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    product = (left * right).sum(axis=1)
    return np.asarray(product / (np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)), dtype=np.float32)


def _ratios(rates: dict[str, list[float]], baseline: str) -> dict[str, dict[str, float]]:
    """Compare each contender with the baseline, round by round."""
    return {
        name: spread([ours / theirs for ours, theirs in zip(values, rates[baseline], strict=True)])
        for name, values in rates.items()
        if name != baseline
    }


def measure_training(dataset: Dataset, num_texts: int, rounds: int) -> dict[str, Any]:
    """Time one epoch of some examples, each contender in turn; the first round warms up and is not counted."""
    positions = np.random.default_rng(0).permutation(len(dataset.train))[:num_texts]
    few = np.arange(min(64, len(dataset.validation)))
    small = Dataset(
        dataset.source, dataset.labels, dataset.train.take(positions), dataset.validation.take(few),
        dataset.test.take(few), dataset.fingerprint, dataset.splits_are_given,
    )  # fmt: skip
    contenders: dict[str, Callable[[], float]] = {
        "Trainer": lambda: train_trainer(small, num_epochs=1)[0],
        "textwright fp32": lambda: train_ours(small, bf16=False),
        "textwright bf16": lambda: train_ours(small, bf16=True),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            rate = contender()
            print(f"{name:16} {rate:7.1f} examples/s{'' if number else ' (warming up)'}", flush=True)
            if number:
                rates[name].append(rate)
    found = {name: spread(values) for name, values in rates.items()}
    return {"num_texts": len(small.train), "examples_per_second": found, "ratio": _ratios(rates, "Trainer")}


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1600, help="training texts of a round")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    dataset = load_dataset("movie-reviews")
    content = {
        "command": f"python {Path(__file__).parent.name}/{Path(__file__).name}",
        "encoder": f"{ENCODER}, batch size {BATCH_SIZE}, layer_decay {BertConfig().layer_decay}",
        "threads": torch.get_num_threads(),
        "versions": versions("torch", "transformers", "sentence-transformers", "accelerate"),
        "training": measure_training(dataset, asked.texts, asked.rounds),
        "encoding": measure_encoding(list(dataset.train.texts[: asked.texts]), asked.rounds),
    }
    save("train_speed", content)


if __name__ == "__main__":
    main()
