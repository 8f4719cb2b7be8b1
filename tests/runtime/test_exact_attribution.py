"""What a graph adds is found in its answers alone: words, words and pairs, or nothing of the kind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from textwright.runtime.exact_attribution import Form, contribute, find_form
from textwright.runtime.explain_protocol import run, together

VOCAB_SIZE, NUM_LABELS = 40, 3
RANDOM = np.random.default_rng(1)
BIAS = RANDOM.normal(size=NUM_LABELS)
WORDS = RANDOM.normal(size=(VOCAB_SIZE, NUM_LABELS))
PAIRS = RANDOM.normal(size=(VOCAB_SIZE, VOCAB_SIZE, NUM_LABELS))
HIDDEN = RANDOM.normal(size=(NUM_LABELS, NUM_LABELS))


def add_words(ids):
    return BIAS + (WORDS[ids].mean(axis=0) if ids else 0)


def add_pairs(ids):
    parts = [*WORDS[ids], *(PAIRS[pair] for pair in itertools.pairwise(ids))]
    return BIAS + (np.mean(parts, axis=0) if parts else 0)


def sum_words(ids):
    return BIAS + WORDS[ids].sum(axis=0)


def hide(ids):
    return np.maximum(add_words(ids), 0) @ HIDDEN


def infer(model):
    return lambda probes: np.array([model(list(ids)) for ids in probes], dtype=np.float32)


@pytest.mark.parametrize(
    ("model", "form"), [(add_words, Form.WORDS), (add_pairs, Form.PAIRS), (sum_words, None), (hide, None)]
)
def test_the_form_is_found_and_nothing_else_is_taken_for_one(model, form):
    assert run(find_form(VOCAB_SIZE), infer(model)) is form


@pytest.mark.parametrize(("model", "form"), [(add_words, Form.WORDS), (add_pairs, Form.PAIRS)])
@pytest.mark.parametrize("ids", [[], [7], [3, 3], [1, 2, 3, 4, 5, 1]])
def test_the_parts_sum_to_the_logits(model, form, ids):
    nothing, shares = run(contribute(ids, form), infer(model))
    assert shares.shape == (len(ids), NUM_LABELS)
    np.testing.assert_allclose(nothing + shares.sum(axis=0), model(ids), atol=1e-5)


def test_a_pair_is_shared_by_its_two_words():
    _, shares = run(contribute([1, 2], Form.PAIRS), infer(add_pairs))
    np.testing.assert_allclose(shares[0], (WORDS[1] + PAIRS[1, 2] / 2) / 3, atol=1e-6)


def test_texts_that_are_explained_together_get_their_own_answers_in_the_same_calls():
    calls = []

    def counted(probes):
        calls.append(len(probes))
        return infer(add_words)(probes)

    both = run(
        together([contribute([1, 2], Form.WORDS), contribute([], Form.WORDS), contribute([5], Form.WORDS)]), counted
    )
    assert calls == [3 + 1 + 2]
    np.testing.assert_allclose(both[0][1].sum(axis=0), WORDS[[1, 2]].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(both[2][1][0], WORDS[5], atol=1e-6)
