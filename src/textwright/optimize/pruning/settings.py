"""Settings of a pruning; each is defined here and nowhere else.

Imports nothing heavy, so that help is fast.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from textwright.config import Settings
from textwright.optimize.distillation.settings import DistillSettings


class RepairSettings(DistillSettings):
    """The same where the student is what is left of the teacher: it needs fewer texts."""

    num_copies: Annotated[int, Field(ge=0, le=1_000)] = 1
    """Augmented copies of each text that the whole model predicts too; 0 learns from the texts as they are."""


class PruneSettings(Settings):
    """What is cut, and how much accuracy that may cost."""

    vocabulary: bool = True
    """Leave out the tokens that no training text has, but for special ones and pieces of a single character."""
    heads: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of a BERT's attention heads that goes, the least important first; at least one a layer stays."""
    neurons: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of a BERT's feed-forward neurons that goes, the least important first."""
    max_drop: Annotated[float, Field(gt=0, le=100)] = 0.5
    """Largest drop in accuracy on the validation texts, in points; what costs more is not kept."""
    num_probes: Annotated[int, Field(ge=1)] = 1_000
    """Training texts on which importance is measured."""
