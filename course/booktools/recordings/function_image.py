"""Lesson 27: the reader's container image of a function, and functions in images and zips beside each other.

AWS's base image cannot be pulled everywhere. Under its name stands a Debian 12 with Python and AWS's runtime
interface client; the emulator, which AWS's image brings, comes from the wheel of AWS SAM. Each cold start is a process
of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from container_tools import BASE, ZIP_PYTHON, docker, free_port, post
from lambda_events import function_url
from rehearsal import image_settings

from bookkit.lesson_files import files_of
from booktools.recordings.contexts import build, image_bytes, with_certificate
from booktools.recordings.function import CLIENT, INVOKE, emulator, wait_for
from booktools.recordings.models import TEXTS
from textwright.core import artifact as artifacts
from textwright.deploy.package.dependency_closure import X86_64, platform_options
from textwright.deploy.package.function_zip import find_python
from textwright.deploy.package.packaging import package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.package.wheel import write_wheel, write_zip
from textwright.deploy.targets import find_format

AWS_BASE: Final = "public.ecr.aws/lambda/python:3.12"
_NUM_STARTS: Final = 7
_NUM_WARM: Final = 100
_PATHS: Final = ("/predict", "/v1/predict")
_FILES: Final = ("Dockerfile", "requirements.txt", "lambda_app.py")


def record(work: Path, made: tuple[Path, Path]) -> dict[str, Any]:
    """Make the recording.

    Args:
        work: Empty folder.
        made: The artifacts.
    """
    context = _context(work / "context", made[0])
    _stand_in(work / "base")
    build(context, "sentiment")
    settings = PackageSettings(**image_settings().model_dump(), build=True)
    ours = package(artifacts.read(made[0]), find_format("lambda-image"), work / "ours", settings, report=print)
    python, client = _client(work / "client")
    web, bare = _web_tree(context, work / "web", python), _bare_tree(made[0], work / "bare")
    web_event, bare_event = map(_event, _PATHS)
    log = work / "log"
    handler = "lambda_app.handler"
    functions = {
        "image: FastAPI, Mangum": _measured(lambda: _in_container("sentiment", handler), web_event),
        "zip: FastAPI, Mangum": _measured(lambda: emulator(web, python, client, log, handler), web_event),
        "image: no framework": _measured(lambda: _in_container(str(ours.image), "function.handler"), bare_event),
        "zip: no framework": _measured(lambda: emulator(bare, python, client, log), bare_event),
    }
    images = {"FastAPI, Mangum": "sentiment", "no framework": str(ours.image), "base": AWS_BASE}
    return {
        "base": "a Debian 12 with its Python and awslambdaric, in place of public.ecr.aws/lambda/python:3.12",
        "dockerfile": (context / "Dockerfile").read_text(),
        "lambda_app": (context / "lambda_app.py").read_text(),
        "image_bytes": {name: image_bytes(image) for name, image in images.items()},
        "tree_bytes": {"FastAPI, Mangum": _tree_bytes(web), "no framework": _tree_bytes(bare)},
        "zip_bytes": {"FastAPI, Mangum": _zip_bytes(web, work), "no framework": _zip_bytes(bare, work)},
        "functions": functions,
    }


def _context(folder: Path, artifact: Path) -> Path:
    """Write what the reader has in the folder of the project."""
    shutil.copytree(artifact, folder / "artifact")
    written = files_of("27")
    for name in _FILES:
        (folder / name).write_text(written[name])
    (folder / "app.py").write_text(files_of("24a")["app.py"])
    write_wheel(folder / "wheels")
    return folder


def _stand_in(folder: Path) -> None:
    """Make what stands for AWS's base image."""
    folder.mkdir()
    with_certificate(BASE, "textwright-base:certified")
    (folder / "Dockerfile").write_text(f"""\
FROM textwright-base:certified
RUN pip install --quiet {" ".join(CLIENT)}
ENV LAMBDA_TASK_ROOT=/var/task PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/task
ENTRYPOINT ["python", "-m", "awslambdaric"]
""")
    build(folder, AWS_BASE)


def _client(folder: Path) -> tuple[Path, Path]:
    python = find_python(ZIP_PYTHON)
    if python is None:
        sys.exit(f"there is no Python {ZIP_PYTHON}, the zip's runtime")
    _pip(folder, "--no-deps", *CLIENT)
    return python, folder


def _pip(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    subprocess.run([*command, *platform_options(ZIP_PYTHON, X86_64), *arguments], check=True)


def _web_tree(context: Path, folder: Path, python: Path) -> Path:
    """Unpack the same requirements and modules as a zip would."""
    wheels = str(context / "wheels")
    _pip(folder, "--no-compile", "--find-links", wheels, "--requirement", str(context / "requirements.txt"))
    for name in ("app.py", "lambda_app.py"):
        shutil.copy(context / name, folder)
    shutil.copytree(context / "artifact", folder / "artifact")
    compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run([str(python), *compiling], check=True)
    return folder


def _bare_tree(artifact: Path, folder: Path) -> Path:
    settings = PackageSettings(python=ZIP_PYTHON)
    built = package(artifacts.read(artifact), find_format("lambda-zip"), folder / "zip", settings, report=print)
    shutil.unpack_archive(built.path, folder / "tree", "zip")
    return folder / "tree"


def _event(path: str) -> dict[str, Any]:
    """Make an event of an HTTP API with all that API Gateway says of the caller."""
    event = function_url(json.dumps({"text": TEXTS[0]}), path=path)
    context: dict[str, Any] = event["requestContext"]
    context["http"] |= {"protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "curl/8.5.0"}
    return event


def _measured(started: Callable[[], AbstractContextManager[int]], event: object) -> dict[str, Any]:
    cold_ms, warm_ms, answer = [], [], None
    for _ in range(_NUM_STARTS):
        with started() as port:
            for number in range(_NUM_WARM + 1):
                start = time.perf_counter()
                answer = post(port, INVOKE, event)[1]
                milliseconds = round(1e3 * (time.perf_counter() - start), 2)
                (warm_ms if number else cold_ms).append(milliseconds)
    if answer is None or answer.get("statusCode") != 200:
        raise RuntimeError(f"the function answered {answer}")
    return {"cold_ms": cold_ms, "warm_ms": warm_ms[::5], "answer": answer}


@contextmanager
def _in_container(image: str, handler: str) -> Iterator[int]:
    """Run an image as Lambda would: no rights, a disk that cannot be written, AWS's emulator in front."""
    port, inner = free_port(), free_port()
    container = docker(
        *("run", "-d", "--network", "host", "--read-only", "--tmpfs", "/tmp", "--user", "993:990"),  # noqa: S108
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "1769m"),
        *("--volume", f"{os.environ['RIE']}:/rie:ro", "--env", "AWS_LAMBDA_FUNCTION_TIMEOUT=10"),
        *("--entrypoint", "/rie", image, "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{inner}", "python", "-m", "awslambdaric", handler),
    )
    try:
        wait_for(port, lambda: docker("inspect", "-f", "{{.State.Running}}", container) == "true")
        yield port
    finally:
        docker("rm", "--force", container)


def _tree_bytes(tree: Path) -> int:
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())


def _zip_bytes(tree: Path, work: Path) -> int:
    files = {path.relative_to(tree).as_posix(): path for path in sorted(tree.rglob("*")) if path.is_file()}
    zipped: Path = write_zip(work / "measured.zip", dict(files))
    return zipped.stat().st_size
