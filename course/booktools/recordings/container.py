"""Lesson 25: build the image of ``textwright package``, run it locked down, kill it, stop it, starve it, spoil it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from container_tools import BASE, docker, free_port, post
from rehearsal import image_settings

from booktools.recordings.contexts import image_bytes
from booktools.recordings.models import TEXTS
from textwright import load
from textwright.core import artifact as artifacts
from textwright.deploy.package.packaging import Package, package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format

LOCKED_IN: Final = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),  # noqa: S108
    *("--memory", "512m", "--memory-swap", "512m", "--pids-limit", "64", "--network", "host"),
)
_SIZES: Final = """
import json, os
def size(path):
    if os.path.isfile(path): return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(path) for f in fs)
print(json.dumps({root: {name: size(os.path.join(root, name)) for name in sorted(os.listdir(root))}
                  for root in ("/opt/textwright", "/srv", "/srv/artifact")}))
"""
_WRITES: Final = "open('/srv/new', 'w')"
_ABSENT: Final = (
    "import importlib.util as u; print([n for n in ('torch', 'transformers', 'sklearn') if u.find_spec(n)])"
)
_ASKS_EVERY_S: Final = 0.02


def record(work: Path, made: tuple[Path, Path]) -> dict[str, Any]:
    """Make the recording.

    Args:
        work: Empty folder.
        made: The artifacts.
    """
    said: list[str] = []
    settings = PackageSettings(**image_settings().model_dump(), build=True)
    start = time.monotonic()
    built = package(artifacts.read(made[0]), find_format("docker"), work / "image", settings, report=said.append)
    told: dict[str, Any] = {
        "engine": docker("version", "--format", "{{.Server.Version}}"),
        "base": "a Debian 12 with its Python, in place of the official python:3.11-slim-bookworm",
        "said": [line for line in said if line and not line.startswith("#")],
        "build_s": round(time.monotonic() - start, 1),
        "golden": built.num_golden,
        "context": {
            path.relative_to(work / "image").as_posix(): path.stat().st_size
            for path in sorted((work / "image").rglob("*"))
            if path.is_file()
        },
        "dockerfile": (work / "image" / "Dockerfile").read_text(),
        "requirements": (work / "image" / "requirements-server.txt").read_text().splitlines()[:3],
        "image_bytes": built.image_bytes,
        "base_bytes": image_bytes(BASE),
        "layers": _layers(built),
        "labels": json.loads(docker("image", "inspect", "-f", "{{json .Config.Labels}}", built.image)),
    }
    return told | _runs(built, made[0]) | {"spoiled": _spoiled(built, work), "starved": _starved(built)}


def _layers(built: Package) -> list[dict[str, Any]]:
    rows = docker("history", "--no-trunc", "--human=false", "--format", "{{json .}}", str(built.image)).splitlines()
    layers = [json.loads(row) for row in reversed(rows)]
    return [{"made_by": layer["CreatedBy"][:160], "bytes": int(layer["Size"])} for layer in layers]


def _runs(built: Package, artifact: Path) -> dict[str, Any]:
    port = free_port()
    with running(built.image, "--restart", "always", port=port) as (container, healthy_s):
        status = docker("exec", container, "cat", "/proc/1/status")
        rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        told: dict[str, Any] = {
            "options": list(LOCKED_IN),
            "healthy_s": round(healthy_s, 2),
            "process": {name: rows[name] for name in ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "VmRSS")},
            "write": _failing(container, _WRITES),
            "training_packages": docker("exec", container, "python", "-c", _ABSENT),
            "inside": json.loads(docker("exec", container, "python", "-c", _SIZES)),
            "difference": _difference(port, artifact),
        }
        told["kill"] = _killed(container, port)
    port = free_port()
    with running(built.image, "-e", "TEXTWRIGHT_SERVE_MAX_BODY_BYTES=50000000", port=port) as (container, _):
        told["stop"] = _stopped(container, port)
    return told


def _difference(port: int, artifact: Path) -> float:
    """Largest difference of a probability between the container and the library."""
    _, body = post(port, "/v1/predict", {"texts": TEXTS})
    pairs = zip(body["predictions"], load(artifact).predict(TEXTS), strict=True)
    return max(abs(p["probabilities"][name] - q.probabilities[name]) for p, q in pairs for name in q.probabilities)


def _killed(container: str, port: int) -> dict[str, Any]:
    """Ask all the time, kill the process in the container, and see when it answers again."""
    asked: list[tuple[float, bool]] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            at = time.monotonic()
            try:
                is_right = post(port, "/v1/predict", {"text": TEXTS[0]}, timeout_s=1)[0] == 200
            except OSError:
                is_right = False
            asked.append((at, is_right))
            time.sleep(_ASKS_EVERY_S)

    asker = threading.Thread(target=ask)
    asker.start()
    time.sleep(1)
    killed = time.monotonic()
    os.kill(int(docker("inspect", "-f", "{{.State.Pid}}", container)), signal.SIGKILL)
    deadline = killed + 60
    while not (asked[-1][1] and any(not right for _, right in asked)) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    done.set()
    asker.join()
    return {
        "asked": [[round(at - killed, 3), right] for at, right in asked],
        "restarts": int(docker("inspect", "-f", "{{.RestartCount}}", container)),
    }


def _stopped(container: str, port: int) -> dict[str, Any]:
    """Stop it while it works on four large requests."""
    texts = ["a film that is good and bad and good and bad again " * 400] * 1000
    start = time.monotonic()
    post(port, "/v1/predict", {"texts": texts})
    alone_s = time.monotonic() - start
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(post, port, "/v1/predict", {"texts": texts}) for _ in range(4)]
        time.sleep(alone_s)
        running_then = sum(not item.done() for item in asked)
        start = time.monotonic()
        docker("stop", "--time", "30", container)
        stop_s = time.monotonic() - start
        statuses = [item.result()[0] for item in asked]
    exit_code = int(docker("inspect", "-f", "{{.State.ExitCode}}", container))
    return {"running": running_then, "statuses": statuses, "exit_code": exit_code, "seconds": round(stop_s, 2)}


def _spoiled(built: Package, work: Path) -> dict[str, Any]:
    """Put another graph over the image's: one bit of it is turned."""
    bad = shutil.copytree(work / "image" / "artifact", work / "bad")
    graph = bad / "model.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    return _ended(built, "--volume", f"{bad}:/srv/artifact:ro")


def _starved(built: Package) -> dict[str, Any]:
    """Give it less memory than Python with ONNX Runtime takes."""
    return _ended(built, "--memory", "24m", "--memory-swap", "24m")


def _ended(built: Package, *options: str) -> dict[str, Any]:
    container = docker("run", "-d", *LOCKED_IN, *options, "-e", f"PORT={free_port()}", str(built.image))
    try:
        exit_code = int(docker("wait", container))
        is_killed = docker("inspect", "-f", "{{.State.OOMKilled}}", container) == "true"
        done = subprocess.run(["/usr/bin/docker", "logs", container], capture_output=True, text=True, check=True)
        lines = (done.stdout + done.stderr).splitlines()[-3:]
    finally:
        docker("rm", "--force", container)
    return {"exit_code": exit_code, "out_of_memory": is_killed, "said": lines}


@contextmanager
def running(image: str | None, *options: str, port: int) -> Iterator[tuple[str, float]]:
    """Run a server's container while a block runs; gives its id and the seconds until it was healthy."""
    start = time.monotonic()
    container = docker("run", "-d", *LOCKED_IN, "-e", "HOST=127.0.0.1", "-e", f"PORT={port}", *options, str(image))
    try:
        while docker("inspect", "-f", "{{.State.Health.Status}}", container) != "healthy":
            if time.monotonic() > start + 60:
                raise TimeoutError(docker("logs", container))
            time.sleep(0.1)
        yield container, time.monotonic() - start
    finally:
        docker("rm", "--force", container)


def _failing(container: str, script: str) -> str:
    command = ["/usr/bin/docker", "exec", container, "python", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        sys.exit(f"{script!r} should have failed in the container")
    return done.stderr.strip().splitlines()[-1]
