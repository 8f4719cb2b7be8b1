"""What each family of models is and its settings, as data: listed without torch, which :mod:`textwright.models` needs.

The data are ``family_catalog.json``, written by ``python -m textwright.models.write_catalog``; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from textwright.errors import NotFoundError

CATALOG: Final = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, slots=True)
class FamilyEntry:
    """One family.

    Args:
        name: What is typed after ``--family``.
        summary: What it is, in a few words.
        paper: Where it comes from.
        training: Training settings that suit it, beneath what the user sets: name -> JSON value.
        settings: Its own settings: name -> {"default", "help"}, in the order of their definition.
    """

    name: str
    summary: str
    paper: str
    training: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]]


def list_entries() -> list[FamilyEntry]:
    """Return every family, from the cheapest to the dearest."""
    content = json.loads(CATALOG.read_text(encoding="utf-8"))
    return [FamilyEntry(name, **facts) for name, facts in content.items()]


def find_entry(name: str) -> FamilyEntry:
    """Find a family by its name.

    Args:
        name: As typed after ``--family``.

    Raises:
        NotFoundError: Lists the families that there are, the nearest name first.
    """
    entries = {entry.name: entry for entry in list_entries()}
    if name not in entries:
        raise unknown_family(name, entries)
    return entries[name]


def reads_windows(name: str) -> bool:
    """Say whether a family can read a long text in windows; one that is not known cannot."""
    return any(entry.name == name and "long_texts" in entry.settings for entry in list_entries())


def unknown_family(name: str, families: Mapping[str, object]) -> NotFoundError:
    """Return the error for a name that no family has."""
    near = get_close_matches(name, families, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return NotFoundError(f"no family {name!r}; {hint}there are: {', '.join(families)}")
