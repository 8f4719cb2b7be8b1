from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from textwright.core.labels import Task
from textwright.training.objective import ValidationScore, consistency, make_objective, validation_score

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, -3.0]])


def test_a_single_label_is_judged_by_cross_entropy() -> None:
    targets = torch.tensor([0, 2])
    expected = -LOGITS.softmax(dim=1).log()[[0, 1], targets].mean()
    assert make_objective(Task.SINGLE_LABEL)(LOGITS, targets).item() == pytest.approx(expected.item())


def test_each_of_many_labels_is_judged_by_itself() -> None:
    targets = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    right = torch.where(targets > 0.5, LOGITS.sigmoid(), 1 - LOGITS.sigmoid())
    found = make_objective(Task.MULTI_LABEL)(LOGITS, targets).item()
    assert found == pytest.approx(-right.log().mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("task", "targets", "sure"),
    [
        (Task.SINGLE_LABEL, torch.tensor([0]), torch.tensor([[50.0, -50.0]])),
        (Task.MULTI_LABEL, torch.tensor([[1.0, 0.0]]), torch.tensor([[50.0, -50.0]])),
    ],
)
def test_label_smoothing_charges_certainty(task: Task, targets: torch.Tensor, sure: torch.Tensor) -> None:
    assert make_objective(task)(sure, targets).item() < 1e-6
    assert make_objective(task, label_smoothing=0.1)(sure, targets).item() > 1


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_loss_multiplies_each_loss_by_what_its_probability_lacks(smoothing: float) -> None:
    targets = torch.tensor([0, 2])
    lacking = 1 - LOGITS.softmax(dim=1)[[0, 1], targets]
    losses = functional.cross_entropy(LOGITS, targets, label_smoothing=smoothing, reduction="none")
    objective = make_objective(Task.SINGLE_LABEL, focal_gamma=2.0, label_smoothing=smoothing)
    assert objective(LOGITS, targets).item() == pytest.approx((losses * lacking**2).mean().item(), rel=1e-5)
    one_hot = functional.one_hot(targets, 3).float()  # as beside a teacher's probabilities
    assert objective(LOGITS, one_hot).item() == pytest.approx(objective(LOGITS, targets).item(), rel=1e-5)


def test_focal_loss_of_many_labels_is_per_label_and_weighted() -> None:
    targets, weights = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]), torch.tensor([2.0, 1.0, 4.0])
    right = torch.where(targets > 0.5, LOGITS.sigmoid(), 1 - LOGITS.sigmoid())
    expected = (-right.log() * (1 - right) ** 2 * torch.where(targets > 0.5, weights, 1.0)).mean()
    objective = make_objective(Task.MULTI_LABEL, focal_gamma=2.0, class_weights=weights)
    assert objective(LOGITS, targets).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("task", list(Task))
def test_focal_loss_has_a_gradient_where_nothing_is_left_to_learn(task: Task) -> None:
    logits = torch.tensor([[80.0, -80.0]], requires_grad=True)
    targets = torch.tensor([0]) if task is Task.SINGLE_LABEL else torch.tensor([[1.0, 0.0]])
    make_objective(task, focal_gamma=0.5)(logits, targets).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("task", list(Task))
def test_passes_that_agree_cost_nothing_and_others_the_mean_of_both_divergences(task: Task) -> None:
    first, second = LOGITS, LOGITS.flip(0)
    assert consistency(first, first, task).item() == 0
    if task is Task.SINGLE_LABEL:
        p, q = first.softmax(dim=1), second.softmax(dim=1)
    else:
        p, q = (torch.stack([x.sigmoid(), 1 - x.sigmoid()], dim=-1) for x in (first, second))
    both = (p * (p / q).log()).sum(-1).mean() + (q * (q / p).log()).sum(-1).mean()
    assert consistency(first, second, task).item() == pytest.approx(both.item() / 2, rel=1e-5)


def test_r_drop_adds_its_weight_times_the_divergence_of_the_two_halves() -> None:
    targets = torch.tensor([0, 1])
    plain = make_objective(Task.SINGLE_LABEL)
    logits, twice = torch.cat([LOGITS, LOGITS * 2]), torch.cat([targets, targets])
    found = make_objective(Task.SINGLE_LABEL, r_drop=3.0)(logits, twice)
    expected = plain(logits, twice) + 3 * consistency(LOGITS, LOGITS * 2, Task.SINGLE_LABEL)
    assert found.item() == pytest.approx(expected.item())


def test_a_single_label_is_right_when_it_is_the_highest() -> None:
    score = validation_score(LOGITS, torch.tensor([0, 2]), Task.SINGLE_LABEL)
    assert score.accuracy == 0.5
    assert score.negative_loss == pytest.approx(-make_objective(Task.SINGLE_LABEL)(LOGITS, torch.tensor([0, 2])).item())


def test_many_labels_are_right_when_all_of_them_are() -> None:
    targets = torch.tensor([[True, False, True], [True, True, True]])
    assert validation_score(LOGITS, targets, Task.MULTI_LABEL).accuracy == 0.5


def test_accuracy_decides_first_and_loss_breaks_ties() -> None:
    assert ValidationScore(0.8, -1.0) > ValidationScore(0.7, -0.1)
    assert ValidationScore(0.8, -0.1) > ValidationScore(0.8, -1.0)


def test_a_validation_score_names_what_it_counts():
    logits, weights = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([1.0, 3.0])
    targets = torch.tensor([0, 0, 1, 1])
    plain = validation_score(logits, targets, Task.SINGLE_LABEL)
    weighted = validation_score(logits, targets, Task.SINGLE_LABEL, weights)
    several = validation_score(logits - 0.5, torch.eye(2)[targets], Task.MULTI_LABEL)
    assert (plain.accuracy, plain.metric) == (0.75, "accuracy")
    assert (weighted.accuracy, weighted.metric) == (5 / 8, "weighted accuracy")
    assert (several.accuracy, several.metric) == (0.75, "exact match")


def test_a_logit_that_is_not_finite_gives_such_a_loss() -> None:
    logits = torch.tensor([[math.nan, 0.0]])
    assert math.isnan(validation_score(logits, torch.tensor([0]), Task.SINGLE_LABEL).negative_loss)
