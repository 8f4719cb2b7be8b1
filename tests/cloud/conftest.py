"""The emulator and what is deployed to it; see ``emulator/__init__.py``. Run by ``.ci/deploy``."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import boto3
import pytest
from container_tools import ZIP_PYTHON
from rehearsal import REGION, emulating, image_settings

from textwright.deploy.cloud.lifecycle import AwsDeployment
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.package.function_zip import find_python
from textwright.deploy.package.settings import ImageSettings
from textwright.deploy.targets import deployers

SENTIMENT = {"good": (-1.0, 1.0), "bad": (1.0, -1.0), "the": (0.0, 0.0), "a": (0.0, 0.0)}


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.cloud)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Start the emulator and point everything that speaks to AWS at it."""
    if find_python(ZIP_PYTHON) is None:
        pytest.skip(f"there is no Python {ZIP_PYTHON} to run the function's zip with")
    work = tmp_path_factory.mktemp("emulator")
    with emulating(work):
        yield work


@pytest.fixture
def aws(emulator):
    """Forget everything that was made, and return a maker of clients."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"), timeout=60).read()
    return lambda service: boto3.client(service, region_name=REGION)


@pytest.fixture
def where(aws, request) -> AwsDeployment:
    """The deployment "demo" of the target that the test's module names."""
    return deployers()[request.module.TARGET].deployment(Cloud(REGION), "demo", poll_s=0.1)


@pytest.fixture(scope="session")
def first(make_artifact) -> Path:
    return make_artifact("tiny")


@pytest.fixture(scope="session")
def second(make_artifact) -> Path:
    return make_artifact("tiny", words=SENTIMENT)


@pytest.fixture(scope="session")
def image() -> ImageSettings:
    return image_settings()
