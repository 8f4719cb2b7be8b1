"""An artifact is published whole, with what was measured of the very files that are shipped, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Variant
from textwright.data.dataset import Examples
from textwright.errors import GoldenMismatchError, SettingsError
from textwright.evaluate.measure import evaluate
from textwright.evaluate.publish import Publication, publish
from textwright.runtime.loading import load

EXAMPLES = Examples(["a good film", "the film is bad", "awful", "great"], np.array([1, 0, 0, 1]))
TEXTS = ["a great story", "the awful actor", "", 'a line\u2028of "quotes"']


@pytest.fixture
def source(tiny_artifact: Path) -> Artifact:
    return artifacts.read(tiny_artifact)


def publish_it(source: Artifact, path: Path, change: Callable[[Publication], object] = id) -> Publication:
    """Publish the graph and tokenizer of an artifact, with golden examples, metrics and card of their own."""
    contents = {name: (source.path / name).read_bytes() for name in ("model.onnx", "tokenizer.json")}
    with publish(path, source.manifest, contents, num_threads=1) as publication:
        predictor = publication.predictor()
        publication.add_golden(predictor, TEXTS)
        publication.add_metrics("fp32", evaluate(predictor, EXAMPLES, split="test"), {"max_change": 0.25})
        publication.add_training({"warnings": []})
        publication.card = "# A card\n"
        change(publication)
    return publication


def test_what_is_published_holds_what_was_measured_of_it(source: Artifact, tmp_path: Path) -> None:
    artifact = publish_it(source, tmp_path / "a").artifact
    assert artifact == artifacts.read(tmp_path / "a")
    variant = artifact.manifest.variants["fp32"]
    assert variant.metrics["accuracy"]["value"] == 1.0
    assert variant.batch_invariance == {"max_change": 0.25}
    assert artifact.manifest.metrics_split == "test"
    assert artifact.manifest.training["warnings"] == []
    assert (artifact.path / artifacts.CARD).read_text() == "# A card\n"
    golden = artifact.golden()
    assert [item.text for item in golden] == TEXTS
    rows = load(artifact.path, num_threads=1).logits(TEXTS)
    assert np.array_equal(np.array([item.logits for item in golden], dtype=np.float32), rows)


def test_each_variant_has_its_own_golden_examples(source: Artifact, tmp_path: Path) -> None:
    other = Variant("other.onnx", golden="other.golden.jsonl")
    contents = {name: (source.path / name).read_bytes() for name in source.files}
    contents["other.onnx"] = contents["model.onnx"]
    manifest = replace(source.manifest, variants={**source.manifest.variants, "other": other})
    with publish(tmp_path / "two", manifest, contents) as publication:
        publication.add_golden(publication.predictor("other"), TEXTS[:1])
    assert [item.text for item in publication.artifact.golden("other")] == TEXTS[:1]
    assert publication.artifact.golden("fp32") == source.golden()
    assert (publication.artifact.path / artifacts.CARD).read_bytes() == contents[artifacts.CARD]


def test_a_block_that_raises_leaves_the_old_artifact_and_nothing_else(source: Artifact, tmp_path: Path) -> None:
    old = publish_it(source, tmp_path / "a").artifact
    with pytest.raises(ZeroDivisionError):
        publish_it(source, tmp_path / "a", lambda _: 1 / 0)
    assert artifacts.read(tmp_path / "a") == old
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_golden_examples_that_do_not_replay_are_not_published(source: Artifact, tmp_path: Path) -> None:
    def spoil(publication: Publication) -> None:
        other = [[9.0, -9.0]] * len(TEXTS)
        (publication.artifact.path / artifacts.GOLDEN).write_bytes(artifacts.golden_lines(TEXTS, other))

    with pytest.raises(GoldenMismatchError, match="golden example 1"):
        publish_it(source, tmp_path / "a", spoil)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_artifact_is_refused_before_anything_is_measured(source: Artifact, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match="no artifact"), publish(tmp_path, source.manifest, {}):
        pytest.fail("the block ran")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
