"""A variant answers only where it reproduces; elsewhere the reference answers, and says so."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

import textwright
from textwright.core import artifact as artifacts
from textwright.core.artifact import Variant
from textwright.errors import GoldenMismatchError
from textwright.runtime.cpu_features import instruction_set


@pytest.fixture
def add_variant(tiny_artifact, tmp_path):
    """Return a function that puts a variant before fp32, its stored golden logits shifted."""

    def add(*, bound_to: str, shift: float):
        old = artifacts.read(tiny_artifact)
        rows = [{"text": item.text, "logits": [value + shift for value in item.logits]} for item in old.golden()]
        contents = {name: (tiny_artifact / name).read_bytes() for name in old.files}
        contents["int8.onnx"] = contents["model.onnx"]
        contents["int8.golden.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows).encode()
        int8 = Variant("int8.onnx", "int8", golden="int8.golden.jsonl", instruction_set=bound_to, recipe="a copy")
        manifest = replace(old.manifest, variants={"int8": int8, **old.manifest.variants})
        return artifacts.write(tmp_path / "two", manifest, contents).path

    return add


def test_a_variant_that_reproduces_answers(add_variant, caplog):
    path = add_variant(bound_to="another", shift=0.0)
    assert textwright.load(path).variant == "int8"
    assert textwright.load(path, variant="fp32").variant == "fp32"
    assert not caplog.records


def test_on_another_instruction_set_the_reference_answers_instead(add_variant, caplog):
    with caplog.at_level(logging.WARNING):
        predictor = textwright.load(add_variant(bound_to="another", shift=0.01))
    assert predictor.variant == "fp32"
    assert predictor.predict(["a good film"])[0].label == "positive"
    (record,) = caplog.records
    assert "passed its gates on another" in record.message
    assert instruction_set() in record.message


def test_on_the_same_instruction_set_it_is_refused(add_variant):
    with pytest.raises(GoldenMismatchError, match="variant int8"):
        textwright.load(add_variant(bound_to=instruction_set(), shift=0.01))


def test_words_of_an_ordinary_variant_are_those_of_older_versions(tiny_artifact):
    stored = json.loads((tiny_artifact / "manifest.json").read_text())["variants"]["fp32"]
    assert set(stored) == {"file", "precision", "metrics"}
