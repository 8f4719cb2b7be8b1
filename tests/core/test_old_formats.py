"""Artifacts that earlier versions wrote are read, and predict what those versions predicted."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import pytest

import textwright
from textwright.core import artifact as artifacts
from textwright.deploy.package.single_variant import write_single_variant
from textwright.errors import ArtifactCorruptError, ArtifactFormatError

FORMATS = Path(__file__).parent / "formats"
"""One artifact of each format, trained on 400 short sentences; ``expected.json`` holds what its writer predicted."""
EXPECTED = json.loads((FORMATS / "expected.json").read_text(encoding="utf-8"))


def check(folder, version):
    expected = EXPECTED[version]
    found = textwright.load(folder, num_threads=1).predict([item["text"] for item in expected])
    for item, wanted in zip(found, expected, strict=True):
        assert (item.label, item.stage) == (wanted["label"], wanted["stage"])
        assert item.probabilities == pytest.approx(wanted["probabilities"], abs=1e-5)


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_an_artifact_of_an_earlier_format_predicts_what_it_did(version):
    manifest = json.loads((FORMATS / version / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["format_version"] == int(version)
    check(FORMATS / version, version)


def test_a_cascade_of_one_folder_becomes_one_of_two_stages():
    found = artifacts.read(FORMATS / "2")
    assert [stage.name for stage in found.stages] == ["fast", "strong"]
    assert [stage.artifact.manifest.family for stage in found.stages] == ["bow", "linear"]
    assert 0.5 < found.stages[0].min_confidence < 1
    assert found.stages[1].min_confidence == 0
    assert json.dumps(artifacts.describe(found))


def test_a_cascade_of_one_folder_can_be_copied_pickled_and_explained(tmp_path):
    source = artifacts.read(FORMATS / "2")
    assert write_single_variant(source, None, tmp_path / "copy").digest == source.digest
    check(tmp_path / "copy", "2")
    model = textwright.load(FORMATS / "2", num_threads=1)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301  our own bytes
    texts = [item["text"] for item in EXPECTED["2"]]
    assert again.predict(texts) == model.predict(texts)
    assert [item.label for item in model.explain(texts)] == [item["label"] for item in EXPECTED["2"]]


@pytest.mark.parametrize("name", ["fp32+fp32.onnx", "fp32+fp32.fast.onnx", "fast.tokenizer.json", "cascade.json"])
def test_a_file_of_an_old_cascade_that_changed_is_refused(tmp_path, name):
    folder = Path(shutil.copytree(FORMATS / "2", tmp_path / "copy"))
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b"?")
    with pytest.raises(ArtifactCorruptError):
        artifacts.read(folder)


def test_a_newer_format_is_refused(tmp_path):
    folder = Path(shutil.copytree(FORMATS / "1", tmp_path / "copy"))
    path = folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format_version": 1', '"format_version": 7'))
    with pytest.raises(ArtifactFormatError, match="reads 1, 2, 3, 4, 5, 6; upgrade"):
        artifacts.read(folder)


@pytest.mark.parametrize("field", ["certainty", "tokenizer", "model", "strong", "temperature", None])
def test_an_old_cascade_that_lacks_a_field_is_refused(tmp_path, field):
    folder = Path(shutil.copytree(FORMATS / "2", tmp_path / "copy"))
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if field is None:
        del content["variants"]["fp32+fp32"]["fast"]
    else:
        del content["fast_stage"][field]
    sealed = json.dumps({**content, "sha256": "0" * 64}).encode()
    digest = hashlib.sha256(sealed).hexdigest().encode()
    (folder / "manifest.json").write_bytes(sealed.replace(b"0" * 64, digest, 1))
    with pytest.raises(ArtifactFormatError, match="lacks"):
        artifacts.read(folder)
