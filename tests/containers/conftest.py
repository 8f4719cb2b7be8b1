"""What is built once and run by many tests: both images and the zip, from a tiny artifact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from container_tools import BASE, ZIP_PYTHON, docker, free_port

from textwright.core import artifact as artifacts
from textwright.deploy.package.dependency_closure import X86_64, platform_options
from textwright.deploy.package.packaging import Package, package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format


@pytest.fixture(scope="session")
def artifact(make_artifact) -> Path:
    return make_artifact("tiny")


@pytest.fixture(scope="session")
def base_in_a_registry(tmp_path_factory) -> Iterator[str]:
    """The stand-in for the official image, pushed to a registry of this machine."""
    folder, host = tmp_path_factory.mktemp("registry"), f"127.0.0.1:{free_port()}"
    settings = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(folder)}}, "http": {"addr": host}}
    (folder / "registry.yml").write_text(json.dumps(settings))  # JSON is YAML
    image = f"{host}/{BASE}"
    with subprocess.Popen(
        ["/usr/bin/docker-registry", "serve", str(folder / "registry.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        docker("tag", BASE, image)
        docker("push", "--quiet", image)
        yield image
        process.terminate()


@pytest.fixture(scope="session")
def settings(base_in_a_registry) -> PackageSettings:
    return PackageSettings(
        python="3.11",
        base_image=base_in_a_registry,
        pin_base_image=True,
        build=True,
        engine="/usr/bin/docker",
        build_network="host",
        pip_config=Path(os.environ["BUILD_PIP_CONFIG"]),
        ca_certificate=Path(os.environ["BUILD_CA_CERTIFICATE"]),
    )


@pytest.fixture(scope="session")
def server_image(artifact, settings, tmp_path_factory) -> Package:
    return package(
        artifacts.read(artifact),
        find_format("docker"),
        tmp_path_factory.mktemp("docker") / "context",
        settings,
        report=print,
    )


@pytest.fixture(scope="session")
def lambda_image(artifact, settings, tmp_path_factory) -> Package:
    return package(
        artifacts.read(artifact),
        find_format("lambda-image"),
        tmp_path_factory.mktemp("lambda") / "context",
        settings,
        report=print,
    )


@pytest.fixture(scope="session")
def function_zip(artifact, tmp_path_factory) -> Package:
    return package(
        artifacts.read(artifact),
        find_format("lambda-zip"),
        tmp_path_factory.mktemp("zip"),
        PackageSettings(python=ZIP_PYTHON),
        report=print,
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
