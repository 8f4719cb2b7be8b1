"""Every recipe, and the printed one of every family, can be given to the command line; it gives the settings in it."""

from __future__ import annotations

import tomllib

import pytest

from textwright import config, pipeline
from textwright.cli.main import run
from textwright.family_catalog import find_entry
from textwright.models import FAMILIES, find_family
from textwright.training.full_recipe import full_recipe

RECIPES = {path.stem: path.read_text() for path in sorted(config.RECIPES.glob("*.toml"))}
FULL = {f"full {name}": full_recipe(find_entry(name)) for name in FAMILIES}


@pytest.fixture
def plans(monkeypatch):
    seen = []
    monkeypatch.setattr(pipeline, "build_artifact", lambda plan, *_, **__: seen.append(plan))
    return seen


@pytest.fixture
def train(plans, tmp_path):
    """Return a function that gives a recipe and flags to ``textwright train``; it returns the plan."""

    def plan_of(recipe, *flags):
        path = tmp_path / "recipe.toml"
        path.write_text(recipe)
        assert run(["train", "movie-reviews", "--config", str(path), *flags, "--out", str(tmp_path / "run")]) == 0
        return plans.pop()

    return plan_of


@pytest.mark.parametrize("name", [*RECIPES, *FULL])
def test_a_recipe_on_the_command_line_is_the_file(train, name):
    recipe = {**RECIPES, **FULL}[name]
    content = tomllib.loads(recipe)
    plan = train(recipe)
    family = find_family(plan.training.family)
    assert family.config.parse(plan.model, source="typed") == family.config.parse(
        content.pop("model", {}), source="file"
    )
    assert plan.training.model_dump(mode="json", include=set(content)) == content


@pytest.mark.parametrize("typed", ["bow-nb", "bow-nb.toml", "recipes/bow-nb.toml"])
def test_a_recipe_of_the_package_is_taken_by_its_name(plans, tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)  # no checkout of the repository is near
    assert run(["train", "movie-reviews", "--config", typed, "--out", "run"]) == 0
    assert plans.pop().model["naive_bayes"] == "True"


def test_a_file_goes_before_a_recipe_of_the_package(plans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bow-nb.toml").write_text('family = "linear"')
    assert run(["train", "movie-reviews", "--config", "bow-nb.toml", "--out", "run"]) == 0
    assert plans.pop().training.family == "linear"


def test_a_recipe_that_is_nowhere_names_those_of_the_package(capsys, tmp_path):
    elsewhere = str(tmp_path / "bow-nb.toml")
    assert run(["train", "movie-reviews", "--config", elsewhere, "--out", "run"]) != 0
    message = " ".join(capsys.readouterr().err.split())
    assert f"no recipe file {elsewhere}" in message
    assert all(name in message for name in RECIPES)


def test_a_flag_goes_before_a_list_in_the_recipe(train):
    plan = train(FULL["full cnn-glove"], "--model.kernel-sizes", "2,3")
    assert plan.model["kernel_sizes"] == "2,3"
    assert plan.model["num_filters"] == "100"
