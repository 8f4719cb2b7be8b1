"""The wire of ``textwright.wire`` with the standard library alone: the same requests, answers and refusals.

``textwright.wire`` reads and documents with pydantic, whose import is a third of a cold start. Tests hold the two equal
on arbitrary bodies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from textwright.api.validation import most_probable
from textwright.core.labels import Task
from textwright.errors import RequestError, RequestSyntaxError
from textwright.runtime.predictor import Prediction, Predictor
from textwright.serverless.settings import LambdaSettings

EXAMPLE_TEXT: Final = "A touching film with a great cast."
_EXAMPLE: Final = json.dumps({"text": EXAMPLE_TEXT})
_FIELDS: Final = ("model", "text", "texts", "explain", "top_k")
"""In the order in which they are checked."""
_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


class Asked(NamedTuple):
    """What a request asks for.

    Args:
        texts: One text or more.
        model: Name, or name@version, of the model that shall answer; None for whichever there is.
        explain: Whether explanations are asked for.
        top_k: Probabilities per text; None for all.
    """

    texts: list[str]
    model: str | None
    explain: bool
    top_k: int | None


def parse_request(body: bytes) -> Asked:
    """Read the body of ``POST /v1/predict``.

    Args:
        body: JSON in UTF-8.

    Returns:
        One or more texts; each is Unicode without lone surrogates.

    Raises:
        RequestSyntaxError: If the body is not JSON; says where.
        RequestError: If a field is missing, unknown or of another type; names it.
    """
    content = _parse(body)
    if not isinstance(content, dict):
        raise RequestError(f"the body must be an object, not {_name(content)}")
    for field in _FIELDS:
        if field in content:
            _check(field, content[field])
    if unknown := [name for name in content if name not in _FIELDS]:
        raise RequestError(f'{json.dumps(unknown[0][:40])} is not a field of this request; give "text" or "texts"')
    if ("text" in content) == ("texts" in content):
        raise RequestError(f'give either "text" or "texts", exactly one of them; for example {_EXAMPLE}')
    return Asked(
        content.get("texts") or [content["text"]], content.get("model"), content.get("explain", False), _top_k(content)
    )


def encode_response(
    identity: Mapping[str, str], predictions: Iterable[Prediction], *, top_k: int | None = None
) -> bytes:
    """Write the body of the answer to ``POST /v1/predict``.

    Args:
        identity: Which model answered, see :func:`identity_of`.
        predictions: N predictions, in the order of the texts.
        top_k: Probabilities per text; None for all.

    Returns:
        JSON of a ``textwright.wire.PredictResponse``.
    """
    return encode({"model": identity, "predictions": [row_of(item, top_k) for item in predictions]})


def row_of(item: Prediction, top_k: int | None = None) -> dict[str, Any]:
    """Write one prediction, a ``textwright.wire.PredictionRow``, with all probabilities or the ``top_k`` highest."""
    return {
        "label": item.label,
        "labels": item.labels,
        "confidence": item.confidence,
        "probabilities": most_probable(item.probabilities, top_k),
        "truncated": item.truncated,
        **({"stage": item.stage} if item.stage else {}),
    }


def encode(content: Mapping[str, Any]) -> bytes:
    """Write JSON without spaces, in UTF-8."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def identity_of(predictor: Predictor) -> dict[str, str]:
    """Say which model a predictor has loaded: a ``textwright.wire.ModelIdentity``."""
    manifest = predictor.artifact.manifest
    return {
        "name": manifest.name,
        "version": predictor.artifact.version,
        "family": manifest.family,
        "variant": predictor.variant,
        "task": predictor.labels.task.value,
    }


def info_of(predictor: Predictor, settings: LambdaSettings) -> dict[str, Any]:
    """Say what the model is and what one request may hold: a ``textwright.wire.ModelInfo``."""
    manifest = predictor.artifact.manifest
    fast, variant = manifest.fast_stage, manifest.variant(predictor.variant)
    return {
        **identity_of(predictor),
        "labels": list(predictor.labels.names),
        "max_length": manifest.max_length,
        "threshold": manifest.threshold if predictor.labels.task is Task.MULTI_LABEL else None,
        "thresholds": dict(manifest.thresholds),
        "metrics": variant.metrics,
        "metrics_split": manifest.metrics_split,
        "created": manifest.created,
        "limits": {name: getattr(settings, name) for name in ("max_texts", "max_text_chars", "max_body_bytes")},
        "batch_invariance": dict(variant.batch_invariance),
        "fast_stage": fast and {name: getattr(fast, name) for name in ("family", "max_length", "certainty")},
    }


def _parse(body: bytes) -> object:
    try:
        content = json.loads(body.decode())
        # An escape such as \ud800 gives half a character, which is no Unicode text; found only where one was written.
        if b"\\u" in body:
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise _no_json("recursion limit exceeded") from None
    except ValueError as error:
        raise _no_json(_reason(error)) from None
    return content


def _reason(error: ValueError) -> str:
    """Say what is wrong without repeating any of the request."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.lower()} at line {error.lineno} column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"invalid unicode code point at byte {error.start}"
    if isinstance(error, UnicodeEncodeError):
        return "a lone surrogate in a string"
    return "a number is out of range"


def _no_json(reason: str) -> RequestSyntaxError:
    return RequestSyntaxError(f"the body is not JSON in UTF-8: {reason}; send for example {_EXAMPLE}")


def _check(field: str, value: object) -> None:
    if field == "texts":
        _check_texts(value)
    elif field == "top_k":
        if value is not None and not _is_count(value):
            raise RequestError('"top_k" must be a whole number of 1 or more')
    elif field == "explain":
        if not isinstance(value, bool):
            raise RequestError(f'"explain" must be true or false, not {_name(value)}')
    elif not isinstance(value, str) and not (field == "model" and value is None):
        raise RequestError(f'"{field}" must be a string, not {_name(value)}')


def _is_count(value: object) -> bool:
    """Say whether a value is an integer of 1 or more, as JSON Schema has it: 1.0 is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value >= 1 and (isinstance(value, int) or value.is_integer())


def _top_k(content: Mapping[str, Any]) -> int | None:
    value = content.get("top_k")
    return None if value is None else int(value)


def _check_texts(value: object) -> None:
    if not isinstance(value, list):
        raise RequestError(f'"texts" must be an array of strings, not {_name(value)}')
    for position, text in enumerate(value):
        if not isinstance(text, str):
            raise RequestError(f'"texts"[{position}] must be a string, not {_name(text)}')
    if not value:
        raise RequestError('"texts" is empty; give at least one text')


def _name(value: object) -> str:
    return _NAMES[type(value)]
