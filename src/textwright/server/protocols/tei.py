"""``POST /predict`` of text-embeddings-inference, and ``POST /`` as of its inference endpoints.

Hugging Face's ``InferenceClient.text_classification`` works too, with the bare URL or with ``/predict``.

``{"inputs": "a text"}`` is answered with the labels of that text, best first; ``{"inputs": [["a text"], ["another"]]}``
with one such list per text. ``raw_scores`` gives logits. ``truncate: false`` refuses a text longer than the model
reads; otherwise its beginning is read, as everywhere here. Pairs of texts are refused: our models read one.

The client of Hugging Face sends ``parameters`` and expects a list per text, also for a single one.

Source:
    text-embeddings-inference, docs/openapi.json, schemas PredictRequest and PredictResponse;
    huggingface.js, packages/tasks, text-classification/spec.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import numpy as np
from fastapi import APIRouter
from pydantic import Field
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from textwright.api.validation import JSON
from textwright.core.labels import Task
from textwright.core.numerics import sigmoid, softmax
from textwright.errors import RequestError
from textwright.server.answers import SCORE_BYTES, check_answer, write
from textwright.server.body import off_loop, read_json
from textwright.server.engine import Scored
from textwright.server.openapi import text_schema, texts_schema
from textwright.server.protocols.documentation import described
from textwright.server.protocols.parsing import Form, items, parse, strings
from textwright.server.scoring import score
from textwright.server.service import Service, service_of, settings_of
from textwright.server.settings import ServeSettings
from textwright.wire import Whole

_AROUND_BYTES: Final = len('{"label":,"score":},')
_EXAMPLE: Final = {"inputs": "A touching film with a great cast."}
_EXAMPLE_ANSWER: Final = [{"label": "positive", "score": 0.9}, {"label": "negative", "score": 0.1}]


class Parameters(Form):
    """What Hugging Face's client may ask for.

    Args:
        function_to_apply: What makes scores of logits; None takes the model's own activation, calibrated.
        top_k: Labels per text, >= 1; None gives all.
    """

    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = None
    top_k: Annotated[Whole, Field(ge=1)] | None = None


class PredictRequest(Form):
    """The union of both clients' requests.

    Args:
        inputs: A text, or a list of one-text lists; with parameters also a list of texts.
        raw_scores: True for logits instead of probabilities.
        truncate: False refuses texts longer than the model reads.
        truncation_direction: Only the end of a text can be cut off.
        parameters: Present in requests of Hugging Face's client.
    """

    inputs: Any
    raw_scores: bool = False
    truncate: bool | None = None
    truncation_direction: Literal["left", "right", "Left", "Right"] = "right"
    parameters: Parameters | None = None


def build_router(service: Service) -> APIRouter:
    """Make the route.

    Args:
        service: The loaded model.

    Returns:
        A router with ``POST /predict`` and ``POST /``, to which Hugging Face's client sends when given a bare URL.
    """
    router = APIRouter(tags=["text-embeddings-inference"])
    schema = {"oneOf": request_forms(service.settings)}
    documentation = described(service, schema, request=_EXAMPLE, response=_EXAMPLE_ANSWER)
    router.add_api_route("/predict", predict, methods=["POST"], summary="Predict, as TEI does", **documentation)
    router.add_api_route("/", predict, methods=["POST"], include_in_schema=False)  # GET is the page's
    return router


def request_forms(settings: ServeSettings) -> list[dict[str, Any]]:
    """Describe what both clients send: TEI's form, and that of Hugging Face's client, which has parameters."""
    text = text_schema(settings)
    alone = {"type": "array", "items": text, "minItems": 1, "maxItems": 1}
    common = {
        "raw_scores": {"type": "boolean"},
        "truncate": {"type": ["boolean", "null"]},
        "truncation_direction": {"enum": ["left", "right", "Left", "Right"]},
    }
    parameters = {
        "type": "object",
        "properties": {
            "function_to_apply": {"enum": ["sigmoid", "softmax", "none", None]},
            "top_k": {"type": ["integer", "null"], "minimum": 1},
        },
    }
    several = {"anyOf": [text, alone, texts_schema(settings, alone)]}
    plain = {"inputs": several, **common, "parameters": {"type": "null"}}
    with_parameters = {"inputs": {"anyOf": [text, texts_schema(settings)]}, **common, "parameters": parameters}
    return [
        {"type": "object", "properties": plain, "required": ["inputs"]},
        {"type": "object", "properties": with_parameters, "required": ["inputs", "parameters"]},
    ]


async def predict(request: Request) -> Response:
    """Predict `inputs`: one text, or several as `[["one"], ["another"]]`; labels come best first."""
    return await answer(request, await read_json(request, settings_of(request)))


async def answer(request: Request, body: bytes) -> Response:
    """Answer a body of this protocol, wherever it came in.

    Args:
        request: The request, its body read.
        body: JSON.

    Returns:
        A list of labels with scores, or one such list per text.

    Raises:
        RequestError: If the body is not of this form.
    """
    asked = await off_loop(body, parse, PredictRequest, body, example=str(_EXAMPLE).replace("'", '"'))
    texts, is_single = _texts(asked, settings_of(request).max_texts)
    service = service_of(request)
    top_k = asked.parameters.top_k if asked.parameters else None
    num_scores = min(top_k or len(service.info.labels), len(service.info.labels))
    check_answer(service, len(texts), num_scores, score_bytes=SCORE_BYTES + _AROUND_BYTES)
    may_truncate = asked.truncate is not False
    scored = await score(request, texts, may_truncate=may_truncate)
    if asked.truncation_direction.lower() == "left" and any(item.prediction.truncated for item in scored):
        raise RequestError('truncation_direction is "left"; the model reads the beginning: send shorter texts')

    def encode() -> bytes:
        rows = [_ranked(service, asked, item) for item in scored]
        return to_json(rows[0] if is_single else rows)

    return Response(await write(len(texts) * len(service.info.labels), encode), media_type=JSON)


def _texts(asked: PredictRequest, max_texts: int) -> tuple[list[str], bool]:
    """Find the texts, and whether the answer is one list instead of a list of lists."""
    inputs = asked.inputs
    if isinstance(inputs, str):
        return [inputs], asked.parameters is None
    if asked.parameters is None and isinstance(inputs, list) and inputs:
        sequences = enumerate(items(inputs, "inputs", max_texts))
        if all(isinstance(item, str) for item in inputs):
            return _one_of_pair(inputs), True
        return [_one_of_pair(strings(item, f"inputs[{position}]", max_texts))[0] for position, item in sequences], False
    return strings(inputs, "inputs", max_texts), False


def _one_of_pair(sequence: list[str]) -> list[str]:
    if len(sequence) > 1:
        raise RequestError(
            'in this protocol ["a", "b"] is one pair, and the model reads single texts; a batch is [["a"], ["b"]]'
        )
    return sequence


def _ranked(service: Service, asked: PredictRequest, item: Scored) -> list[dict[str, object]]:
    names = service.info.labels
    scores = _scores(service, asked, item)
    order = np.argsort(-scores, kind="stable")[: asked.parameters.top_k if asked.parameters else None]
    return [{"label": names[index], "score": float(scores[index])} for index in order]


def _scores(service: Service, asked: PredictRequest, item: Scored) -> np.ndarray[Any, Any]:
    function = asked.parameters.function_to_apply if asked.parameters else None
    if asked.raw_scores or function == "none":
        return item.logits
    own = "softmax" if service.identity.task == Task.SINGLE_LABEL.value else "sigmoid"
    if function in {None, own}:
        return np.array(list(item.prediction.probabilities.values()))
    activation = softmax if function == "softmax" else sigmoid
    temperature = service.engine.predictor.artifact.manifest.temperature
    return np.asarray(activation(item.logits[None], temperature=temperature)[0])
