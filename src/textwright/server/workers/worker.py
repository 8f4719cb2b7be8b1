"""One of several processes that answer on the same socket; ``supervisor`` starts it as a program.

It is told what to serve over its channel, says over it when it answers, and ends when the supervisor hangs up, so that
no worker outlives it. A reload that an admin asks of this worker goes to the supervisor, which asks all of them.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from textwright.api.schemas import Reloaded
from textwright.errors import NotFoundError, ReloadError, TextwrightError
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.settings import ServeSettings
from textwright.server.workers.ipc import Channel
from textwright.server.workers.signals import stopped_by_signals

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from textwright.server.http.state import ServerState
    from textwright.server.http.uvicorn_server import Server
    from textwright.server.registry.registry import ModelRegistry

Load: TypeAlias = "Callable[[Sequence[ModelSpec], ServeSettings], tuple[ASGIApp, ServerState]]"


def main(channel_fd: int, listener_fd: int, load: Load) -> None:
    """Answer until told to stop.

    Args:
        channel_fd: Our end of the channel.
        listener_fd: The listening socket.
        load: Loads the models; gives the application and its state.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's business
    with socket.socket(fileno=channel_fd) as end, socket.socket(fileno=listener_fd) as listener:
        plan = _read_plan(end)
        settings = ServeSettings.model_validate_json(plan["settings"])
        specs = [ModelSpec(Path(path), name) for path, name in plan["specs"]]
        try:
            with stopped_by_signals():
                _answer(*load(specs, settings), settings, end, listener)
        except TextwrightError as error:
            end.sendall(json.dumps({"failed": error.code, "message": str(error)}).encode() + b"\n")
            sys.exit(1)


def _read_plan(end: socket.socket) -> dict[str, Any]:
    """Read the first line, byte by byte, so that what follows stays for the event loop."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = end.recv(1)
        if not byte:
            sys.exit(0)
        line += byte
    return dict(json.loads(line))


def _answer(
    app: ASGIApp, state: ServerState, settings: ServeSettings, end: socket.socket, listener: socket.socket
) -> None:
    from textwright.server.http.uvicorn_server import Server

    tasks: set[asyncio.Task[None]] = set()

    def begin(server: Server) -> None:
        tasks.add(asyncio.get_running_loop().create_task(_converse(server, state, end)))

    Server(app, settings, begin).run(sockets=[listener])


async def _converse(server: Server, state: ServerState, end: socket.socket) -> None:
    """Say that we answer, then do what the supervisor asks, until it hangs up."""
    channel = await Channel.over(end.dup())
    pending: dict[int, asyncio.Future[Reloaded]] = {}
    numbers = count()

    async def reload_everywhere(name: str) -> Reloaded:
        number = next(numbers)
        pending[number] = asyncio.get_running_loop().create_future()
        channel.send({"ask": "reload", "name": name, "number": number})
        return await pending[number]

    state.reload = reload_everywhere
    if state.traffic is not None:
        state.traffic.on_return = lambda name, reason: channel.send({"returned": name, "reason": reason})
    channel.send({"ready": True})
    jobs: set[asyncio.Task[None]] = set()
    while (message := await channel.receive()) is not None:
        if "ping" in message:
            channel.send({"pong": True})
        elif "reload" in message:
            jobs.add(asyncio.create_task(_reload(channel, state.registry, message["reload"])))
        elif "return" in message:
            if state.traffic is not None:
                state.traffic.give_back(message["return"], message["reason"])
        else:
            _settle(pending.pop(message["number"]), message)
    server.should_exit = True


async def _reload(channel: Channel, registry: ModelRegistry, name: str | None) -> None:
    if name is None:
        await registry.reload_all()
        channel.send({"reloaded": {}})
        return
    try:
        reloaded = await registry.reload(name)
    except TextwrightError as error:
        channel.send({"reloaded": None, "code": error.code, "message": str(error)})
    else:
        channel.send({"reloaded": vars(reloaded)})


def _settle(future: asyncio.Future[Reloaded], message: dict[str, Any]) -> None:
    if future.done():  # the admin has left
        return
    if message["reloaded"] is None:
        kind = NotFoundError if message.get("code") == NotFoundError.code else ReloadError
        future.set_exception(kind(message["message"]))
    else:
        future.set_result(Reloaded(**message["reloaded"]))
