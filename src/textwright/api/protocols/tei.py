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

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from textwright.api.codec import EXAMPLE_TEXT, encode_json, parse_json
from textwright.api.headers import JSON
from textwright.api.model import SCORE_BYTES, LoadedModel
from textwright.api.protocols.fields import ANY, BOOLEAN, COUNT, OBJECT, Fields, items, one_of, strings
from textwright.api.protocols.request import Answer, PredictRequest, Scored
from textwright.api.validation import RequestLimits
from textwright.core.numerics import sigmoid, softmax
from textwright.errors import RequestError

MEDIA_TYPES: Final = (JSON,)
EXAMPLE: Final = json.dumps({"inputs": EXAMPLE_TEXT})
_SCORE_BYTES: Final = SCORE_BYTES + len('{"label":,"score":},')
_DIRECTIONS: Final = one_of("left", "right", "Left", "Right")
_FUNCTIONS: Final = one_of("sigmoid", "softmax", "none").or_null()


class TeiRequest(PredictRequest):
    """The union of both clients' requests.

    Args:
        fields: Of the body.
        limits: Of a request.

    Raises:
        RequestError: If a field is missing or of another type; names it.
        RequestLimitError: If there are too many texts.
    """

    score_bytes = _SCORE_BYTES

    def __init__(self, fields: Fields, limits: RequestLimits) -> None:
        inputs = fields.read("inputs", ANY)
        self._is_raw = fields.read("raw_scores", BOOLEAN, default=False)
        self.may_truncate = fields.read("truncate", BOOLEAN.or_null(), None) is not False
        self._cuts_beginning = fields.read("truncation_direction", _DIRECTIONS, "right").lower() == "left"
        parameters = fields.read("parameters", OBJECT.or_null(), None)
        self._function, self._top_k = None, None
        if parameters is not None:
            inner = fields.inner("parameters", parameters)
            self._function = inner.read("function_to_apply", _FUNCTIONS, None)
            top_k = inner.read("top_k", COUNT.or_null(), None)
            self._top_k = None if top_k is None else int(top_k)
        texts, self._is_single = _texts(inputs, limits, has_parameters=parameters is not None)
        super().__init__(texts)

    def num_scores(self, num_labels: int) -> int:
        """Count the scores in the answer to one text."""
        return min(self._top_k or num_labels, num_labels)

    def encode(self, model: LoadedModel, scored: Sequence[Scored]) -> Answer:
        """Write a list of labels with scores, best first, or one such list per text.

        Args:
            model: What answered.
            scored: N scored texts, in order.

        Returns:
            The answer.

        Raises:
            RequestError: If the beginning of a text should have been cut off.
        """
        if self._cuts_beginning and any(item.prediction.truncated for item in scored):
            raise RequestError('truncation_direction is "left"; the model reads the beginning: send shorter texts')
        rows = [self._ranked(model, item) for item in scored]
        return Answer(encode_json(rows[0] if self._is_single else rows))

    def _ranked(self, model: LoadedModel, item: Scored) -> list[dict[str, object]]:
        scores = self._scores(model, item)
        order = np.argsort(-scores, kind="stable")[: self._top_k]
        return [{"label": model.labels[index], "score": float(scores[index])} for index in order]

    def _scores(self, model: LoadedModel, item: Scored) -> np.ndarray[Any, Any]:
        if self._is_raw or self._function == "none":
            return item.logits
        own = "softmax" if model.is_single_label else "sigmoid"
        if self._function in {None, own}:
            return np.array(list(item.prediction.probabilities.values()))
        activation = softmax if self._function == "softmax" else sigmoid
        return np.asarray(activation(item.logits[None], temperature=model.temperature)[0])


def parse(headers: Mapping[str, str], body: bytes, limits: RequestLimits) -> TeiRequest:  # noqa: ARG001
    """Read a JSON body; see :class:`TeiRequest`.

    Raises:
        RequestSyntaxError: If the body is not JSON; says where.
    """
    return parse_request(parse_json(body, limits, example=EXAMPLE), limits)


def parse_request(content: object, limits: RequestLimits) -> TeiRequest:
    """Read a JSON body that was parsed; see :class:`TeiRequest`."""
    return TeiRequest(Fields(content, example=EXAMPLE), limits)


def _texts(inputs: Any, limits: RequestLimits, *, has_parameters: bool) -> tuple[Sequence[str], bool]:  # noqa: ANN401
    """Find the texts, and whether the answer is one list instead of a list of lists."""
    if isinstance(inputs, str):
        return [inputs], not has_parameters
    if not has_parameters and isinstance(inputs, list) and inputs:
        sequences = enumerate(items(inputs, "inputs", limits))
        if all(isinstance(item, str) for item in inputs):
            return _one_of_pair(inputs), True
        return [_one_of_pair(strings(item, f"inputs[{position}]", limits))[0] for position, item in sequences], False
    return strings(inputs, "inputs", limits), False


def _one_of_pair(sequence: Sequence[str]) -> Sequence[str]:
    if len(sequence) > 1:
        raise RequestError(
            'in this protocol ["a", "b"] is one pair, and the model reads single texts; a batch is [["a"], ["b"]]'
        )
    return sequence
