"""What is asked of an optimization; each setting is defined here and nowhere else."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from textwright.config import Settings


class OptimizationTarget(StrEnum):
    """What is to become better."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    SIZE = "size"


class OptimizeSettings(Settings):
    """Gates, target and limits."""

    max_drop: Annotated[float, Field(gt=0, le=100)] = 0.5
    """Largest drop in accuracy on the gate texts, in percentage points."""
    agreement: Annotated[float, Field(gt=0, lt=100)] = 99.0
    """Share of the gate texts that must be answered as the reference answers them, in percent."""
    target: OptimizationTarget = OptimizationTarget.LATENCY
    """What the first variant of the new artifact is best at: latency of one text, throughput of many, or size."""
    recipes: tuple[str, ...] = ()
    """Names of the candidates to try; absent: all that can win."""
    budget_minutes: Annotated[float, Field(gt=0)] | None = None
    """Minutes after which no further recipe is begun; absent: all are tried."""
    gate_folds: Annotated[int, Field(ge=0)] | None = None
    """Folds of cross-validated gates: the training is repeated without each, so that its texts can be gate texts.

    Absent: 5 if the validation texts are too few for the bounds and the training takes seconds, else none; 0: none."""
    require_bound: bool = False
    """Refuse a variant unless the gate texts exclude, with 95 % confidence, that accuracy falls by more than the bound.

    Absent: what was measured decides, and the report says how large a loss the texts cannot exclude."""
    allow_batch_dependent: bool = False
    """Accept a variant whose predictions change with the other texts of a batch, as dynamic quantization's do.

    Absent: no probability may change by more than 0.001; the report says how far each variant's change."""
    require: bool = False
    """Fail, with exit code 11, if no variant passes its gates and is better at the target."""

    @model_validator(mode="after")
    def _check_folds(self) -> Self:
        check_gate_folds(self.gate_folds)
        return self


def check_gate_folds(gate_folds: int | None) -> None:
    """Refuse a single fold, which would leave no text to train on.

    Raises:
        ValueError: Says what can be given instead.
    """
    if gate_folds == 1:
        raise ValueError("gate_folds is 1; give 2 or more, or 0 for none")
