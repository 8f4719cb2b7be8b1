"""Recipes hold overrides only; the recipe with every setting is printed from the settings' fields."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from textwright import config
from textwright.cli.main import run
from textwright.config import read_toml
from textwright.family_catalog import find_entry
from textwright.models import FAMILIES, find_family
from textwright.models.bow import BowConfig
from textwright.models.write_catalog import entry_of
from textwright.training.full_recipe import full_recipe
from textwright.training.run import as_recipe, resolve_settings
from textwright.training.settings import TrainSettings

RECIPES = sorted(config.RECIPES.glob("*.toml"))


def resolved(content: dict[str, Any]) -> dict[str, Any]:
    """Give every setting that a recipe trains with, the family's own as ``model.NAME``."""
    training = TrainSettings.parse({key: content[key] for key in content if key != "model"}, source="a recipe")
    return flat(as_recipe(*resolve_settings(training, content.get("model", {}))))


def flat(content: dict[str, Any]) -> dict[str, Any]:
    own = {f"model.{name}": value for name, value in content.get("model", {}).items()}
    return {**{key: content[key] for key in content if key != "model"}, **own}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_parses_and_holds_overrides_only(path: Path) -> None:
    content = read_toml(path)
    every, defaults = resolved(content), resolved({"family": content["family"]})
    differing = {name: value for name, value in every.items() if value != defaults[name]}
    assert flat(content) == {"family": content["family"], **differing}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_a_recipe_that_is_its_defaults(name: str) -> None:
    assert read_toml(RECIPES[0].parent / f"{name}.toml") == {"family": name}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_full_recipe_trains_what_the_family_alone_trains(name: str) -> None:
    content = tomllib.loads(full_recipe(find_entry(name)))
    assert flat(content) == resolved(content) == resolved({"family": name})


@pytest.mark.parametrize("name", FAMILIES)
def test_each_setting_of_the_full_recipe_stands_beneath_its_meaning(name: str) -> None:
    text = " ".join(full_recipe(find_entry(name)).replace("\n# ", " ").split())
    for settings in (TrainSettings, find_family(name).config):
        for setting, field in settings.model_fields.items():
            assert f"{' '.join((field.description or '').split())} {setting} = " in text


def test_the_command_prints_the_full_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["families", "bow-glove", "--recipe", "--quiet"]) == 0
    assert capsys.readouterr().out == full_recipe(find_entry("bow-glove"))


def test_the_full_recipe_needs_a_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["families", "--recipe"]) == 3
    assert "needs the name of a family" in capsys.readouterr().err


class DeeperBow(BowConfig):
    """The bag of words with one setting more."""

    depth: int = 3
    """Number of layers."""


def test_a_new_setting_is_one_field() -> None:
    family = replace(find_family("bow"), config=DeeperBow)
    assert "\n# Number of layers.\ndepth = 3\n" in full_recipe(entry_of(family))
    assert entry_of(family).settings["depth"] == {"default": 3, "help": "Number of layers."}
    for path in RECIPES:
        content = read_toml(path)
        if content["family"] == "bow":
            assert family.config.parse(content.get("model", {}), source=path.name).depth == 3
