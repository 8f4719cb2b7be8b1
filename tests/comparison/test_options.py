"""What is typed becomes rows, or is refused with the cure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from textwright.comparison.options import resolve_options
from textwright.comparison.runs import plan_runs
from textwright.data.settings import DataSettings
from textwright.errors import NotFoundError, SettingsError
from textwright.models import FAMILIES

NO_FLAGS = DataSettings()


def names(**typed: object) -> list[str]:
    return [row.name for row in resolve_options("x.csv", NO_FLAGS, **typed).candidates]


def test_the_baselines_are_always_there() -> None:
    assert names(families="bow") == ["majority", "tf-idf", "bow"]
    assert names() == ["majority", "tf-idf", *FAMILIES]


def test_a_recipe_is_a_row_and_replaces_the_family_of_its_name(recipe: Callable[..., Path]) -> None:
    pairs, own = recipe("pairs", num_bigram_buckets=64), recipe("bow", embedding_dim=7)
    assert names(families="bow", recipes=[pairs]) == ["majority", "tf-idf", "bow", "pairs"]
    rows = resolve_options("x.csv", NO_FLAGS, families="bow", recipes=[own]).candidates
    assert [row.settings["model"]["embedding_dim"] for row in rows if not row.is_baseline] == [7]


def test_seeds_and_sizes_have_defaults_that_fit_folds() -> None:
    plain = resolve_options("x.csv", NO_FLAGS, families="bow")
    folded = resolve_options("x.csv", NO_FLAGS, families="bow", folds=10)
    assert (plain.num_seeds, plain.sizes) == (5, (100, 300, 1000, 3000))
    assert (folded.num_seeds, folded.sizes, folded.data.num_folds) == (1, (), 10)


def test_a_recipe_may_say_the_split_it_was_made_with_but_not_another(recipe: Callable[..., Path]) -> None:
    text = 'family = "bow"\nsplit_seed = {}\nseed = 7\n[model]\n'
    row = resolve_options("x.csv", NO_FLAGS, families="none", recipes=[recipe("same", text.format(0))]).candidates[-1]
    assert "seed" not in row.settings
    with pytest.raises(SettingsError, match=r"other\.toml: split_seed is 3, .* share one split"):
        resolve_options("x.csv", NO_FLAGS, families="none", recipes=[recipe("other", text.format(3))])


@pytest.mark.parametrize(
    ("typed", "error", "message"),
    [
        ({"families": "bwo"}, NotFoundError, "no family 'bwo'; did you mean 'bow'"),
        ({"families": "none"}, SettingsError, "nothing to compare"),
        ({"families": "bow", "sizes": "100,some"}, SettingsError, "--sizes has 'some'; give whole numbers"),
        ({"families": "bow", "sizes": "-3"}, SettingsError, "--sizes has '-3'"),
        ({"families": "bow", "seeds": 0}, SettingsError, "--seeds is 0; give 1 or more"),
        ({"families": "bow", "folds": 1}, SettingsError, "--folds is 1; give 2 or more"),
        ({"families": "none", "recipes": [Path("absent.toml")]}, NotFoundError, "no recipe file absent.toml"),
    ],
)
def test_bad_choices_are_said(typed: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        resolve_options("x.csv", NO_FLAGS, **typed)


def test_two_rows_of_one_name_are_refused(recipe: Callable[..., Path]) -> None:
    with pytest.raises(SettingsError, match="two rows are called 'small'"):
        resolve_options("x.csv", NO_FLAGS, families="none", recipes=[recipe(), recipe()])
    with pytest.raises(SettingsError, match="two rows are called 'tf-idf'"):
        resolve_options("x.csv", NO_FLAGS, families="none", recipes=[recipe("tf-idf")])


def test_folds_and_subsets_of_the_data_flags_are_the_comparisons_own() -> None:
    with pytest.raises(SettingsError, match="subset_size is decided by the comparison"):
        resolve_options("x.csv", DataSettings(subset_size=10), families="bow")


def test_runs_are_ordered_so_that_the_first_round_shows_every_row() -> None:
    rows = resolve_options("x.csv", NO_FLAGS, families="bow").candidates
    runs = plan_runs(rows, num_seeds=2, num_folds=None, sizes=[10, 20])
    assert [(run.candidate, run.seed, run.size) for run in runs[:4]] == [
        ("majority", 0, None),
        ("tf-idf", 0, None),
        ("bow", 0, None),
        ("bow", 1, None),
    ]
    assert len(runs) == len(set(runs)) == len({run.folder for run in runs}) == 4 + 2 * 2 * 3
