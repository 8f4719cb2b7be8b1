"""Texts become bodies of ``POST /v1/predict``: each small enough for the server, in the order of the texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from textwright.core.text_input import describe_bad_item, list_of_texts
from textwright.errors import TextError

_MAX_BYTES: Final = 1_000_000
"""Of the texts of one request; a server takes 4 MB unless it is told otherwise."""


def check_texts(texts: Iterable[str]) -> list[str]:
    """Read texts once, and refuse what is none before anything is sent.

    Args:
        texts: N texts, from any iterable that has an order.

    Raises:
        TextError: If an item is not a string; names its position.
    """
    checked = list(list_of_texts(texts))
    for position, text in enumerate(checked):
        if not isinstance(text, str):
            raise TextError(describe_bad_item(position, text))
    return checked


def bodies(texts: Iterable[str], batch_size: int, fields: Mapping[str, Any]) -> Iterator[bytes]:
    """Write the bodies of the requests that texts take.

    Args:
        texts: N texts.
        batch_size: Maximum number of texts of a request, >= 1.
        fields: Further fields of each body; those that are None are left out.
    """
    body = {name: value for name, value in fields.items() if value is not None}
    batch, size = list[str](), 0
    for text in texts:
        num_bytes = len(text.encode("utf-8", "replace"))
        if batch and (len(batch) == batch_size or size + num_bytes > _MAX_BYTES):
            yield _body(batch, body)
            batch, size = [], 0
        batch.append(text)
        size += num_bytes
    if batch:
        yield _body(batch, body)


def feedback_body(request_id: str, labels: str | Sequence[str], position: int, model: str | None) -> bytes:
    """Write the body of ``POST /v1/feedback``; one label may be given as a string."""
    names = [labels] if isinstance(labels, str) else list(labels)
    chosen = {} if model is None else {"model": model}
    return json.dumps({"request_id": request_id, "position": position, "labels": names, **chosen}).encode()


def _body(batch: list[str], fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"texts": batch, **fields}).encode()
