"""An artifact with two variants, and locks that need no network: the real ones are asked for by .ci/containers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from textwright.core import artifact as artifacts
from textwright.deploy.package import base_image, context
from textwright.deploy.package.dependency_closure import Locked


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
