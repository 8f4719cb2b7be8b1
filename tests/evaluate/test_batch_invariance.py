"""A model whose answers depend on the other texts of a batch is found, and one whose answers do not is not accused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from batch_dependent import batch_dependent

import textwright
from textwright.core import artifact as artifacts
from textwright.evaluate.batch_invariance import BatchInvariance, measure_batch_invariance
from textwright.evaluate.card import model_card, update_batch_invariance

TEXTS = ["good", "bad film", "the awful story of a great actor", "great " * 9, "", "unheard of", "a bad bad film"]


def dependent(folder):
    """Replace the graph by one that adds half of the batch's highest logits to each text's."""
    old = artifacts.read(folder)
    contents = {name: (folder / name).read_bytes() for name in old.files} | {artifacts.GOLDEN: b""}
    contents["model.onnx"] = batch_dependent(contents["model.onnx"])
    return artifacts.write(folder, old.manifest, contents).path


@pytest.mark.parametrize("kind", ["tiny_artifact", "tiny_multilabel_artifact", "tiny_cascade"])
def test_what_reads_each_text_by_itself_is_batch_invariant(request, kind):
    found = measure_batch_invariance(textwright.load(request.getfixturevalue(kind)), TEXTS)
    assert found.is_invariant
    assert (found.num_texts, found.num_changed_labels) == (7, 0)
    assert 0 <= found.mean_change <= found.max_change < 1e-6


def test_what_looks_at_the_batch_is_found(tiny_artifact):
    found = measure_batch_invariance(textwright.load(dependent(tiny_artifact)), TEXTS)
    assert not found.is_invariant
    assert found.max_change > 0.05
    assert 0 < found.mean_change < found.max_change
    assert found.num_changed_labels > 0


def test_one_text_is_measured_beside_itself(tiny_artifact):
    assert measure_batch_invariance(textwright.load(tiny_artifact), ["good"]).max_change == 0.0


def test_the_card_shows_each_variant_and_is_brought_up_to_date(tiny_artifact):
    manifest = artifacts.read(tiny_artifact).manifest
    assert "Batch invariance" not in model_card(manifest, {})
    measured = [BatchInvariance(128, *numbers).to_manifest() for numbers in ((1e-7, 1e-8, 0), (0.14, 0.03, 5))]
    variants = dict(
        zip(
            ("fp32", "int8"),
            (replace(manifest.variant(None), batch_invariance=item) for item in measured),
            strict=True,
        )
    )
    one, both = (replace(manifest, variants=dict(list(variants.items())[:count])) for count in (1, 2))
    card = model_card(one, {})
    assert "| `fp32` | 1e-07 | 1e-08 | 0 of 128 |" in card
    assert "`int8`" not in card
    updated = update_batch_invariance(card, both)
    assert "| `int8` | 0.14 | 0.03 | 5 of 128 |" in updated
    assert updated == model_card(both, {})
    without = model_card(manifest, {})
    assert update_batch_invariance(without, both).startswith(without.rstrip())
