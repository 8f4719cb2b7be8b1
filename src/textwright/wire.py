"""What goes over the wire: one form of request, response and problem, shared by every door.

``POST /v1/predict`` takes ``{"text": "..."}`` or ``{"texts": ["...", ...]}``, exactly one of the two, and always
answers in one form: ``{"model": {...}, "predictions": [...]}`` with one prediction per text, in order.

Callers: ``server``; ``serverless`` answers alike without importing this. Imports pydantic; knows neither HTTP statuses
(``textwright.api.problems`` decides them) nor the runtime: a prediction is recognised by its attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Protocol, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError, to_json

from textwright.api.validation import most_probable
from textwright.errors import RequestError, RequestSyntaxError

EXAMPLE_TEXT: Final = "A touching film with a great cast."
"""Stands in the documentation, in error messages and in the curl line; any model can read it."""

_EXAMPLE_BODY: Final = json.dumps({"text": EXAMPLE_TEXT})
_MAX_ERRORS: Final = 32
_MAX_SHOWN_BYTES: Final = 8_192
_EXACTLY_ONE: Final = "exactly-one"
_JSON_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole: TypeAlias = Annotated[int, BeforeValidator(_whole)]
"""An integer as JSON Schema has it: 1.0 is one."""


class Wire(BaseModel):
    """Base of what goes over the wire: immutable, exact types, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class PredictRequest(Wire):
    """One text, or several; exactly one of the two fields is given."""

    model: str | None = None
    """Which model shall answer: its name, or name@version; absent: the server's default."""
    text: str = ""
    """The text to classify."""
    texts: Annotated[list[str], FailFast()] = Field(default_factory=list, min_length=1)
    """The texts to classify; predictions come in the same order."""
    explain: bool = False
    """Whether to say which words of each text speak for its label and which against it."""
    top_k: Annotated[Whole, Field(ge=1)] | None = None
    """Probabilities per text, those of the most probable labels, best first; absent: all, in the model's order."""

    @model_validator(mode="after")
    def _has_exactly_one(self) -> Self:
        if len(self.model_fields_set & {"text", "texts"}) != 1:
            raise PydanticCustomError(_EXACTLY_ONE, "one of both is needed")
        return self

    @property
    def all_texts(self) -> list[str]:
        """The texts, one or more, in order."""
        return self.texts or [self.text]


class ModelIdentity(Wire):
    """Which model answered."""

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


class WordContribution(Wire):
    """What one word says."""

    text: str
    """The word, as it stands in the text."""
    start: int
    """Its first character, counted in Unicode code points from 0."""
    end: int
    """The character behind its last one."""
    contribution: float
    """What it adds to the score, in nats: above 0 it speaks for the label, below 0 against it."""


class Explanation(Wire):
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


class Prediction(Wire):
    """What is said about one text."""

    label: str | None
    """The predicted label: the most probable one, unless thresholds say otherwise; null when none holds."""
    labels: list[str]
    """The labels that hold: one for a single-label task, any number for a multi-label one, most probable first."""
    confidence: float = Field(ge=0, le=1)
    """The probability of label; the highest among the labels where that is null."""
    probabilities: dict[str, float]
    """Probability of each label, calibrated, or of the top_k; all of them sum to 1 for a single-label task."""
    truncated: bool
    """True if the text is longer than the model reads, so that its end had no influence."""
    explanation: Explanation | None = None
    """Only where it was asked for."""
    stage: str | None = None
    """Which stage of a cascade answered, fast or strong; absent for a model of one stage."""


class PredictResponse(Wire):
    """One prediction per text, in the order of the texts."""

    model: ModelIdentity
    predictions: list[Prediction]


class Limits(Wire):
    """What one request may hold."""

    max_texts: int
    """Texts in one request."""
    max_text_chars: int
    """Characters in one text."""
    max_body_bytes: int
    """Bytes of a request's body."""


class FastStageInfo(Wire):
    """The fast stage of a cascade: it reads every text, and the model described beside it takes what it leaves."""

    family: str
    """The kind of model."""
    max_length: int
    """Tokens that it reads of a text."""
    certainty: float
    """It answers from this certainty on: its highest probability; multi-label: that of its least certain yes or no."""


class ModelInfo(ModelIdentity):
    """What the loaded model is and what was measured of it."""

    labels: list[str]
    """The labels, in the model's order."""
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
    fast_stage: FastStageInfo | None
    """What answers before the model where it is sure enough; null for a model of one stage."""


class ModelList(Wire):
    """Every model of a server."""

    models: list[ModelInfo]
    """The models; the first is the default."""


class Reloaded(Wire):
    """What reloading a model did."""

    name: str
    """What the model is called."""
    version: str
    """The version that answers from now on."""
    previous_version: str
    """The version that answered before; the same if the artifact had not changed."""


class Health(Wire):
    """Whether the server lives, or may be sent requests."""

    status: str
    """alive or ready; anything else is told as a problem."""


class Problem(Wire):
    """Why a request was not answered, after RFC 9457 (application/problem+json)."""

    type: str = "about:blank"
    """Always about:blank: the title is the meaning of the status; tell problems apart by their code."""
    title: str
    """The meaning of the status."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong with this request, and its cure, in a sentence."""
    error: str
    """The detail again, where clients of other protocols look for it."""
    code: str
    """Stable across releases; programs decide by it."""
    request_id: str
    """The x-request-id of the request, as it stands in the server's log."""


class Predicted(Protocol):
    """What the runtime says about one text; see ``textwright.Prediction``."""

    @property
    def label(self) -> str | None: ...  # noqa: D102  the fields of Prediction above
    @property
    def labels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def confidence(self) -> float: ...  # noqa: D102
    @property
    def probabilities(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def truncated(self) -> bool: ...  # noqa: D102
    @property
    def stage(self) -> str | None: ...  # noqa: D102


def parse_request(body: bytes) -> PredictRequest:
    """Read the body of ``POST /v1/predict``.

    Args:
        body: JSON in UTF-8.

    Returns:
        One or more texts; each is Unicode without lone surrogates.

    Raises:
        RequestSyntaxError: If the body is not JSON; says where.
        RequestError: If a field is missing, unknown or of another type; names it.
    """
    try:
        return PredictRequest.model_validate_json(body)
    except ValidationError as error:
        if error.error_count() > _MAX_ERRORS:  # reading one builds them all
            raise RequestError(
                f'the body has {error.error_count()} faults, unknown fields for example; give "text" or "texts"'
            ) from None
        # The value itself is wanted for the name of its type only, and a large one takes long to build.
        first = error.errors(include_url=False, include_input=len(body) <= _MAX_SHOWN_BYTES)[0]
    if first["type"] == "json_invalid":
        where = first["msg"].removeprefix("Invalid JSON: ")
        raise RequestSyntaxError(f"the body is not JSON in UTF-8: {where}; send for example {_EXAMPLE_BODY}")
    raise RequestError(_sentence(first))


def encode_response(
    model: ModelIdentity,
    predictions: Iterable[Predicted],
    explanations: Iterable[Mapping[str, Any]] | None = None,
    *,
    top_k: int | None = None,
) -> bytes:
    """Write the body of the answer to ``POST /v1/predict``.

    Plain dictionaries go to the JSON writer: half the time of building the pydantic models, whose schema a test holds
    this function to.

    Args:
        model: Which model answered.
        predictions: N predictions, in the order of the texts.
        explanations: N explanations with the fields of :class:`Explanation`; None where they were not asked for.
        top_k: Probabilities per text; None for all.

    Returns:
        JSON of a :class:`PredictResponse`.
    """
    rows = [_row(item, top_k) for item in predictions]
    if explanations is not None:
        rows = [{**row, "explanation": item} for row, item in zip(rows, explanations, strict=True)]
    return to_json({"model": model, "predictions": rows})


def encode_lines(predictions: Iterable[Predicted]) -> bytes:
    """Write predictions as JSON lines.

    Args:
        predictions: N predictions.

    Returns:
        N lines, each the JSON of a :class:`Prediction`.
    """
    return b"".join(to_json(_row(item, None)) + b"\n" for item in predictions)


def _row(item: Predicted, top_k: int | None) -> dict[str, Any]:
    row = {
        "label": item.label,
        "labels": item.labels,
        "confidence": item.confidence,
        "probabilities": most_probable(item.probabilities, top_k),
        "truncated": item.truncated,
    }
    return {**row, "stage": item.stage} if item.stage else row


def _sentence(error: ErrorDetails) -> str:
    """Say a validation error without repeating more of the request than the name of a field."""
    where = _place(error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return f'{where} is not a field of this request; give "text" or "texts"'
        case "too_short":
            return '"texts" is empty; give at least one text'
        case "int_type" | "greater_than_equal":
            return f"{where} must be a whole number of 1 or more"
        case _ if error["type"] == _EXACTLY_ONE:
            return f'give either "text" or "texts", exactly one of them; for example {_EXAMPLE_BODY}'
    instead = f", not {_json_name(error['input'])}" if "input" in error else ""
    return f"{where} must be {_expected(error)}{instead}"


def _place(location: Sequence[int | str]) -> str:
    if not location:
        return "the body"
    name = json.dumps(str(location[0])[:40])
    return name + "".join(f"[{position}]" for position in location[1:])


def _expected(error: ErrorDetails) -> str:
    return {"list_type": "an array of strings", "string_type": "a string", "bool_type": "true or false"}.get(
        error["type"], "an object"
    )


def _json_name(value: Any) -> str:  # noqa: ANN401  any JSON value
    return _JSON_NAMES.get(type(value), "another type")
