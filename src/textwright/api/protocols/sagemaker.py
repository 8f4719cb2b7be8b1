"""``/invocations`` of a SageMaker container, which is also Vertex AI's predict route.

It takes what ``/v1/predict`` takes in JSON, and answers likewise; ``{"inputs": ...}`` as Hugging Face's containers take
it; and Vertex AI's ``{"instances": ["a text", {"text": "another"}]}``, whose answer holds ``predictions`` like every
other. It also takes CSV and JSON lines as SageMaker's clients and its batch transform send them: one text a line, no
line of names (unless it is declared: ``text/csv; header=present``), and a line of answer for each.

Source:
    Amazon SageMaker, "Custom Inference Code with Hosting Services"; Google Vertex AI, "Custom container requirements
    for prediction".
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from textwright.api.body import check_num_values
from textwright.api.codec import EXAMPLE_TEXT, collector_paused, encode_lines, parse_json
from textwright.api.headers import CSV, JSON, JSON_LINES, has_header, media_type_of
from textwright.api.model import LoadedModel
from textwright.api.protocols import native, tei
from textwright.api.protocols.fields import items
from textwright.api.protocols.request import Answer, PredictRequest, Scored
from textwright.api.protocols.table import TableRequest
from textwright.api.validation import RequestLimits, check_num_texts
from textwright.errors import RequestError, RequestLimitError, RequestSyntaxError

MEDIA_TYPES: Final = (JSON, CSV, JSON_LINES)
EXAMPLE: Final = json.dumps({"instances": [EXAMPLE_TEXT]})


class LinesRequest(PredictRequest):
    """Texts as JSON lines, whose predictions are a line each."""

    def encode(self, model: LoadedModel, scored: Sequence[Scored]) -> Answer:  # noqa: ARG002
        """Write a line for each text; see :meth:`PredictRequest.encode`."""
        return Answer(encode_lines(item.prediction for item in scored), JSON_LINES)


def parse(headers: Mapping[str, str], body: bytes, limits: RequestLimits) -> PredictRequest:
    """Read a body of one of :data:`MEDIA_TYPES`.

    Args:
        headers: Names are looked up in lower case.
        body: The bytes.
        limits: Of a request.

    Returns:
        The request.

    Raises:
        RequestSyntaxError: If the body, or a line of it, is not JSON; says where.
        RequestError: If a field or a line is not as it must be; names it.
        RequestLimitError: If there are too many texts or lines.
    """
    media_type = media_type_of(headers)
    if media_type == CSV:
        return TableRequest.read(body, limits, has_header=has_header(headers, otherwise=False))
    if media_type == JSON_LINES:
        return LinesRequest(_texts_of_lines(body, limits))
    content = parse_json(body, limits, example=EXAMPLE)
    if isinstance(content, dict) and content.get("instances") is not None:
        instances = enumerate(items(content["instances"], "instances", limits))
        return native.NativeRequest([_text(item, position) for position, item in instances])
    if isinstance(content, dict) and content.get("inputs") is not None:
        return tei.parse_request(content, limits)
    return native.parse_request(content)


@collector_paused()
def _texts_of_lines(body: bytes, limits: RequestLimits) -> list[str]:
    check_num_values(body, limits)
    texts: list[str] = []
    for number, line in enumerate(io.BytesIO(body), start=1):
        if line.strip():
            check_num_texts(len(texts) + 1, limits)
            texts.append(_text_of_line(line, number, limits))
        elif number - len(texts) > limits.max_texts:
            raise RequestLimitError(f"the body has more than {limits.max_texts} empty lines; remove them")
    if not texts:
        raise RequestError('the body has no line; each is a text in JSON: "...", or {"text": "..."}')
    return texts


def _text_of_line(line: bytes, number: int, limits: RequestLimits) -> str:
    try:
        content = parse_json(line.strip(), limits, example=EXAMPLE)
    except RequestSyntaxError:
        raise RequestSyntaxError(f"line {number} is not JSON in UTF-8; each line is one JSON value") from None
    if isinstance(content, dict) and len(content) == 1:
        content = content.get("text", content.get("inputs"))
    if not isinstance(content, str):
        raise RequestError(f'line {number} must be a string, {{"text": "..."}} or {{"inputs": "..."}}')
    return content


def _text(item: Any, position: int) -> str:  # noqa: ANN401  any JSON value
    text = item.get("text") if isinstance(item, dict) and len(item) == 1 else item
    if not isinstance(text, str):
        raise RequestError(f'instances[{position}] must be a string, or an object {{"text": "..."}}')
    return text
