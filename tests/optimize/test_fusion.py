"""Fusing changes no answer, narrowing rows changes little, and quantizing gives integers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from onnx import TensorProto

from textwright.core import artifact as artifacts
from textwright.core.artifact import Manifest, Variant
from textwright.core.encodings import pad
from textwright.core.labels import Labels
from textwright.errors import BackendError
from textwright.evaluate.batch_invariance import measure_batch_invariance
from textwright.graph.fusion import fuse
from textwright.graph.unpadding import is_unpadded
from textwright.graph.view import dump, load
from textwright.optimize.candidates import CalibrationData, candidate_specs
from textwright.optimize.quantization.activation_ranges import extremes_of
from textwright.optimize.quantization.embeddings import quantize_embeddings, quantize_rows
from textwright.optimize.quantization.onnxruntime_quantizers import (
    halve,
    quantize_blocks,
    quantize_dynamic,
    quantize_static,
)
from textwright.optimize.quantization.sensitivity import node_errors, sensitive_nodes
from textwright.optimize.quantization.smoothquant import scale_channels, split_neurons
from textwright.optimize.quantization.static_int8 import FULL, REDUCED, quantize_smoothed, weight_only_int8
from textwright.runtime.cpu_features import SATURATING, instruction_set
from textwright.runtime.engines import open_session
from textwright.runtime.openvino import OpenVinoSession
from textwright.runtime.predictor import Predictor
from textwright.runtime.session import Session

TEXTS = ["", "the film is good", "a dull story , not moving .", "music", "good " * 40]
FUSED = {"bert": 2, "distilbert": 2, "roberta": 2, "xlm-roberta": 2}
"""Kind of encoder -> attentions that are recognized; others, whose positions are relative or rotary, are left alone."""
LARGEST = REDUCED if instruction_set() in SATURATING else FULL
"""Of a weight, as the recipe chooses it: with AVX2 alone the sums of larger ones saturate."""


def infer(graph: bytes, encoder) -> np.ndarray:
    return Session(graph, num_threads=1).infer(*pad(encoder.encode(TEXTS), encoder.pad_id))


def count(graph: bytes) -> Counter:
    return Counter(node.op_type for node in load(graph).graph.node)


@pytest.mark.parametrize(("joined", "padded"), [(True, True), (True, False), (False, False)])
def test_fusing_changes_no_answer(make_encoder_graph, kind, joined, padded):
    graph, encoder = make_encoder_graph(kind, padded=padded)
    fused = fuse(graph, joined=joined)
    np.testing.assert_allclose(infer(fused, encoder), infer(graph, encoder), atol=1e-4)
    assert count(fused)["Attention" if joined and padded else "MultiHeadAttention"] == FUSED.get(kind, 0)
    assert count(fused)["Softmax"] == 2 - FUSED.get(kind, 0)


def test_a_padded_graph_of_an_earlier_version_gets_variants_without_padding(make_encoder_graph):
    (padded, _), (graph, encoder) = (make_encoder_graph("bert", padded=item) for item in (True, False))
    specs = {spec.name: spec for spec in candidate_specs(padded)}
    assert "unpadded" not in {spec.name for spec in candidate_specs(graph)}
    material = CalibrationData(padded, (pad(encoder.encode(TEXTS), encoder.pad_id),))
    for name in ("unpadded", "fused", "int8-smooth", "openvino-bf16"):
        made = specs[name].make(material)
        assert is_unpadded(made)
        if specs[name].precision == "fp32":
            np.testing.assert_allclose(infer(made, encoder), infer(padded, encoder), atol=1e-4)


def test_what_has_no_attention_is_left_as_it_is(tiny_artifact):
    graph = (tiny_artifact / "model.onnx").read_bytes()
    assert fuse(graph) == graph


@pytest.mark.parametrize(("width", "shape"), [(16, (50, 1)), (3, (1, 3))])
def test_a_vector_is_kept_within_half_a_step(width, shape):
    table = np.random.default_rng(0).normal(size=(50, width)).astype(np.float32)
    table[3] = 0
    values, scales = quantize_rows(table)
    assert values.dtype == np.int8
    assert scales.shape == shape
    assert (np.abs(values * scales - table) <= scales / 2 + 1e-7).all()
    assert not values[3].any()


@pytest.mark.parametrize(("width", "bytes_per_weight"), [("fp16", 2), ("int8", 1)])
def test_narrow_rows_answer_nearly_alike_in_fewer_bytes(make_big_table, width, bytes_per_weight):
    graph, ids = make_big_table
    narrow = quantize_embeddings(graph, width)
    expected, found = (Session(item).infer(ids, np.ones_like(ids)) for item in (graph, narrow))
    assert len(narrow) < len(graph) * bytes_per_weight / 4 * 1.2
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert not np.array_equal(found, expected)


@pytest.fixture
def make_big_table(make_artifact):
    generator = np.random.default_rng(0)
    words = {f"word{index}": tuple(generator.normal(size=2)) for index in range(9_000)}
    graph = (make_artifact("big", words=words) / "model.onnx").read_bytes()
    return graph, generator.integers(0, 9_002, (20, 5))


@pytest.mark.parametrize("padded", [True, False])
def test_dynamic_products_are_integers_and_near(make_encoder_graph, padded):
    graph, encoder = make_encoder_graph("bert", padded=padded)
    found = quantize_dynamic(fuse(graph), per_channel=True, reduce_range=True)
    assert count(found)["QAttention"] == (2 if padded else 0)
    assert count(found)["MatMulInteger"] >= (6 if padded else 12)
    _assert_near(infer(found, encoder), infer(graph, encoder))


def test_excluded_nodes_stay(make_encoder_graph):
    fused = fuse(make_encoder_graph("bert")[0])
    names = [node.name for node in load(fused).graph.node if node.op_type == "MatMul"]
    found = quantize_dynamic(fused, excluded=names[:2])
    assert count(found)["MatMul"] == 2


@pytest.mark.parametrize("method", ["minmax", "percentile", "entropy"])
def test_static_products_do_not_depend_on_the_batch(make_encoder_graph, method, capsys):
    graph, encoder = make_encoder_graph("bert")
    batches = [pad(encoder.encode(texts), encoder.pad_id) for texts in (TEXTS, TEXTS[:3] + TEXTS[1:3], TEXTS[:2])]
    found = quantize_static(fuse(graph, joined=False), batches, method, reduce_range=True)
    assert count(found)["QuantizeLinear"] > 0
    assert capsys.readouterr().out == ""  # what a program reads is the result alone
    ids = encoder.encode(TEXTS)
    session = Session(found, num_threads=1)
    together = session.infer(*pad(ids, encoder.pad_id))
    alone = np.concatenate([session.infer(*pad(ids.between(i, i + 1), encoder.pad_id)) for i in range(len(TEXTS))])
    np.testing.assert_allclose(alone, together, atol=1e-3)


def test_blocks_are_near(make_encoder_graph):
    graph, encoder = make_encoder_graph("bert")
    found = quantize_blocks(fuse(graph, joined=False), block_size=32)
    assert count(found)["MatMulNBits"] >= 6
    _assert_near(infer(found, encoder), infer(graph, encoder))


@pytest.mark.parametrize("padded", [True, False])
def test_smoothed_products_do_not_depend_on_the_batch(make_encoder_graph, padded):
    graph, encoder = make_encoder_graph("bert", padded=padded)
    fused = fuse(graph)
    batches = [pad(encoder.encode(TEXTS), encoder.pad_id)]
    found = quantize_smoothed(fused, extremes_of(fused, batches), largest=LARGEST)
    assert count(found)["QAttention"] == (2 if padded else 0)
    assert count(found)["MatMulIntegerToFloat"] >= (6 if padded else 12)
    assert count(found)["MatMul"] == 4  # of the loud neurons: two in each layer
    _assert_near(infer(found, encoder), infer(graph, encoder))
    ids, session = encoder.encode(TEXTS), Session(found, num_threads=1)
    alone = np.concatenate([session.infer(*pad(ids.between(i, i + 1), encoder.pad_id)) for i in range(len(TEXTS))])
    np.testing.assert_allclose(alone, infer(found, encoder), atol=1e-3)


def test_ranges_from_calibration_are_batch_invariant_and_ranges_at_run_time_are_not(make_encoder_graph, tmp_path):
    graph, encoder = make_encoder_graph("bert")
    fused, batches = fuse(graph), [pad(encoder.encode(TEXTS), encoder.pad_id)]
    unjoined = fuse(graph, joined=False)
    made = {
        "smooth": quantize_smoothed(fused, extremes_of(fused, batches), largest=LARGEST),
        "static": quantize_static(unjoined, batches, "minmax", reduce_range=True),
        "blocks": quantize_blocks(unjoined, block_size=32),
        "rows": quantize_embeddings(fused, "int8"),
        "dynamic": quantize_dynamic(fused, per_channel=True, reduce_range=True),
    }
    tokenizer = encoder.serialize().encode()
    found = {}
    for name, content in made.items():
        manifest = Manifest("tiny", "bert", Labels(("no", "yes")), encoder.max_length, {name: Variant("model.onnx")})
        files = {"model.onnx": content, artifacts.TOKENIZER: tokenizer, artifacts.GOLDEN: b""}
        predictor = Predictor(artifacts.write(tmp_path / name, manifest, files), num_threads=1)
        found[name] = measure_batch_invariance(predictor, TEXTS)
    assert [name for name, item in found.items() if not item.is_invariant] == ["dynamic"], found


def test_moving_outliers_changes_no_answer(make_encoder_graph):
    graph, encoder = make_encoder_graph("bert")
    model = load(fuse(graph))
    batches = [pad(encoder.encode(TEXTS), encoder.pad_id)]
    seen = extremes_of(dump(model), batches)
    split = split_neurons(model, seen, 3)
    np.testing.assert_allclose(infer(dump(model), encoder), infer(graph, encoder), atol=1e-4)
    scaled = scale_channels(model, split, 0.5)
    np.testing.assert_allclose(infer(dump(model), encoder), infer(graph, encoder), atol=1e-4)
    assert sum(name.endswith("_scaled") for name in scaled) >= 4
    loudest = {name: item.largest.max() for name, item in seen.items()}
    assert all(item.largest.max() <= loudest[name] for name, item in split.items())


def test_padding_is_not_seen(make_encoder_graph):
    graph, encoder = make_encoder_graph("bert")
    fused, batch = fuse(graph), pad(encoder.encode(["good film"]), encoder.pad_id)
    wider = tuple(np.pad(values, ((0, 0), (0, 9))) for values in batch)
    alone, padded = extremes_of(fused, [batch]), extremes_of(fused, [wider])
    assert alone.keys() == padded.keys()
    for name in alone:
        np.testing.assert_allclose(padded[name].low, alone[name].low, atol=1e-4)
        np.testing.assert_allclose(padded[name].high, alone[name].high, atol=1e-4)


def test_narrow_weights_answer_nearly_alike_in_fewer_bytes(make_encoder_graph):
    graph, encoder = make_encoder_graph("bert")
    narrow = weight_only_int8(graph)
    assert len(narrow) < len(graph)
    assert {node.domain for node in load(narrow).graph.node} <= {"", "ai.onnx"}
    found, expected = infer(narrow, encoder), infer(graph, encoder)
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_openvino_answers_its_candidates_as_onnx_runtime_does(make_encoder_graph, kind, tmp_path):
    pytest.importorskip("openvino")
    graph, encoder = make_encoder_graph(kind, padded=False)
    batch = pad(encoder.encode(TEXTS), encoder.pad_id)
    specs = {spec.name: spec for spec in candidate_specs(graph)}
    for name in ("openvino-bf16", "openvino-int8"):
        made = specs[name].make(CalibrationData(graph, (batch,)))
        (tmp_path / f"{name}.onnx").write_bytes(made)
        found = open_session(tmp_path / f"{name}.onnx", specs[name].engine, num_threads=1).infer(*batch)
        expected = infer(made, encoder)
        np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())


def test_openvino_widens_weights_once_and_answers_the_same(make_encoder_graph, tmp_path):
    pytest.importorskip("openvino")
    graph, encoder = make_encoder_graph("bert", padded=False)
    path, batch = tmp_path / "model.onnx", pad(encoder.encode(TEXTS), encoder.pad_id)
    path.write_bytes(weight_only_int8(graph))
    found = {}
    for widens in (True, False):
        session = OpenVinoSession(path, num_threads=1, precision="bf16", widens=widens)
        model = session._compiled.get_runtime_model()  # kept: its nodes do not keep it
        inputs = [item for node in model.get_ops() for item in node.inputs()]
        assert any(item.get_element_type().get_type_name() == "i8" for item in inputs) is not widens
        found[widens] = session.infer(*batch)
    np.testing.assert_allclose(found[True], found[False], atol=1e-4)


def test_halved_graphs_keep_their_signature(make_encoder_graph):
    graph, encoder = make_encoder_graph("bert")
    halved = halve(graph)
    assert TensorProto.FLOAT not in {
        item.data_type for item in load(halved).graph.initializer if np.prod(item.dims) > 1
    }
    np.testing.assert_allclose(infer(halved, encoder), infer(graph, encoder), atol=0.05)


def test_the_products_that_suffer_most_are_spared(make_encoder_graph):
    graph, encoder = make_encoder_graph("bert")
    fused = fuse(graph)
    batches = [pad(encoder.encode(TEXTS), encoder.pad_id)]
    errors = node_errors(fused, batches)
    names = {node.name for node in load(fused).graph.node if node.op_type in ("MatMul", "Gemm", "Attention")}
    assert errors.keys() == names
    assert list(errors.values()) == sorted(errors.values(), reverse=True)
    excluded = sensitive_nodes(errors, share=0.25)
    assert 0 < len(excluded) < len(names)
    expected = infer(graph, encoder)
    all_of_them, without = (
        np.square(
            infer(quantize_dynamic(fused, per_channel=True, reduce_range=True, excluded=item), encoder) - expected
        )
        for item in ((), excluded)
    )
    assert without.mean() < all_of_them.mean()


def test_sparing_leaves_the_share_that_is_asked():
    errors = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert sensitive_nodes(errors, share=0.4) == ["a"]
    assert sensitive_nodes(errors, share=0.3) == ["a", "b"]
    assert sensitive_nodes(errors, share=0.99) == ["a"]


def test_what_cannot_be_quantized_is_said():
    with pytest.raises(BackendError, match="cannot quantize"):
        quantize_dynamic(b"")


def _assert_near(found, expected):
    assert not np.array_equal(found, expected)
    assert np.abs(found - expected).max() < 0.25 * np.abs(expected).max()
