"""Serve artifacts from this process: take the port, load, warm up, announce, run until told to stop.

Caller: ``cli.serve``. Imports FastAPI and uvicorn only when called, so that a missing extra is said in words.
"""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Final

from textwright.errors import PortInUseError, SettingsError
from textwright.extras import require
from textwright.server.settings import ServeSettings
from textwright.server.sources import ModelSource
from textwright.wire import EXAMPLE_TEXT

if TYPE_CHECKING:
    from fastapi import FastAPI

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  recognised, not bound to
_BACKLOG: Final = 2048
_SWITCH_INTERVAL_S: Final = 0.0005
"""How long one thread keeps the interpreter when another wants it.

Python's 5 ms is many times the cost of a small request, and the event loop and the inference thread wait for each other
several times in each. Measured on 2 cores with 1 and with 16 connections: 1.5 to 2 times the requests per second.
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server answers.

    Args:
        url: Its root, with the port that was really taken.
    """

    url: str

    @property
    def curl(self) -> str:
        """A command line that predicts an example text."""
        body = json.dumps({"text": EXAMPLE_TEXT})
        return f"curl {self.url}/v1/predict -H 'content-type: application/json' -d '{body}'"


def serve(sources: Sequence[ModelSource], settings: ServeSettings, *, announce: Callable[[Address], None]) -> None:
    """Serve artifacts until SIGINT or SIGTERM; SIGHUP loads them anew.

    The port is taken before the model is loaded: a taken port is said at once, and requests that come while the
    model loads wait instead of being refused.

    Args:
        sources: Where the models come from, one or more; the first is the default.
        settings: Where to listen and the limits.
        announce: Called once, when requests are answered.

    Raises:
        MissingExtraError: If the server's libraries are not installed.
        PortInUseError: If the port is taken.
        SettingsError: If the host is not one of this machine, the port needs more rights, or two models are the same.
        ArtifactError: If the artifact cannot be trusted.
        NotFoundError: If there is no such artifact or variant.
    """
    with _stopped_by_signals(), listen(settings.host, settings.port) as listener:
        require("server", what="serving")
        from textwright.server import logs
        from textwright.server.app import create_app
        from textwright.server.catalog import Catalog

        logs.configure(sys.stderr)
        app = create_app(Catalog([source.load(settings) for source in sources]), settings)
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        _run(app, listener, settings.shutdown_grace_s, lambda: announce(address_of(listener)))


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Args:
        host: Name or address of an interface of this machine.
        port: 0 takes any that is free.

    Returns:
        A listening socket; connections wait in it until they are accepted.

    Raises:
        PortInUseError: If another process has the port.
        SettingsError: If there is no such interface, or the port needs more rights.
    """
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol, which socket.create_server
    # does not do: each answer would wait some 40 ms for the client's delayed acknowledgement.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _refusal(error, host, port) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(error, host, port) from error
    return listener


def address_of(listener: socket.socket) -> Address:
    """Say where a listening socket can be reached from this machine.

    Args:
        listener: A socket that listens on one interface or on all.

    Returns:
        Its address; "every interface" is told as 127.0.0.1, which can be opened in a browser.
    """
    host, port = listener.getsockname()[:2]
    reachable = "127.0.0.1" if host in _EVERYWHERE else host
    return Address(f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}")


def _refusal(error: OSError, host: str, port: int) -> PortInUseError | SettingsError:
    if error.errno == errno.EADDRINUSE:
        return PortInUseError(
            f"port {port} of {host} is taken by another process; choose another with --port, for example "
            f"--port {port % 65535 + 1} (--port 0 takes any that is free)"
        )
    if error.errno == errno.EACCES:
        return SettingsError(f"port {port} needs more rights than this user has; choose --port 1024 or above")
    return SettingsError(f"cannot listen on host {host!r} ({error}); --host takes an address of this machine")


def _reload_on_signal(app: FastAPI) -> None:
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


class _Stopped(BaseException):
    """A signal asked to stop; no error, so nothing that catches errors may catch it."""


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Leave the block quietly on SIGINT or SIGTERM.

    While it runs, uvicorn has handlers of its own that finish the running requests first; it then raises the signal
    again, which ends up here.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stopped:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(app: FastAPI, listener: socket.socket, grace_s: int, announce: Callable[[], None]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            _reload_on_signal(app)
            announce()

    config = uvicorn.Config(
        app,
        log_config=None,  # logs.configure has done it
        access_log=False,  # our line per request is the access log
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=grace_s,
    )
    Server(config).run(sockets=[listener])
