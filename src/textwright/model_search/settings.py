"""What is asked of a search; each setting is defined here and nowhere else. Imports nothing heavy: help is fast."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class AutoMetric(StrEnum):
    """What the search makes as high as it can, on the validation split."""

    ACCURACY = "accuracy"
    MACRO_F1 = "macro-f1"


class Constraints(Settings):
    """What the artifact must keep to, as measured on this machine; absent: no bound."""

    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    """Maximum median milliseconds that one text by itself may take here, in one thread."""
    min_accuracy: Annotated[float, Field(gt=1, le=100)] | None = None
    """Minimum accuracy on the validation split, in percent; exact match where a text may have several labels."""
    max_size_mb: Annotated[float, Field(gt=0)] | None = None
    """Maximum size of the artifact folder in MB, of a million bytes each."""
    max_cost_per_million: Annotated[float, Field(gt=0)] | None = None
    """Maximum dollars for a million predictions on the cheapest size of EC2 or Lambda, as textwright cost estimates."""


class AutoSettings(Constraints):
    """The budget, the constraints and what is searched."""

    budget_minutes: Annotated[float, Field(gt=0, le=100_000)] = 30.0
    """Minutes of the whole search; a search that was stopped goes on with what is left of them."""
    families: str = "all"
    """Model families to search, separated by commas; all takes every one."""
    metric: AutoMetric = AutoMetric.ACCURACY
    """What decides on the validation split: accuracy (exact match for several labels) or macro-f1.

    macro-f1 counts rare labels as much as frequent ones; the search then tries class weights and thresholds too."""
    tolerance: Annotated[float, Field(ge=0, le=100)] = 0.5
    """Points of the metric that a faster model may lie below the best one and be taken in its place."""
    unlabeled: str = ""
    """File of texts without labels, or any labeled source, that teachers predict for their students."""
    prices: bool = True
    """Estimate prices of the models that nothing beats; a local server answers for some seconds for each."""
    requests_per_day: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 50_000.0
    """Traffic that prices are estimated for."""

    @property
    def constraints(self) -> Constraints:
        """The bounds alone."""
        return Constraints(**{name: getattr(self, name) for name in Constraints.model_fields})
