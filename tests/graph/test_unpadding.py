"""A graph without padding answers as the padded one does, whatever lies beside a text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from encoder_graphs import MAX_LENGTH, make_encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slow_params import slow_unless

from textwright.export.onnx import to_onnx
from textwright.graph.attention import PLACES, find_attentions
from textwright.graph.unpadding import is_unpadded, unpad
from textwright.graph.view import View, dump, load
from textwright.runtime.openvino import OpenVinoSession
from textwright.runtime.session import Session

TOLERANCE = 1e-5
MODELS = {
    "bert": ("bert", "bert", {}),
    "bert, first token": ("bert", "bert", {"pooling": "cls"}),
    "bert, frozen, all layers": ("bert", "frozen-bert", {}),
    "distilbert": ("distilbert", "bert", {}),
    "roberta": ("roberta", "bert", {}),
    "xlm-roberta": ("xlm-roberta", "bert", {}),
}
RELATIVE = ("mpnet", "deberta-v3", "modernbert")
"""Encoders with relative or rotary positions, which are left as they are."""


class Pair(NamedTuple):
    padded: bytes
    graph: bytes
    vocab_size: int


def _pair(kind: str, folder, family: str, **model_settings) -> Pair:
    module, tokenizer = make_encoder(kind, folder, family=family, **model_settings)
    padded = to_onnx(module, without_padding=False)
    return Pair(padded, unpad(padded), tokenizer.vocab_size)


@pytest.fixture(scope="module", params=slow_unless(lambda name: name == "bert", MODELS))
def pair(request, make_encoder_graph, tmp_path_factory):
    kind, family, model_settings = MODELS[request.param]
    if family == "bert" and not model_settings:
        padded, tokenizer = make_encoder_graph(kind, padded=True)
        made = Pair(padded, unpad(padded), tokenizer.vocab_size)
    else:
        made = _pair(kind, tmp_path_factory.mktemp("encoder"), family, **model_settings)
    return made, Session(made.padded, num_threads=1), Session(made.graph, num_threads=1)


@st.composite
def batches(draw):
    """Draw ids and masks of any form: padding left, right and between, rows of padding alone, one text, one token."""
    num_texts, length = draw(st.integers(1, 5)), draw(st.integers(1, MAX_LENGTH))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    masks = {
        "right": lambda row: np.arange(length) < row,
        "left": lambda row: np.arange(length) >= length - row,
        "between": lambda _: generator.random(length) < draw(st.floats(0, 1)),
        "nothing": lambda _: np.zeros(length, dtype=bool),
    }
    kinds = st.sampled_from(sorted(masks))
    rows = [masks[draw(kinds)](draw(st.integers(1, length))) for _ in range(num_texts)]
    return generator, np.array(rows, dtype=np.int64)


@given(batch=batches())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_logits_are_those_of_the_padded_graph(pair, batch):
    made, padded, session = pair
    generator, mask = batch
    ids = generator.integers(5, made.vocab_size, mask.shape)
    np.testing.assert_allclose(session.infer(ids, mask), padded.infer(ids, mask), rtol=TOLERANCE, atol=TOLERANCE)


@given(lengths=st.lists(st.integers(1, MAX_LENGTH), min_size=2, max_size=6), seed=st.integers(0, 2**32 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_a_text_is_answered_alike_alone_and_beside_others(pair, lengths, seed):
    made, _, session = pair
    ids = np.random.default_rng(seed).integers(5, made.vocab_size, (len(lengths), max(lengths)))
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    together = session.infer(ids, mask)
    alone = [session.infer(ids[[row], :length], mask[[row], :length])[0] for row, length in enumerate(lengths)]
    np.testing.assert_allclose(np.stack(alone), together, rtol=TOLERANCE, atol=TOLERANCE)


def test_dense_layers_see_real_tokens_alone(pair):
    made, _, _ = pair
    model = load(made.graph)
    view = View(model)
    products = [node for node in model.graph.node if node.op_type == "MatMul" and view.is_constant(node.input[1])]
    sources = list(dict.fromkeys(node.input[0] for node in products))
    for name in sources:
        model.graph.output.append(type(model.graph.output[0])(name=name))
    mask = np.array([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]])
    for values in Session(dump(model), num_threads=1).values(sources, np.full_like(mask, 7), mask):
        assert values.shape[:-1] == (1, mask.sum())


def test_it_is_done_once(pair):
    made, _, _ = pair
    assert is_unpadded(made.graph)
    assert not is_unpadded(made.padded)
    assert unpad(made.graph) == made.graph


def test_openvino_reads_it(pair, tmp_path):
    made, padded, _ = pair
    (tmp_path / "model.onnx").write_bytes(made.graph)
    session = OpenVinoSession(tmp_path / "model.onnx", num_threads=1, precision="f32")
    mask = np.array([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
    for rows in ([0, 1, 2], [0]):
        ids = np.arange(5, 20).reshape(3, 5)[rows]
        np.testing.assert_allclose(session.infer(ids, mask[rows]), padded.infer(ids, mask[rows]), atol=1e-4)


@pytest.mark.parametrize("kind", slow_unless(lambda _: False, RELATIVE))
def test_relative_positions_are_left_as_they_are(kind, tmp_path):
    made = _pair(kind, tmp_path, "bert")
    assert made.graph == made.padded


def test_a_mask_that_may_leave_a_text_without_a_token_is_refused(pair):
    model = load(pair[0].padded)
    view = View(model)
    view.redirect(find_attentions(view)[0].mask, "attention_mask")
    assert unpad(dump(model)) == dump(model)


def test_what_is_no_transformer_is_left_as_it_is(tiny_artifact):
    graph = (tiny_artifact / "model.onnx").read_bytes()
    assert unpad(graph) == graph
    assert PLACES.encode() not in graph
