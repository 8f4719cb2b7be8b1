"""Bodies in JSON: the one parser of requests and the one writer of answers, for every protocol.

Answers of predictions are joined from strings. Their form is fixed and their only free strings are labels, so this
takes a third of the time of a general JSON writer; a test compares the two on arbitrary predictions.
"""

from __future__ import annotations

import functools
import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from heapq import nlargest
from json.encoder import encode_basestring as quote
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from textwright.api.body import check_num_values
from textwright.api.validation import RequestLimits
from textwright.errors import RequestSyntaxError

if TYPE_CHECKING:
    from textwright.runtime.predictor import TextPrediction

EXAMPLE_TEXT: Final = "A touching film with a great cast."
"""Stands in error messages, and in the documentation of a model that has no example texts of its own."""
EXAMPLE_TEXTS: Final = (EXAMPLE_TEXT, "Not my kind of film.")
_SMALL_BYTES: Final = 8_192
_decode: Final[Callable[[str], Any]] = json.JSONDecoder().decode


@functools.cache
def _optional(kind: type) -> frozenset[str]:
    """Name the fields of a class that are absent where they are None: those that None is the default of."""
    return frozenset(name for name in dir(kind) if not name.startswith("_") and getattr(kind, name) is None)


def _attributes(content: object) -> Mapping[str, Any]:
    attributes, optional = vars(content), _optional(type(content))  # type: ignore[arg-type]  # mypy takes classes for not hashable
    if not optional:
        return attributes
    return {name: value for name, value in attributes.items() if value is not None or name not in optional}


_write: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_attributes).encode
_JSON_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def parse_json(body: bytes, limits: RequestLimits, *, example: str) -> Any:  # noqa: ANN401  any JSON value
    """Read JSON in UTF-8.

    Args:
        body: The bytes.
        limits: Of a request.
        example: A right body, for the message.

    Returns:
        The value; each string in it is Unicode without lone surrogates.

    Raises:
        RequestSyntaxError: If the body is not JSON; says where, without repeating any of it.
        RequestLimitError: If it has far more values than a request has.
    """
    check_num_values(body, limits)
    try:
        if len(body) <= _SMALL_BYTES:
            return _parse(body)
        with collector_paused():
            return _parse(body)
    except RecursionError:
        reason = "recursion limit exceeded"
    except ValueError as error:
        reason = _reason(error)
    raise RequestSyntaxError(f"the body is not JSON in UTF-8: {reason}; send for example {example}")


def encode_json(content: object) -> bytes:
    """Write JSON without spaces, in UTF-8.

    Of an object that is no JSON value its attributes are written, without those that are None by default.
    """
    return _write(content).encode()


def encode_predictions(
    head: str,
    predictions: Iterable[TextPrediction],
    explanations: Sequence[Mapping[str, Any]] | None = None,
    *,
    top_k: int | None = None,
) -> bytes:
    """Write the answer of the native protocol.

    Args:
        head: JSON of the :class:`~textwright.api.schemas.ModelIdentity` of the model that answered.
        predictions: N predictions, in the order of the texts.
        explanations: N explanations with the fields of :class:`~textwright.api.schemas.Explanation`; None where they
            are not asked for.
        top_k: Probabilities per text; None for all.

    Returns:
        JSON of a :class:`~textwright.api.schemas.PredictResponse`.
    """
    rows: Iterable[str] = (encode_prediction(item, top_k) for item in predictions)
    if explanations is not None:
        pairs = zip(rows, explanations, strict=True)
        rows = (f'{row[:-1]},"explanation":{_write(explanation)}}}' for row, explanation in pairs)
    return f'{{"model":{head},"predictions":[{",".join(rows)}]}}'.encode()


def encode_lines(predictions: Iterable[TextPrediction]) -> bytes:
    """Write predictions as JSON lines: N lines, each the JSON of a :class:`~textwright.api.schemas.Prediction`."""
    return "".join(f"{encode_prediction(item)}\n" for item in predictions).encode()


def encode_prediction(item: TextPrediction, top_k: int | None = None) -> str:
    """Write one prediction.

    Args:
        item: The prediction; its numbers are finite.
        top_k: Probabilities, >= 1, those of the most probable labels, best first; None for all, in the model's order.

    Returns:
        JSON of a :class:`~textwright.api.schemas.Prediction`.
    """
    label, labels, probabilities, truncated, stage, is_unlike = item
    pairs: Iterable[tuple[str, float]] = probabilities.items()
    if top_k is not None:
        pairs = nlargest(min(top_k, len(probabilities)), pairs, key=itemgetter(1))
    shown = ",".join([f"{quote(name)}:{value!r}" for name, value in pairs])
    answered_by = f',"stage":{quote(stage)}' if stage else ""
    if is_unlike:
        answered_by += ',"out_of_distribution":true'
    return (
        f'{{"label":{"null" if label is None else quote(label)},"labels":[{",".join(map(quote, labels))}],'
        f'"confidence":{item.confidence!r},"probabilities":{{{shown}}},'
        f'"truncated":{"true" if truncated else "false"}{answered_by}}}'
    )


def json_name(value: object) -> str:
    """Name the JSON type of a value, for messages."""
    return _JSON_NAMES.get(type(value), "another type")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from looking through a million new lists again and again: 0.6 s become 0.1 s."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _parse(body: bytes) -> Any:  # noqa: ANN401  any JSON value
    content = _decode(body.decode())
    # An escape such as \ud800 gives half a character, which is no Unicode text; looked for only where one was written.
    if b"\\u" in body:
        json.dumps(content, ensure_ascii=False).encode()
    return content


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.lower()} at line {error.lineno} column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"invalid unicode code point at byte {error.start}"
    if isinstance(error, UnicodeEncodeError):
        return "a lone surrogate in a string"
    return "a number is out of range"
