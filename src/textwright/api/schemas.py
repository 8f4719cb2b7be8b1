"""The documents of the native protocol, for the OpenAPI document and for tests; what they hold is written by ``codec``.

``ModelIdentity`` stands in ``document`` and ``Problem`` in ``problems``, and they are imported here: a Lambda function
imports those two alone until ``/v1/model`` is read, since each class costs its cold start.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from textwright.api.document import Document, ModelIdentity
from textwright.api.problems import Problem

__all__ = [
    "Explanation",
    "FeedbackReceipt",
    "StageInfo",
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


@dataclass
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


@dataclass
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


@dataclass
class Prediction(Document):
    """What is said about one text."""

    label: str | None
    """The predicted label: the most probable one, unless thresholds say otherwise; null when none holds.
    Null also when the model abstains, since it is not sure enough."""
    labels: list[str]
    """The labels that hold: one for a single-label task, any number for a multi-label one, most probable first.
    None if the model abstains."""
    confidence: float = field(metadata={"ge": 0, "le": 1})
    """The probability of label; the highest among the labels where that is null."""
    probabilities: dict[str, float]
    """Probability of each label, calibrated, or of the top_k; all of them sum to 1 for a single-label task."""
    truncated: bool
    """True if the text is longer than the model reads, so that its end had no influence."""
    explanation: Explanation | None = None
    """Only where it was asked for."""
    stage: str | None = None
    """Which stage answered, for example fast or strong; absent for a model of one stage."""
    out_of_distribution: bool | None = None
    """True if the model abstains since the text is unlike its training texts; absent otherwise."""


@dataclass
class PredictResponse(Document):
    """One prediction per text, in the order of the texts."""

    model: ModelIdentity
    predictions: list[Prediction]


@dataclass
class Limits(Document):
    """What one request may hold."""

    max_texts: int
    """Texts in one request."""
    max_text_chars: int
    """Characters in one text."""
    max_body_bytes: int
    """Bytes of a request's body."""


@dataclass
class StageInfo(Document):
    """One stage of a model: it answers the texts that it is sure of and leaves the others to the next stage."""

    name: str
    """What the stage is called in predictions."""
    family: str
    """The kind of model."""
    max_length: int
    """Tokens that it reads of a text."""
    min_confidence: float
    """It answers from this confidence on: its highest probability; multi-label: that of its least certain yes or no.
    0 for the last stage, which answers every text that comes to it."""


@dataclass
class ModelInfo(Document):
    """What the loaded model is and what was measured of it."""

    name: str
    """What the model is called."""
    version: str
    """First 12 digits of the artifact's sha256: another version, another model."""
    family: str
    """The kind of model."""
    variant: str
    """The graph that is loaded, for example fp32 or int8."""
    task: str
    """single-label: exactly one label holds. multi-label: each label holds or not by itself."""
    labels: list[str]
    """The labels, in the model's order."""
    example_texts: list[str]
    """One or a few texts to try it with: of its validation split, or typed by who trained it."""
    max_length: int
    """Tokens that the model reads of a text."""
    threshold: float | None
    """A label of a multi-label task holds from this probability on; null for a single-label task."""
    thresholds: dict[str, float]
    """Labels that hold from a probability of their own on; of two labels one, and below it the other is predicted."""
    metrics: dict[str, dict[str, float]]
    """Metric -> value with its 95 % interval, measured on the split that metrics_split names."""
    metrics_split: str
    """The split that the metrics come from."""
    created: str
    """When the artifact was made, UTC, ISO 8601."""
    limits: Limits
    """What one request may hold."""
    batch_invariance: dict[str, float]
    """How far predictions change with the other texts of a batch: max_change of a probability, mean_change over the
    texts, num_changed_labels of num_texts; empty if it was not measured."""
    stages: list[StageInfo]
    """The stages of the model, in the order in which they read a text; empty for a model of one stage."""
    min_confidence: float | None = None
    """Below this probability of the most probable label the model abstains; absent if it answers every text."""
    ood_rate: float | None = None
    """The model abstains on texts less like its training texts than all but this share of its validation texts; absent
    if it answers every text."""
    costs: dict[str, dict[str, float]] | None = None
    """True label -> predicted label -> cost; the lowest expected cost is predicted. Absent if no costs decide."""


@dataclass
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


@dataclass
class FeedbackReceipt(Document):
    """The feedback that was stored."""

    request_id: str
    """The x-request-id of the request that it is about."""
    position: int
    """Of the text in that request."""
    labels: list[str]
    """Its right labels."""


@dataclass
class Health(Document):
    """Whether the server lives, or may be sent requests."""

    status: str
    """alive or ready; anything else is told as a problem."""
