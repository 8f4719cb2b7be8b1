"""Cross-validated gates: every training text is tried once, on a model that has not seen it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rule_source import write_source

from textwright.core import artifact as artifacts
from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.data.dataset import Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.optimize import folds
from textwright.optimize.cascade.gate_answers import answer_gate_texts
from textwright.optimize.cascade.pair import open_pair
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.optimize.folds import assign_folds, plan_folds
from textwright.optimize.optimization import optimize
from textwright.optimize.settings import OptimizationTarget, OptimizeSettings
from textwright.pipeline import BuildPlan, build_artifact
from textwright.training.settings import TrainSettings

LABELS = Labels(("negative", "positive"))


class Watch(Callback):
    def __init__(self):
        self.stages = []

    def on_stage_begin(self, stage):
        self.stages.append(stage)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train a bag of words on 300 rows: 240 to learn from, 30 to choose by, 30 to test on."""
    folder = tmp_path_factory.mktemp("trained")
    source = write_source(folder / "rows.jsonl", 300)
    model = {"embedding_dim": 16, "hidden_dim": 4, "min_frequency": 1, "dropout": 0, "word_dropout": 0}
    training = TrainSettings(min_steps=0, family="bow", num_epochs=4, batch_size=32, learning_rate=0.05)
    build_artifact(BuildPlan(source, DataSettings(), training, model), folder / "run")
    return source, folder / "run" / "artifact", folder / "out"


def test_few_validation_texts_are_joined_by_out_of_fold_texts(trained):
    source, path, out = trained
    settings = OptimizeSettings(target=OptimizationTarget.SIZE, recipes=("int8-rows",), gate_folds=2)
    watch = Watch()
    outcome = optimize(path, source, out, settings, DataSettings(), [watch])
    assert [stage.partition(":")[2][:37] for stage in watch.stages] == [
        " training bow without fold 1 of 2, to",
        " training bow without fold 2 of 2, to",
    ]
    assert outcome.gate_texts == "30 validation texts, and 240 training texts by 2-fold cross-validation"
    gate = outcome.candidates[0].gate
    assert gate.num_texts == 270
    assert (
        gate.drop_bound == pytest.approx(1.1, abs=0.01) if not gate.num_lost + gate.num_won else gate.drop_bound > 1.1
    )
    evidence = artifacts.read(out).manifest.variants["int8-rows"].gate
    assert (evidence["num_texts"], evidence["num_folds"]) == (270, 2)
    made = sorted(item.stat().st_mtime_ns for item in (out / "folds").glob("*/artifact/model.onnx"))
    again = optimize(path, source, out, settings, DataSettings(), [watch])
    assert again.candidates == outcome.candidates
    assert made == sorted(item.stat().st_mtime_ns for item in (out / "folds").glob("*/artifact/model.onnx"))


def test_no_model_predicts_a_text_that_it_was_trained_on(trained, monkeypatch):
    source, path, out = trained
    datasets = []
    of = folds.build_artifact
    monkeypatch.setattr(
        folds, "build_artifact", lambda plan, path, dataset: (datasets.append(dataset), of(plan, path, dataset=dataset))
    )
    validation = load_dataset(source).validation
    answers, words = answer_gate_texts(
        open_pair(path, path, None, None),
        source,
        DataSettings(),
        validation,
        CascadeSettings(gate_folds=2),
        998,
        out / "folds",
        Callback(),
    )
    assert words == "30 validation texts, and 240 training texts by 2-fold cross-validation"
    assert np.bincount(answers.part).tolist() == [120, 120, 30]
    assert 0.7 < answers.strong_right.mean() < 1.0
    assert [len(dataset.test) for dataset in datasets] == [120] * 4
    assert all(not set(dataset.test.texts) & set(dataset.train.texts) for dataset in datasets)
    assert datasets[0].test.texts == datasets[2].test.texts  # both models hold the same texts out
    assert not set(validation.texts + load_dataset(source).test.texts) & {
        text for it in datasets for text in it.test.texts
    }


def test_a_label_with_fewer_texts_than_folds_is_never_held_out():
    texts = [f"{word} story number {number}" for number, word in enumerate("abcdefghijklmnopqrstuv")]
    targets = np.array([0] * 20 + [1] * 2)
    parts = assign_folds(Examples(texts, targets), LABELS, 5, 0)
    assert set(parts[targets == 1].tolist()) == {-1}
    assert np.bincount(parts[targets == 0]).tolist() == [4] * 5


@pytest.mark.parametrize(
    ("changes", "num_validation", "requested", "expected"),
    [
        ({}, 100, None, (5, "")),
        ({}, 1_000, None, (0, "")),
        ({}, 100, 0, (0, "")),
        ({}, 1_000, 3, (3, "")),
        ({"family": "bert"}, 100, None, (0, "training bert 5 times can take long; --gate-folds 5 does it")),
        ({"family": "bert"}, 100, 5, (5, "")),
        ({"data": {"source": "elsewhere"}}, 100, None, (0, "the source is not the one")),
        ({"training": {"settings": {"seed": 0}, "distillation": {}}}, 100, None, (0, "the artifact was distilled")),
    ],
)
def test_when_a_training_is_repeated(trained, changes, num_validation, requested, expected):
    source, path, _ = trained
    manifest = replace(artifacts.read(path).manifest, **changes)
    num_folds, reason = plan_folds([manifest], source, num_validation, 598, requested)
    assert (num_folds, reason.startswith(expected[1]), bool(reason)) == (expected[0], True, bool(expected[1]))


def test_models_of_different_subsets_have_no_folds_in_common(trained):
    source, path, _ = trained
    first = artifacts.read(path).manifest
    settings = {**first.data["settings"], "subset_size": 100}
    second = replace(first, data={**first.data, "settings": settings})
    with pytest.raises(SettingsError, match="--gate-folds 2: the models were trained on different subsets"):
        plan_folds([first, second], source, 30, 998, 2)


def test_one_fold_is_refused():
    for settings in (OptimizeSettings, CascadeSettings):
        with pytest.raises(ValueError, match="gate_folds is 1; give 2 or more, or 0"):
            settings(gate_folds=1)
