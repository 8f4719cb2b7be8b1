"""Flat encodings: they hold what lists would hold, and there is one padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.encodings import Encoded, Encodings, pad

lists_of_ids = st.lists(st.lists(st.integers(0, 99), max_size=7), max_size=6)


@given(lists_of_ids, st.data())
def test_they_hold_what_lists_would_hold(lists, data):
    flags = [len(ids) > 3 for ids in lists]
    encodings = Encodings.of(lists, flags)
    expected = [Encoded(ids, flag) for ids, flag in zip(lists, flags, strict=True)]
    assert list(encodings) == [encodings[position] for position in range(len(encodings))] == expected
    assert encodings.lengths.tolist() == [len(ids) for ids in lists]
    start = data.draw(st.integers(0, len(lists)))
    stop = data.draw(st.integers(start, len(lists)))
    assert list(encodings.between(start, stop)) == expected[start:stop]
    positions = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=9) if lists else st.just([]))
    assert list(encodings.take(np.array(positions, dtype=np.int64))) == [expected[i] for i in positions]


@given(st.lists(lists_of_ids, max_size=4))
def test_joining_puts_them_in_order(parts):
    joined = Encodings.join([Encodings.of(part) for part in parts])
    assert [item.ids for item in joined] == [ids for part in parts for ids in part]


@given(lists_of_ids, st.integers(1, 8))
def test_cutting_keeps_the_first_tokens_and_says_so(lists, max_length):
    found = Encodings.of(lists).cut(max_length)
    assert list(found) == [Encoded(ids[:max_length], truncated=len(ids) > max_length) for ids in lists]


def test_a_text_that_was_cut_before_stays_marked():
    assert Encodings.of([[1], [1, 2]], [True, False]).cut(1).truncated.tolist() == [True, True]


@pytest.mark.parametrize("position", [2, -3])
def test_a_position_beyond_the_texts_is_refused(position):
    encodings = Encodings.of([[1], [2, 3]])
    assert encodings[-1].ids == [2, 3]
    with pytest.raises(IndexError):
        encodings[position]


@given(lists_of_ids)
def test_padding_keeps_each_text_and_marks_the_rest(batch):
    input_ids, attention_mask = pad(batch, pad_id=7)
    assert input_ids.dtype == attention_mask.dtype == np.int64
    assert input_ids.shape == attention_mask.shape == (len(batch), max([1, *map(len, batch)]))
    for row, mask, ids in zip(input_ids.tolist(), attention_mask.tolist(), batch, strict=True):
        assert row == ids + [7] * (len(row) - len(ids))
        assert mask == [1] * len(ids) + [0] * (len(row) - len(ids))
    for found, expected in zip(pad(Encodings.of(batch), pad_id=7), (input_ids, attention_mask), strict=True):
        np.testing.assert_array_equal(found, expected)
