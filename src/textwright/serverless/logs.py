"""One JSON line per request to standard output, and never the text; the line carries its metrics as well.

CloudWatch Logs makes metrics of the ``_aws`` member (embedded metric format), so nothing is called and nothing waits.
The members beside the metrics are those of the server's log.

Source:
    Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import IO, Any, Final

from textwright.errors import TextwrightError

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
"""The metrics; few, since each is paid for by the month."""
_WORD: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass
class InvocationRecord:
    """What the log says about one request; what is None is left out.

    Args:
        id: The client's x-request-id if it is a plain word, else the one of the invocation.
        model: Name and version of the model.
        model_name: Name of the model: the dimension of the metrics.
        method: The HTTP method; None if the event was of no known form.
        path: The route; None for an unknown address, which may hold anything, even a text.
        key: The name of the API key; None if the function has none.
        status: The HTTP status.
        code: The code of the problem that was answered.
        num_texts: Texts in the request.
        num_tokens: Tokens read by the model.
        truncated: Texts that were longer than the model reads.
        num_sent_on: Texts that the fast stage of a cascade left to the strong one; None for a model of one stage.
        tokenize_ms: Time from texts to ids.
        infer_ms: Time from there to the last prediction.
        total_ms: Time from the event to the answer.
        cold_start: 1 for the first request of an instance, else 0.
    """

    id: str
    model: str
    model_name: str
    method: str | None = None
    path: str | None = None
    key: str | None = None
    status: int = HTTPStatus.INTERNAL_SERVER_ERROR
    code: str | None = None
    num_texts: int | None = None
    num_tokens: int | None = None
    truncated: int | None = None
    num_sent_on: int | None = None
    tokenize_ms: float | None = None
    infer_ms: float | None = None
    total_ms: float = 0.0
    cold_start: int = 0


class Log:
    """Where lines go.

    Args:
        stream: Usually standard output, which Lambda sends to CloudWatch Logs.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream

    def request(self, record: InvocationRecord) -> None:
        """Write the line of a request."""
        told = {name: round(value, 3) if type(value) is float else value for name, value in asdict(record).items()}
        fields = {name: value for name, value in told.items() if value is not None}
        is_failure = record.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        fields["failed"] = int(is_failure)
        fields["refused"] = int(record.status >= HTTPStatus.BAD_REQUEST and not is_failure)
        self._write("info", "request", {**fields, "_aws": _metrics(fields)})

    def error(self, event: str, error: BaseException, request_id: str | None = None) -> None:
        """Write what went wrong; of foreign errors only the class and the places, since a message may quote a text."""
        import traceback  # a cold start pays for each import, and seldom anything fails

        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        said = {"code": error.code, "message": str(error)} if isinstance(error, TextwrightError) else {}
        told = {"type": type(error).__name__, **said, "frames": frames}
        self._write("error", event, ({"id": request_id} if request_id else {}) | {"error": told})

    def event(self, event: str, **fields: object) -> None:
        """Write that something happened, for example that the function is ready."""
        self._write("info", event, fields)

    def _write(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        line = {"time": _now().isoformat(timespec="milliseconds"), "level": level, "event": event, **fields}
        stream = self._stream or sys.stdout
        stream.write(json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str) + "\n")
        stream.flush()


def request_id_of(headers: Mapping[str, str], invocation_id: str) -> str:
    """Choose the id of a request: the client's if it is a plain word, else that of the invocation."""
    shown = headers.get("x-request-id", "")
    return shown if _WORD.fullmatch(shown) else invocation_id


def _metrics(fields: Mapping[str, Any]) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": unit} for name, unit in METRICS.items() if name in fields]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["model_name"]], "Metrics": metrics}
    return {"Timestamp": round(_now().timestamp() * 1000), "CloudWatchMetrics": [directive]}


def _now() -> datetime:
    return datetime.now(UTC)
