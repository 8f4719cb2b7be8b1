"""What tests of several rooms of ``deploy`` need: artifacts, measurements, and neither AWS nor a package index."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest

from textwright.core import artifact as artifacts
from textwright.deploy.cost_estimate.measure import FunctionLoad, Measured, ServerLoad
from textwright.deploy.package import base_image, context
from textwright.deploy.package.dependency_closure import Locked


@pytest.fixture
def no_cloud(monkeypatch, tmp_path):
    """Point every call at a closed port, hide this machine's AWS configuration, and refuse other connections."""
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    real = socket.socket.connect

    def connect(self, address):
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {address}")
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def two_variants(tiny_artifact, tmp_path):
    """Return the folder of an artifact whose variant "other" is the same graph under another name."""
    source = artifacts.read(tiny_artifact)
    contents = {name: (source.path / name).read_bytes() for name in source.files}
    contents["model.other.onnx"] = contents["model.onnx"]
    variants = {**source.manifest.variants, "other": artifacts.Variant("model.other.onnx", "int8")}
    return artifacts.write(tmp_path / "two", replace(source.manifest, variants=variants), contents).path


@pytest.fixture
def offline(monkeypatch):
    """Let every wheel have a hash of zeros, and no registry of images answer."""
    monkeypatch.setattr(base_image, "_DOCKER_HUB", "127.0.0.1:1")
    monkeypatch.setattr(context, "lock", lambda pins, **_: [Locked(pin, ("0" * 64,)) for pin in pins])


@pytest.fixture
def measured_file(tmp_path):
    """Return a function that writes the cost.json of an artifact whose server needs so many MiB."""

    def write(path, mib=300, version=None):
        artifact = artifacts.read(path)
        server = ServerLoad(0.01, mib * 2**20, 200, 600, 340, 400)
        function = FunctionLoad(0.5, 0.008, mib * 2**20, 800, 400)
        version, variant = version or artifact.version, artifact.manifest.default_variant
        measured = Measured("tiny", version, variant, 1, 32, 32.0, server, function, {"cpu": "a processor"})
        (tmp_path / "cost.json").write_text(json.dumps({"measured": measured.to_json()}))
        return tmp_path / "cost.json"

    return write
