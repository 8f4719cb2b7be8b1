"""A thread that functions are sent to, so that the event loop goes on meanwhile.

Lighter than a ``ThreadPoolExecutor`` (one future instead of two, no lock around each), which shows where a call of the
model takes 50 microseconds; and a daemon, so that a call that never returns cannot keep the process from ending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class ModelThread:
    """Runs one function at a time, in the order of their arrival.

    Args:
        name: Of the thread, as debuggers show it.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function in the thread and wait for its result without blocking the event loop.

        Args:
            function: What to call.
            args: Its arguments.
            kwargs: Its keyword arguments.

        Returns:
            Its result; what it raises is raised here.
        """
        return await self.submit(function, *args, **kwargs)

    def submit(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Have a function called in the thread.

        Args:
            function: What to call.
            args: Its arguments.
            kwargs: Its keyword arguments.

        Returns:
            A future of its result. If it is done before the thread comes to it, the function is not called.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()

        def job() -> None:
            if future.done():  # its caller has left, or waited long enough
                return
            try:
                result = function(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001  whoever waits gets it
                _resolve(loop, future, future.set_exception, error)
            else:
                _resolve(loop, future, future.set_result, result)

        self._jobs.put(job)
        return future

    def close(self) -> None:
        """End the thread after what it was sent so far; does not wait for it."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _resolve(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], resolve: Callable[[Any], None], outcome: object
) -> None:
    def resolve_once() -> None:
        if not future.done():  # who asked may have left
            resolve(outcome)

    with suppress(RuntimeError):  # the loop was closed: nobody listens
        loop.call_soon_threadsafe(resolve_once)
