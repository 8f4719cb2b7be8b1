"""One JSON line per request, and never the text.

:class:`RequestLog` is the outermost part of the application that is ours: it gives each request its id, answers what
nobody foresaw with status 500, and writes the line. Nothing is configured at import; ``serve`` calls :func:`configure`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import IO, Any, Final

from pydantic_core import to_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from textwright.api.headers import SAFETY
from textwright.api.problems import CLIENT_GONE, MEDIA_TYPE, encode_problem, headers_of, refuse
from textwright.api.record import REQUEST_ID, RequestRecord, describe_error, fields_of, is_request_id

_REQUEST_ID: Final = REQUEST_ID.encode()
_SCOPE_KEY: Final = "textwright.request"
_SAFETY: Final = tuple((name.encode(), value.encode()) for name, value in SAFETY)
# Unique, not secret: asking the system for random bytes at each request would hand the interpreter to another thread.
_PROCESS: Final = token_hex(8)
_counter = count(1)

logger = logging.getLogger(__name__)


def record_of(request: Request) -> RequestRecord:
    """Find the record of a request, to add what the log shall say."""
    record: RequestRecord = request.scope[_SCOPE_KEY]
    return record


class RequestLog:
    """ASGI middleware: request ids in and out, a line per request, and a 500 for what nobody foresaw.

    Args:
        app: The application within.
        observe: Called with the records of requests that are complete.
    """

    def __init__(self, app: ASGIApp, observe: Callable[[Sequence[RequestRecord]], None]) -> None:
        self._app = app
        self._observe = observe
        self._complete: list[RequestRecord] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = perf_counter()
        record = scope[_SCOPE_KEY] = RequestRecord(_request_id(scope), scope["method"])

        def send_with_id(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_REQUEST_ID, record.id.encode()), *_SAFETY]
            return send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            record.status = CLIENT_GONE
        except Exception as error:
            logger.exception("unforeseen error", extra={"fields": {"id": record.id}})
            if record.status is not None:
                raise
            await problem_response(error, record)(scope, receive, send_with_id)
        finally:
            record.path = _route(scope)
            record.total_ms = 1e3 * (perf_counter() - start)
            self._note(record)

    def _note(self, record: RequestRecord) -> None:
        """Defer counting and logging until the response has been sent.

        Under load many end in one turn of the event loop: together they cost a third of each between two others.
        """
        if not self._complete:
            asyncio.get_running_loop().call_soon(self._write)
        self._complete.append(record)

    def _write(self) -> None:
        complete, self._complete = self._complete, []
        self._observe(complete)
        if logger.isEnabledFor(logging.INFO):
            # What logger.info does, without looking through the stack for its caller; once for all their lines.
            extra = {"lines": list(map(fields_of, complete))}
            logger.handle(logger.makeRecord(logger.name, logging.INFO, "", 0, "request", (), None, extra=extra))


def problem_response(error: Exception, record: RequestRecord) -> Response:
    """Answer with the problem that an exception is, and note it for the log.

    Args:
        error: Any exception.
        record: The record of the request.

    Returns:
        A response of type application/problem+json.
    """
    problem = refuse(error, record)
    return Response(encode_problem(problem), problem.status, headers_of(error), MEDIA_TYPE)


class JsonLines(logging.Formatter):
    """Write a record as one line of JSON.

    The message of a foreign exception may quote a text, so of those only the class and the places are logged.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line without its line end; of several requests that were logged together, a line for each."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        lines: list[dict[str, Any]] = getattr(record, "lines", None) or [getattr(record, "fields", {})]
        if record.exc_info and record.exc_info[1]:
            line["error"] = describe_error(record.exc_info[1])
        return b"\n".join(to_json({**line, **fields}, fallback=str) for fields in lines).decode()


def configure(stream: IO[str]) -> None:
    """Send the log of the server, and warnings of uvicorn, to a stream as JSON lines.

    Args:
        stream: Where to write, usually standard error.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    # Nothing of this stands in our lines, and finding it out costs more than writing them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name, level in (("textwright", logging.INFO), ("uvicorn", logging.WARNING), ("opentelemetry", logging.WARNING)):
        target = logging.getLogger(name)
        target.handlers[:] = [handler]
        target.setLevel(level)
        target.propagate = False


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _REQUEST_ID and is_request_id(shown := value.decode("latin-1")):
            return str(shown)
    return new_request_id()


def new_request_id() -> str:
    """Make an id for a request that has none."""
    return f"{_PROCESS}{next(_counter):016x}"


def _route(scope: Scope) -> str | None:
    """Name the route that was found: by its template if it has one, so that parameters stay out of the log."""
    template = getattr(scope.get("route"), "path", None)
    return template or (scope["path"] if "endpoint" in scope else None)
