"""Command lines and servers inside a lesson, as a reader would start them in a terminal."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

_COLOURS: Final = ("FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR")
"""A kernel asks every program for colors by these; a page shows their codes as rubbish."""


class Answer(NamedTuple):
    """What a server said.

    Args:
        status: HTTP status.
        body: The JSON value, or the text where it is none.
        seconds: From the request to the last byte.
    """

    status: int
    body: Any
    seconds: float


class Said(str):
    """What a command said; a cell that ends in it shows it once, not twice."""

    __slots__ = ()

    def _ipython_display_(self) -> None:
        """Show nothing: :func:`shell` has printed it."""


def shell(command: str, *, status: int = 0) -> Said:
    """Run a command line and show what it says.

    Args:
        command: As typed, without a shell's own signs (pipes, ``*``, ``$``).
        status: The exit code it must end with; another than 0 shows a refusal on purpose.

    Returns:
        What it said on standard output.

    Raises:
        RuntimeError: If it ends with another exit code.
    """
    print(f"$ {command}")
    done = subprocess.run(
        shlex.split(command), capture_output=True, text=True, check=False, env=_environment(), stdin=subprocess.DEVNULL
    )
    print((done.stdout + done.stderr).rstrip())
    if done.returncode != status:
        raise RuntimeError(f"{command!r} ended with exit code {done.returncode}, not {status}")
    return Said(done.stdout)


@contextmanager
def serving(artifact: str | Path, *flags: str, timeout_s: float = 60.0) -> Iterator[str]:
    """Serve an artifact with ``textwright serve`` while a block runs.

    Args:
        artifact: A run or artifact folder.
        *flags: More flags of ``textwright serve``.
        timeout_s: Longest wait until it is ready.

    Yields:
        The server's address, ready to answer.

    Raises:
        RuntimeError: If it ends before it is ready; with what it said.
        TimeoutError: If it is not ready in time.
    """
    with _running(["textwright", "serve", str(artifact), *flags], "/readyz", {}, timeout_s) as address:
        yield address


@contextmanager
def application(name: str, *, ready: str = "/healthz", timeout_s: float = 60.0, **variables: str) -> Iterator[str]:
    """Serve an ASGI application in the current folder with ``uvicorn`` while a block runs.

    Args:
        name: Module and variable, for example "app:app".
        ready: Path that answers 200 once the application has started.
        timeout_s: Longest wait until it is ready.
        **variables: Of its environment.

    Yields:
        The server's address, ready to answer.

    Raises:
        RuntimeError: If it ends before it is ready; with what it said.
        TimeoutError: If it is not ready in time.
    """
    with _running([sys.executable, "-m", "uvicorn", name], ready, variables, timeout_s) as address:
        yield address


def save_cell(path: str | Path) -> None:
    """Write the code of the cell that calls it to a file, without the call: a module that the reader can change.

    Args:
        path: The file; it is overwritten.
    """
    from IPython import get_ipython

    lines = get_ipython().user_ns["In"][-1].splitlines()
    code = "\n".join(line for line in lines if "save_cell(" not in line and not line.startswith("#@title"))
    Path(path).write_text(f"{code.strip()}\n", encoding="utf-8")


@contextmanager
def _running(command: list[str], ready: str, variables: dict[str, str], timeout_s: float) -> Iterator[str]:
    """Run a server on a free port while a block runs."""
    port = _free_port()
    log = Path(f"serve-{port}.log")
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            env={**_environment(), **variables},
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, f"{address}{ready}", log, timeout_s)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        log.unlink()


def ask(url: str, body: Mapping[str, Any] | bytes | None = None, **headers: str) -> Answer:
    """Send a request and read the answer, whatever its status.

    Args:
        url: Of the endpoint.
        body: Sent by POST as JSON, or as it is; None sends a GET.
        **headers: More headers; underscores become dashes.
    """
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **named})  # noqa: S310  own server
    start = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            status, content = reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read().decode()
    seconds = time.perf_counter() - start
    try:
        return Answer(status, json.loads(content), seconds)
    except ValueError:
        return Answer(status, content, seconds)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode}:\n{log.read_text()}")
        try:
            if ask(url).status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"the server was not ready after {timeout_s:g} s:\n{log.read_text()}")


def _environment() -> dict[str, str]:
    """Find ``textwright`` beside this Python, and write what a page can show."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    plain = {"COLUMNS": "100", "NO_COLOR": "1", "ORT_DISABLE_TELEMETRY": "1", "PYTHONWARNINGS": "ignore"}
    inherited = {name: value for name, value in os.environ.items() if name not in _COLOURS}
    return {**inherited, "PATH": path, **plain}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
