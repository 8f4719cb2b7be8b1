"""The model card says what was measured, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textwright.core.labels import Labels
from textwright.core.percent import percent
from textwright.data.dataset import Examples
from textwright.evaluate.baselines import Baseline
from textwright.evaluate.card import model_card
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.intervals import Interval
from textwright.evaluate.measure import evaluate
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

DATA = {
    "source": "movie-reviews",
    "fingerprint": "ab" * 32,
    "settings": {"split_seed": 7},
    "splits_are_given": False,
    "num_examples": {"train": 1234, "validation": 10, "test": 4},
}
EXAMPLES = Examples(["good", "bad", "good " * 30, "bad"], np.array([1, 0, 0, 0]))


@pytest.fixture
def predictor(make_artifact: Callable[..., Path]) -> Predictor:
    return load(make_artifact(temperature=2.0, data=DATA, metrics_split="test"), num_threads=1)


@pytest.fixture
def evaluations(predictor: Predictor) -> Mapping[str, Evaluation]:
    return {"validation": evaluate(predictor, EXAMPLES.take(np.array([0]))), "test": evaluate(predictor, EXAMPLES)}


def front_matter(card: str) -> dict[str, object]:
    _, block, _ = card.split("---\n", 2)
    return {name: json.loads(value) for name, _, value in (line.partition(": ") for line in block.splitlines())}


def test_a_temperature_of_about_one_is_one_row(make_artifact: Callable[..., Path]) -> None:
    predictor = load(make_artifact(temperature=1.0002, data=DATA, metrics_split="test"), num_threads=1)
    card = model_card(predictor.artifact.manifest, {"test": evaluate(predictor, EXAMPLES)})
    assert "is 1.000, which leaves the probabilities as they are" in card
    assert "| 1 (as trained) |" in card
    assert "(as served)" not in card


def test_the_card_leads_with_the_measured_split(predictor: Predictor, evaluations: Mapping[str, Evaluation]) -> None:
    card = model_card(predictor.artifact.manifest, evaluations)
    accuracy = evaluations["test"].metrics["accuracy"]
    assert f"| test | 4 | 75.0 % [{percent(accuracy.low, accuracy.high)}] |" in card
    assert "1 of the 4 measured texts (25.0 %)" in card
    assert "Longer than it reads: 1 of the 4" in card
    assert "Accuracy of texts by whether they were cut: read whole 100.0 %" in card
    assert "their numbers flatter" in card
    assert "with seed 7" in card
    assert "| train | 1,234 |" in card
    assert "temperature of 2.000" in card
    assert "| 2.000 (as served) |" in card


def test_the_card_keeps_baselines_and_warnings(predictor: Predictor, evaluations: Mapping[str, Evaluation]) -> None:
    baseline = Baseline("tf-idf", "words, C 3", {"accuracy": 0.5}, Interval(0.25, 0.1, 0.4), 0.03, 1.0)
    training = {"baselines": [baseline.to_json()], "warnings": ["the labels are few"]}
    card = model_card(replace(predictor.artifact.manifest, training=training), evaluations)
    assert "### Beside baselines, test split" in card
    assert "| `tf-idf` | 50.0 % | +25.0 points [+10.0 to +40.0], p = 0.030 |" in card
    assert "- The labels are few." in card


def test_the_front_matter_is_read_by_hubs(predictor: Predictor, evaluations: Mapping[str, Evaluation]) -> None:
    fields = front_matter(model_card(predictor.artifact.manifest, evaluations))
    assert fields["pipeline_tag"] == "text-classification"
    (index,) = fields["model-index"]
    assert [result["dataset"]["split"] for result in index["results"]] == ["validation", "test"]
    assert index["results"][1]["metrics"][0] == {"type": "accuracy", "name": "Accuracy", "value": 0.75}


def test_the_three_lines_of_use_run(predictor: Predictor, capsys: pytest.CaptureFixture[str]) -> None:
    card = model_card(predictor.artifact.manifest, {})
    code = card.split("```python\n")[1].split("```")[0]
    exec(code.replace("path/to/this/folder", str(predictor.artifact.path)), {})  # noqa: S102  it is our own card
    assert capsys.readouterr().out == "negative\n"


def test_nothing_measured_gives_no_number(predictor: Predictor) -> None:
    card = model_card(predictor.artifact.manifest, {})
    assert "Nothing was measured." in card
    assert "[0." not in card


def test_names_that_people_chose_stay_names(make_artifact: Callable[..., Path]) -> None:
    labels = Labels(("<b>|bad|</b>", "[good](http://x)`\n# free"))
    predictor = load(make_artifact("hostile", labels=labels), num_threads=1)
    card = model_card(predictor.artifact.manifest, {"test": evaluate(predictor, EXAMPLES)})
    assert "| `<b>\\|bad\\|</b>` |" in card
    assert "`[good](http://x)' # free`" in card
    assert "\n# free" not in card


def test_a_path_on_somebodys_machine_is_not_told(make_artifact: Callable[..., Path]) -> None:
    predictor = load(make_artifact("private", data={**DATA, "source": "/home/ann/reviews.csv"}), num_threads=1)
    card = model_card(predictor.artifact.manifest, {})
    assert "reviews.csv" in card
    assert "ann" not in card


def test_a_multi_label_card_leads_with_exact_match(tiny_multilabel_artifact: Path) -> None:
    predictor = load(tiny_multilabel_artifact, num_threads=1)
    examples = Examples(["song", "the"], np.array([[True, False, False], [False, False, False]]))
    card = model_card(predictor.artifact.manifest, {"all": evaluate(predictor, examples)})
    assert "| all | 2 | 100.0 % [34.2 to 100.0 %] |" in card
    assert "any number of 3 labels" in card
    assert "does not occur" in card
    assert "No temperature was fitted" in card


def test_a_student_names_its_teacher(make_artifact: Callable[..., Path]) -> None:
    teacher = {"name": "big`one", "family": "bert", "version": "0123456789ab", "variant": "fp32"}
    card = model_card(load(make_artifact(training={"distillation": {"teachers": [teacher]}})).artifact.manifest, {})
    assert "It learned the answers of `big'one` (bert, version 0123456789ab), beside the labels." in card


def test_a_threshold_is_named_beside_the_calibration(make_artifact: Callable[..., Path]) -> None:
    predictor = load(make_artifact("decided", thresholds={"positive": 0.25}), num_threads=1)
    card = model_card(predictor.artifact.manifest, {"test": evaluate(predictor, EXAMPLES)})
    assert "Labels with a threshold of their own, chosen on the validation split: `positive` from 0.250 on." in card
