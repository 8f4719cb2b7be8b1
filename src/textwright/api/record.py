"""What the log says about one request, and never the text: a line of JSON, which on Lambda is also its metrics.

Source:
    Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from textwright.errors import QueueFullError, TextwrightError

REQUEST_ID: Final = "x-request-id"
NAMESPACE: Final = "Textwright"
METRICS: Final = {
    "num_texts": "Count",
    "num_tokens": "Count",
    "truncated": "Count",
    "infer_ms": "Milliseconds",
    "total_ms": "Milliseconds",
    "refused": "Count",
    "failed": "Count",
    "cold_start": "Count",
}
"""The metrics of CloudWatch; few, since each is paid for by the month."""
_WORD: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(eq=False, repr=False)
class RequestRecord:
    """What the log says about one request; what is None is left out.

    Args:
        id: The client's x-request-id if it is a plain word, else one of ours.
        method: The HTTP method; None if an event of Lambda was of no known form.
        model: Name and version of the model that was asked; None if it came to none.
        key: The name of the API key; None if there are no keys.
        path: The route; None for an unknown address, which may hold anything, even a text.
        status: The HTTP status; 499 if the client hung up.
        code: The code of the problem that was answered.
        num_texts: Texts in the request.
        num_tokens: Tokens read by the model, by all its stages together.
        truncated: Texts that were longer than the model reads.
        num_escalated: Texts that the first stage left to a later one; None for a model of one stage.
        stage_texts: Stage -> texts that it answered; None for a model of one stage.
        tokenize_ms: Time from texts to ids.
        queue_ms: Time that the ids waited for the model.
        infer_ms: Time from there to the last prediction.
        explain_ms: Time from there to the last explanation; None where none was asked for.
        batch_size: Texts that went through the model, or its last stage that was needed, together; those of other
            requests included.
        total_ms: Time from the first byte of the request, or the event, to the answer.
        cold_start: On Lambda 1 for the first request of an instance, else 0.
    """

    id: str
    method: str | None = None
    model: str | None = None
    key: str | None = None
    path: str | None = None
    status: int | None = None
    code: str | None = None
    num_texts: int | None = None
    num_tokens: int | None = None
    truncated: int | None = None
    num_escalated: int | None = None
    stage_texts: Mapping[str, int] | None = None
    tokenize_ms: float | None = None
    queue_ms: float | None = None
    infer_ms: float | None = None
    explain_ms: float | None = None
    batch_size: int | None = None
    total_ms: float = 0.0
    cold_start: int | None = None

    @property
    def is_failure(self) -> bool:
        """Whether the model, or the queue before it, failed to answer."""
        return (self.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR or self.code == QueueFullError.code

    def note_inference(
        self,
        num_tokens: int = 0,
        tokenize_ms: float = 0.0,
        queue_ms: float | None = None,
        infer_ms: float | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Add what running the model, or one of its stages, took; what is None is not known yet."""
        self.num_tokens = (self.num_tokens or 0) + num_tokens
        self.tokenize_ms = (self.tokenize_ms or 0.0) + tokenize_ms
        if queue_ms is not None:
            self.queue_ms = (self.queue_ms or 0.0) + queue_ms
        if infer_ms is not None:
            self.infer_ms = (self.infer_ms or 0.0) + infer_ms
        self.batch_size = batch_size or self.batch_size


def is_request_id(value: str) -> bool:
    """Say whether a client's id is a plain word, which may stand in the log."""
    return _WORD.fullmatch(value) is not None


def fields_of(record: RequestRecord) -> dict[str, Any]:
    """Return what the line of a request holds, JSON-ready; times are rounded to microseconds."""
    return {
        name: round(value, 3) if type(value) is float else value
        for name, value in vars(record).items()
        if value is not None
    }


def embedded_metrics(record: RequestRecord, model_name: str, timestamp_ms: int) -> dict[str, Any]:
    """Return what the line of a request holds, of which CloudWatch Logs makes metrics as well.

    Args:
        record: The record.
        model_name: The dimension of the metrics; ASCII, or CloudWatch drops them.
        timestamp_ms: Milliseconds since 1970, UTC.
    """
    status = record.status or HTTPStatus.INTERNAL_SERVER_ERROR
    fields = {**fields_of(record), "status": status, "model_name": model_name}
    is_failure = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    fields["failed"] = int(is_failure)
    fields["refused"] = int(status >= HTTPStatus.BAD_REQUEST and not is_failure)
    metrics = [{"Name": name, "Unit": unit} for name, unit in METRICS.items() if name in fields]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["model_name"]], "Metrics": metrics}
    return {**fields, "_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}}


def describe_error(error: BaseException) -> dict[str, Any]:
    """Say what went wrong; of foreign errors only the class and the places, since a message may quote a text."""
    import traceback  # a cold start pays for each import, and seldom anything fails

    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    message = {"code": error.code, "message": str(error)} if isinstance(error, TextwrightError) else {}
    return {"type": type(error).__name__, **message, "frames": frames}


def server_timing(record: RequestRecord) -> str:
    """Write the header Server-Timing of a request that was predicted.

    Source:
        W3C, "Server Timing".
    """
    queue_ms = record.queue_ms or 0.0
    timing = f"tokenize;dur={record.tokenize_ms:.3f}, queue;dur={queue_ms:.3f}, infer;dur={record.infer_ms:.3f}"
    return timing if record.explain_ms is None else f"{timing}, explain;dur={record.explain_ms:.3f}"
