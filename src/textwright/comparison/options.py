"""What the user chose, as typed, turned into rows, sizes and seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textwright.comparison.baselines import MajorityBaseline, TfidfBaseline
from textwright.comparison.candidate import Candidate
from textwright.comparison.families import from_family, from_recipe
from textwright.data.in_memory import DataSource
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.models import FAMILIES

DEFAULT_SIZES: Final = "100,300,1000,3000,all"
DEFAULT_SEEDS: Final = 5
_OWN: Final = ("num_folds", "fold", "subset_size", "subset_seed")
"""Data settings that a comparison decides itself."""


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """A comparison, completely.

    Args:
        source: A built-in name, a file, a folder or a hub id; or rows in memory.
        data: How to read and cut it.
        candidates: The rows, the two baselines included.
        num_seeds: Seeds of each row.
        sizes: Sizes of the learning curve below all examples.
    """

    source: DataSource
    data: DataSettings
    candidates: tuple[Candidate, ...]
    num_seeds: int
    sizes: tuple[int, ...]


def resolve_options(
    source: DataSource,
    data: DataSettings,
    *,
    families: str = "all",
    recipes: Sequence[Path] = (),
    seeds: int | None = None,
    folds: int | None = None,
    sizes: str | None = None,
) -> ComparisonOptions:
    """Make a comparison of what was typed.

    Args:
        source: What to compare on.
        data: How to read and split it.
        families: Names with commas between them, "all" or "none".
        recipes: Files whose settings are rows of their own, called like the files; one called like a family
            replaces it.
        seeds: Seeds of each row, >= 1; None is 5, or 1 with folds, which vary the data already.
        folds: Parts that take turns at being tested, >= 2; None is one split.
        sizes: Sizes with commas between them; "all" is always measured. None is 100, 300, 1000, 3000 and all, or all
            alone with folds.

    Raises:
        NotFoundError: If a family or a recipe does not exist.
        SettingsError: If a number is out of bounds, or two rows have one name.
    """
    for name in _OWN:
        if name in data.model_fields_set:
            raise SettingsError(
                f"{name} is decided by the comparison; use --folds and --sizes, or leave --{name.replace('_', '-')} out"
            )
    if folds is not None:
        if folds < 2:
            raise SettingsError(f"--folds is {folds}; give 2 or more, or leave it out")
        data = DataSettings.parse({**data.model_dump(exclude_unset=True), "num_folds": folds}, source="--folds")
    num_seeds = seeds if seeds is not None else (DEFAULT_SEEDS if folds is None else 1)
    if num_seeds < 1:
        raise SettingsError(f"--seeds is {num_seeds}; give 1 or more")
    typed_sizes = sizes if sizes is not None else (DEFAULT_SIZES if folds is None else "all")
    return ComparisonOptions(source, data, _rows(families, recipes, data), num_seeds, _sizes(typed_sizes))


def _rows(families: str, recipes: Sequence[Path], data: DataSettings) -> tuple[Candidate, ...]:
    from_files = [from_recipe(path, data) for path in recipes]
    replaced = {row.name for row in from_files}
    named = [from_family(name) for name in _names(families) if name not in replaced]
    rows: list[Candidate] = [MajorityBaseline(), TfidfBaseline(), *named, *from_files]
    twice = [name for name, count in Counter(row.name for row in rows).items() if count > 1]
    if twice:
        raise SettingsError(f"two rows are called {twice[0]!r}; rename a recipe, whose file name is its row's name")
    if len(rows) == len((MajorityBaseline(), TfidfBaseline())):
        raise SettingsError("there is nothing to compare; name --families or a --recipe")
    return tuple(rows)


def _names(families: str) -> list[str]:
    if families.strip() in ("all", "none", ""):
        return list(FAMILIES) if families.strip() == "all" else []
    return list(dict.fromkeys(name.strip() for name in families.split(",") if name.strip()))


def _sizes(typed: str) -> tuple[int, ...]:
    sizes = []
    for part in (part.strip().replace("_", "") for part in typed.split(",")):
        if part.isdecimal() and int(part) > 0:
            sizes.append(int(part))
        elif part != "all":
            raise SettingsError(
                f"--sizes has {part!r}; give whole numbers above 0 and the word all, with commas between them: "
                f"{DEFAULT_SIZES}"
            )
    return tuple(sizes)
