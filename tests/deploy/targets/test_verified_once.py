"""Each command reads and hashes the artifact once; then it travels as an object."""

from __future__ import annotations

from collections import Counter

import pytest

from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.deploy.package.single_variant import write_single_variant
from textwright.errors import ArtifactCorruptError


@pytest.fixture
def passes(monkeypatch, tmp_path):
    """Count the hash passes over each file that an artifact names."""
    monkeypatch.chdir(tmp_path)
    counts, verify = Counter(), artifacts._verify

    def counted(path, record):
        counts[path] += 1
        verify(path, record)

    monkeypatch.setattr(artifacts, "_verify", counted)
    return counts


def of(passes, folder):
    return {count for path, count in passes.items() if path.is_relative_to(folder)}


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("variant", [[], ["--variant", "other"]])
@pytest.mark.parametrize("target", ["docker", "lambda-image"])
def test_package(passes, two_variants, tmp_path, target, variant):
    passes.clear()
    assert run(["package", str(two_variants), "--target", target, "--out", "out", *variant]) == 0
    assert of(passes, two_variants) == {1}
    copies = [path for path in passes if not path.is_relative_to(two_variants)]
    assert {passes[path] for path in copies} == {1}, "what is shipped is verified once too, when it is written"


@pytest.mark.parametrize("target", ["ec2", "lambda"])
@pytest.mark.usefixtures("no_cloud")
def test_deploy(passes, tiny_artifact, target):
    passes.clear()
    assert run(["deploy", target, str(tiny_artifact)]) == 0
    assert of(passes, tiny_artifact) == {1}


def test_cost(passes, tiny_artifact, measured_file):
    words, measured = ["cost", str(tiny_artifact), "--requests-per-day", "50000"], measured_file(tiny_artifact)
    passes.clear()
    assert run([*words, "--measured", str(measured)]) == 0
    assert of(passes, tiny_artifact) == {1}
    passes.clear()
    assert run([*words, "--measure-s", "0.2", "--tokens", "6"]) == 0
    assert of(passes, tiny_artifact) == {1}


def test_a_file_that_was_changed_since_is_not_shipped(make_artifact, tmp_path):
    source = artifacts.read(make_artifact("tiny"))
    card = source.path / "README.md"
    card.write_text(card.read_text().swapcase())
    with pytest.raises(ArtifactCorruptError, match=r"README\.md was changed after it was verified"):
        write_single_variant(source, None, tmp_path / "out")
