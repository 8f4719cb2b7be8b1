"""Serve artifacts: take the port, then load and answer in this process, or in several workers.

Caller: ``cli.serve``. Imports FastAPI and uvicorn only when called, so that a missing extra is said in words.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from textwright.api.codec import EXAMPLE_TEXT
from textwright.core import artifact as artifacts
from textwright.errors import PortInUseError, SettingsError
from textwright.optional_deps import require
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.settings import ServeSettings
from textwright.server.workers.signals import stopped_by_signals
from textwright.server.workers.supervisor import supervise
from textwright.server.workers.worker import main

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from textwright.server.http.state import ServerState
    from textwright.server.registry.registry import ModelRegistry

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  recognized, not bound to
_BACKLOG: Final = 2048

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server answers.

    Args:
        url: Its root, with the port that was really taken.
        example_text: A text to ask the first model for.
    """

    url: str
    example_text: str = EXAMPLE_TEXT

    @property
    def curl(self) -> str:
        """A command line that predicts an example text."""
        body = json.dumps({"text": self.example_text}, ensure_ascii=False).replace("'", r"\u0027")
        return f"curl {self.url}/v1/predict -H 'content-type: application/json' -d '{body}'"


def serve(specs: Sequence[ModelSpec], settings: ServeSettings, *, announce: Callable[[Address], None]) -> None:
    """Serve artifacts until SIGINT or SIGTERM; SIGHUP loads them anew.

    The port is taken before the model is loaded: a taken port is said at once, and requests that come while the
    model loads wait instead of being refused.

    Args:
        specs: Where the models come from, one or more; the first is the default.
        settings: Where to listen and the limits.
        announce: Called once, when requests are answered.

    Raises:
        MissingExtraError: If the server's libraries are not installed.
        PortInUseError: If the port is taken.
        SettingsError: If the host is not one of this machine, the port needs more rights, or two models are the same.
        ArtifactError: If the artifact cannot be trusted.
        NotFoundError: If there is no such artifact or variant.
    """
    with stopped_by_signals(), listen(settings.host, settings.port) as listener:
        require("server", what="serving")
        if settings.api_keys is None:
            _warn_if_open(listener)
        if settings.workers > 1:
            text = next(iter(artifacts.read(specs[0].path).manifest.example_texts), EXAMPLE_TEXT)
            address = replace(address_of(listener), example_text=text)
            supervise(specs, settings, listener, program=__name__, announce=lambda: announce(address))
        else:
            _serve_here(specs, settings, listener, announce)


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
    # does not do: each answer would wait some 40 ms for the client's delayed acknowledgment.
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


def _warn_if_open(listener: socket.socket) -> None:
    host = listener.getsockname()[0]
    if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        return
    from textwright.server.telemetry import logs

    logs.configure(sys.stderr)
    logger.warning(
        "WITHOUT KEYS: everybody who reaches this address may ask; give --api-keys FILE, or listen on 127.0.0.1",
        extra={"fields": {"host": host}},
    )


def _serve_here(
    specs: Sequence[ModelSpec], settings: ServeSettings, listener: socket.socket, announce: Callable[[Address], None]
) -> None:
    from textwright.server.app import load_app
    from textwright.server.http.uvicorn_server import Server

    app = load_app(specs, settings)

    def begin(_server: Server) -> None:
        _reload_on_signal(app.state.registry)
        text = app.state.registry.default.model.example_texts[0]
        announce(replace(address_of(listener), example_text=text))

    Server(app, settings, begin).run(sockets=[listener])


def _reload_on_signal(registry: ModelRegistry) -> None:
    """Load every model anew when SIGHUP comes; where there is no such signal, there is only the admin route."""
    if not hasattr(signal, "SIGHUP"):
        return
    running: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    def begin() -> None:
        task = loop.create_task(registry.reload_all())
        running.add(task)
        task.add_done_callback(running.discard)

    loop.add_signal_handler(signal.SIGHUP, begin)


def _load_state(specs: Sequence[ModelSpec], settings: ServeSettings) -> tuple[ASGIApp, ServerState]:
    from textwright.server.app import load_app

    app = load_app(specs, settings)
    return app, app.state


if __name__ == "__main__":  # a worker; ``workers.supervisor`` starts it with two sockets
    main(int(sys.argv[1]), int(sys.argv[2]), _load_state)
