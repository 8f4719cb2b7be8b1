from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textwright.data.dataset import Dataset, Examples
from textwright.errors import DataError, NotFoundError, SettingsError
from textwright.models import FAMILIES
from textwright.training.run import CHECKPOINT, HISTORY, SETTINGS, TENSORBOARD, resolve_settings, train
from textwright.training.settings import TrainSettings

QUICK = {"family": "bow", "num_epochs": 2, "min_steps": 0, "batch_size": 32, "device": "cpu"}
EMPTY = Examples([], np.empty(0, dtype=np.int64))


def test_a_run_leaves_its_settings_history_checkpoint_and_events(dataset: Dataset, tmp_path: Path) -> None:
    model = train(dataset, TrainSettings(**QUICK), {"embedding_dim": "8"}, run_dir=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CHECKPOINT, HISTORY, SETTINGS, TENSORBOARD])
    stored = json.loads((tmp_path / SETTINGS).read_text())
    assert stored["model"]["embedding_dim"] == 8
    assert stored["num_epochs"] == 2
    assert stored["learning_rate"] == FAMILIES["bow"].defaults["learning_rate"]
    history = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert [line["validation_loss"] for line in history] == [record.validation_loss for record in model.history]


def test_the_model_comes_back_ready_for_export(dataset: Dataset, tmp_path: Path) -> None:
    model = train(dataset, TrainSettings(**QUICK), {}, run_dir=tmp_path)
    assert not model.module.training
    assert {str(weight.device) for weight in model.module.parameters()} == {"cpu"}
    assert model.is_main
    assert 0.05 <= model.temperature <= 20
    assert model.tokenizer.max_length == model.settings.max_length
    best = max(model.history, key=lambda record: (record.validation_accuracy, -record.validation_loss))
    assert model.summary["best_epoch"] == best.epoch
    assert model.summary["validation_accuracy"] == best.validation_accuracy


def test_what_is_set_goes_before_the_family_and_the_family_before_the_field() -> None:
    family = FAMILIES["bow"]
    resolved, _ = resolve_settings(TrainSettings(family="bow", min_steps=0, num_epochs=1), {})
    assert resolved.num_epochs == 1
    assert resolved.max_length == family.defaults["max_length"] != TrainSettings().max_length
    assert resolved.patience == family.defaults.get("patience", TrainSettings().patience)


def test_words_of_other_splits_stay_unknown(dataset: Dataset, tmp_path: Path) -> None:
    validation = Examples([*dataset.validation.texts[:-1], "unheard unheard"], dataset.validation.targets)
    model = train(replace(dataset, validation=validation), TrainSettings(**QUICK), {}, run_dir=tmp_path)
    assert "unheard" not in model.tokenizer.vocabulary


def test_texts_that_are_cut_are_counted(dataset: Dataset, tmp_path: Path) -> None:
    model = train(dataset, TrainSettings(**QUICK, max_length=4), {}, run_dir=tmp_path)
    assert model.num_truncated == sum(len(text.split()) > 4 for text in dataset.train.texts)


@pytest.mark.parametrize("name", ["train", "validation"])
def test_an_empty_split_is_refused(name: str, dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"made-up: the {name} split has no examples"):
        train(replace(dataset, **{name: EMPTY}), TrainSettings(**QUICK), {}, run_dir=tmp_path)


def test_an_unknown_family_or_setting_is_refused_before_anything_is_written(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no family 'cow'"):
        train(dataset, TrainSettings(family="cow"), {}, run_dir=tmp_path)
    with pytest.raises(SettingsError, match=r"\[model\] settings of family bow: size: no such setting .*known are cas"):
        train(dataset, TrainSettings(family="bow"), {"size": 1}, run_dir=tmp_path)
    assert not list(tmp_path.iterdir())
