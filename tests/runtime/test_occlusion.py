"""Leaving words out: each alone where the budget holds it, in stretches where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.word_spans import Located, Word
from textwright.runtime.explain_protocol import run
from textwright.runtime.occlusion import join_neighbors, occlude

CLS, SEP, NOT = 1, 2, 3


def model(ids):
    """Count words above 100, and turn the sign behind a NOT: no sum of words."""
    score, sign = 0.0, 1.0
    for token in ids:
        sign = -1.0 if token == NOT else sign
        score += sign * (token - 100) if token > 100 else 0.0
    return score


class Asked:
    """A model that remembers what it was asked."""

    def __init__(self):
        self.num_tokens = 0

    def __call__(self, probes):
        self.num_tokens += sum(map(len, probes))
        return np.array([[0.0, model(ids)] for ids in probes], dtype=np.float32)


def locate(words):
    ids, found = [CLS], []
    for place, word in enumerate(words):
        found.append(Word(place, place + 1, len(ids), len(ids) + len(word)))
        ids += word
    return Located([*ids, SEP], tuple(found))


def explain(words, max_tokens):
    located, asked = locate(words), Asked()
    logits = asked([located.ids])[0]
    asked.num_tokens = 0
    base, values = run(occlude(located, logits, lambda rows: np.asarray(rows)[:, 1], max_tokens), asked)
    assert base == 0.0
    return values, asked.num_tokens


def test_each_word_is_left_out_where_the_budget_holds_it():
    values, _ = explain([[50], [NOT], [103, 104], [102]], max_tokens=1000)
    assert values.tolist() == [0.0, -9 - 9, -7.0, -2.0]


def test_loud_words_stand_alone_and_silent_neighbors_share():
    words = [[50] for _ in range(40)]
    words[10], words[30] = [140], [120]
    values, num_tokens = explain(words, max_tokens=400)
    assert values[10] == pytest.approx(40, abs=0.1)
    assert values[30] == pytest.approx(20, abs=0.1)
    assert np.abs(np.delete(values, [10, 30])).max() < 0.1
    assert num_tokens < 400 + 2 * 42


def test_a_text_without_words_has_no_contributions():
    values, _ = explain([], max_tokens=10)
    assert values.shape == (0,)


@given(st.lists(st.floats(0, 10), max_size=40), st.integers(1, 12))
def test_stretches_hold_every_word_once_and_are_as_few_as_asked(weights, num_stretches):
    stretches = join_neighbors(np.array(weights), num_stretches)
    assert [index for stretch in stretches for index in stretch] == list(range(len(weights)))
    assert len(stretches) == min(len(weights), num_stretches)
