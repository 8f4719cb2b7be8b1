"""The parts of a linear model, read from its graph's file, sum to the logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_variants import make_model
from onnx import numpy_helper

from textwright.core.encodings import pad
from textwright.export.onnx import to_onnx
from textwright.runtime.linear import GRAPH_NAME, LinearParts, read_constants
from textwright.runtime.session import Session


@pytest.fixture(scope="module", params=["words", "characters", "both", "cased"])
def linear(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Make a model; the graph of one whose case counts is what earlier versions wrote for texts in lower case."""
    settings = {"casing": "cased"} if request.param == "cased" else {"features": request.param}
    model = make_model("linear", **settings)
    path = tmp_path_factory.mktemp("linear") / "model.onnx"
    path.write_bytes(to_onnx(model.module))
    return model.tokenizer, path, LinearParts.read(path), Session(path, num_threads=1)


@given(text=st.text(st.sampled_from("filmgood bat,éFGÉ"), max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_shares_and_bias_sum_to_the_logits(linear, text: str) -> None:
    tokenizer, _, parts, session = linear
    ids = tokenizer.encode([text])[0].ids
    logits = session.infer(*pad([ids], 0))[0]
    base, shares = parts.share(ids, logits, 1.0)
    assert shares.shape == (len(ids), len(logits))
    np.testing.assert_allclose(base + shares.sum(axis=0), logits, atol=1e-4)


def test_a_sum_that_is_not_the_logit_is_no_explanation(linear) -> None:
    tokenizer, _, parts, session = linear
    ids = tokenizer.encode(["the good film"])[0].ids
    logits = session.infer(*pad([ids], 0))[0]
    assert parts.share(ids, logits + 0.1, 1.0) is None
    base, shares = parts.share(ids, logits * 2, 2.0)
    np.testing.assert_allclose(base + shares.sum(axis=0), logits * 2, atol=1e-4)


def test_constants_are_read_as_the_onnx_library_reads_them(linear) -> None:
    _, path, _, _ = linear
    stored = {item.name: numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}
    found = read_constants(path, GRAPH_NAME)
    assert set(found) == set(stored)
    for name, value in stored.items():
        np.testing.assert_array_equal(found[name].reshape(value.shape), value)


def test_another_graph_has_no_such_parts(linear, tmp_path: Path) -> None:
    model = onnx.load(linear[1])
    model.graph.name = "another"
    onnx.save(model, tmp_path / "model.onnx")
    assert LinearParts.read(tmp_path / "model.onnx") is None
