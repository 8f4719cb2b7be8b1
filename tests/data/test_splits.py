"""Splits keep the mix of classes, never cut a group, and are the same for a seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textwright.data.splits import draw_folds, draw_splits, draw_subset, rarest_label
from textwright.errors import DataError


def alone(num: int) -> np.ndarray:
    return np.arange(num)


def test_each_part_has_the_mix_of_the_whole() -> None:
    strata = np.repeat([0, 1, 2], [1000, 500, 20])

    parts = draw_splits(strata, alone(1520), [0.1, 0.2], seed=0)

    assert [np.bincount(strata[parts == part]).tolist() for part in range(3)] == [
        [700, 350, 14],
        [100, 50, 2],
        [200, 100, 4],
    ]


def test_the_same_seed_gives_the_same_parts_and_another_gives_others() -> None:
    first, again, other = (draw_splits(np.zeros(100, int), alone(100), [0.3], seed) for seed in (1, 1, 2))

    assert (first == again).all()
    assert (first != other).any()


def test_few_examples_of_a_class_reach_every_part() -> None:
    parts = draw_splits(np.repeat([0, 1], [3, 8]), alone(11), [0.1, 0.1], seed=3)

    assert sorted(parts[:3].tolist()) == [0, 1, 2]
    assert np.bincount(parts[3:]).tolist() == [6, 1, 1]


def test_a_group_larger_than_a_part_is_trained_on() -> None:
    groups = np.array([0] * 50 + list(range(50, 100)))

    parts = draw_splits(np.zeros(100, int), groups, [0.1, 0.1], seed=0)

    assert set(parts[:50].tolist()) == {0}
    assert np.bincount(parts).tolist() == [80, 10, 10]


def test_a_class_with_too_few_groups_is_refused_or_left_to_training() -> None:
    strata, groups = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 3])

    with pytest.raises(DataError, match=r"classes \{1: 1\}"):
        draw_splits(strata, groups, [0.2, 0.2], 0, lambda lacking: DataError(f"classes {dict(lacking)}"))
    assert draw_splits(strata, groups, [0.2, 0.2], 0)[3:].tolist() == [0, 0]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 15)), min_size=1, max_size=60),
    st.tuples(st.floats(0.01, 0.49), st.floats(0.01, 0.49)),
    st.integers(0, 3),
)
def test_groups_stay_whole_and_every_class_with_enough_groups_is_everywhere(
    rows: list[tuple[int, int]], fractions: tuple[float, float], seed: int
) -> None:
    names = [group for _, group in rows]
    groups = np.array([names.index(group) for group in names])
    strata = np.array([label for label, _ in rows])

    parts = draw_splits(strata, groups, fractions, seed)

    assert all(len(set(parts[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    firsts = np.unique(groups)
    for label in set(strata.tolist()):
        own = firsts[strata[firsts] == label]
        if len(own) >= 3:
            assert set(parts[own].tolist()) == {0, 1, 2}


def test_the_rarest_label_of_an_example_decides() -> None:
    holds = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 0, 1], [0, 0, 0]], dtype=bool)

    assert rarest_label(holds).tolist() == [1, 0, 2, 2, 3]


@given(
    strata=st.lists(st.integers(0, 3), min_size=4, max_size=60),
    sizes=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=st.integers(0, 3),
)
@settings(max_examples=60)
def test_smaller_subsets_lie_in_larger_ones_and_hold_every_class(
    strata: list[int], sizes: tuple[float, float], seed: int
) -> None:
    small, large = sorted(round(share * len(strata)) for share in sizes)

    inner, outer = (draw_subset(np.array(strata), size, seed) for size in (small, large))

    assert set(inner.tolist()) <= set(outer.tolist())
    assert (np.diff(outer) > 0).all()
    assert len(outer) == large
    if large >= len(set(strata)):
        assert set(np.array(strata)[outer].tolist()) == set(strata)


def test_a_subset_has_the_mix_of_the_whole() -> None:
    strata = np.repeat([0, 1], [900, 100])
    drawn = draw_subset(strata, 100, seed=0)
    assert np.bincount(strata[drawn]).tolist() == pytest.approx([90, 10], abs=1)


def test_every_example_is_in_one_fold_with_its_group() -> None:
    strata = np.repeat([0, 1], [60, 40])
    groups = np.arange(100)
    groups[1::10] = groups[::10]

    folds = draw_folds(strata, groups, 5, seed=0)

    assert sorted(set(folds.tolist())) == [0, 1, 2, 3, 4]
    assert (folds[1::10] == folds[::10]).all()
    assert all(abs(np.bincount(strata[folds == fold]) - [12, 8]).max() <= 2 for fold in range(5))
