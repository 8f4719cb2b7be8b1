"""Notice that a client has left while its request waits, so that nothing is computed for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

_PATIENCE_S: Final = 0.02
"""Most requests are answered before; only for those that wait longer is it worth a task to listen to the client."""


@contextmanager
def noticed(receive: Receive, answer: asyncio.Future[Any]) -> Iterator[None]:
    """Give a future the exception ClientDisconnect when the client hangs up while the block runs.

    Args:
        receive: The ASGI channel of the request; its body must have been read.
        answer: What is waited for; if it is done already, nothing happens to it.
    """
    loop = asyncio.get_running_loop()
    listeners: list[asyncio.Task[None]] = []
    timer = loop.call_later(_PATIENCE_S, lambda: listeners.append(loop.create_task(_listen(receive, answer))))
    try:
        yield
    finally:
        timer.cancel()
        for listener in listeners:
            listener.cancel()


async def _listen(receive: Receive, answer: asyncio.Future[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    if not answer.done():
        answer.set_exception(ClientDisconnect())
