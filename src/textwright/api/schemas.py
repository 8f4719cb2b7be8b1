"""The documents of the native protocol, for the OpenAPI document and for tests; what they hold is written by ``codec``.

Those that are also values stand where they are made, and are imported here: ``ModelIdentity``, ``ModelInfo`` in
``model``, ``Problem`` in ``problems``. A Lambda function imports those alone, since each class costs its cold start.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from textwright.api.document import Document
from textwright.api.model import FastStageInfo, Limits, ModelIdentity, ModelInfo
from textwright.api.problems import Problem

__all__ = [
    "Explanation",
    "FastStageInfo",
    "Health",
    "Limits",
    "ModelIdentity",
    "ModelInfo",
    "ModelList",
    "PredictResponse",
    "Prediction",
    "Problem",
    "Reloaded",
    "WordContribution",
]


@dataclass(init=False, repr=False, eq=False)
class WordContribution(Document):
    """What one word says."""

    text: str
    """The word, as it stands in the text."""
    start: int
    """Its first character, counted in Unicode code points from 0."""
    end: int
    """The character behind its last one."""
    contribution: float
    """What it adds to the score, in nats: above 0 it speaks for the label, below 0 against it."""


@dataclass(init=False, repr=False, eq=False)
class Explanation(Document):
    """Which words of a text speak for its label and which against it; docs/explain.md says how they are found."""

    label: str
    """The label that is explained: the predicted one; of a multi-label task the most probable one."""
    method: str
    """exact: base and contributions sum to the score. occlusion: how far the score falls without the word."""
    score: float
    """The label's log-odds, in nats; among more than two labels, its calibrated logit above the others' mean."""
    base: float
    """The score of a text without a word."""
    words: list[WordContribution]
    """The words that the model read, in order."""


@dataclass(init=False, repr=False, eq=False)
class Prediction(Document):
    """What is said about one text."""

    label: str | None
    """The predicted label: the most probable one, unless thresholds say otherwise; null when none holds."""
    labels: list[str]
    """The labels that hold: one for a single-label task, any number for a multi-label one, most probable first."""
    confidence: float = field(metadata={"ge": 0, "le": 1})
    """The probability of label; the highest among the labels where that is null."""
    probabilities: dict[str, float]
    """Probability of each label, calibrated, or of the top_k; all of them sum to 1 for a single-label task."""
    truncated: bool
    """True if the text is longer than the model reads, so that its end had no influence."""
    explanation: Explanation | None = None
    """Only where it was asked for."""
    stage: str | None = None
    """Which stage of a cascade answered, fast or strong; absent for a model of one stage."""


@dataclass(init=False, repr=False, eq=False)
class PredictResponse(Document):
    """One prediction per text, in the order of the texts."""

    model: ModelIdentity
    predictions: list[Prediction]


@dataclass(init=False, repr=False, eq=False)
class ModelList(Document):
    """Every model of a server."""

    models: list[ModelInfo]
    """The models; the first is the default."""


@dataclass
class Reloaded(Document):
    """What reloading a model did."""

    name: str
    """What the model is called."""
    version: str
    """The version that answers from now on."""
    previous_version: str
    """The version that answered before; the same if the artifact had not changed."""


@dataclass(init=False, repr=False, eq=False)
class Health(Document):
    """Whether the server lives, or may be sent requests."""

    status: str
    """alive or ready; anything else is told as a problem."""
