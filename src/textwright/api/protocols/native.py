"""``/v1/predict``: the native protocol, in JSON or as a CSV table.

``{"text": "..."}`` or ``{"texts": ["...", ...]}``, exactly one of the two, is answered in one form:
``{"model": {...}, "predictions": [...]}`` with one prediction per text, in order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from textwright.api.codec import EXAMPLE_TEXT, encode_predictions, json_name, parse_json
from textwright.api.headers import CSV, JSON, has_header, media_type_of
from textwright.api.model import LoadedModel
from textwright.api.protocols.fields import is_whole
from textwright.api.protocols.request import Answer, PredictRequest, Scored
from textwright.api.validation import RequestLimits
from textwright.errors import RequestError

MEDIA_TYPES: Final = (JSON, CSV)
EXAMPLE: Final = json.dumps({"text": EXAMPLE_TEXT})
"""A right body, for error messages."""
_FIELDS: Final = ("model", "text", "texts", "explain", "top_k")
"""In the order in which they are checked."""


class NativeRequest(PredictRequest):
    """Texts whose predictions are written in the native form.

    Args:
        texts: N texts.
        top_k: Probabilities per text; None for all.
        model: Which model shall answer; None for the default.
        explain: Whether explanations are asked for.
    """

    def __init__(
        self, texts: Sequence[str], top_k: int | None = None, model: str | None = None, *, explain: bool = False
    ) -> None:
        self.texts = texts
        self.top_k = top_k
        self.model = model
        self.explain = explain

    def num_scores(self, num_labels: int) -> int:
        """Count the scores in the answer to one text."""
        return min(self.top_k or num_labels, num_labels)

    def encode(self, model: LoadedModel, scored: Sequence[Scored]) -> Answer:
        """Write the answer; see :meth:`PredictRequest.encode`."""
        explanations = [item.explanation.to_json() for item in scored if item.explanation] if self.explain else None
        predictions = [item.prediction for item in scored]
        return Answer(encode_predictions(model.head, predictions, explanations, top_k=self.top_k))


def parse(headers: Mapping[str, str], body: bytes, limits: RequestLimits) -> PredictRequest:
    """Read a body of one of :data:`MEDIA_TYPES`.

    Args:
        headers: Names are looked up in lower case.
        body: The bytes.
        limits: Of a request.

    Returns:
        The request.

    Raises:
        RequestSyntaxError: If the body is not JSON; says where.
        RequestError: If a field or a line is not as it must be; names it.
        RequestLimitError: If a table has too many rows.
    """
    if media_type_of(headers) == CSV:
        from textwright.api.protocols.table import TableRequest  # a cold start pays for each import

        return TableRequest.read(body, limits, has_header=has_header(headers, otherwise=True))
    return parse_request(parse_json(body, limits, example=EXAMPLE))


def parse_request(content: Any) -> NativeRequest:  # noqa: ANN401  any JSON value
    """Read a JSON body that was parsed.

    Args:
        content: A JSON value.

    Returns:
        The request.

    Raises:
        RequestError: If a field is missing, unknown or of another type; names it.
    """
    if not isinstance(content, dict):
        raise RequestError(f"the body must be an object, not {json_name(content)}")
    if len(content) == 1 and isinstance(text := content.get("text"), str):  # most requests
        return NativeRequest([text])
    for name in _FIELDS:
        if name in content:
            _check(name, content[name])
    for name in content:
        if name not in _FIELDS:
            raise RequestError(f'{json.dumps(name[:40])} is not a field of this request; give "text" or "texts"')
    if ("text" in content) == ("texts" in content):
        raise RequestError(f'give either "text" or "texts", exactly one of them; for example {EXAMPLE}')
    top_k = content.get("top_k")
    return NativeRequest(
        content.get("texts") or [content["text"]],
        None if top_k is None else int(top_k),
        content.get("model"),
        explain=content.get("explain", False),
    )


def _check(name: str, value: Any) -> None:  # noqa: ANN401  any JSON value
    if name == "texts":
        _check_texts(value)
    elif name == "top_k":
        if value is not None and not (is_whole(value) and value >= 1):
            raise RequestError('"top_k" must be a whole number of 1 or more')
    elif name == "explain":
        if not isinstance(value, bool):
            raise RequestError(f'"explain" must be true or false, not {json_name(value)}')
    elif not isinstance(value, str) and not (name == "model" and value is None):
        raise RequestError(f'"{name}" must be a string, not {json_name(value)}')


def _check_texts(value: object) -> None:
    if not isinstance(value, list):
        raise RequestError(f'"texts" must be an array of strings, not {json_name(value)}')
    if not value:
        raise RequestError('"texts" is empty; give at least one text')
    if set(map(type, value)) != {str}:
        position = next(index for index, text in enumerate(value) if not isinstance(text, str))
        raise RequestError(f'"texts"[{position}] must be a string, not {json_name(value[position])}')
