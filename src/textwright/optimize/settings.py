"""What is asked of an optimisation; each setting is defined here and nowhere else."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class Target(StrEnum):
    """What is to become better."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    SIZE = "size"


class OptimizeSettings(Settings):
    """Gates, target and limits."""

    max_drop: Annotated[float, Field(gt=0, le=100)] = 0.5
    """Most that accuracy may fall on the gate texts, in points (percent of the texts)."""
    agreement: Annotated[float, Field(gt=0, lt=100)] = 99.0
    """Share of the gate texts that must be answered as the reference answers them, in percent."""
    target: Target = Target.LATENCY
    """What the first variant of the new artifact is best at: latency of a lone text, throughput of many, or size."""
    recipes: tuple[str, ...] = ()
    """Names of the recipes to try, in the ladder's order; absent: all of them."""
    budget_minutes: Annotated[float, Field(gt=0)] | None = None
    """Minutes after which no further recipe is begun; absent: all are tried."""
    require: bool = False
    """Fail, with exit code 11, if no variant passes its gates and is better at the target."""
