"""A graph that reads long texts in windows answers as the module does, which reads each window as a text."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from encoder_graphs import MAX_LENGTH, make_encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slow_params import slow_unless

from textwright.core.encodings import pad
from textwright.core.tokenizer import TextTokenizer
from textwright.export.onnx import to_onnx
from textwright.export.parity import TOLERANCE, check_parity
from textwright.graph.unpadding import is_unpadded
from textwright.models.family import TextModel
from textwright.runtime.openvino import OpenVinoSession
from textwright.runtime.session import Session

MAX_WINDOWS = 4
LONGEST = MAX_WINDOWS * (MAX_LENGTH - 2) + 2
MODELS = {
    "bert": ("bert", "bert", {}),
    "bert, maximum": ("bert", "bert", {"window_pooling": "max"}),
    "frozen-bert, all layers": ("bert", "frozen-bert", {}),
    "frozen-bert, maximum": ("bert", "frozen-bert", {"window_pooling": "max", "num_layers": 1}),
    "roberta": ("roberta", "bert", {}),
    "modernbert": ("modernbert", "bert", {}),
}


class Made(NamedTuple):
    module: TextModel
    tokenizer: TextTokenizer
    graph: bytes
    session: Session


@pytest.fixture(scope="module", params=slow_unless(lambda name: name == "bert", MODELS), ids=str)
def made(request, tmp_path_factory) -> Made:
    kind, family, model_settings = MODELS[request.param]
    settings_of_windows = {"long_texts": "windows", "max_windows": MAX_WINDOWS, **model_settings}
    module, tokenizer = make_encoder(kind, tmp_path_factory.mktemp("encoder"), family=family, **settings_of_windows)
    graph = to_onnx(module.eval())
    return Made(module, tokenizer, graph, Session(graph, num_threads=1))


def _rows(made: Made, lengths: list[int], seed: int) -> list[list[int]]:
    """Make texts of some numbers of words, with the special tokens that the tokenizer puts around them."""
    ids = made.tokenizer.encode([""])[0].ids
    generator = np.random.default_rng(seed)
    bodies = (generator.integers(5, made.tokenizer.vocab_size, length).tolist() for length in lengths)
    return [[ids[0], *body, ids[-1]] for body in bodies]


@given(lengths=st.lists(st.integers(0, LONGEST - 2), min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_logits_are_the_modules_whatever_lies_beside_a_text(made, lengths, seed):
    rows = _rows(made, lengths, seed)
    together = made.session.infer(*pad(rows, made.tokenizer.pad_id))
    with torch.inference_mode():
        alone = [made.module(*map(torch.from_numpy, pad([row], made.tokenizer.pad_id)))[0] for row in rows]
    np.testing.assert_allclose(together, torch.stack(alone), rtol=TOLERANCE, atol=TOLERANCE)


def test_a_window_is_read_as_a_text_of_its_own(made):
    pooling = made.module.windows.pooling
    (row,) = _rows(made, [2 * (MAX_LENGTH - 2) + 7], seed=1)
    cls, sep, body = row[0], row[-1], row[1:-1]
    width = -(-len(body) // 3)  # ceil: three windows of like length
    pieces = [[cls, *body[start : start + width], sep] for start in range(0, len(body), width)]
    assert len(pieces) == 3
    with torch.inference_mode():
        vectors = made.module.encoder(*map(torch.from_numpy, pad(pieces, made.tokenizer.pad_id)))
        pooled = vectors.mean(dim=0) if pooling == "mean" else vectors.amax(dim=0)
        expected = made.module.head(pooled[None])
    actual = made.session.infer(*pad([row], made.tokenizer.pad_id))
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_awkward_texts_rows_of_padding_and_every_padding_agree(made):
    report = check_parity(made.module, made.graph, made.tokenizer, ["a good film, " * 60, "not " * 20, "dull"])
    assert report.largest_difference <= TOLERANCE
    ids = torch.full((2, 5), made.tokenizer.pad_id)
    mask = torch.tensor([[0] * 5, [1, 1, 0, 0, 0]])
    with torch.inference_mode():
        expected = made.module(ids, mask)
    np.testing.assert_allclose(made.session.infer(ids.numpy(), mask.numpy()), expected, rtol=1e-4, atol=1e-4)


def test_windows_are_cut_before_the_encoder_drops_its_padding(made, request):
    if "modernbert" not in request.node.name:  # rotary positions keep their padding
        assert is_unpadded(made.graph)


def test_openvino_reads_it(made, tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(made.graph)
    session = OpenVinoSession(tmp_path / "model.onnx", num_threads=1, precision="f32")
    rows = pad(_rows(made, [3, LONGEST - 2, 40], seed=2), made.tokenizer.pad_id)
    np.testing.assert_allclose(session.infer(*rows), made.session.infer(*rows), atol=1e-3)
