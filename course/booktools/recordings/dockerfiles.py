"""Lesson 25: build the reader's Dockerfile, then change by change, and measure size, rebuild, and who runs in it.

The official images cannot be pulled everywhere. Under their names stand a Debian 12 with its Python, and for
``python:latest`` the same with the compilers and headers that the official one has (buildpack-deps).
"""

from __future__ import annotations

import ast
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from container_tools import BASE, docker, free_port, post

from bookkit.lesson_files import files_of
from booktools.lessons import find_lessons
from booktools.recordings.contexts import build, image_bytes, with_certificate
from booktools.recordings.models import TEXTS
from textwright.deploy.package.wheel import write_wheel

_BASES: Final = {"python:latest": "textwright-base:full", "python:3.11-slim-bookworm": BASE}
_NAMES: Final = "from importlib import metadata as m; print(*{d.metadata['Name'] for d in m.distributions()})"
_MOVES: Final = ("Dockerfile", ".dockerignore", "requirements.txt")


def record(work: Path, made: tuple[Path, Path]) -> dict[str, Any]:
    """Make the recording.

    Args:
        work: Empty folder.
        made: The artifacts.
    """
    for name, stand_in in _BASES.items():
        with_certificate(stand_in, name)
    written = files_of("25")
    project = _project(work / "project", made[0])
    dockerfile = written["naive/Dockerfile"]
    steps = []
    with _wheels_for_cpus() as index:
        option = ("--build-arg", f"TORCH_INDEX={index}")
        steps.append(_step("as it was written", dockerfile, project))
        for title, old, new in _changes():
            if old not in dockerfile:
                raise ValueError(f"the change {title!r} replaces {old!r}, which is not there")
            dockerfile = dockerfile.replace(old, new)
            steps.append(_step(title, dockerfile, project, *option))
    for name in _MOVES:
        (project / name).write_text(written[name])
    shutil.copytree(project / "runs" / "bow" / "artifact", project / "artifact")
    steps.append(_step("two stages", written["Dockerfile"], project))
    return {
        "bases": "a Debian 12 with its Python in place of the official images",
        "steps": steps,
        "base_bytes": {name: image_bytes(name) for name in _BASES},
    }


def _changes() -> list[tuple[str, str, str]]:
    """Read the list ``changes`` of the lesson."""
    (lesson,) = find_lessons(["25"])
    for code in lesson.code:
        for node in ast.parse(code).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "changes":
                return ast.literal_eval(node.value)
    raise LookupError("lesson 25 has no list changes")


def _project(folder: Path, artifact: Path) -> Path:
    """Write what the reader has in the folder of the project."""
    shutil.copytree(artifact.parent, folder / "runs" / "bow")
    (folder / "app.py").write_text(files_of("24a")["app.py"])
    (folder / ".env").write_text("API_KEY=not-for-everybody\n")
    write_wheel(folder / "wheels")
    return folder


@contextmanager
def _wheels_for_cpus() -> Iterator[str]:
    """Serve the folder ``$CPU_WHEELS`` in place of PyTorch's index of builds for CPUs; gives its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=os.environ["CPU_WHEELS"])
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _step(title: str, dockerfile: str, project: Path, *options: str) -> dict[str, Any]:
    (project / "Dockerfile").write_text(dockerfile)
    print(f"building: {title}", flush=True)
    seconds = build(project, "sentiment-api", *options)
    told = {
        "step": title,
        "dockerfile": dockerfile,
        "bytes": image_bytes("sentiment-api"),
        "build_s": round(seconds, 1),
    }
    told |= _asked()
    if "slim" in dockerfile:  # nobody waits for the others twice
        source = (project / "app.py").read_text()
        (project / "app.py").write_text(f"{source}# changed\n")
        told["rebuild_s"] = round(build(project, "sentiment-api", *options), 1)
        (project / "app.py").write_text(source)
    return told


def _asked() -> dict[str, Any]:
    """Run it, ask it, look who runs and what lies there, and stop it."""
    port = free_port()
    command = ("uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port))
    container = docker("run", "-d", "--network", "host", "sentiment-api", *command)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                answers = [post(port, "/predict", {"text": text})[1] for text in TEXTS]
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise TimeoutError(docker("logs", container)) from None
                time.sleep(0.1)
        user = docker("exec", container, "id", "-u")
        files = docker("exec", container, "ls", "-A").split()
        distributions = docker("exec", container, "python", "-c", _NAMES).split()
    finally:
        docker("rm", "--force", container)
    return {"answers": answers, "uid": user, "files": files, "num_packages": len(distributions)}
