"""What a candidate must show to be promoted; each setting is defined here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class PromotionSettings(Settings):
    """Margins, slices and behavioral tests."""

    margin: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Non-inferiority margin, in points of the primary metric: the texts must exclude, with 95 % confidence, that the
    candidate is worse than the champion by more."""
    require_better: bool = False
    """Promote only a candidate that is significantly better; absent: one that is not worse by more than the margin."""
    slices: tuple[str, ...] = ()
    """Columns of the data whose values are compared one by one, beside the lengths and the labels."""
    min_slice_texts: Annotated[int, Field(ge=1)] = 30
    """Texts that a slice needs to be tested; the texts of smaller ones count in the whole alone."""
    tests: Path | None = None
    """File of texts that the candidate must label right (.jsonl, .json, .yaml): minimum functionality."""
    max_failures: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Share of the texts of each such test that the candidate may fail, in percent."""
    max_behavior_texts: Annotated[int, Field(ge=0)] = 500
    """Texts of the data that are edited by each behavioral test; 0 leaves invariance and direction out."""
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """How far the probability may move the wrong way in a test of direction."""
    max_latency_ratio: Annotated[float, Field(gt=0)] = 2.0
    """The candidate's median latency of one text, divided by the champion's, may be so much."""
    max_size_ratio: Annotated[float, Field(gt=0)] = 2.0
    """The same of the bytes of the artifact."""
