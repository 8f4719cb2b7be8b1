"""The emulator of AWS in a process of its own, and this process pointed at it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from container_tools import BASE, ZIP_PYTHON, free_port

from textwright.deploy.package.function_zip import find_python
from textwright.deploy.package.settings import ImageSettings

REGION = "eu-central-1"
_CLOUD = Path(__file__).parents[1] / "cloud"
_SOURCES = Path(__file__).parents[2] / "src"


@contextmanager
def emulating(work: Path) -> Iterator[None]:
    """Start the emulator and point everything in this process that speaks to AWS at it.

    Args:
        work: Empty folder: its log, its process id, and what instances and functions leave behind.

    Raises:
        FileNotFoundError: If there is no Python to run a function's zip with.
        RuntimeError: If it does not start; with what it said.
    """
    python = find_python(ZIP_PYTHON)
    if python is None:
        raise FileNotFoundError(f"there is no Python {ZIP_PYTHON} to run the function's zip with")
    port, server_port = free_port(), free_port()
    values = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.environ.update(values)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{_CLOUD}:{_SOURCES}",
        "FUNCTION_PYTHON": str(python),
        "SERVER_PORT": str(server_port),
        "DOCKER_HOST": os.environ.get("DOCKER_HOST", ""),
    }
    registry = os.environ.get("REHEARSAL_REGISTRY", "127.0.0.1:1")
    command = [os.environ["EMULATOR_PYTHON"], "-m", "emulator", str(port), registry, str(work)]
    with (work / "log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        (work / "pid").write_text(str(process.pid))
        try:
            _wait(port, process, work / "log")
            yield
        finally:
            process.terminate()
    for name in values:
        os.environ.pop(name)


def image_settings() -> ImageSettings:
    """How images are built here: on the stand-in base."""
    return ImageSettings(
        python="3.11",
        base_image=BASE,
        engine="/usr/bin/docker",
        build_network="host",
        pip_config=Path(os.environ["BUILD_PIP_CONFIG"]),
        ca_certificate=Path(os.environ["BUILD_CA_CERTIFICATE"]),
    )


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"the emulator does not answer:\n{log.read_text()}")
