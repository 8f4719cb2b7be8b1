"""A training that begins with a trained model: what is taken over, what is added, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import textwright
from textwright.cli.main import run as run_command
from textwright.core import artifact as artifacts
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.models import FAMILIES
from textwright.optimize.warm_start import open_warm_start
from textwright.pipeline import BuildPlan, build_artifact
from textwright.training.checkpoint import read_best_weights
from textwright.training.run import prepare
from textwright.training.settings import TrainSettings


def save_rows(path, rows):
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path


@pytest.fixture
def new_rows(tmp_path):
    """Rows of the labels of "multi-class", of a label that is new, and of a word that is new."""
    rows = [(f"word{n % 30} zither {topic}", topic) for n in range(30) for topic in ("music", "plot", "costumes")]
    return save_rows(tmp_path / "new.jsonl", rows)


def begin(start, source):
    """Prepare a training that begins with a model, and give it with the module that it begins with."""
    training, model = start.beneath(TrainSettings(device="cpu"), {})
    return prepare(load_dataset(str(source), DataSettings()), training, model, None, start)


@pytest.mark.parametrize(
    "family",
    ["bow", *(pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES if name not in {"bow", "linear"})],
)
def test_rows_of_words_and_labels_are_taken_over_by_name(family, trained_run, new_rows):
    run, _ = trained_run(family, "multi-class")
    start = open_warm_start(run)
    prepared = begin(start, new_rows)
    module, before = prepared.module, start.weights
    after = (module if module.stages is None else module.stages.head).state_dict()
    layers = [name for name in after if name.startswith(("head", "dense")) and name.endswith(".weight")]
    last = max(name for name in layers if len(after[name]) == 3)
    old, new = start.labels.index, prepared.labels.index
    for name in ("music", "plot"):
        assert torch.equal(after[last][new[name]], before[last][old[name]])
    assert "costumes" not in old
    for name, weight in after.items():
        if name.rpartition(".")[0] != last.rpartition(".")[0]:
            assert torch.equal(weight[: len(before[name])], before[name]), name
    words = start.tokenizer.vocabulary
    assert prepared.tokenizer.vocabulary[: len(words)] == words
    copied = prepared.copied["warm_start_copied"]
    assert copied["labels_kept"] == ["music", "plot"]
    assert copied["labels_added"] == ["costumes"]
    assert copied["labels_dropped"] == ["acting"]
    if family.startswith(("bow", "cnn")):
        assert copied["num_words_added"] == len(prepared.tokenizer.vocabulary) - len(words) > 0
        assert "zither" in prepared.tokenizer.vocabulary
    else:
        assert copied["num_words_added"] == 0


def test_before_its_first_step_it_answers_as_the_model_did(trained_run):
    run, source = trained_run("bow", "binary")
    start = open_warm_start(run)
    prepared = begin(start, source)
    texts = ["word1 good word2", "awful", "word3"]
    encoded = prepared.tokenizer.encode(texts)
    ids = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(ids).long() for ids in np.split(encoded.ids, encoded.offsets[1:-1])], batch_first=True
    )
    with torch.no_grad():
        logits = prepared.module.eval()(ids, (ids > 0).long())
    expected = textwright.load(run, num_threads=1).infer(encoded)
    assert logits.numpy() == pytest.approx(expected, abs=1e-4)


def test_pairs_of_words_mean_what_they_meant(trained_run, tmp_path, new_rows):
    _, source = trained_run("bow", "multi-class")
    training = TrainSettings(family="bow", num_epochs=1, min_steps=0, device="cpu")
    plan = BuildPlan(str(source), DataSettings(), training, {"num_bigram_buckets": 64})
    build_artifact(plan, tmp_path / "run")
    start = open_warm_start(tmp_path / "run")
    prepared = begin(start, new_rows)
    assert torch.equal(prepared.module.state_dict()["bigrams.weight"], start.weights["bigrams.weight"])


def test_words_keep_their_case_where_the_model_keeps_it(trained_run, tmp_path, new_rows):
    _, source = trained_run("bow", "multi-class")
    training = TrainSettings(family="bow", num_epochs=1, min_steps=0, device="cpu")
    build_artifact(BuildPlan(str(source), DataSettings(), training, {"casing": "cased"}), tmp_path / "run")
    start = open_warm_start(tmp_path / "run")
    assert begin(start, new_rows).tokenizer.is_cased
    training, model = start.beneath(training, {"casing": "uncased"})
    with pytest.raises(SettingsError, match=r"--model\.casing is another than that of .* which is cased"):
        prepare(load_dataset(str(new_rows), DataSettings()), training, model, None, start)


def test_it_is_written_into_the_manifest_and_the_same_command_finds_it(trained_run, new_rows, tmp_path, capsys):
    run, _ = trained_run("bow", "multi-class")
    command = ["train", str(new_rows), "--from", str(run), "--out", str(tmp_path / "run"), "--num-epochs", "2"]
    flags = ["--min-steps", "0", "--no-baselines"]
    assert run_command([*command, *flags]) == 0
    printed = capsys.readouterr().err
    assert "2 new ones; 2 of its labels, new: costumes" in printed  # "zither" and "costumes"
    assert "it does not know acting any more" in printed
    manifest = artifacts.read(tmp_path / "run").manifest
    assert manifest.family == "bow"
    assert manifest.training["warm_start"]["digest"] == artifacts.read(run).digest
    assert manifest.training["warm_start_copied"]["labels_added"] == ["costumes"]
    assert run_command([*command, *flags]) == 0
    assert "nothing was trained" in capsys.readouterr().err
    without = [word for word in command if word not in {"--from", str(run)}]
    assert run_command([*without, "--family", "bow", *flags]) == 3
    assert "holds an artifact of another plan" in capsys.readouterr().err


@pytest.mark.slow
def test_new_texts_are_learned_without_losing_the_old_ones(trained_run, tmp_path):
    """300 rows of another vocabulary: begun anew, the model forgets the old words; begun with the model it does not."""
    run, _ = trained_run("bow", "binary")
    rows = [(f"filler{n % 9} {'splendid' if n % 2 else 'shoddy'}", "good" if n % 2 else "bad") for n in range(300)]
    new = save_rows(tmp_path / "new.jsonl", rows)
    training = TrainSettings(family="bow", num_epochs=2, min_steps=0, device="cpu")
    plan = BuildPlan(str(new), DataSettings(), training, {})
    build_artifact(plan, tmp_path / "anew")
    build_artifact(replace(plan, warm_start=open_warm_start(run)), tmp_path / "warm")
    texts, labels = ["great word1", "dull word2", "moving", "flat"], ["good", "bad", "good", "bad"]
    warm = textwright.load(tmp_path / "warm", num_threads=1).predict(texts)
    assert [item.label for item in warm] == labels
    assert [item.label for item in textwright.load(tmp_path / "anew", num_threads=1).predict(texts)] != labels
    new_words = textwright.load(tmp_path / "warm", num_threads=1).predict(["splendid", "shoddy"])
    assert [item.label for item in new_words] == ["good", "bad"]


def test_a_run_that_began_elsewhere_is_not_resumed(trained_run, new_rows, tmp_path):
    run, _ = trained_run("bow", "multi-class")
    training = TrainSettings(family="bow", num_epochs=1, min_steps=0, device="cpu")
    plan = BuildPlan(str(new_rows), DataSettings(), training, {})
    build_artifact(plan, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "artifact")  # as a run that was killed before its last second
    with pytest.raises(SettingsError, match="warm start was None"):
        build_artifact(replace(plan, warm_start=open_warm_start(run)), tmp_path / "run")


def test_another_family_or_shape_is_refused(trained_run, new_rows, tmp_path):
    run, _ = trained_run("bow", "multi-class")
    start = open_warm_start(run)
    plan = BuildPlan(str(new_rows), DataSettings(), TrainSettings(family="cnn-glove"), {}, warm_start=start)
    with pytest.raises(SettingsError, match="leave --family out"):
        build_artifact(plan, tmp_path / "run")
    plan = replace(plan, training=TrainSettings(), model={"embedding_dim": 7})
    with pytest.raises(SettingsError, match=r"words.weight has the shape .* leave the settings of the family"):
        build_artifact(plan, tmp_path / "run")


def test_models_that_no_training_can_begin_with_are_refused(trained_run, tiny_cascade, tmp_path, make_artifact):
    linear, _ = trained_run("linear", "binary")
    with pytest.raises(SettingsError, match="without --from"):
        open_warm_start(linear)
    with pytest.raises(SettingsError, match="has several stages"):
        open_warm_start(tiny_cascade)
    with pytest.raises(SettingsError, match="naive_bayes"):
        open_warm_start(make_artifact(training={"model": {"naive_bayes": True}}))
    with pytest.raises(SettingsError, match="contrastive_tuning"):
        open_warm_start(make_artifact(training={"model": {"contrastive_tuning": True}}))
    run, _ = trained_run("bow", "binary")
    with pytest.raises(SettingsError, match="give the run folder"):
        open_warm_start(artifacts.copy(artifacts.read(run), tmp_path / "alone").path)
    other, _ = trained_run("bow", "multi-class")
    artifacts.copy(artifacts.read(run), tmp_path / "mixed" / "artifact")
    shutil.copytree(other / "checkpoint", tmp_path / "mixed" / "checkpoint")
    assert read_best_weights(tmp_path / "mixed" / "checkpoint")
    with pytest.raises(SettingsError, match="of another run than the artifact beside it"):
        open_warm_start(tmp_path / "mixed")


def test_in_python(trained_run, new_rows):
    run, _ = trained_run("bow", "multi-class")
    model = textwright.train(
        str(new_rows), start_from=run, num_epochs=1, min_steps=0, device="cpu", baselines=False, verbose=False
    )
    manifest = model.artifact.manifest
    assert manifest.family == "bow"
    assert manifest.training["warm_start_copied"]["labels_added"] == ["costumes"]


@pytest.mark.slow
def test_of_bert_the_artifact_alone_will_do(trained_run, new_rows, tmp_path):
    run, _ = trained_run("bert", "multi-class")
    alone = artifacts.copy(artifacts.read(run), tmp_path / "alone").path
    weights, stored = open_warm_start(alone).weights, open_warm_start(run).weights
    assert set(weights) == set(stored)
    assert all(torch.allclose(weights[name], stored[name]) for name in stored)
