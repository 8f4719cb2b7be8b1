"""One JSON line per request to standard output, and never the text; the line carries its metrics as well.

CloudWatch Logs makes metrics of the ``_aws`` member (embedded metric format), so nothing is called and nothing waits.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO, Any

from textwright.api.codec import encode_json
from textwright.api.record import RequestRecord, describe_error, embedded_metrics


class Log:
    """Where lines go.

    Args:
        stream: Usually standard output, which Lambda sends to CloudWatch Logs.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream

    def request(self, record: RequestRecord, model_name: str) -> None:
        """Write the line of a request; the model's name, in ASCII, is the dimension of its metrics."""
        self._write("info", "request", embedded_metrics(record, model_name, round(_now().timestamp() * 1000)))

    def error(self, event: str, error: BaseException, request_id: str | None = None) -> None:
        """Write what went wrong."""
        self._write("error", event, ({"id": request_id} if request_id else {}) | {"error": describe_error(error)})

    def event(self, event: str, **fields: object) -> None:
        """Write that something happened, for example that the function is ready."""
        self._write("info", event, fields)

    def _write(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        line = {"time": _now().isoformat(timespec="milliseconds"), "level": level, "event": event, **fields}
        stream = self._stream or sys.stdout
        stream.write(encode_json(line).decode() + "\n")
        stream.flush()


def _now() -> datetime:
    return datetime.now(UTC)
