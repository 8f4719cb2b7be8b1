"""Every recipe can be given to the command line, and gives the settings that stand in it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from textwright import pipeline
from textwright.cli.main import run
from textwright.models import find_family

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


@pytest.fixture
def plans(monkeypatch):
    seen = []
    monkeypatch.setattr(pipeline, "build_artifact", lambda plan, *_, **__: seen.append(plan))
    return seen


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_on_the_command_line_is_the_file(recipe, plans, tmp_path):
    assert run(["train", "movie-reviews", "--config", str(recipe), "--out", str(tmp_path / "run")]) == 0
    (plan,) = plans
    content = tomllib.loads(recipe.read_text(encoding="utf-8"))
    family = find_family(plan.training.family)
    assert family.config.parse(plan.model, source="typed") == family.config.parse(content.pop("model"), source="file")
    assert plan.training.model_dump(mode="json", include=set(content)) == content


def test_a_flag_goes_before_a_list_in_the_recipe(plans, tmp_path):
    recipe = next(path for path in RECIPES if path.stem == "cnn-glove")
    arguments = ["--config", str(recipe), "--model.kernel-sizes", "2,3", "--out", str(tmp_path / "run")]
    assert run(["train", "movie-reviews", *arguments]) == 0
    assert plans[0].model["kernel_sizes"] == "2,3"
    assert plans[0].model["num_filters"] == "100"
