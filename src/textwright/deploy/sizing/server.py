"""Processor time of a request to the real server, started as ``textwright serve`` starts it.

What is measured is the processor time of the server's process, not the time on the clock: the programs that ask run on
the same machine, and so may others.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import IO, Final, NamedTuple

from textwright.deploy.sizing.measured import ServerLoad
from textwright.errors import DeployError

_CLIENTS: Final = 8
"""Connections that ask at once, so that the server has something to batch."""
_TIMEOUT_S: Final = 60
_PATIENCE: Final = 5
_POLL_S: Final = 0.05
_HEADERS: Final = {"content-type": "application/json"}


class _Asked(NamedTuple):
    """What was asked of a server, and the processor seconds that it took for that."""

    cpu_s: float
    num_requests: int
    num_bytes: int


def measure_server(folder: Path, variant: str, bodies: Sequence[str], seconds: float) -> ServerLoad:
    """Ask the server from several connections at once; it has one worker, and one thread for the model.

    Args:
        folder: The artifact's folder.
        variant: Graph to load.
        bodies: Of requests, JSON.
        seconds: Processor seconds that the server shall take; asking stops after five times as long on the clock.

    Returns:
        Processor seconds of a request, and what it sends, logs and holds in memory.

    Raises:
        DeployError: If the server cannot start, refuses a request, or this system tells no process's time.
    """
    if not hasattr(os, "wait4"):
        raise DeployError("this system does not tell a process's time; measure on Linux or macOS and give --measured")
    command = [sys.executable, "-m", "textwright", "serve", str(folder), "--variant", variant, "--port", "0"]
    command += ["--num-threads", "1", "--workers", "1", "--json"]
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:  # noqa: S603
            try:
                asked = _ask_for(process.pid, _port_of(process, log), bodies, seconds)
                memory_bytes = _peak_memory(process.pid)
            except BaseException:
                process.kill()
                raise
            process.send_signal(signal.SIGTERM)
            _, status, usage = os.wait4(process.pid, 0)  # not subprocess's wait: it does not tell the memory
            process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0, os.SEEK_END)
        return ServerLoad(
            cpu_s=asked.cpu_s / asked.num_requests,
            memory_bytes=memory_bytes or usage.ru_maxrss,
            request_bytes=sum(len(body.encode()) for body in bodies) / len(bodies),
            response_bytes=asked.num_bytes / asked.num_requests,
            log_bytes=log.tell() / (asked.num_requests + len(bodies)),
            num_requests=asked.num_requests,
        )


def process_cpu_s(pid: int) -> float:
    """Tell the processor seconds that a running process has taken, to a hundredth.

    Args:
        pid: The process.

    Returns:
        Seconds in its own code and in the kernel for it.
    """
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    told = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return parse_time(told.stdout)


def _peak_memory(pid: int) -> int:
    """Tell the most bytes that a running process has held; 0 if the system tells only when it has ended.

    What ``wait4`` says on Linux is at least the peak of the process that started this one.
    """
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def parse_time(text: str) -> float:
    """Read a time as ``ps`` writes it: "0:01.25", "1:02:03"."""
    seconds = 0.0
    for part in text.strip().split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _port_of(process: subprocess.Popen[str], log: IO[str]) -> int:
    said = ""
    while not said.endswith("}\n"):
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            log.seek(0)
            raise DeployError(f"the server did not start: {log.read().strip()[-400:]}")
        said += line
    return int(json.loads(said)["url"].rpartition(":")[2])


def _ask_for(pid: int, port: int, bodies: Sequence[str], seconds: float) -> _Asked:
    """Ask each body once without counting, then all of them from several connections until the time is used up."""
    with closing(_connect(port)) as connection:
        for body in bodies:
            _ask(connection, body)
    start, deadline, over = process_cpu_s(pid), monotonic() + _PATIENCE * seconds, Event()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        clients = [pool.submit(_client, port, [*bodies[number:], *bodies[:number]], over) for number in range(_CLIENTS)]
        while process_cpu_s(pid) < start + seconds and monotonic() < deadline and not any(it.done() for it in clients):
            sleep(_POLL_S)
        over.set()
        told = [client.result() for client in clients]
    return _Asked(process_cpu_s(pid) - start, sum(it[0] for it in told), sum(it[1] for it in told))


def _client(port: int, bodies: Sequence[str], over: Event) -> tuple[int, int]:
    num_requests = num_bytes = 0
    with closing(_connect(port)) as connection:
        for body in cycle(bodies):
            if over.is_set() and num_requests:
                break
            num_bytes += _ask(connection, body)
            num_requests += 1
    return num_requests, num_bytes


def _connect(port: int) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)


def _ask(connection: HTTPConnection, body: str) -> int:
    try:
        connection.request("POST", "/v1/predict", body.encode(), _HEADERS)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, HTTPException) as error:
        raise DeployError(f"the server stopped answering while it was measured: {error!r}") from error
    if answer.status != HTTPStatus.OK:
        raise DeployError(f"the server refused a request that it was measured with: {content.decode()[:400]}")
    return len(content) + len(str(answer.headers))
