"""Settings of a distillation; each is defined here and nowhere else.

Imports nothing heavy, so that help is fast.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class AugmentSettings(Settings):
    """How texts are augmented."""

    num_copies: Annotated[int, Field(ge=0, le=1_000)] = 10
    """Augmented copies of each text that the teacher predicts too; 0 learns from the texts as they are."""
    drop_words: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of a copy's words that is left out."""
    swap_words: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of a copy's words that is swapped for words drawn from all texts."""
    cut_texts: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Share of the copies that is cut to a run of one to five words."""
    splice_texts: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the copies that is the first part of one text and the last part of another."""


class UnlabeledSettings(Settings):
    """Which of the texts without labels the teacher predicts."""

    sentences: bool = False
    """Cut the unlabeled texts into sentences: for a student of sentences, where they are longer."""
    max_unlabeled: Annotated[int, Field(ge=0)] = 0
    """Maximum number of unlabeled texts, or sentences, that the teacher predicts, always the same ones; 0 for all."""


class DistillSettings(AugmentSettings):
    """How a student learns from a teacher, and from which texts."""

    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Divisor of the teacher's and the student's logits; the higher, the more the teacher's second thoughts count."""
    label_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the loss that the labels have; the teacher has the rest. A text without a label has the teacher's."""
