"""One process that answers: it loads the models and runs uvicorn on a socket that it was given.

Callers: ``run`` when there is one process, ``worker`` when there are several. Imports FastAPI and uvicorn.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final

import uvicorn
from fastapi import FastAPI

from textwright.server import logs
from textwright.server.app import create_app
from textwright.server.catalog import Catalog
from textwright.server.connections import ConnectionLimits, ConnectionTable
from textwright.server.http_protocol import protocol_class
from textwright.server.settings import ServeSettings
from textwright.server.sources import ModelSource

_SWITCH_INTERVAL_S: Final = 0.0005
"""How long one thread keeps the interpreter when another wants it.

Python's 5 ms is many times the cost of a small request, and the event loop and the inference thread wait for each other
several times in each. Measured on 2 cores with 1 and with 16 connections: 1.5 to 2 times the requests per second.
"""


def load_app(sources: Sequence[ModelSource], settings: ServeSettings) -> FastAPI:
    """Load the models, with the log on standard error.

    Args:
        sources: Where they come from.
        settings: The limits.

    Returns:
        The application, not yet started.

    Raises:
        SettingsError: If two models are the same, or a file of keys is wrong.
        ArtifactError: If an artifact cannot be trusted.
        NotFoundError: If there is no such artifact, variant or file of keys.
    """
    logs.configure(sys.stderr)
    app = create_app(Catalog([source.load(settings) for source in sources]), settings)
    # What is loaded stays: without this, the collector looks through all of it now and then, 40 ms in which nobody is
    # answered.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return app


class Server(uvicorn.Server):
    """uvicorn as we want it: our log, our bounds on connections, no header that tells what it is.

    Args:
        app: What answers.
        settings: How long idle connections stay open, and how long running requests get to finish.
        on_start: Called once, when requests are answered.
    """

    def __init__(self, app: FastAPI, settings: ServeSettings, on_start: Callable[[Server], None]) -> None:
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets=sockets)
        self._on_start(self)


def reload_on_signal(app: FastAPI) -> None:
    """Load every model anew when SIGHUP comes; where there is no such signal, there is only the admin route."""
    if not hasattr(signal, "SIGHUP"):
        return
    running: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    def begin() -> None:
        task = loop.create_task(app.state.reloader.reload_all())
        running.add(task)
        task.add_done_callback(running.discard)

    loop.add_signal_handler(signal.SIGHUP, begin)
