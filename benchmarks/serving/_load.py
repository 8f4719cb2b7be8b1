"""What the serving benchmarks share: servers that are started and stopped, and the load that is put on them.

The client is ``wrk`` (Debian package ``wrk``): one thread in C, so that the servers have the machine to themselves.
"""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

HERE = Path(__file__).parent
START_S = 120.0
_OF_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What other benchmarks set for themselves; a server takes as many threads as it does by itself."""


@dataclass(frozen=True)
class Contender:
    """One server and how it is asked.

    Args:
        name: What it is called in the result.
        command: Starts it; ``{port}`` stands for the port.
        path: Where it is asked.
        key: Name of the field that holds the text, or the texts.
        wraps: Whether that field is a list.
        environment: What it finds in its environment beside ours.
        extra: Further fields of each request.
    """

    name: str
    command: Sequence[str]
    path: str
    key: str = "text"
    wraps: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    def body(self, text: str) -> str:
        """Write the request for one text, on one line."""
        return json.dumps({self.key: [text] if self.wraps else text, **self.extra})


@dataclass(frozen=True)
class Running:
    """A contender that answers.

    Args:
        url: Where it is asked.
        pid: Of the process that was started.
        start_s: Seconds from its start to its first answer.
    """

    url: str
    pid: int
    start_s: float


@contextmanager
def running(contender: Contender, text: str) -> Iterator[Running]:
    """Start a server, wait for its first answer, and stop it and its children afterwards.

    Args:
        contender: Which.
        text: What it is asked first.

    Yields:
        Where it answers.

    Raises:
        RuntimeError: If it ends, or does not answer in time; its log is shown.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_ONE_THREAD}
    environment = {**inherited, "ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1", **contender.environment}
    url, start = f"http://127.0.0.1:{port}{contender.path}", monotonic()
    with tempfile.TemporaryFile() as log:
        command = [part.format(port=port) for part in contender.command]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            _wait(process, contender, url, text, start + START_S)
            yield Running(url, process.pid, monotonic() - start)
        except RuntimeError:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            _stop(process)


def put_load(server: Running, bodies: Sequence[str], *, connections: int, seconds: float) -> dict[str, Any]:
    """Keep a number of connections busy for some seconds.

    Args:
        server: Where.
        bodies: The requests, sent in turn.
        connections: Each sends its next request when it has its answer.
        seconds: How long.

    Returns:
        ``requests``, ``seconds``, ``per_second``, ``p50_ms``, ``p99_ms``.

    Raises:
        RuntimeError: If a request failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write("\n".join(bodies))
        file.flush()
        duration = f"-d{math.ceil(seconds)}s"  # it takes whole seconds alone
        command: list[str | Path] = [
            "wrk",
            "-t1",
            f"-c{connections}",
            duration,
            "--timeout",
            "30s",
            "-s",
            HERE / "cycle.lua",
        ]
        found = subprocess.run([*command, server.url, "--", file.name], check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(found.stdout.strip().splitlines()[-1])
    if measured.pop("failed"):
        raise RuntimeError(f"{server.url}: requests failed\n{found.stdout}")
    return {**measured, "per_second": measured["requests"] / measured["seconds"]}


def ask(url: str, body: str) -> bytes:
    """Send one request."""
    request = urllib.request.Request(url, body.encode(), {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  our own address
        content: bytes = answer.read()
    return content


@contextmanager
def witness() -> Iterator[list[float]]:
    """Notice whether the machine itself stands still: a process of its own that does nothing but sleep for 5 ms.

    Yields:
        A list, empty until the end, then of one: the most milliseconds that it woke up late.
    """
    program = (
        "import sys, threading, time\n"
        "late, end = 0.0, []\n"
        "threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()\n"
        "while not end:\n"
        "    start = time.perf_counter()\n"
        "    time.sleep(0.005)\n"
        "    late = max(late, time.perf_counter() - start - 0.005)\n"
        "print(1e3 * late)"
    )
    found: list[float] = []
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield found
        finally:
            found.append(float(process.communicate()[0]))


def _wait(process: subprocess.Popen[bytes], contender: Contender, url: str, text: str, until: float) -> None:
    while monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{contender.name} ended with {process.returncode}")
        try:
            ask(url, contender.body(text))
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise RuntimeError(f"{contender.name} answered {error.code}: {error.read(400)!r}") from None
            sleep(0.02)  # not ready
        except OSError:  # not there yet
            sleep(0.02)
        else:
            return
    raise RuntimeError(f"{contender.name} did not answer within {START_S:g} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
