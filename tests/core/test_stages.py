"""Two stages in one batch: who is sure, who answers, and that order and ids survive any selection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.decision import Decision
from textwright.core.encodings import Encodings
from textwright.core.labels import Labels, Task
from textwright.core.stages import StagedEncodings, certainty, stages_of

ROWS = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 9), max_size=4), st.booleans()), max_size=8)


def staged(rows):
    """Make staged encodings of rows (settled, strong ids, truncated); the logits of row i are i + 1."""
    settled = np.array([row[0] for row in rows], dtype=np.bool_)
    open_rows = [row for row in rows if not row[0]]
    fast = Encodings.of([[0] * (place + 1) for place in range(len(rows))], [row[2] for row in rows])
    sent_on = Encodings.of([row[1] for row in open_rows], [not row[2] for row in open_rows])
    logits = np.arange(1, len(rows) + 1, dtype=np.float32)[:, None].repeat(2, axis=1)
    return StagedEncodings.merged(fast, sent_on, settled, logits)


def told(encodings):
    columns = encodings.settled, encodings.logits[:, 0], encodings.fast_lengths, encodings.truncated
    return list(zip([item.ids for item in encodings], *(column.tolist() for column in columns), strict=True))


def expected(rows):
    return [
        ([] if settled else ids, settled, place + 1.0 if settled else 0.0, place + 1, cut if settled else not cut)
        for place, (settled, ids, cut) in enumerate(rows)
    ]


@given(ROWS)
def test_each_text_keeps_what_its_stage_read(rows):
    encodings = staged(rows)
    assert told(encodings) == expected(rows)
    assert [item.ids for item in encodings.sent_on()] == [row[1] for row in rows if not row[0]]
    assert encodings.text_lengths.tolist() == list(range(1, len(rows) + 1))


@given(ROWS.filter(bool), st.data())
def test_a_selection_is_that_of_the_rows(rows, data):
    encodings, whole = staged(rows), expected(rows)
    positions = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(rows)), st.integers(0, len(rows)))))
    assert told(encodings.take(np.array(positions, dtype=np.int64))) == [whole[place] for place in positions]
    between = encodings.between(start, stop)
    assert told(between) == whole[start:stop]
    assert [item.ids for item in between.sent_on()] == [row[1] for row in rows[start:stop] if not row[0]]


def test_the_stages_are_named_only_where_there_are_two():
    encodings = staged([(True, [], False), (False, [3], False)])
    assert stages_of(encodings, has_fast_stage=True) == ["fast", "strong"]
    assert stages_of(encodings.sent_on(), has_fast_stage=True) == ["strong"]
    assert stages_of(Encodings.of([[1]]), has_fast_stage=False) == [None]


def test_certainty_is_the_highest_probability_of_one_label():
    rows = np.array([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]], dtype=np.float32)
    assert certainty(rows, Decision(Labels(("a", "b", "c")))).tolist() == pytest.approx([0.5, 0.9])


def test_certainty_is_that_of_the_label_that_a_threshold_decides_for():
    rows = np.array([[0.7, 0.3], [0.8, 0.2]], dtype=np.float32)
    decision = Decision(Labels(("no", "yes")), thresholds={"yes": 0.25})
    assert certainty(rows, decision).tolist() == pytest.approx([0.3, 0.8])


def test_certainty_is_that_of_the_least_certain_yes_or_no_of_many():
    labels = Labels(("a", "b", "c"), Task.MULTI_LABEL)
    rows = np.array([[0.99, 0.02, 0.3], [0.6, 0.01, 0.01]], dtype=np.float32)
    assert certainty(rows, Decision(labels)).tolist() == pytest.approx([0.7, 0.6])
    assert certainty(rows, Decision(labels, 0.25)).tolist() == pytest.approx([0.3, 0.6])
    assert certainty(rows, Decision(labels, thresholds={"c": 0.1})).tolist() == pytest.approx([0.3, 0.6])
