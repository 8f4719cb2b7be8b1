"""Labels: distinct, ordered the same for the same set, and enough of them for the task."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.labels import Labels, Task
from textwright.errors import DataError


@given(st.sets(st.text(min_size=1), min_size=2))
def test_the_same_set_gives_the_same_columns(names):
    ordered = Labels.sorted_from(sorted(names, reverse=True), Task.SINGLE_LABEL)
    assert ordered == Labels.sorted_from(names, Task.SINGLE_LABEL)
    assert set(ordered.names) == names
    assert [ordered.names[index] for index in ordered.index.values()] == list(ordered.index)


def test_numeric_names_are_ordered_as_numbers():
    assert Labels.sorted_from({"10", "2", "-1"}, Task.SINGLE_LABEL).names == ("-1", "2", "10")


def test_one_label_is_enough_only_for_a_multi_label_task():
    assert len(Labels(("spam",), Task.MULTI_LABEL)) == 1
    with pytest.raises(DataError, match="at least 2 labels"):
        Labels(("spam",))


@pytest.mark.parametrize(("names", "reason"), [(("a", "a"), "named twice"), (("a", ""), "empty")])
def test_repeated_and_empty_names_are_refused(names, reason):
    with pytest.raises(DataError, match=reason):
        Labels(names)
