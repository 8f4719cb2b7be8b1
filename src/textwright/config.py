"""Settings: each is defined once, as a field with its meaning and its bounds.

A value is taken from the first that has it: flag > environment > recipe (TOML) > the family's default > the field's
default. The first three are read by ``cli``; the last two are joined here. Callers: ``train``, ``server``, ``models``,
``cli``. Imports pydantic; reads nothing from the environment by itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from textwright.errors import NotFoundError, SettingsError


class Settings(BaseModel):
    """Base of every group of settings: immutable, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, source: str) -> Self:
        """Validate raw values, saying in words what is wrong and where it came from.

        Args:
            values: Setting name -> raw value; strings are converted.
            source: Where the values come from, for the message ("recipe bow.toml, [model]").

        Returns:
            The settings; absent names have their defaults.

        Raises:
            SettingsError: Names each wrong setting, its value and its bound.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SettingsError(f"{source}: {explain(error)}; known are {', '.join(cls.model_fields)}") from error

    def over(self, defaults: Mapping[str, Any]) -> Self:
        """Put other defaults beneath what was set explicitly.

        Args:
            defaults: Setting name -> value, for example those of a model family.

        Returns:
            Settings in which explicitly set names keep their value.
        """
        explicit = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate({**defaults, **explicit})


def split_commas(value: object) -> object:
    """Read a list as it is typed: "1,3,5", or nothing at all; other values stay as they are."""
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


def path_as_text(value: object) -> object:
    """Take a path where an address is wanted, which may be one of S3 as well; other values stay as they are."""
    return str(value) if isinstance(value, Path) else value


def explain(error: ValidationError) -> str:
    """Say a validation error in one clause per wrong setting.

    Args:
        error: What pydantic found.

    Returns:
        "name: what is wrong (got value)", joined by "; ".
    """
    parts = []
    for item in error.errors(include_url=False):
        name = ".".join(str(part) for part in item["loc"]) or error.title
        reason = "no such setting" if item["type"] == "extra_forbidden" else item["msg"][0].lower() + item["msg"][1:]
        parts.append(f"{name}: {reason} (got {item['input']!r})")
    return "; ".join(parts)


RECIPES: Final = Path(__file__).parent / "recipes"
"""Recipes that come with the package."""


def find_recipe(name: Path) -> Path:
    """Find a recipe: a file, or one that comes with the package.

    Args:
        name: A file; where there is none, the name of a recipe of the package: "bow-nb", "bow-nb.toml" or
            "recipes/bow-nb.toml".

    Returns:
        A file.

    Raises:
        NotFoundError: If it is neither; lists the recipes of the package.
    """
    packaged = RECIPES / f"{name.name.removesuffix('.toml')}.toml"
    if name.is_file():
        return name
    if name.parent in (Path(), Path(RECIPES.name)) and packaged.is_file():
        return packaged
    raise NotFoundError(
        f"there is no recipe file {name}; give a file that ends in .toml, or one that comes with Textwright: "
        f"{', '.join(list_recipes())}"
    )


def list_recipes() -> list[str]:
    """List the names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a recipe.

    Args:
        path: A TOML file.

    Returns:
        Its tables.

    Raises:
        NotFoundError: If there is no such file.
        SettingsError: If it is not TOML; names the file, the line and the column.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(f"there is no recipe file {path}; recipes end in .toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not a TOML file: {error}") from error
