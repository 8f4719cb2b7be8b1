"""The recipe that holds every setting of a family; needs no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from textwrap import fill
from typing import Any

from textwright.family_catalog import FamilyEntry
from textwright.training.settings import TrainSettings


def full_recipe(family: FamilyEntry) -> str:
    """Write the recipe that holds every setting at the family's default, each beneath its meaning.

    Args:
        family: Any family.

    Returns:
        TOML that trains what ``--family`` alone trains.
    """
    values = TrainSettings(family=family.name).over(family.training).model_dump(mode="json")
    fields = TrainSettings.model_fields
    training = (_commented(name, values[name], fields[name].description or "") for name in fields)
    own = (_commented(name, facts["default"], facts["help"]) for name, facts in family.settings.items())
    title = (
        f"{family.name}: {family.summary} ({family.paper}). Every setting is at its default; a recipe needs only the "
        "lines that change one."
    )
    lines = chain.from_iterable([*training, ["\n[model]"], *own])
    return "\n".join([_comment(title), "", *lines, ""])


def _commented(name: str, value: Any, meaning: str) -> Iterator[str]:  # noqa: ANN401  JSON
    """Write a setting as TOML with its meaning above it; strings, numbers, booleans and lists are as in JSON."""
    yield _comment(" ".join(meaning.split()))
    yield f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _comment(text: str) -> str:
    return fill(text, 118, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
