"""Texts whose end decides, from training to every way in: what is read of a long text is the artifact's affair."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tiny_data import NEUTRAL
from tiny_encoders import save_tiny_encoder

import textwright
from textwright.cli.main import run as run_command
from textwright.core import artifact as artifacts
from textwright.optimize.warm_start import open_warm_start
from textwright.server.app import create_app
from textwright.training.settings import TrainSettings

MAX_LENGTH, MAX_WINDOWS = 16, 8
READ = {"truncate": "first 16", "head-tail": "first 4 and last 12", "windows": "first 114"}


def rows(count: int, seed: int) -> list[dict[str, str]]:
    """Make texts of 30 to 50 words whose third word from the end tells the label."""
    generator = np.random.default_rng(seed)
    made = []
    for index in range(count):
        label = ("bad", "good")[index % 2]
        words = [*generator.choice(NEUTRAL, generator.integers(30, 50)), label, *generator.choice(NEUTRAL, 2)]
        made.append({"text": " ".join(words), "label": label})
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows(300, seed=0)))
    return path


@pytest.fixture(scope="module")
def run_of(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    encoder = save_tiny_encoder("bert", tmp_path_factory.mktemp("encoder"), hidden_size=128)
    made: dict[str, Path] = {}

    def train(long_texts: str) -> Path:
        if long_texts not in made:
            made[long_texts] = out = tmp_path_factory.mktemp(long_texts) / "run"
            flags: dict[str, Any] = {
                "max-length": MAX_LENGTH,
                "learning-rate": 0.003,
                "num-epochs": 4,
                "batch-size": 16,
                "device": "cpu",
                "model.encoder": encoder,
                "model.dropout": 0,
                "model.long-texts": long_texts,
            }
            typed = [part for name, value in flags.items() for part in (f"--{name}", str(value))]
            command = ["train", str(source), "--family", "bert", "--out", str(out), "--no-baselines", "--quiet"]
            assert run_command([*command, *typed]) == 0
        return made[long_texts]

    return train


@pytest.mark.slow
@pytest.mark.parametrize("long_texts", ["truncate", "head-tail", "windows"])
def test_the_end_is_read_by_head_and_tail_and_by_windows_alone(long_texts: str, run_of: Callable[[str], Path]) -> None:
    model = textwright.load(run_of(long_texts))
    unseen = rows(60, seed=1)
    predictions = model.predict([row["text"] for row in unseen])
    accuracy = np.mean([item.label == row["label"] for item, row in zip(predictions, unseen, strict=True)])
    assert accuracy <= 0.7 if long_texts == "truncate" else accuracy >= 0.95
    assert all(item.truncated is (long_texts != "windows") for item in predictions)
    manifest = artifacts.read(run_of(long_texts)).manifest
    assert manifest.tokens_read == READ[long_texts]
    assert f"the {READ[long_texts]} tokens are read" in (run_of(long_texts) / "artifact" / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("long_texts", ["head-tail", "windows"])
def test_python_http_and_explanations_agree(long_texts: str, run_of: Callable[[str], Path]) -> None:
    texts = [row["text"] for row in rows(6, seed=2)]
    texts += ["good", "", " ".join(texts)]  # what needs one window, and more than there are
    model = textwright.load(run_of(long_texts))
    probabilities = [item.probabilities for item in model.predict(texts)]
    for text, expected in zip(texts, probabilities, strict=True):  # alone as beside the others
        assert model.predict([text])[0].probabilities == pytest.approx(expected, abs=1e-5)
    with TestClient(create_app(model)) as client:
        answers = client.post("/v1/predict", json={"texts": texts}).json()["predictions"]
    assert [item["probabilities"] for item in answers] == [pytest.approx(item, abs=1e-5) for item in probabilities]
    assert answers[-1]["truncated"]
    for text, row in zip(texts[:6], rows(6, seed=2), strict=True):
        (explanation,) = model.explain([text])
        loudest = max(explanation.words, key=lambda word: word.value)
        assert (loudest.text, text[loudest.start : loudest.end]) == (row["label"], row["label"])


@pytest.mark.slow
def test_another_training_goes_on_with_windows_of_the_same_length(run_of: Callable[[str], Path]) -> None:
    start = open_warm_start(run_of("windows"))
    settings, model = start.beneath(TrainSettings(), {})
    assert (settings.max_length, model["long_texts"], model["max_windows"]) == (MAX_LENGTH, "windows", MAX_WINDOWS)


@pytest.mark.slow
def test_a_cut_vocabulary_and_integer_weights_read_windows_too(
    run_of: Callable[[str], Path], source: Path, tmp_path: Path
) -> None:
    command = ["prune", str(run_of("windows")), "--data", str(source), "--out", str(tmp_path / "pruned"), "--quiet"]
    assert run_command(command) == 0
    pruned, whole = textwright.load(tmp_path / "pruned"), textwright.load(run_of("windows"))
    texts = [row["text"] for row in rows(6, seed=3)]
    for one, other in zip(pruned.predict(texts), whole.predict(texts), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)
