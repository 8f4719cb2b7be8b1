"""A model in Python: trained in one line, measured, saved, pickled, and gone with its temporary folder."""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
import pytest
from quick_training import QUICK

import textwright as tw
from textwright.cli.main import run
from textwright.errors import NotFoundError, SettingsError, TextError
from textwright.python_api.folders import RunFolder

TEXTS = ["a good film", "a bad film"]


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f"the {word} film {number},{label}" for number in range(30) for word, label in WORDS.items()]
    path.write_text("\n".join(["text,label", *lines, ""]))
    return path


WORDS = {"good": "positive", "great": "positive", "bad": "negative", "awful": "negative"}


def test_a_table_becomes_a_measured_model(trained, reviews):
    assert [item.label for item in trained.predict(TEXTS)] == ["good", "bad"]
    assert trained.metrics["accuracy"]["value"] >= 0.9
    measured = trained.evaluate()
    assert measured.split == "test"
    assert measured.metrics["accuracy"].value == trained.metrics["accuracy"]["value"]
    assert "held out" in measured.selection
    everything = trained.evaluate(reviews[:40])
    assert "the model was trained on" in everything.selection


def test_it_is_a_predictor(trained, tiny_artifact):
    assert isinstance(trained, tw.Predictor)
    assert isinstance(tw.load(tiny_artifact), tw.Model)
    assert trained.with_threads(1).predict(TEXTS) == trained.predict(TEXTS)


@pytest.mark.parametrize("form", [list, tuple, iter, np.array, pd.Series], ids=lambda form: form.__name__)
def test_any_sequence_of_texts_is_predicted(trained, form):
    assert trained.predict(form(TEXTS)) == trained.predict(TEXTS)
    assert np.array_equal(trained.predict_proba(form(TEXTS)), trained.predict_proba(TEXTS))


def test_probabilities_are_those_of_predict_in_the_order_of_the_labels(trained):
    rows = trained.predict_proba(TEXTS)
    assert rows.shape == (2, 2)
    by_name = [dict(zip(trained.labels.names, row, strict=True)) for row in rows.tolist()]
    assert by_name == [item.probabilities for item in trained.predict(TEXTS)]


def test_what_is_no_text_is_refused_with_its_position(trained):
    for method in (trained.predict, trained.predict_proba, trained.explain):
        with pytest.raises(TextError, match="text 1 is missing"):
            method(["a film", None])


def test_a_temporary_run_ends_with_its_model(trained):
    assert trained.artifact.path.is_relative_to(tempfile.gettempdir())
    model = pickle.loads(pickle.dumps(trained))  # noqa: S301  our own
    folder = model.artifact.path.parent
    other = model.with_threads(1)
    del model
    gc.collect()
    assert folder.exists(), "another model still reads from it"
    del other
    gc.collect()
    assert not folder.exists()


def test_a_fork_leaves_the_folder_to_its_owner():
    folder = RunFolder()
    path = folder.path
    child = os.fork()
    if child == 0:
        del folder
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert path.exists()
    del folder
    assert not path.exists()


def test_a_saved_model_is_what_the_command_would_have_written(trained, tmp_path, capsys):
    out = tmp_path / "runs" / "reviews"
    assert trained.save(out) == out
    loaded = tw.load(out)
    assert loaded.predict(TEXTS) == trained.predict(TEXTS)
    assert run(["inspect", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == trained.artifact.version
    assert trained.save(out) == out, "the same model is there already"


def test_a_loaded_model_asks_for_data_that_were_in_memory(trained, tmp_path):
    loaded = tw.load(trained.save(tmp_path / "run"))
    with pytest.raises(SettingsError, match="the training data, DataFrame, are not there; give labeled data"):
        loaded.evaluate()


def test_saving_overwrites_nothing_else(trained, tmp_path, make_artifact):
    other = tmp_path / "other"
    tw.load(make_artifact("other")).save(other)
    with pytest.raises(SettingsError, match="holds the model other"):
        trained.save(other)
    trained.save(other, overwrite=True)
    assert tw.load(other).artifact.digest == trained.artifact.digest
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match="is no run folder"):
        trained.save(tmp_path, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_model_in_a_temporary_folder_is_pickled_with_its_files(trained, tmp_path):
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(trained))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).predict(['a good film'])[0].label)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "good\n"
    again = pickle.loads(path.read_bytes())  # noqa: S301  our own
    assert again.artifact.path != trained.artifact.path
    unseen = [f"a good film of word{number}" for number in range(50, 54)]
    assert "none of these texts was seen" in again.evaluate((unseen, ["good"] * 4)).selection


def test_a_saved_model_is_pickled_by_its_path(trained, tmp_path):
    model = tw.load(trained.save(tmp_path / "run"))
    again = pickle.loads(pickle.dumps(model))  # noqa: S301  our own
    assert type(again) is tw.Model
    assert again.artifact.path == model.artifact.path


def test_the_call_finds_the_run_of_the_same_command(rows, tmp_path):
    flags = ["--family", "linear", "--model.strength", "1", "--seed", "3", "--quiet", "--no-baselines"]
    assert run(["train", str(rows), "--out", str(tmp_path / "run"), *flags]) == 0
    written = tw.load(tmp_path / "run").artifact
    called = tw.train(rows, out=tmp_path / "run", seed=3, **QUICK)
    assert called.artifact.digest == written.digest
    assert called.artifact.manifest.created == written.manifest.created, "it was trained again"
    with pytest.raises(SettingsError, match="holds an artifact of another plan"):
        tw.train(rows, out=tmp_path / "run", seed=9, **QUICK)


def test_settings_of_every_group_are_keywords(reviews, capfd):
    table = reviews.rename(columns={"text": "body", "label": "mood"})
    model = tw.train(table, label_column="mood", max_length=99, **QUICK)
    training = model.artifact.manifest.training
    assert (training["settings"]["max_length"], training["model"]["strength"]) == (99, 1.0)
    assert model.artifact.manifest.data["settings"]["label_column"] == "mood"
    assert capfd.readouterr() == ("", ""), "verbose=False is silent"


def test_a_wrong_keyword_is_refused_with_the_nearest_one(reviews):
    with pytest.raises(SettingsError, match=r"train\(\) has no setting 'num_epoch'; did you mean 'num_epochs'"):
        tw.train(reviews, num_epoch=3)
    with pytest.raises(SettingsError, match="num_epochs"):
        tw.train(reviews, num_epochs=0)
    with pytest.raises(NotFoundError, match="bow"):
        tw.train(reviews, family="bwo")


def test_no_keyword_belongs_to_two_groups():
    from textwright.data.settings import DataSettings
    from textwright.models import FAMILIES
    from textwright.optimize.settings import OptimizeSettings
    from textwright.training.settings import TrainSettings

    own = set().union(*(family.config.model_fields for family in FAMILIES.values()))
    groups = [set(TrainSettings.model_fields), set(DataSettings.model_fields), own]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert not set(OptimizeSettings.model_fields) & set(DataSettings.model_fields)
