"""How labels are looked at; each setting is defined here and nowhere else."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class CleanSettings(Settings):
    """How suspected label errors are found."""

    num_folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Parts of the texts that take turns at being scored by a model that was trained on the others."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the folds."""
    num_neighbors: Annotated[int, Field(ge=0, le=20)] = 3
    """Most similar texts that are shown beside a suspected one, with their labels."""


class ReviewSettings(Settings):
    """What is asked about, and where the page answers."""

    num_texts: Annotated[int, Field(ge=1, le=100_000)] = 300
    """Texts that are asked about, the most useful first."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8100
    """Port of the page, which answers on this machine alone; 0 takes any that is free."""
