"""What is read of a long text is the artifact's affair: from training to every way in, all read alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tiny_encoders import WORDS, save_tiny_encoder

import textwright
from textwright.cli.main import run as run_command
from textwright.core import artifact as artifacts
from textwright.optimize.warm_start import open_warm_start
from textwright.server.app import create_app
from textwright.training.settings import TrainSettings

MAX_LENGTH, MAX_WINDOWS, NUM_WORDS = 16, 8, 60
READ = {"truncate": "first 16", "head-tail": "first 4 and last 12", "windows": "first 114"}
NUM_READ = {"truncate": 14, "head-tail": 14, "windows": NUM_WORDS}
SEES = {"truncate": (True, False, False), "head-tail": (True, False, True), "windows": (True, True, True)}
"""What is read -> whether it sees the beginning, the middle and the end."""

pytestmark = pytest.mark.slow


def make_text(seed: int, *, num_words: int = NUM_WORDS, **words: str) -> str:
    generator = np.random.default_rng(seed)
    made = generator.choice([word for word in WORDS if word.isalpha()], num_words).tolist()
    for place, word in words.items():
        made[{"beginning": 0, "middle": num_words // 2, "end": num_words - 1}[place]] = word
    return " ".join(made)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.jsonl"
    labels = ["good", "bad"] * 40
    rows = [{"text": make_text(seed, end=label), "label": label} for seed, label in enumerate(labels)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def run_of(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    encoder = save_tiny_encoder("bert", tmp_path_factory.mktemp("encoder"))
    made: dict[str, Path] = {}

    def train(long_texts: str) -> Path:
        if long_texts not in made:
            made[long_texts] = out = tmp_path_factory.mktemp(long_texts) / "run"
            command = ["train", str(source), "--family", "bert", "--out", str(out), "--no-baselines", "--quiet"]
            settings = ["--max-length", str(MAX_LENGTH), "--num-epochs", "1", "--learning-rate", "0.01"]
            model = ["--model.encoder", str(encoder), "--model.long-texts", long_texts]
            assert run_command([*command, *settings, "--device", "cpu", *model]) == 0
        return made[long_texts]

    return train


@pytest.mark.parametrize("long_texts", SEES)
def test_what_is_said_to_be_read_is_read_and_nothing_else(long_texts: str, run_of: Callable[[str], Path]) -> None:
    model = textwright.load(run_of(long_texts))
    for place, sees in zip(("beginning", "middle", "end"), SEES[long_texts], strict=True):
        one, other = model.predict([make_text(0, **{place: "great"}), make_text(0, **{place: "awful"})])
        assert (one.probabilities != other.probabilities) is sees, place
        assert one.truncated is (long_texts != "windows")
    assert artifacts.read(run_of(long_texts)).manifest.tokens_read == READ[long_texts]
    card = (run_of(long_texts) / "artifact" / "README.md").read_text()
    assert f"the {READ[long_texts]} tokens are read" in card


@pytest.mark.parametrize("long_texts", ["head-tail", "windows"])
def test_python_and_http_agree_whatever_lies_beside_a_text(long_texts: str, run_of: Callable[[str], Path]) -> None:
    texts = [make_text(1), make_text(2, num_words=5), "", make_text(3, num_words=300)]
    model = textwright.load(run_of(long_texts))
    together = model.predict(texts)
    for text, expected in zip(texts, together, strict=True):
        assert model.predict([text])[0].probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    with TestClient(create_app(model)) as client:
        answers = client.post("/v1/predict", json={"texts": texts}).json()["predictions"]
    for answer, expected in zip(answers, together, strict=True):
        assert answer["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
        assert answer["truncated"] is expected.truncated
    assert [item.truncated for item in together] == [long_texts != "windows", False, False, True]


@pytest.mark.parametrize("long_texts", SEES)
def test_an_explanation_marks_the_words_that_were_read(long_texts: str, run_of: Callable[[str], Path]) -> None:
    text = make_text(4)
    (explanation,) = textwright.load(run_of(long_texts)).explain([text], max_cost=100)
    words = explanation.words
    assert len(words) == NUM_READ[long_texts]
    assert [text[word.start : word.end] for word in words] == [word.text for word in words]
    ends = words[0].start == 0, words[-1].end == len(text)
    assert ends == (True, SEES[long_texts][2])


def test_another_training_goes_on_with_windows_of_the_same_length(run_of: Callable[[str], Path]) -> None:
    start = open_warm_start(run_of("windows"))
    settings, model = start.beneath(TrainSettings(), {})
    assert (settings.max_length, model["long_texts"], model["max_windows"]) == (MAX_LENGTH, "windows", MAX_WINDOWS)


@pytest.mark.parametrize("long_texts", ["head-tail", "windows"])
def test_a_cut_vocabulary_reads_alike(
    long_texts: str, run_of: Callable[[str], Path], source: Path, tmp_path: Path
) -> None:
    command = ["prune", str(run_of(long_texts)), "--data", str(source), "--out", str(tmp_path / "pruned"), "--quiet"]
    assert run_command(command) == 0
    pruned, whole = textwright.load(tmp_path / "pruned"), textwright.load(run_of(long_texts))
    texts = [make_text(5), make_text(6, num_words=3)]
    for one, other in zip(pruned.predict(texts), whole.predict(texts), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert one.truncated is other.truncated
