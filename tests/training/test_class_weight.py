"""Class weights are scikit-learn's, sum up over parts of a batch, and raise the recall of a rare label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from textwright.core.labels import Task
from textwright.data.dataset import Dataset, Examples
from textwright.errors import SettingsError
from textwright.training.batches import encode_examples
from textwright.training.class_weight import class_weights
from textwright.training.distillation import DistillationTargets
from textwright.training.objective import make_objective, validation_score
from textwright.training.run import TrainedModel, train
from textwright.training.settings import ClassWeight, TrainSettings

TARGETS = np.array([0] * 90 + [1] * 9 + [3])
SETTINGS = TrainSettings(
    family="bow", num_epochs=12, min_steps=0, batch_size=8, learning_rate=0.015, adam_epsilon=1e-8, device="cpu"
)


def test_weights_of_one_label_are_sklearns() -> None:
    weights = class_weights(ClassWeight.BALANCED, TARGETS, 4)
    assert weights is not None
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=TARGETS) * 3 / 4
    assert weights[[0, 1, 3]].tolist() == pytest.approx(expected.tolist())
    assert weights[2] == 1.0  # has no example
    assert class_weights(ClassWeight.NONE, TARGETS, 4) is None


def test_weights_of_many_labels_outweigh_what_does_not_hold() -> None:
    targets = np.array([[True, True, False], [False, True, False], [False, True, False], [False, True, False]])
    weights = class_weights(ClassWeight.BALANCED, targets, 3)
    assert weights is not None
    assert weights.tolist() == [3.0, 1.0, 1.0]


def test_the_weighted_loss_is_sklearns_and_parts_of_a_batch_add_up() -> None:
    logits, targets = torch.randn(100, 4, generator=torch.Generator().manual_seed(0)), torch.from_numpy(TARGETS)
    weights = class_weights(ClassWeight.BALANCED, TARGETS, 4)
    assert weights is not None
    objective = make_objective(Task.SINGLE_LABEL, class_weights=weights)
    by_example = weights[targets].numpy()
    probabilities = logits.double().softmax(dim=1).numpy()
    expected = log_loss(TARGETS, probabilities, labels=range(4), sample_weight=by_example) * by_example.mean()
    assert objective(logits, targets).item() == pytest.approx(expected, rel=1e-5)
    assert -validation_score(logits, targets, Task.SINGLE_LABEL, weights).negative_loss == pytest.approx(
        expected, rel=1e-5
    )
    right = logits.argmax(dim=1).numpy() == TARGETS
    accuracy = validation_score(logits, targets, Task.SINGLE_LABEL, weights).accuracy
    assert accuracy == pytest.approx(np.average(right, weights=by_example))
    parts = [objective(logits[rows], targets[rows]).item() * len(rows) / 100 for rows in (range(30), range(30, 100))]
    assert sum(parts) == pytest.approx(expected, rel=1e-5)


def test_what_holds_counts_more_among_many_labels() -> None:
    logits, holds = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    weighted = make_objective(Task.MULTI_LABEL, class_weights=torch.tensor([3.0, 3.0]))(logits, holds)
    assert weighted.item() == pytest.approx((3 + 1) / 2 * np.log(2))


def test_focal_loss_is_refused_where_no_gradient_is_followed(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"focal_gamma is 2\.0, but linear is solved for"):
        train(dataset, TrainSettings(family="linear", focal_gamma=2.0), {}, run_dir=tmp_path)


@pytest.fixture
def imbalanced(dataset: Dataset) -> Dataset:
    """Of the training texts with a good word every tenth is left."""
    rows = np.concatenate([np.flatnonzero(dataset.train.targets == 0), np.flatnonzero(dataset.train.targets)[::10]])
    return replace(dataset, train=dataset.train.take(rows))


def recall_of_rare(model: TrainedModel, examples: Examples) -> float:
    encoded = encode_examples(examples, model.tokenizer)
    chosen = model.module(*encoded.batch(np.arange(len(examples))).inputs).argmax(dim=1).numpy()
    return float((chosen[examples.targets == 1] == 1).mean())


def test_balanced_training_finds_more_of_a_rare_label_and_says_its_weights(imbalanced: Dataset, tmp_path: Path) -> None:
    plain = train(imbalanced, SETTINGS, {}, run_dir=tmp_path / "plain")
    settings = SETTINGS.model_copy(update={"class_weight": ClassWeight.BALANCED})
    balanced = train(imbalanced, settings, {}, run_dir=tmp_path / "balanced")
    recalls = [recall_of_rare(model, imbalanced.test) for model in (plain, balanced)]
    assert recalls[1] > recalls[0] + 0.1
    counts = np.bincount(imbalanced.train.targets)
    assert balanced.summary["class_weights"] == pytest.approx(
        {"negative": counts.sum() / 2 / counts[0], "positive": counts.sum() / 2 / counts[1]}
    )
    assert "class_weights" not in plain.summary
    with pytest.raises(SettingsError, match="class_weight was 'none', is 'balanced'"):
        train(imbalanced, settings, {}, run_dir=tmp_path / "plain")


def test_a_teachers_answers_are_not_weighted(dataset: Dataset, tmp_path: Path) -> None:
    soft = np.full((len(dataset.train), 2), 0.5, dtype=np.float32)
    distillation = DistillationTargets(dataset.train.texts, soft, soft, 1.0, 0.5, dataset.train.texts)
    settings = SETTINGS.model_copy(update={"class_weight": ClassWeight.BALANCED})
    with pytest.raises(SettingsError, match="class_weight is 'balanced', but a student learns"):
        train(dataset, settings, {}, run_dir=tmp_path, distillation=distillation)
