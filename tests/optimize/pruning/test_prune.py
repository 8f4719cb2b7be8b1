"""What is cut out of an artifact is what matters least, and what is left answers nearly as before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from textwright.core import artifact as artifacts
from textwright.data.dataset import Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.models.structured_pruning import blocks
from textwright.optimize.pruning.head_importance import Importance, choose_heads, choose_neurons, measure_importance
from textwright.optimize.pruning.prune import PruningTask, prune, write_cut
from textwright.optimize.pruning.report import Pruning
from textwright.optimize.pruning.settings import PruneSettings, RepairSettings
from textwright.optimize.pruning.structured_pruning import _load
from textwright.optimize.pruning.vocabulary import used_vocabulary
from textwright.runtime.loading import load
from textwright.training.batches import encode_examples
from textwright.training.settings import TrainSettings


def multi_class(trained_run, family: str) -> tuple[Path, str]:
    run, source = trained_run(family, "multi-class")
    return run, str(source)


@pytest.fixture
def bert(trained_run) -> tuple[Path, str]:
    return multi_class(trained_run, "bert")


@pytest.fixture
def bow(trained_run) -> tuple[Path, str]:
    return multi_class(trained_run, "bow")


def task(given: tuple[Path, str], **settings: object) -> PruningTask:
    run, source = given
    asked = PruneSettings.parse({"max_drop": 20, **settings}, source="test")
    return PruningTask(run, source, asked, RepairSettings(), TrainSettings(), DataSettings())


@pytest.mark.slow
def test_half_the_heads_and_neurons_go_and_the_rest_is_repaired(bert: tuple[Path, str], tmp_path: Path) -> None:
    report = prune(task(bert, heads=0.5, neurons=0.5, vocabulary=False), tmp_path / "out")
    (step,) = report.steps
    assert step.verdict == "kept"
    assert step.cost.size_gain > 1.0
    written = artifacts.read(tmp_path / "out")
    model = written.manifest.training["model"]
    assert sum(model["num_heads"]) == 2  # of two in each of two layers, one at least stays
    assert all(width % 16 == 0 and width <= 32 for width in model["num_neurons"])
    assert sum(model["num_neurons"]) < 64
    assert written.manifest.training["distillation"]["starts_from_teacher"]
    assert json.loads(Pruning.json_path(tmp_path / "out").read_text())["version"] == written.version == report.version
    load(tmp_path / "out")


@pytest.mark.slow
def test_the_same_again_repairs_nothing(bert: tuple[Path, str], tmp_path: Path) -> None:
    asked = task(bert, heads=0.5)
    first = prune(asked, tmp_path / "out")
    checkpoint = (tmp_path / "out" / "repair" / "checkpoint" / "state.pt").stat().st_mtime_ns
    again = prune(asked, tmp_path / "out")
    assert (tmp_path / "out" / "repair" / "checkpoint" / "state.pt").stat().st_mtime_ns == checkpoint
    assert [step.gate for step in again.steps] == [step.gate for step in first.steps]


@pytest.mark.parametrize("family", ["bert", "bow"])
def test_unused_tokens_go_and_training_texts_are_answered_as_before(
    family: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    run, source = request.getfixturevalue(family)
    report = prune(task((run, source)), tmp_path / "out")
    before, after = load(run), load(tmp_path / "out")
    texts = load_dataset(source).train.texts
    np.testing.assert_allclose(after.logits(texts), before.logits(texts), atol=1e-5)
    assert after.vocab_size <= before.vocab_size
    (step,) = report.steps
    assert step.counts["unknown_after"] >= step.counts["unknown_before"]
    counts = after.artifact.manifest.training["vocabulary"]
    assert counts == {"num_before": before.vocab_size, "num_kept": after.vocab_size}
    assert np.isfinite(after.logits(["", "qzxv \N{GRINNING FACE}"])).all()


def test_the_table_of_surprisals_is_cut_with_the_vocabulary(make_artifact: Callable[..., Path], tmp_path: Path) -> None:
    words = dict.fromkeys(("film", "the", "good", "never", "bad"), (1.0, -1.0))
    texts = ["the film the good film the bad film"]
    folder = make_artifact("unlike", words=words, training_texts=texts, max_surprisal=1.0)
    artifact = artifacts.read(folder)
    cut = used_vocabulary(artifact.tokenizer(), texts)
    examples = Examples(["the good film", "the bad film", "zebra"], np.array([1, 0, 0]))
    write_cut(artifact, cut, examples, tmp_path / "cut")
    before, after = load(folder), load(tmp_path / "cut")
    assert after.vocab_size == before.vocab_size - 1
    assert [item.out_of_distribution for item in after.predict([*examples.texts, "never"])] == [
        False,
        False,
        True,
        True,
    ]
    assert [item.out_of_distribution for item in before.predict([*examples.texts, "never"])] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.slow
def test_what_costs_too_much_is_not_kept(bert: tuple[Path, str], tmp_path: Path) -> None:
    run, source = bert
    untrained = TrainSettings(min_steps=0, num_epochs=1, learning_rate=1e-9, warmup_fraction=0)
    asked = PruneSettings(heads=0.5, neurons=0.9, vocabulary=False)
    asked = asked.model_copy(update={"max_drop": -101.0})  # which nothing can keep, however the tiny model answers
    wrong = PruningTask(run, source, asked, RepairSettings(), untrained, DataSettings())
    report = prune(wrong, tmp_path / "out")
    assert report.steps[0].verdict.startswith("no: ")
    assert " points lost, bound " in report.steps[0].verdict
    assert load(tmp_path / "out").artifact.manifest.training["model"].get("num_heads") == []


def test_a_head_that_does_nothing_matters_least(bert: tuple[Path, str]) -> None:
    run, source = bert
    artifact = artifacts.read(run)
    module = _load(artifact)
    parts = blocks(module.encoder.backbone, "tiny")
    with torch.no_grad():
        parts[1].joined.weight[:, : parts[1].head_dim] = 0  # what head 0 of layer 1 says is not heard
        parts[0].outer.weight[:, 5] = 0
    dataset = load_dataset(source)
    examples = encode_examples(dataset.train, load(run)._encoder)
    importance = measure_importance(module, parts, examples, dataset.labels)
    assert importance.heads[1][0] == 0 < importance.heads[1][1]
    assert importance.neurons[0].argmin() == 5
    assert choose_heads(importance, 0.25)[1].tolist() == [1]


def test_the_slope_of_a_gate_is_the_change_of_the_loss(bert: tuple[Path, str]) -> None:
    """Close a neuron a little, and compare with the slope that was measured, for a single text."""
    run, source = bert
    dataset = load_dataset(source)
    module = _load(artifacts.read(run))
    parts = blocks(module.encoder.backbone, "tiny")
    examples = encode_examples(dataset.train.take(np.array([3])), load(run)._encoder)
    batch = examples.batch(np.array([0]))

    def loss() -> float:
        return float(torch.nn.functional.cross_entropy(module(*batch.inputs), batch.targets))

    def loss_with(neuron: int, factor: float) -> float:
        weight = parts[0].outer.weight
        column = weight[:, neuron].clone()
        with torch.no_grad():
            weight[:, neuron] = column * factor
            changed = loss()
            weight[:, neuron] = column
        return changed

    neurons = range(parts[0].num_neurons)
    slopes = [abs(loss_with(neuron, 1.02) - loss_with(neuron, 0.98)) / 0.04 for neuron in neurons]
    found = measure_importance(module, parts, examples, dataset.labels).neurons[0]
    np.testing.assert_allclose(found, np.array(slopes) / np.linalg.norm(slopes), atol=0.03)


def test_what_stays_is_spread_over_layers_by_importance() -> None:
    importance = Importance([np.array([0.1, 0.9]), np.array([0.8, 0.7])], [np.linspace(0, 1, 64), np.full(64, 0.9)])
    assert [heads.tolist() for heads in choose_heads(importance, 0.25)] == [[1], [0, 1]]
    assert [len(neurons) for neurons in choose_neurons(importance, 0.4)] == [16, 64]
    assert choose_neurons(importance, 0.4)[0].tolist() == list(range(48, 64))
    assert [len(heads) for heads in choose_heads(importance, 0.99)] == [1, 1]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"vocabulary": False}, "nothing is to be cut; give --heads"),
        ({"heads": 0.5}, "of the family bow; heads and neurons are cut out of bert alone"),
    ],
)
def test_what_cannot_be_cut_is_said_in_one_sentence(
    bow: tuple[Path, str], tmp_path: Path, settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        prune(task(bow, **settings), tmp_path / "out")
    assert not (tmp_path / "out" / "artifact").exists()


@pytest.mark.slow
def test_weights_are_found_in_the_graph_where_there_is_no_checkpoint(bert: tuple[Path, str], tmp_path: Path) -> None:
    run, source = bert
    old = artifacts.read(run)
    alone = artifacts.write(tmp_path / "a" / "x", old.manifest, {n: (old.path / n).read_bytes() for n in old.files})
    theirs, found = _load(old).state_dict(), _load(alone).state_dict()
    assert list(found) == list(theirs)
    assert all(torch.equal(found[name], theirs[name]) for name in theirs)
    report = prune(task((alone.path, source), heads=0.5, vocabulary=False), tmp_path / "out")
    assert report.steps[0].verdict == "kept"


def test_heads_cannot_be_cut_where_the_vocabulary_was(bert: tuple[Path, str], tmp_path: Path) -> None:
    prune(task(bert), tmp_path / "small")
    with pytest.raises(SettingsError, match=r"the weights of .* cannot be trained on; give the run folder"):
        prune(task((tmp_path / "small", bert[1]), heads=0.5), tmp_path / "out")


def test_the_characters_of_a_linear_model_are_not_cut(trained_run, tmp_path: Path) -> None:
    linear = multi_class(trained_run, "linear")
    with pytest.raises(SettingsError, match="nothing to cut"):
        prune(task(linear), tmp_path / "out")
