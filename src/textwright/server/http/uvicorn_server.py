"""uvicorn on a socket that it was given, with our log and our bounds on connections."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from textwright.server.http.connections import NUM_ACCEPTED_PER_TURN, ConnectionLimits, ConnectionTable
from textwright.server.http.http_protocol import protocol_class
from textwright.server.settings import ServeSettings


class Server(uvicorn.Server):
    """uvicorn as we want it: our log, our bounds on connections, no header that tells what it is.

    Args:
        app: What answers.
        settings: How long idle connections stay open, and how long running requests get to finish.
        on_start: Called once, when requests are answered.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, on_start: Callable[[Server], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol_class(ConnectionTable(ConnectionLimits.of(settings))),
                log_config=None,  # logs.configure has done it
                access_log=False,  # our line per request is the access log
                server_header=False,
                proxy_headers=False,
                ws="none",
                timeout_keep_alive=settings.keep_alive_s,
                timeout_graceful_shutdown=settings.shutdown_grace_s,
            )
        )
        self._on_start = on_start

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until a signal comes; the sockets are closed."""
        copies = [listener.dup() for listener in sockets or () for _ in range(NUM_ACCEPTED_PER_TURN - 1)]
        await super().serve([*(sockets or ()), *copies])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets=sockets)
        self._on_start(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; after a second Ctrl-C without waiting for the requests that run, or for texts that are still to come."""
        await super().shutdown(sockets=sockets)
        if self.force_exit:  # uvicorn leaves out the application's own end, and with it what is still to be written
            for connection in list(self.server_state.connections):
                connection.transport.close()
            await self.lifespan.shutdown()
