"""Lesson 27: the zip of ``textwright package --target lambda-zip``, run by AWS's Runtime Interface Emulator.

Each cold start is a process of its own of the runtime's Python, with nothing of this machine's on its path. The zips
hold the bag of words and, where lesson 28 has run in full, its int8 BERT.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from container_tools import ZIP_PYTHON, free_port, post
from lambda_events import function_url, load_balancer, rest_api

from booktools.layout import BUILD
from booktools.recordings.models import TEXTS
from textwright.core import artifact as artifacts
from textwright.deploy.package.dependency_closure import X86_64, platform_options
from textwright.deploy.package.function_zip import find_python
from textwright.deploy.package.packaging import package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format

CLIENT: Final = ["awslambdaric==4.2.2", "simplejson==4.3.0", "snapshot-restore-py==1.0.0"]
"""AWS's client, which the managed runtime brings."""
_LARGEST: Final = 250 * 1024 * 1024
"""As `textwright deploy lambda` allows, which uploads through S3; only a direct upload must stay below 50 MB."""
_NUM_STARTS: Final = 7
_NUM_WARM: Final = 50
INVOKE: Final = "/2015-03-31/functions/function/invocations"
_BERT: Final = BUILD / "work" / "full" / "28-quantization" / "runs" / "small"


def record(work: Path, made: tuple[Path, Path]) -> dict[str, Any]:
    """Make the recording.

    Args:
        work: Empty folder.
        made: The artifacts.
    """
    python = find_python(ZIP_PYTHON)
    if python is None:
        sys.exit(f"there is no Python {ZIP_PYTHON}, the zip's runtime")
    client = work / "client"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(client)]
    subprocess.run([*install, *platform_options(ZIP_PYTHON, X86_64), *CLIENT], check=True)
    models = {"bow": made[0]} | ({"bert, int8": _BERT} if _BERT.is_dir() else {})
    functions = {}
    for name, artifact in models.items():
        folder = work / name.replace(", ", "-")
        functions[name] = _function(artifact, folder, python, client)
    return {"python": ZIP_PYTHON, "functions": functions}


def _function(artifact: Path, folder: Path, python: Path, client: Path) -> dict[str, Any]:
    settings = PackageSettings(python=ZIP_PYTHON, max_zip_bytes=_LARGEST)
    built = package(artifacts.read(artifact), find_format("lambda-zip"), folder / "zip", settings, report=print)
    tree = folder / "tree"
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(tree)
        sizes: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for item in archive.infolist():
            part = sizes[item.filename.partition("/")[0].removesuffix(".pyc")]
            part[0] += item.file_size
            part[1] += item.compress_size
    starts = [_start(tree, python, client, folder / "log") for _ in range(_NUM_STARTS)]
    return {
        "zip_bytes": built.size_bytes,
        "golden": built.num_golden,
        "parts": {name: {"unpacked": a, "zipped": b} for name, (a, b) in sorted(sizes.items())},
        "tree_bytes": sum(unpacked for unpacked, _ in sizes.values()),
        "cold_ms": [start["cold_ms"] for start in starts],
        "warm_ms": [ms for start in starts for ms in start["warm_ms"]],
        "events": starts[-1]["events"],
        "log": starts[-1]["log"],
    }


def _start(tree: Path, python: Path, client: Path, log: Path) -> dict[str, Any]:
    body = json.dumps({"text": TEXTS[0]})
    with emulator(tree, python, client, log) as port:
        start = time.perf_counter()
        _invoke(port, function_url(body))
        cold_ms = 1e3 * (time.perf_counter() - start)
        warm_ms = []
        for _ in range(_NUM_WARM):
            start = time.perf_counter()
            _invoke(port, function_url(body))
            warm_ms.append(round(1e3 * (time.perf_counter() - start), 2))
        events = {
            "Function URL": function_url(body, is_base64=True),
            "HTTP API": function_url(body, path="/prod/v1/predict", stage="prod"),
            "REST API": rest_api(body),
            "load balancer": load_balancer(body, is_multi=True),
        }
        answers = {name: {"event": event, "answer": _invoke(port, event)} for name, event in events.items()}
    lines = [line for line in log.read_text().splitlines() if line.startswith(("{", "START", "END", "REPORT", "INIT"))]
    return {"cold_ms": round(cold_ms, 1), "warm_ms": warm_ms, "events": answers, "log": lines[:6]}


def _invoke(port: int, event: object) -> Any:  # noqa: ANN401  JSON
    return post(port, INVOKE, event)[1]


@contextmanager
def emulator(tree: Path, python: Path, client: Path, log: Path, handler: str = "function.handler") -> Iterator[int]:
    """Run AWS's emulator over an unpacked zip; it starts the function at the first event."""
    port, inner = free_port(), free_port()
    command = [os.environ["RIE"], "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{inner}"]
    command += [str(python), "-S", "-m", "awslambdaric", handler]
    environment = {
        "LAMBDA_TASK_ROOT": str(tree),
        "PYTHONPATH": f"{tree}{os.pathsep}{client}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "10",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "PATH": os.defpath,
    }
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=tree, env=environment, stdout=out, stderr=out, start_new_session=True) as process,
    ):
        try:
            wait_for(port, lambda: process.poll() is None)
            yield port
        finally:
            os.killpg(process.pid, 9)


def wait_for(port: int, is_running: Callable[[], bool]) -> None:
    """Wait until something listens on a port of this machine.

    Args:
        port: Which one.
        is_running: Says whether it may still come.

    Raises:
        TimeoutError: If nothing does.
    """
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and is_running():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError("the emulator of the runtime does not listen")
