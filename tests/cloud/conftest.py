"""The emulator and what is deployed to it; see ``emulator/__init__.py``. Run by ``.ci/deploy``."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from container_tools import BASE, free_port

from textwright.deploy.cloud.deployment import Deployment, deployment
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.package.function_zip import find_python
from textwright.deploy.package.settings import ImageSettings

HERE = Path(__file__).parent
REGION = "eu-central-1"
SENTIMENT = {"good": (-1.0, 1.0), "bad": (1.0, -1.0), "the": (0.0, 0.0), "a": (0.0, 0.0)}


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.cloud)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Start the emulator and point everything that speaks to AWS at it."""
    work, port, server_port = tmp_path_factory.mktemp("emulator"), free_port(), free_port()
    python = find_python("3.12")
    if python is None:
        pytest.skip("there is no Python 3.12 to run the function's zip with")
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
        "PYTHONPATH": f"{HERE}:{HERE.parents[1] / 'src'}",
        "FUNCTION_PYTHON": str(python),
        "SERVER_PORT": str(server_port),
        "DOCKER_HOST": os.environ.get("DOCKER_HOST", ""),
    }
    registry = os.environ.get("REHEARSAL_REGISTRY", "127.0.0.1:1")
    command = [os.environ["EMULATOR_PYTHON"], "-m", "emulator", str(port), registry, str(work)]
    with (work / "log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        _wait(port, process, work / "log")
        yield work
        process.terminate()
    for name in values:
        os.environ.pop(name)


def _wait(port, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
def aws(emulator):
    """Forget everything that was made, and return a maker of clients."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"), timeout=60).read()
    return lambda service: boto3.client(service, region_name=REGION)


@pytest.fixture
def where(aws) -> Deployment:
    return deployment(Cloud(REGION), "demo", poll_s=0.1)


@pytest.fixture(scope="session")
def first(make_artifact) -> Path:
    return make_artifact("tiny")


@pytest.fixture(scope="session")
def second(make_artifact) -> Path:
    return make_artifact("tiny", words=SENTIMENT)


@pytest.fixture(scope="session")
def image() -> ImageSettings:
    """How images are built here: on the stand-in base."""
    return ImageSettings(
        python="3.11",
        base_image=BASE,
        engine="/usr/bin/docker",
        build_network="host",
        pip_config=Path(os.environ["BUILD_PIP_CONFIG"]),
        ca_certificate=Path(os.environ["BUILD_CA_CERTIFICATE"]),
    )
