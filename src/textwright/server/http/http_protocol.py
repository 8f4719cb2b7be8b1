"""uvicorn's protocol with bounds on what comes before a request is complete; see ``docs/decisions/0025``.

uvicorn bounds none of it: not the time of the head, not its bytes, not the number of connections. What is added here
are checks in the callbacks of the parser, and a sweep of all connections instead of a timer for each request.
"""

from __future__ import annotations

from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from textwright.api.problems import MEDIA_TYPE, encode_problem, headers_of, problem_of
from textwright.api.record import REQUEST_ID
from textwright.errors import (
    HeadersTooLargeError,
    NotReadyError,
    QueueFullError,
    RequestSyntaxError,
    RequestTimeoutError,
    TextwrightError,
)
from textwright.server.http.connections import ConnectionTable
from textwright.server.telemetry.logs import new_request_id

_CHUNK_FACTOR: Final = 8
"""Bytes on the wire for each byte of a body, at most: one in a chunk of its own takes six."""
_MAX_PIPELINED: Final = 64
"""Requests that a connection may send before the first of them is answered."""
_STALLED_S: Final = 30.0
"""An answer of which the client takes nothing for so long is given up."""
_REASONS: Final = {
    HeadersTooLargeError: "headers_too_large",
    RequestSyntaxError: "not_http",
    QueueFullError: "too_many_bytes",
}


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        table: The connections of the process, and what each may use.
        given: What uvicorn gives its protocol.
    """

    def __init__(self, table: ConnectionTable, **options: Any) -> None:  # noqa: ANN401  uvicorn's
        super().__init__(**options)
        self._table = table
        self._limits = table.limits
        self._waiting_since: float | None = None  # for the rest of a request; None while nothing of one has come
        self._has_head = False  # of the request that is being received
        self._complete_scope: object = None  # of the last request that was received as a whole
        self._num_bytes = 0  # of the request that is being received, framing included
        self._num_body_bytes = 0
        self._num_held_bytes = 0  # of its body, counted in the table
        self._unsent = (0, 0.0)  # bytes of answers that the client has not taken, since when

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401  as uvicorn's
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        try:
            self._table.add(self)
        except NotReadyError as error:
            self._refuse(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what the connection used."""
        self._table.remove(self)
        self._release()  # of a body that is lost
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls what follows."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if self._waiting_since is None:
            self._waiting_since = self.loop.time()
        self._num_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError as error:
            cause = error.__context__
            if not isinstance(cause, TextwrightError):
                cause = RequestSyntaxError("this is not a request of HTTP/1.1; see /docs for what is answered here")
            self._refuse(cause)
            return
        if self.scope is not self._complete_scope:
            self._check_unfinished()

    def _check_unfinished(self) -> None:
        """Bound what has come of a request that is not complete; most come in one piece."""
        if self._waiting_since is None:  # it came in one piece with the end of another
            self._waiting_since = self.loop.time()
        if self._has_head and not self.cycle.response_complete:
            self._hold_body()
        if len(self.headers) > self._limits.max_headers:  # trailers are among them
            self._refuse(self._too_large(f"more than {self._limits.max_headers} lines"))
        # One line without an end is in the parser's memory alone: it calls nothing before the line is complete.
        if self._num_bytes > self._limits.max_header_bytes + _CHUNK_FACTOR * self._num_body_bytes:
            self._refuse(self._too_large(f"more than {self._limits.max_header_bytes} bytes"))

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        limit = self._limits.max_header_bytes
        # A head that came with others, or with a body, is counted only where it may be too large.
        if self._num_bytes > limit and self._num_head_bytes() > limit:
            raise self._too_large(f"more than {limit} bytes")
        if len(self.headers) > self._limits.max_headers:
            raise self._too_large(f"more than {self._limits.max_headers} lines")
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise self._too_large(f"more than {_MAX_PIPELINED} requests before the first is answered")
        self._has_head = True
        HttpToolsProtocol.on_headers_complete(self)  # at half the price of super()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._num_body_bytes += len(body)
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """Let the request be answered; nothing is expected from the client until then."""
        if self._num_held_bytes:
            self._release()
        self._waiting_since = None
        self._has_head, self._complete_scope = False, self.scope
        self._num_bytes = self._num_body_bytes = 0
        if not self.cycle.response_complete:
            self._table.note_request(self)
        HttpToolsProtocol.on_message_complete(self)

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for it."""
        if self._num_held_bytes:  # what comes of its body after the answer is dropped
            self._release()
        if not self.pipeline:
            self._table.note_answer(self)
        HttpToolsProtocol.on_response_complete(self)

    def check(self, now: float) -> str | None:
        """Close the connection if it has waited too long for its client; say why.

        Args:
            now: The time of the event loop, in seconds.
        """
        num_unsent = self.transport.get_write_buffer_size()
        if num_unsent and num_unsent == self._unsent[0]:
            if now - self._unsent[1] > _STALLED_S:
                self.abort()
                return "answer_not_taken"
        else:
            self._unsent = num_unsent, now
        if self._waiting_since is None or self._is_answering:
            return None
        waited_s = now - self._waiting_since
        if self._has_head:
            if waited_s > self._limits.head_timeout_s + self._limits.body_timeout_s:
                self.abort()  # the route has answered, with status 408 if it was reading the body
                return "body_timeout"
        elif waited_s > self._limits.head_timeout_s:
            self._close_without_head()
            return "head_timeout"
        return None

    def abort(self) -> None:
        """Close the connection at once; what was not sent is lost."""
        self.transport.abort()

    @property
    def _has_begun(self) -> bool:
        """True while a part of a request has come; the parser's first callback makes a scope for each."""
        return self.scope is not self._complete_scope

    @property
    def _is_answering(self) -> bool:
        """True while a complete request is being answered."""
        return self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete

    def _close_without_head(self) -> None:
        if not self._has_begun:  # nothing was asked, so nothing is answered
            self.transport.close()
            return
        self._refuse(
            RequestTimeoutError(
                f"the head of the request was not complete after {self._limits.head_timeout_s:g} seconds; send it at "
                "once, or start the server with a larger --head-timeout-s"
            )
        )

    def _num_head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)  # ": " and the line end

    def _too_large(self, what: str) -> HeadersTooLargeError:
        return HeadersTooLargeError(
            f"the head of the request has {what}; send fewer and shorter headers, or start the server with larger "
            "--max-header-bytes and --max-headers"
        )

    def _hold_body(self) -> None:
        """Count what has come of a body that is not complete; most come in one piece with their head."""
        num_new = self._num_body_bytes - self._num_held_bytes
        self._num_held_bytes += num_new
        try:
            self._table.hold(num_new)
        except QueueFullError as error:
            self._refuse(error)

    def _release(self) -> None:
        self._table.release(self._num_held_bytes)
        self._num_held_bytes = 0

    def _refuse(self, error: TextwrightError) -> None:
        """Answer with a problem and close the connection: what follows on it cannot be read."""
        if self.transport.is_closing():
            return
        reason = next((reason for kind, reason in _REASONS.items() if type(error) is kind), None)
        if reason is not None:
            self._table.count(reason)
        request_id = new_request_id()
        problem = problem_of(error, request_id)
        body = encode_problem(problem)
        headers = {
            "content-type": MEDIA_TYPE,
            "content-length": str(len(body)),
            "connection": "close",
            REQUEST_ID: request_id,
            **(headers_of(error) or {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[problem.status] + lines.encode("latin-1") + b"\r\n" + body)
        self.transport.close()
        if self.cycle is not None:
            self.cycle.disconnected = True  # a route that answers meanwhile writes nothing behind this
            self.cycle.message_event.set()


def protocol_class(table: ConnectionTable) -> type[BoundedProtocol]:
    """Give what uvicorn makes of each connection.

    Args:
        table: The connections of the process.
    """

    def make(**options: Any) -> BoundedProtocol:  # noqa: ANN401  uvicorn's
        return BoundedProtocol(table, **options)

    return cast("type[BoundedProtocol]", make)
