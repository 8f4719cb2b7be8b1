"""What is built once and run by many tests: both images and the zip, from a tiny artifact."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from container_tools import BASE, ZIP_PYTHON

from textwright.deploy.package.lock import X86_64, platform_options
from textwright.deploy.package.packaging import Package, package
from textwright.deploy.package.settings import PackageSettings


@pytest.fixture(scope="session")
def artifact(make_artifact) -> Path:
    return make_artifact("tiny")


@pytest.fixture(scope="session")
def settings() -> PackageSettings:
    return PackageSettings(
        python="3.11",
        base_image=BASE,
        build=True,
        engine="/usr/bin/docker",
        build_network="host",
        pip_config=Path(os.environ["BUILD_PIP_CONFIG"]),
        ca_certificate=Path(os.environ["BUILD_CA_CERTIFICATE"]),
    )


@pytest.fixture(scope="session")
def server_image(artifact, settings, tmp_path_factory) -> Package:
    return package(artifact, "docker", tmp_path_factory.mktemp("docker") / "context", settings, tell=print)


@pytest.fixture(scope="session")
def lambda_image(artifact, settings, tmp_path_factory) -> Package:
    return package(artifact, "lambda-image", tmp_path_factory.mktemp("lambda") / "context", settings, tell=print)


@pytest.fixture(scope="session")
def function_zip(artifact, tmp_path_factory) -> Package:
    return package(
        artifact, "lambda-zip", tmp_path_factory.mktemp("zip"), PackageSettings(python=ZIP_PYTHON), tell=print
    )


@pytest.fixture
def tree(function_zip, tmp_path) -> Path:
    """The zip, unpacked anew, so that a test may spoil it."""
    with zipfile.ZipFile(function_zip.path) as archive:
        archive.extractall(tmp_path / "tree")
    return tmp_path / "tree"


@pytest.fixture(scope="session")
def client(tmp_path_factory) -> Path:
    """AWS's client for the zip's Python; the managed runtime brings it."""
    folder = tmp_path_factory.mktemp("client")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    pins = ["awslambdaric==4.2.2", "simplejson==4.3.0", "snapshot-restore-py==1.0.0"]
    subprocess.run([*command, "--no-deps", *platform_options(ZIP_PYTHON, X86_64), *pins], check=True)
    return folder


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.containers)
