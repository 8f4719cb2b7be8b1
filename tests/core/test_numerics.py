"""softmax and sigmoid: correct where the field's servers overflowed, refused where a model is broken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from textwright.core.labels import Task
from textwright.core.numerics import activate, sigmoid, softmax
from textwright.errors import BackendError, SettingsError

finite = st.floats(-(2.0**100), 2.0**100, width=32)
rows = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=finite)


@given(rows)
def test_softmax_rows_are_distributions_for_any_finite_logits(logits):
    probabilities = softmax(logits)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    winners = logits.argmax(axis=1)  # logits closer than float32 can tell may tie in probability
    assert (probabilities[np.arange(len(logits)), winners] == probabilities.max(axis=1)).all()


@given(rows)
def test_sigmoid_is_finite_and_monotone_for_any_finite_logits(logits):
    probabilities = sigmoid(logits)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    order = np.argsort(logits, axis=None)
    assert (np.diff(probabilities.ravel()[order]) >= 0).all()


def test_softmax_of_a_large_negative_logit_does_not_overflow():
    # Subtracting the largest magnitude, as a well-known server does, gives [0, nan] here.
    np.testing.assert_allclose(softmax(np.array([[-100.0, 5.0]], dtype=np.float32)), [[0.0, 1.0]], atol=1e-6)


def test_softmax_and_sigmoid_equal_their_definitions():
    logits = np.array([[0.5, -1.0, 2.0]], dtype=np.float32)
    exponents = np.exp(logits.astype(np.float64))
    np.testing.assert_allclose(softmax(logits), exponents / exponents.sum(), rtol=1e-6)
    np.testing.assert_allclose(sigmoid(logits), 1 / (1 + 1 / exponents), rtol=1e-6)


def test_a_higher_temperature_is_less_certain():
    logits = np.array([[2.0, 0.0]], dtype=np.float32)
    assert softmax(logits, temperature=2.0).max() < softmax(logits).max()
    assert sigmoid(logits, temperature=2.0)[0, 0] < sigmoid(logits)[0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("task", list(Task))
def test_a_logit_that_is_not_finite_names_its_row(bad, task):
    logits = np.array([[0.0, 1.0], [bad, 0.0]], dtype=np.float32)
    with pytest.raises(BackendError, match="text 1 of the batch"):
        activate(logits, task)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_out_of_bounds_is_refused(temperature):
    with pytest.raises(SettingsError, match="above 0"):
        softmax(np.zeros((1, 2), dtype=np.float32), temperature=temperature)


def test_multi_label_probabilities_do_not_sum_to_one():
    logits = np.array([[3.0, 3.0, -3.0]], dtype=np.float32)
    assert activate(logits, Task.MULTI_LABEL).sum() > 1.5
    assert activate(logits, Task.SINGLE_LABEL).sum() == pytest.approx(1.0)
