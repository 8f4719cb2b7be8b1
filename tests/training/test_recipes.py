"""Recipes hold every setting, and what they hold for their family is what it would do without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from textwright.config import read_toml
from textwright.models import FAMILIES, find_family
from textwright.training.run import as_recipe, resolve_settings
from textwright.training.settings import TrainSettings

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


def split(path: Path) -> tuple[dict, dict]:
    """Cut a recipe into the settings of training and those of the family."""
    content = read_toml(path)
    return content, content.pop("model")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_holds_every_setting(path: Path) -> None:
    training, model = split(path)
    assert list(training) == list(TrainSettings.model_fields)
    assert list(model) == list(find_family(training["family"]).config.model_fields)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_valid(path: Path) -> None:
    training, model = split(path)
    settings, family_settings = resolve_settings(TrainSettings.parse(training, source=path.name), model)
    assert as_recipe(settings, family_settings) == {**training, "model": model}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_a_recipe_that_is_its_defaults(name: str) -> None:
    training, model = split(RECIPES[0].parent / f"{name}.toml")
    settings, family_settings = resolve_settings(TrainSettings(family=name), {})
    assert {**training, "model": model} == as_recipe(settings, family_settings)


def test_the_bigram_recipe_differs_where_it_says_so() -> None:
    plain, pairs = (read_toml(RECIPES[0].parent / f"{name}.toml") for name in ("bow", "bow-bigram"))
    differing = {name for name in plain["model"] if plain["model"][name] != pairs["model"][name]}
    assert "num_bigram_buckets" in differing
    assert {name for name in plain if name != "model" and plain[name] != pairs[name]} == set()
