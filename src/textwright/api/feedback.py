"""``POST /v1/feedback``: what the right label of a text was that the server has answered."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from textwright.api.codec import parse_json
from textwright.api.headers import JSON
from textwright.api.protocols.fields import Fields, Kind, is_whole, list_of
from textwright.api.record import is_request_id
from textwright.api.validation import RequestLimits
from textwright.core.labels import Labels, Task
from textwright.errors import RequestError

MEDIA_TYPES: Final = (JSON,)
MAX_ID_CHARS: Final = 128
"""Of a request id, as in the header x-request-id."""
_FIELDS: Final = frozenset({"request_id", "position", "labels", "model"})


class Feedback(NamedTuple):
    """The right labels of one text.

    Args:
        request_id: The x-request-id of the request that asked for it.
        position: Of the text in that request, >= 0.
        labels: One label; of a multi-label model those that hold, also none.
        model: Whose labels they are: name, or name@version; None for the default.
    """

    request_id: str
    position: int
    labels: tuple[str, ...]
    model: str | None

    def check(self, labels: Labels) -> None:
        """Refuse labels that the model does not have.

        Args:
            labels: Of the model, with its task.

        Raises:
            RequestError: Names the label, or the number of labels.
        """
        for position, name in enumerate(self.labels):
            if name not in labels.index:
                shown = ", ".join(map(repr, labels.names[:20])) + (", ..." if len(labels) > 20 else "")
                raise RequestError(f"labels[{position}] is no label of the model, whose labels are {shown}")
        if len(set(self.labels)) < len(self.labels):
            raise RequestError("labels names a label twice; name each once")
        if labels.task is Task.SINGLE_LABEL and len(self.labels) != 1:
            raise RequestError(f"labels has {len(self.labels)} labels; the model gives each text one, so name one")


def example(label: str) -> dict[str, Any]:
    """Give a right body."""
    return {"request_id": "0f8d3c5e", "position": 0, "labels": [label]}


def parse(body: bytes, limits: RequestLimits) -> Feedback:
    """Read a body.

    Args:
        body: The bytes.
        limits: Of a request; a position is below its texts.

    Returns:
        The feedback; its labels were not yet compared with those of a model.

    Raises:
        RequestSyntaxError: If the body is not JSON; says where.
        RequestError: If a field is missing, unknown, of another type or out of its bounds; names it.
    """
    shown = json.dumps(example("LABEL"))
    content = parse_json(body, limits, example=shown)
    fields = Fields(content, example=shown)
    for name in content:
        if name not in _FIELDS:
            raise RequestError(f"{json.dumps(name[:40])} is not a field of this request; send for example {shown}")
    position = Kind(
        lambda value: is_whole(value) and 0 <= value < limits.max_texts,
        f"a whole number from 0 to {limits.max_texts - 1}",
    )
    return Feedback(
        fields.read("request_id", _ID),
        int(fields.read("position", position, 0)),
        tuple(fields.read("labels", list_of(_LABEL, _MAX_LABELS))),
        fields.read("model", _MODEL, None),
    )


_MAX_LABELS: Final = 10_000
_ID: Final = Kind(
    lambda value: isinstance(value, str) and is_request_id(value),
    f"the x-request-id of an answer: 1 to {MAX_ID_CHARS} letters, digits and ._:-",
)
_LABEL: Final = Kind(lambda value: isinstance(value, str), "a label")
_MODEL: Final = Kind(lambda value: isinstance(value, str), "a string").or_null()
