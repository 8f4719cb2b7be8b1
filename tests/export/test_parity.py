from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from model_variants import TEXTS, make_model
from torch import Tensor

from textwright.core.awkward_texts import AWKWARD_TEXTS
from textwright.core.tokenizer import word_level_tokenizer
from textwright.errors import BackendError, ParityError
from textwright.export import parity
from textwright.export.onnx import to_onnx
from textwright.export.parity import RELATIVE_TOLERANCE, TOLERANCE, check_parity
from textwright.models.bag_of_words import BagOfWords, BagPooling

LARGEST = TOLERANCE + 300 * RELATIVE_TOLERANCE
"""The logits of the awkward texts stay below 300."""


def test_an_export_agrees_on_awkward_texts_and_paddings(model, graph: bytes) -> None:
    report = check_parity(model.module, graph, model.tokenizer, TEXTS)
    assert report.num_texts == len(AWKWARD_TEXTS) + len(TEXTS)
    shortest = min(filter(None, model.tokenizer.encode([*AWKWARD_TEXTS, *TEXTS]).lengths.tolist()))
    assert report.num_paddings == 64 - shortest + 1 + 2  # up to 64, then 128 and 200
    assert report.largest_difference <= LARGEST


def test_the_awkward_texts_are_what_they_claim() -> None:
    assert "" in AWKWARD_TEXTS
    assert max(len(text.split()) for text in AWKWARD_TEXTS) == 5000
    assert any(text.isalpha() and len(text) < 10 for text in AWKWARD_TEXTS)
    assert any(not text.isascii() for text in AWKWARD_TEXTS)
    assert any("\x00" in text for text in AWKWARD_TEXTS)


def changed(model, name: str, amount: float) -> BagOfWords:
    module = copy.deepcopy(model.module)
    with torch.no_grad():
        dict(module.named_parameters())[name].view(-1)[-1] += amount
    return module


@pytest.mark.parametrize("amount", [2e-4, -1.0, float("nan")])
def test_a_weight_that_differs_is_found(model, graph: bytes, amount: float) -> None:
    with pytest.raises(
        ParityError, match=r"disagrees with the trained model on the text '.*bound 0.000\d+; nothing was"
    ):
        check_parity(changed(model, [*dict(model.module.named_parameters())][-1], amount), graph, model.tokenizer, [])


def test_a_difference_within_the_bound_is_reported(model, graph: bytes) -> None:
    last = [*dict(model.module.named_parameters())][-1]
    report = check_parity(changed(model, last, 5e-5), graph, model.tokenizer, [])
    assert 4e-5 < report.largest_difference <= LARGEST


class AveragesPadding(BagOfWords):
    """The classic defect: the mean runs over padding too."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:  # noqa: ARG002
        return self.head(self.words(input_ids).mean(dim=1))

    def simplified(self) -> BagOfWords:
        return self


def test_a_graph_that_averages_padding_is_found() -> None:
    model = make_model("bow", min_frequency=1)
    broken = AveragesPadding(model.module.words, None, model.module.head, 0.0, BagPooling.MEAN).eval()
    with pytest.raises(ParityError, match="the text 'film'"):  # alone it agrees; beside longer texts it does not
        check_parity(broken, to_onnx(broken), model.tokenizer, [])


def test_labels_on_the_other_side_of_zero_are_found() -> None:
    logits = np.array([[2e-4, -2.0]], dtype=np.float32)
    bounds = np.array([TOLERANCE], dtype=np.float32)
    assert parity._same_labels(logits, logits - np.float32(4e-4), bounds).tolist() == [False]
    assert parity._same_labels(logits / 4, logits / 4 - np.float32(1e-4), bounds).tolist() == [True]  # a tie


def test_the_bound_grows_with_the_logits() -> None:
    expected = np.array([[400.0, -400.0]], dtype=np.float32)
    assert parity._compare(expected, expected + np.float32(3e-4), ["a text"]) > 2 * TOLERANCE
    with pytest.raises(ParityError, match=r"bound 0\.0005"):
        parity._compare(expected, expected + np.float32(1e-3), ["a text"])


@pytest.mark.parametrize("max_length", [1, 7])
def test_a_short_limit_has_fewer_paddings(max_length: int, model, graph: bytes) -> None:
    words = [word for word in model.tokenizer.vocabulary if not word.startswith("[")]
    tokenizer = word_level_tokenizer(words, max_length=max_length)
    assert check_parity(model.module, graph, tokenizer, TEXTS).num_paddings == max_length


def test_bytes_that_are_no_graph_are_refused(model) -> None:
    with pytest.raises(BackendError, match="ONNX Runtime cannot open the graph"):
        check_parity(model.module, b"not a graph", model.tokenizer, [])
