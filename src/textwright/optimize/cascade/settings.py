"""What is asked of a cascade; each setting is defined here and nowhere else."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from textwright.config import Settings
from textwright.optimize.settings import check_gate_folds

DEFAULT_MAX_DROP: Final = 0.3


class CascadeSettings(Settings):
    """The operating point: one bound, on validation texts, and which graphs."""

    max_drop: Annotated[float, Field(gt=0, le=100)] | None = None
    """Largest drop in accuracy against the strong model alone, in points; 0.3 if no bound is given."""
    min_accuracy: Annotated[float, Field(gt=1, le=100)] | None = None
    """Least accuracy, in percent."""
    confidence: Annotated[float, Field(ge=50, lt=100)] = 95.0
    """How sure it is, in percent, that the bound on accuracy holds on other texts; 50 takes the curve as measured."""
    gate_folds: Annotated[int, Field(ge=0)] | None = None
    """Folds of cross-validation: both trainings are repeated without each, so that its texts can choose the point.

    Absent: 5 if the validation texts are too few for the bound and both trainings take seconds, else none; 0: none."""
    require_bound: bool = False
    """Refuse texts that are too few to show the bound with this confidence.

    Absent: the smallest bound that they can show is kept with this confidence, and the bound itself as measured."""
    allow_batch_dependent: bool = False
    """Accept a cascade whose predictions change with the other texts of a batch, as dynamic quantization's do."""
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    """Maximum milliseconds that one text may take on average here; the most accurate point within it is taken."""
    fast_variant: str | None = None
    """Graph of the fast model; its default if absent."""
    strong_variant: str | None = None
    """Graph of the strong model; its default if absent."""
    name: str = ""
    """What the cascade is called on the wire; empty adds "-cascade" to the strong model's name."""

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        bounds = [name for name in ("max_drop", "min_accuracy", "max_latency_ms") if getattr(self, name) is not None]
        if len(bounds) > 1:
            flags = " and ".join(f"--{name.replace('_', '-')}" for name in bounds)
            raise ValueError(f"give one bound alone, not {flags}")
        check_gate_folds(self.gate_folds)
        return self

    @property
    def drop_bound(self) -> float | None:
        """The bound on the drop in points; None if another bound is given."""
        if self.min_accuracy is None and self.max_latency_ms is None:
            return self.max_drop or DEFAULT_MAX_DROP
        return None
