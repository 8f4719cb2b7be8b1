"""Every family at a scale at which it trains in seconds: its settings, and a small file of each kind of task."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any, Final

import numpy as np
from tiny_data import BAD, GOOD, NEUTRAL, TOPICS
from tiny_encoders import save_tiny_encoder
from tiny_vectors import save_tiny_vectors

from textwright.data.settings import DataSettings
from textwright.pipeline import BuildPlan, build_artifact
from textwright.training.settings import TrainSettings

NUM_ROWS: Final = 300
UNSEEN_GOOD = ("superb", "stirring", "lovely")
UNSEEN_BAD = ("dreadful", "tedious", "woeful")
_GROUPS = {
    "good": (*GOOD, *UNSEEN_GOOD),
    "bad": (*BAD, *UNSEEN_BAD),
    "neutral": NEUTRAL,
    **{topic: (topic, f"{topic}s") for topic in TOPICS},
}

TRAINING: Final[dict[str, dict[str, Any]]] = {
    "linear": {},
    "bow": {"num_epochs": 6, "min_steps": 0, "learning_rate": 0.05},
    "bow-glove": {"num_epochs": 6, "min_steps": 0, "learning_rate": 0.05},
    "cnn-glove": {"num_epochs": 4, "min_steps": 0, "learning_rate": 0.01},
    "static-bert": {"num_epochs": 40, "learning_rate": 0.01},
    "frozen-bert": {"learning_rate": 0.01, "max_length": 48},
    "bert": {"num_epochs": 4, "learning_rate": 0.003, "max_length": 48},
}
"""Family -> settings of training."""


def make_settings(family: str, folder: Path) -> dict[str, Any]:
    """Settings of a family's own, with what it starts from written into the folder."""
    if family in ("bow-glove", "cnn-glove"):
        small = {"num_filters": 8, "dropout": 0.2} if family == "cnn-glove" else {}
        return {"vectors": str(save_tiny_vectors(folder / "tiny.vec", _GROUPS)), **small}
    if family in ("static-bert", "frozen-bert", "bert"):
        # Of the few tokens of a tiny encoder each is frequent.
        few = {"sif_coefficient": 0.9} if family == "static-bert" else {}
        return {"encoder": str(save_tiny_encoder("bert", folder / "encoder", hidden_size=128)), "dropout": 0.0, **few}
    return {}


def make_plan(family: str, source: Path, folder: Path, **model: object) -> BuildPlan:
    """Plan the training of a family, with what it starts from written into the folder."""
    folder.mkdir(exist_ok=True)
    training = TrainSettings(family=family, batch_size=16, device="cpu", patience=9, **TRAINING[family])
    return BuildPlan(str(source), DataSettings(), training, {**make_settings(family, folder), **model})


def train(family: str, source: Path, folder: Path) -> None:
    """Train a family into the folder's ``run``."""
    build_artifact(make_plan(family, source, folder), folder / "run")


def _single_label(words_of: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Make texts of neutral words and one word that tells the label."""
    generator, rows = np.random.default_rng(0), []
    for index in range(NUM_ROWS):
        label = list(words_of)[index % len(words_of)]
        words = [*generator.choice(NEUTRAL, generator.integers(2, 9)), generator.choice(words_of[label])]
        rows.append({"text": " ".join(generator.permutation(words)), "label": label})
    return rows


def _multi_label() -> list[dict[str, Any]]:
    """Make texts that name each topic or not."""
    generator, rows = np.random.default_rng(0), []
    for holds in generator.integers(0, 2, (NUM_ROWS, len(TOPICS))):
        labels = list(compress(TOPICS, holds))
        words = generator.permutation([*generator.choice(NEUTRAL, 4), *labels])
        rows.append({"text": " ".join(words), "label": labels})
    return rows


ROWS: Final[dict[str, Callable[[], list[dict[str, Any]]]]] = {
    "binary": lambda: _single_label({"bad": BAD, "good": GOOD}),
    "multi-class": lambda: _single_label({topic: [topic] for topic in TOPICS}),
    "multi-label": _multi_label,
}
"""Kind of task -> makes labeled rows that can be learned."""


def save_rows(task: str, folder: Path) -> Path:
    """Write a labeled file of a kind of task."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS[task]()))
    return path
