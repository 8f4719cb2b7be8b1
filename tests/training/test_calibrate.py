from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from textwright.core.labels import Task
from textwright.core.numerics import activate
from textwright.training.calibrate import fit_temperature


def log_loss(logits, targets, task: Task, temperature: float) -> float:
    probabilities = activate(logits, task, temperature=temperature).astype(np.float64).clip(1e-12, 1)
    if task is Task.SINGLE_LABEL:
        return float(-np.log(probabilities[np.arange(len(targets)), targets]).mean())
    return float(-np.log(np.where(targets, probabilities, 1 - probabilities).clip(1e-12)).mean())


def smoothed_log_loss(logits, targets, task: Task, temperature: float) -> float:
    """Average the loss over all labels that a text might have had, each by its smoothed target."""
    if task is Task.MULTI_LABEL:
        share = 1 / (targets.size + 2)
        right, wrong = (log_loss(logits, given, task, temperature) for given in (targets, ~targets))
        return (1 - share) * right + share * wrong
    num_examples, num_labels = logits.shape
    share = 1 / (num_examples + 2)
    others = [log_loss(logits, (targets + step) % num_labels, task, temperature) for step in range(1, num_labels)]
    return (1 - share) * log_loss(logits, targets, task, temperature) + share * float(np.mean(others))


def draw(task: Task, sharpness: float, seed: int = 0, num_examples: int = 4000):
    """Logits whose right temperature is ``sharpness``: labels drawn from the probabilities, logits then multiplied."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(0, 2, (num_examples, 3)).astype(np.float32)
    probabilities = activate(honest, task)
    if task is Task.MULTI_LABEL:
        targets = generator.random(probabilities.shape) < probabilities
    else:
        targets = (generator.random((num_examples, 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return honest * np.float32(sharpness), targets


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_sharpened_logits(task: Task, sharpness: float) -> None:
    assert fit_temperature(*draw(task, sharpness), task) == pytest.approx(sharpness, rel=0.1)


@pytest.mark.parametrize("task", Task)
def test_the_temperature_is_the_one_an_optimizer_of_scipy_finds(task: Task) -> None:
    logits, targets = draw(task, 2.5, seed=1, num_examples=300)
    best = minimize_scalar(lambda it: smoothed_log_loss(logits, targets, task, it), bounds=(0.05, 20), method="bounded")
    assert fit_temperature(logits, targets, task) == pytest.approx(best.x, rel=1e-3)


@pytest.mark.parametrize("task", Task)
def test_smoothing_changes_nothing_where_texts_are_many(task: Task) -> None:
    logits, targets = draw(task, 2.5, seed=1)
    best = minimize_scalar(lambda it: log_loss(logits, targets, task, it), bounds=(0.05, 20), method="bounded")
    assert fit_temperature(logits, targets, task) == pytest.approx(best.x, rel=5e-3)


@pytest.mark.parametrize("task", Task)
@given(seed=st.integers(0, 1000), sharpness=st.floats(0.01, 100), size=st.integers(0, 20))
@settings(max_examples=40)
def test_the_temperature_is_bounded_and_never_worse_than_none(task: Task, seed: int, sharpness: float, size: int):
    logits, targets = draw(task, sharpness, seed, size)
    temperature = fit_temperature(logits, targets, task)
    assert 0.05 * (1 - 1e-9) <= temperature <= 20 * (1 + 1e-9)
    if size:
        smoothed = [smoothed_log_loss(logits, targets, task, divisor) for divisor in (temperature, 1.0)]
        assert smoothed[0] <= smoothed[1] + 1e-6


@pytest.mark.parametrize("num_examples", [10, 30, 300])
@pytest.mark.parametrize("num_labels", [2, 5])
@pytest.mark.parametrize("size", [1.0, 20.0])
def test_texts_that_are_all_right_are_as_probable_as_so_many_can_show(
    num_examples: int, num_labels: int, size: float
) -> None:
    targets = np.arange(num_examples) % num_labels
    logits = (size * np.eye(num_labels)[targets]).astype(np.float32)
    temperature = fit_temperature(logits, targets, Task.SINGLE_LABEL)
    mean = activate(logits, Task.SINGLE_LABEL, temperature=temperature)[np.arange(num_examples), targets].mean()
    assert mean == pytest.approx((num_examples + 1) / (num_examples + 2), abs=1e-4)


def test_decisions_that_are_all_right_are_as_probable_as_so_many_can_show() -> None:
    targets = np.arange(60).reshape(20, 3) % 2 == 0
    logits = np.where(targets, 9.0, -9.0).astype(np.float32)
    temperature = fit_temperature(logits, targets, Task.MULTI_LABEL)
    mean = activate(logits, Task.MULTI_LABEL, temperature=temperature)[targets].mean()
    assert mean == pytest.approx(61 / 62, abs=1e-4)


def test_logits_without_information_keep_a_temperature_of_one() -> None:
    logits = np.zeros((10, 2), dtype=np.float32)
    assert fit_temperature(logits, np.arange(10) % 2, Task.SINGLE_LABEL) == 1.0
