"""Several workers on one listening socket: start them, replace the one that dies, reload them, stop them.

The socket is opened once and inherited, so that connections which wait to be accepted belong to no worker: when one is
killed, what it had accepted is lost and nothing else. The supervisor itself loads no model and no web framework.

A worker that gives no sign of life for ten seconds (stopped by a signal, or stuck) is killed, and so replaced. A busy
one gives them: the model computes in a thread beside its event loop.

Why not uvicorn's own supervisor: it replaces a worker to reload it, and says of a worker that cannot start only that it
did not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from textwright.errors import BackendError, TextwrightError
from textwright.runtime.cores import num_cores
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.settings import ServeSettings
from textwright.server.workers.ipc import Channel

METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_BEYOND_GRACE_S: Final = 5.0
"""What a worker gets to end by itself after the grace time of its requests."""
_BETWEEN_PINGS_S: Final = 1.0
_MOST_PINGS: Final = 10
"""Unanswered pings after which a worker is killed; counted, so that a pause of the whole machine is but one."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0

_DIED: Final = "died"
"""Key of the answer that is put in a dead worker's place."""

logger = logging.getLogger(__name__)


def supervise(
    specs: Sequence[ModelSpec],
    settings: ServeSettings,
    listener: socket.socket,
    *,
    program: str,
    announce: Callable[[], None],
) -> None:
    """Keep workers answering until SIGINT or SIGTERM.

    Args:
        specs: Where the models come from.
        settings: Those of the whole server; each worker gets its share.
        listener: The listening socket; it is closed at the end.
        program: Module that a worker runs; it calls ``worker.main``.
        announce: Called once, when all workers answer.

    Raises:
        TextwrightError: What the first worker raised that could not start.
    """
    from textwright.server.telemetry import logs

    logs.configure(sys.stderr)
    with TemporaryDirectory(prefix="textwright-") as folder:
        plan = {
            "settings": per_worker(settings).model_dump_json(),
            "specs": [(str(spec.path), spec.name) for spec in specs],
        }
        asyncio.run(Supervisor(program, plan, settings, listener, Path(folder)).run(announce))


class Worker:
    """One process that answers.

    Args:
        process: The process.
        channel: Our end of what we say to each other.
    """

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel) -> None:
        self.process = process
        self.channel = channel
        self.is_ready = False
        self.num_unanswered = 0
        """Pings since its last answer."""
        self.reloads: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        """Its answers to reloads; one more, without a result, when it is gone."""


class Supervisor:
    """The workers of one server.

    Args:
        program: Module that each runs.
        plan: What each is told to serve.
        settings: Those of the whole server.
        listener: What they listen on.
        folder: Where they count together.
    """

    def __init__(
        self, program: str, plan: dict[str, Any], settings: ServeSettings, listener: socket.socket, folder: Path
    ) -> None:
        self._program = program
        self._plan = plan
        self._settings = settings
        self._listener = listener
        self._folder = folder
        self._workers: dict[int, Worker] = {}
        self._is_stopping = asyncio.Event()
        self._failure: TextwrightError | None = None
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()
        self._returned: dict[str, str] = {}
        """Model whose requests have returned to the first, in every worker, until it is reloaded -> why."""

    async def run(self, announce: Callable[[], None]) -> None:
        """Start the workers and keep them until a signal comes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._is_stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(self._reload(None)))
        started = [loop.create_future() for _ in range(self._settings.workers)]
        keeping = [asyncio.create_task(self._keep(slot, future)) for slot, future in enumerate(started)]
        stopping = asyncio.create_task(self._is_stopping.wait())
        self._begin(self._watch())
        all_started = asyncio.create_task(_all(started))
        await asyncio.wait({all_started, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not self._is_stopping.is_set():
            announce()
            await stopping
        all_started.cancel()
        await self._stop(keeping)
        if self._failure is not None:
            raise self._failure

    async def _keep(self, slot: int, started: asyncio.Future[None]) -> None:
        """Have one worker answer in a slot, and another when it dies."""
        pause_s = _FIRST_PAUSE_S
        while not self._is_stopping.is_set():
            worker = self._workers[slot] = await self._start()
            await self._listen(worker, started)
            code = await worker.process.wait()
            self._forget(worker.process.pid)
            if self._is_stopping.is_set():
                return
            if not started.done():
                self._failure = self._failure or BackendError(f"a worker ended with code {code} before it was ready")
                self._is_stopping.set()
                return
            logger.error("worker died", extra={"fields": {"pid": worker.process.pid, "exit_code": code}})
            # One that dies while it answers is replaced at once; one that cannot start is not tried all the time.
            pause_s = _FIRST_PAUSE_S if worker.is_ready else min(2 * pause_s, _LONGEST_PAUSE_S)
            if not worker.is_ready:
                await self._pause(pause_s)

    async def _start(self) -> Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            handles = (theirs.fileno(), self._listener.fileno())
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._program,
                *map(str, handles),
                pass_fds=handles,
                env={**os.environ, METRICS_FOLDER: str(self._folder)},
                start_new_session=True,  # Ctrl-C is for the supervisor, which tells the workers
            )
        channel = await Channel.over(ours)
        channel.send(self._plan)
        return Worker(process, channel)

    async def _listen(self, worker: Worker, started: asyncio.Future[None]) -> None:
        """Do what a worker says until it is gone."""
        while (message := await worker.channel.receive()) is not None:
            if "pong" in message:
                worker.num_unanswered = 0
            elif "ready" in message:
                worker.is_ready = True
                for name, why in self._returned.items():
                    worker.channel.send({"return": name, "reason": why})
                if not started.done():
                    started.set_result(None)
            elif "reloaded" in message:
                worker.reloads.put_nowait(message)
            elif "returned" in message:
                self._return(worker, message["returned"], message["reason"])
            elif "ask" in message:
                self._begin(self._reload_for(worker, message["name"], message["number"]))
            elif not started.done():
                self._failure = self._failure or _error_of(message)
            else:
                reason = {"code": message["failed"], "reason": message["message"]}
                logger.error("worker cannot start", extra={"fields": reason})
        worker.reloads.put_nowait({"reloaded": None, _DIED: True, "message": "the worker died meanwhile"})
        worker.channel.close()

    def _return(self, informed: Worker, name: str, reason: str) -> None:
        """Tell the other workers that the requests of a model return; later ones are told when they are ready."""
        self._returned[name] = reason
        for worker in self._workers.values():
            if worker is not informed and worker.is_ready and worker.process.returncode is None:
                worker.channel.send({"return": name, "reason": reason})

    async def _watch(self) -> None:
        """Ask each worker for a sign of life, and kill the one that gives none; what keeps it starts another."""
        while not self._is_stopping.is_set():
            await self._pause(_BETWEEN_PINGS_S)
            for worker in self._workers.values():
                if not worker.is_ready or worker.process.returncode is not None:
                    continue
                if worker.num_unanswered >= _MOST_PINGS:
                    logger.error("worker does not answer", extra={"fields": {"pid": worker.process.pid}})
                    worker.process.kill()  # the only signal that a stopped process heeds
                    worker.num_unanswered = 0
                else:
                    worker.num_unanswered += 1
                    worker.channel.send({"ping": True})

    def _forget(self, pid: int) -> None:
        """Take the queue of a dead worker out of the metrics; what it has counted stays."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]

    async def _reload(self, name: str | None) -> dict[str, Any]:
        """Reload in one worker after the other, up to the first that cannot; return what the last one said.

        One that dies meanwhile is passed over: the worker that takes its place loads what is there by then.

        Args:
            name: Of a model; None for all, whose outcome each worker tells in the log.
        """
        async with self._reloading:
            outcome: dict[str, Any] = {"reloaded": None, "message": "no worker answers"}
            for worker in list(self._workers.values()):
                if worker.is_ready and worker.process.returncode is None:
                    worker.channel.send({"reload": name})
                    answer = await worker.reloads.get()
                    if _DIED in answer:
                        continue
                    outcome = answer
                    if outcome["reloaded"] is None:
                        break
            if outcome["reloaded"] is not None:
                for returned in [*self._returned] if name is None else [name, name.rpartition("@")[0]]:
                    self._returned.pop(returned, None)
            return outcome

    async def _reload_for(self, worker: Worker, name: str, number: int) -> None:
        worker.channel.send({**await self._reload(name), "number": number})

    async def _stop(self, keeping: Sequence[asyncio.Task[None]]) -> None:
        """Let the workers finish what they have; kill those that do not, and all at a second Ctrl-C."""
        self._is_stopping.set()
        self._listener.close()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._signal_workers, signal.SIGKILL)
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal_workers(number)
            await asyncio.wait(keeping, timeout=self._settings.shutdown_grace_s + _BEYOND_GRACE_S)

    def _signal_workers(self, number: signal.Signals) -> None:
        for worker in self._workers.values():
            if worker.process.returncode is None:
                worker.process.send_signal(number)

    async def _pause(self, pause_s: float) -> None:
        try:
            await asyncio.wait_for(self._is_stopping.wait(), pause_s)
        except TimeoutError:
            return

    def _begin(self, job: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _all(futures: Sequence[asyncio.Future[None]]) -> None:
    for future in futures:
        await future


def _error_of(message: dict[str, Any]) -> TextwrightError:
    """Make the error again that a worker told, so that it ends with the right code."""
    kinds = [TextwrightError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    error_class = next((kind for kind in kinds if kind.code == message["failed"]), TextwrightError)
    error = error_class.__new__(error_class)
    error.args = (message["message"],)
    return error


def per_worker(settings: ServeSettings) -> ServeSettings:
    """Divide threads, queue and connections among the workers.

    Args:
        settings: Those of the whole server.

    Returns:
        Those of one worker; each has one thread, and room for one text, at least.
    """
    workers = settings.workers
    return settings.model_copy(
        update={
            "num_threads": max((settings.num_threads or num_cores()) // workers, 1),
            "max_queue_texts": max(settings.max_queue_texts // workers, 1),
            "max_queue_tokens": max(settings.max_queue_tokens // workers, 1),
            "shadow_max_texts": max(settings.shadow_max_texts // workers, 1),
            "max_connections": max(settings.max_connections // workers, 1),
        }
    )
