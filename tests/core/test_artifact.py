"""An artifact is whole or absent, and a flipped byte in any file of it is refused."""

from __future__ import annotations

import json
import random

import pytest

from textwright.core import artifact as artifacts
from textwright.core.artifact import Manifest, Variant
from textwright.core.labels import Labels, Task
from textwright.errors import ArtifactCorruptError, ArtifactError, ArtifactFormatError, NotFoundError, SettingsError

MANIFEST = Manifest("demo", "bow", Labels(("no", "yes")), 8, {"fp32": Variant("model.onnx")}, temperature=1.5)
CONTENTS = {"model.onnx": b"graph", "tokenizer.json": b"{}", "golden.jsonl": b'{"text": "a", "logits": [0.5, 1.0]}\n'}
FILES = ["manifest.json", "model.onnx", "tokenizer.json", "golden.jsonl", "README.md"]


def test_what_is_written_is_read_back(tmp_path):
    written = artifacts.write(tmp_path / "a", MANIFEST, CONTENTS)
    found = artifacts.read(tmp_path / "a")
    assert found == written
    assert found.manifest == MANIFEST
    assert found.golden() == [artifacts.Golden("a", (0.5, 1.0))]
    assert found.size_bytes == sum(path.stat().st_size for path in (tmp_path / "a").iterdir())


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\x1c"])
def test_a_golden_text_may_hold_what_python_calls_a_line_break(tmp_path, character):
    line = json.dumps({"text": f"a{character}b", "logits": [0.5, 1.0]}, ensure_ascii=False) + "\n"
    written = artifacts.write(tmp_path / "a", MANIFEST, {**CONTENTS, "golden.jsonl": 2 * line.encode()})
    assert [item.text for item in written.golden()] == [f"a{character}b"] * 2


def test_a_run_folder_leads_to_its_artifact(tmp_path):
    artifacts.write(tmp_path / "artifact", MANIFEST, CONTENTS)
    assert artifacts.read(tmp_path).path == tmp_path / "artifact"


def test_equal_content_has_an_equal_version_and_other_content_another(tmp_path):
    first = artifacts.write(tmp_path / "a", MANIFEST, CONTENTS)
    again = artifacts.write(tmp_path / "b", MANIFEST, CONTENTS)
    other = artifacts.write(tmp_path / "c", MANIFEST, {**CONTENTS, "model.onnx": b"other"})
    assert first.version == again.version != other.version


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_in_any_file_is_refused(tiny_artifact, name):
    path = tiny_artifact / name
    content = bytearray(path.read_bytes())
    for position in random.Random(0).sample(range(len(content)), 5):
        content[position] ^= 1
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match=name):
            artifacts.read(tiny_artifact)
        content[position] ^= 1


def test_every_byte_of_the_manifest_is_guarded(tiny_artifact):
    path = tiny_artifact / "manifest.json"
    content = bytearray(path.read_bytes())
    for position in range(len(content)):
        content[position] ^= 1
        path.write_bytes(content)
        with pytest.raises((ArtifactError, NotFoundError)):
            artifacts.read(tiny_artifact)
        content[position] ^= 1


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_cut_file_is_refused(tiny_artifact, name):
    path = tiny_artifact / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=name):
        artifacts.read(tiny_artifact)
    path.unlink()
    with pytest.raises(ArtifactError, match=name):
        artifacts.read(tiny_artifact)


def test_a_newer_format_is_refused_with_the_cure(tiny_artifact):
    path = tiny_artifact / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(ArtifactFormatError, match="upgrade textwright"):
        artifacts.read(tiny_artifact)


def test_thresholds_are_kept_and_refused_by_versions_that_know_of_none(make_artifact):
    plain, decided = artifacts.read(make_artifact()), artifacts.read(make_artifact(thresholds={"positive": 0.25}))
    assert decided.manifest.thresholds == {"positive": 0.25}
    assert artifacts.describe(decided)["format_version"] == 3
    assert artifacts.describe(plain)["format_version"] == 1
    assert "thresholds" not in json.loads((plain.path / "manifest.json").read_text())


def test_abstaining_is_kept_and_refused_by_versions_that_know_of_none(make_artifact):
    plain, abstaining = artifacts.read(make_artifact()), artifacts.read(make_artifact(min_confidence=0.75))
    assert abstaining.manifest.min_confidence == abstaining.manifest.decision.min_confidence == 0.75
    assert artifacts.describe(abstaining)["format_version"] == 5
    assert (artifacts.describe(plain)["format_version"], plain.manifest.decision.min_confidence) == (1, 0.0)
    assert "min_confidence" not in json.loads((plain.path / "manifest.json").read_text())
    with pytest.raises(ArtifactFormatError, match="min_confidence"):
        make_artifact(min_confidence=1.5)


def test_costs_are_kept_and_refused_where_they_are_no_costs(make_artifact):
    costs = {"negative": {"negative": 0, "positive": 9.5}, "positive": {"negative": 1, "positive": 0}}
    decided = artifacts.read(make_artifact(costs=costs))
    assert decided.manifest.costs == decided.manifest.decision.costs == costs
    assert artifacts.describe(decided)["format_version"] == 5
    for wrong in ({"negative": {"negative": 0}}, {"negative": "free"}):
        with pytest.raises(ArtifactFormatError, match="cost"):
            make_artifact(costs=wrong)


def test_thresholds_that_do_not_fit_the_labels_are_refused(make_artifact):
    with pytest.raises(ArtifactFormatError, match="a threshold for 'neutral'"):
        make_artifact(thresholds={"neutral": 0.25})


def test_a_path_that_is_nothing_or_no_artifact_says_so(tmp_path):
    with pytest.raises(NotFoundError, match="textwright train"):
        artifacts.read(tmp_path / "absent")
    with pytest.raises(ArtifactFormatError, match=r"manifest\.json"):
        artifacts.read(tmp_path)


def test_a_run_that_has_not_ended_says_how_to_end_it(tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(ArtifactFormatError, match=r"has not ended.*textwright train command again"):
        artifacts.read(tmp_path)


def test_a_folder_that_is_no_artifact_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SettingsError, match="no artifact"):
        artifacts.write(tmp_path, MANIFEST, CONTENTS)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_failed_write_leaves_the_old_artifact(tmp_path):
    artifacts.write(tmp_path / "a", MANIFEST, CONTENTS)
    with pytest.raises(TypeError):
        artifacts.write(tmp_path / "a", MANIFEST, {**CONTENTS, "model.onnx": "no bytes"})
    assert artifacts.read(tmp_path / "a").manifest == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_unknown_variant_names_the_ones_there_are():
    with pytest.raises(NotFoundError, match="this artifact has fp32"):
        MANIFEST.variant("int8")
    assert MANIFEST.variant(None) is MANIFEST.variants["fp32"]


def test_a_file_name_that_leaves_the_folder_is_refused(tmp_path):
    with pytest.raises(ArtifactCorruptError, match="outside"):
        artifacts.write(tmp_path / "a", MANIFEST, {**CONTENTS, "../escape": b""})


def test_labels_keep_their_task_and_order(tmp_path):
    labels = Labels(("z", "a"), Task.MULTI_LABEL)
    manifest = Manifest("m", "bow", labels, 8, {"fp32": Variant("model.onnx")})
    assert artifacts.write(tmp_path / "a", manifest, CONTENTS).manifest.labels == labels
