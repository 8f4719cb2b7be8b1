"""Texts to label next: uncertain, no two alike, never one that has a label."""

from __future__ import annotations

import numpy as np
import pytest

from textwright.core.labels import Task
from textwright.review.selection import choose_texts, uncertainty
from textwright.review.text_features import TextFeatures

TEXTS = ["a dull film", "a dull film", "the actor sings", "music for a king", "a dull film again", "rain on the road"]


@pytest.fixture(scope="module")
def features():
    return TextFeatures.of(TEXTS, 2)


def test_uncertainty_is_the_margin_of_the_two_best():
    probabilities = np.array([[0.5, 0.5, 0], [0.9, 0.1, 0], [0.4, 0.3, 0.3]], dtype=np.float32)
    assert uncertainty(probabilities, Task.SINGLE_LABEL) == pytest.approx([1, 0.2, 0.9])


def test_uncertainty_of_several_labels_is_that_of_the_least_certain():
    probabilities = np.array([[0.5, 0.99], [0.9, 0.99]], dtype=np.float32)
    assert uncertainty(probabilities, Task.MULTI_LABEL) == pytest.approx([1, 0.2])


def test_the_most_uncertain_comes_first_and_copies_come_last(features):
    unsure = np.array([1.0, 0.99, 0.5, 0.5, 0.98, 0.5])
    chosen = choose_texts(unsure, features, 4).tolist()
    assert chosen[0] == 0
    assert set(chosen) == {0, 2, 3, 5}


def test_texts_with_labels_are_not_chosen_nor_their_copies(features):
    unsure = np.array([1.0, 1.0, 0.5, 0.5, 0.98, 0.5])
    chosen = choose_texts(unsure, features, 3, known=np.array([0])).tolist()
    assert set(chosen) == {2, 3, 5}


@pytest.mark.parametrize("size", [0, 1, 100])
def test_sizes_beyond_what_is_there_are_met(features, size):
    chosen = choose_texts(np.ones(len(TEXTS)), features, size)
    assert len(chosen) == min(size, len(TEXTS)) == len(set(chosen.tolist()))
