"""Every open connection of one process: how many there may be, and how long each may keep the server waiting.

A connection *waits for its client* from its start, and from each answer, until a request is complete. Only such a
connection is closed to make room for another. Caller: ``server.http_protocol``, which says what happens on each.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from textwright.errors import NotReadyError, QueueFullError
from textwright.server.settings import ServeSettings

NUM_ACCEPTED_PER_TURN: Final = 16
"""New connections that one turn of the event loop accepts.

uvloop accepts one for each listening socket. Under load a turn answers a batch of requests of the connections that are
open: with one socket, whoever connects anew would wait for minutes, and then be reset by the kernel's full queue.
"""
_LEAST_SPARE_FILES: Final = 16 + 5 * NUM_ACCEPTED_PER_TURN
"""Files that the process may still open beside all connections: those of a model that is loaded anew, keys, sockets.

Each turn accepts from as many copies of the socket, and what it closes instead is closed some turns later only.
"""
_MAX_UNFINISHED_BYTES: Final = 256_000_000
"""Bytes of bodies that are not complete, of all connections of a process."""
_SWEEP_S: Final = 1.0
_LOG_S: Final = 10.0
"""What was closed or refused meanwhile is one line of the log."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a client may use before its request is complete.

    Args:
        head_timeout_s: Seconds from the start of a connection, or from the first byte of a further request, until the
            head of the request is complete.
        body_timeout_s: Seconds until its body is complete.
        max_header_bytes: Bytes of request line and headers.
        max_headers: Lines of headers, trailers included.
        max_connections: Connections that are open at once.
    """

    head_timeout_s: float
    body_timeout_s: float
    max_header_bytes: int
    max_headers: int
    max_connections: int

    @classmethod
    def of(cls, settings: ServeSettings) -> ConnectionLimits:
        """Read the limits of one process from the settings and from its file limit."""
        return cls(
            settings.head_timeout_s,
            settings.body_timeout_s,
            settings.max_header_bytes,
            settings.max_headers,
            min(settings.max_connections, connections_within_file_limit()),
        )


def connections_within_file_limit() -> int:
    """Count the connections for which this process may open files, with some to spare; at least 1."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft_limit == resource.RLIM_INFINITY:
        return sys.maxsize
    spare = max(_LEAST_SPARE_FILES, soft_limit // 16)
    return max(soft_limit - _num_open_files() - spare, 1)


class Connection(Protocol):
    """What the table needs of a connection."""

    def check(self, now: float) -> str | None:
        """Close the connection if it has waited too long for its client; say why.

        Args:
            now: The time of the event loop, in seconds.
        """

    def abort(self) -> None:
        """Close the connection at once; what was not sent is lost."""


class ConnectionTable:
    """The open connections of one process.

    Args:
        limits: What each may use, and how many there may be.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        # Both in the order in which the waiting began. Who has never had an answer is closed before who has had one.
        self._new: dict[Connection, None] = {}
        self._idle: dict[Connection, None] = {}
        self._num_unfinished_bytes = 0
        self._counts: Counter[str] = Counter()
        self._next_line = 0.0
        self._sweep_s = min(limits.head_timeout_s / 4, limits.body_timeout_s / 4, _SWEEP_S)
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """Take a connection in; where there are too many, close the one that has waited longest for its client.

        Raises:
            NotReadyError: If every other connection has a request that is being answered.
        """
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._sweep_s, self._sweep)
        if len(self._open) >= self.limits.max_connections:
            self._close_oldest()
        self._open.add(connection)
        self._new[connection] = None

    def note_request(self, connection: Connection) -> None:
        """Note that a request is complete: the connection waits for us now."""
        if connection in self._idle:
            del self._idle[connection]
        else:
            self._new.pop(connection, None)

    def note_answer(self, connection: Connection) -> None:
        """Note that every request is answered: the connection waits for its client again."""
        if connection in self._open:
            if connection in self._new:  # it was answered before its body was complete
                del self._new[connection]
            self._idle[connection] = None

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.discard(connection)
        self.note_request(connection)

    def hold(self, num_bytes: int) -> None:
        """Count bytes of a body that is not complete.

        Raises:
            QueueFullError: If there are too many, of all connections.
        """
        self._num_unfinished_bytes += num_bytes
        if self._num_unfinished_bytes > _MAX_UNFINISHED_BYTES:
            raise QueueFullError(
                f"bodies of {_MAX_UNFINISHED_BYTES} bytes are being received, and no more may be; try again in 1 s", 1
            )

    def release(self, num_bytes: int) -> None:
        """Take back what was counted of a body that is complete, or lost."""
        self._num_unfinished_bytes -= num_bytes

    def count(self, reason: str) -> None:
        """Count a connection that was closed before its request was complete; the log sums them up.

        Args:
            reason: In few words, as a field of the log.
        """
        self._counts[reason] += 1

    def _close_oldest(self) -> None:
        waiting = self._new or self._idle
        if not waiting:
            self.count("refused")
            raise NotReadyError(
                f"each of {self.limits.max_connections} connections has a request that is being answered; ask again in "
                "a moment, or start the server with a larger --max-connections and file limit (ulimit -n)"
            )
        oldest = next(iter(waiting))
        self.remove(oldest)
        self.count("over_limit")
        oldest.abort()

    def _sweep(self) -> None:
        """Close what has waited too long, and log it; ends when there is nothing left to look at."""
        loop = asyncio.get_running_loop()
        now, self._timer = loop.time(), None
        for connection in list(self._open):
            reason = connection.check(now)
            if reason is not None:
                self.count(reason)
        if self._counts and now >= self._next_line:
            self._write_line()
            self._next_line = now + _LOG_S
        if self._open or self._counts:
            self._timer = loop.call_later(self._sweep_s, self._sweep)

    def _write_line(self) -> None:
        fields = {**self._counts, "open": len(self._open), "max_connections": self.limits.max_connections}
        self._counts.clear()
        logger.warning("connections closed before a request was complete", extra={"fields": fields})


def _num_open_files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return sum(1 for _ in Path(folder).iterdir())
        except OSError:
            continue
    return 64
