"""Which texts go together: the head always, its neighbors in length, within the budget and without dear padding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.runtime.batching import choose_batch


def choose(lengths, head, max_tokens=1_000_000, call_tokens=1e9):
    return list(choose_batch(lengths, head, max_tokens=max_tokens, call_tokens=call_tokens))


def test_all_go_together_when_a_call_costs_more_than_padding():
    assert choose([1, 5, 9, 200], 0) == [0, 1, 2, 3]


def test_only_equals_go_together_when_a_call_is_free():
    assert choose([3, 7, 7, 7, 9], 2, call_tokens=0) == [1, 2, 3]


def test_padding_costs_no_more_than_another_call():
    assert choose([10, 12, 40], 0, call_tokens=2) == [0, 1]
    assert choose([10, 12, 40], 0, call_tokens=1) == [0]


@pytest.mark.parametrize(("max_tokens", "expected"), [(40, [0, 1, 2, 3]), (39, [1, 2, 3]), (5, [3])])
def test_the_padded_tokens_of_a_batch_are_bounded(max_tokens, expected):
    assert choose([9, 10, 10, 10], 3, max_tokens=max_tokens) == expected


def test_empty_texts_have_a_width_of_one():
    assert choose([0, 0, 0, 0], 0, max_tokens=3) == [0, 1, 2]


@given(
    lengths=st.lists(st.integers(0, 50), min_size=1, max_size=40).map(sorted),
    data=st.data(),
    max_tokens=st.integers(1, 500),
    call_tokens=st.integers(0, 100),
)
def test_a_batch_holds_its_leader_and_keeps_its_bounds(lengths, data, max_tokens, call_tokens):
    head = data.draw(st.integers(0, len(lengths) - 1))
    chosen = choose(lengths, head, max_tokens, call_tokens)
    assert head in chosen
    if len(chosen) > 1:
        padded = len(chosen) * max(lengths[chosen[-1]], 1)
        assert padded <= max_tokens
        assert padded - sum(lengths[chosen[0] : chosen[-1] + 1]) <= call_tokens
