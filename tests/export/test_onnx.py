from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from model_variants import make_model
from torch import Tensor

from textwright.core.encodings import pad
from textwright.errors import BackendError
from textwright.export.onnx import OPSET, to_onnx
from textwright.models.family import TextModel
from textwright.runtime.session import Session


def shape_of(value: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def test_every_graph_has_the_one_signature(graph: bytes) -> None:
    content = onnx.load_from_string(graph)
    assert [(it.name, shape_of(it)) for it in content.graph.input] == [
        ("input_ids", ["B", "T"]),
        ("attention_mask", ["B", "T"]),
    ]
    assert [(it.name, shape_of(it)) for it in content.graph.output] == [("logits", ["B", 3])]
    assert {it.type.tensor_type.elem_type for it in content.graph.input} == {onnx.TensorProto.INT64}
    assert content.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert content.opset_import[0].version == OPSET


@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("length", [1, 2, 3, 64])
def test_batch_and_length_are_free(graph: bytes, model, batch_size: int, length: int) -> None:
    generator = np.random.default_rng(0)
    rows = [generator.integers(1, model.tokenizer.vocab_size, length).tolist() for _ in range(batch_size)]
    input_ids, attention_mask = pad(rows, model.tokenizer.pad_id)
    with torch.inference_mode():
        expected = model.module(torch.from_numpy(input_ids), torch.from_numpy(attention_mask)).numpy()
    np.testing.assert_allclose(Session(graph).infer(input_ids, attention_mask), expected, rtol=1e-4, atol=1e-4)


def test_a_model_in_training_mode_is_exported_without_dropout_and_left_as_it_was() -> None:
    module = make_model("bow", min_frequency=1, dropout=0.9, word_dropout=0.9).module.train()
    operators = {node.op_type for node in onnx.load_from_string(to_onnx(module)).graph.node}
    assert not {operator for operator in operators if "Dropout" in operator or "Random" in operator}
    assert module.training


def test_weights_lie_inside_the_file(graph: bytes) -> None:
    weights = onnx.load_from_string(graph).graph.initializer
    assert weights
    assert all(weight.data_location == onnx.TensorProto.DEFAULT for weight in weights)


class Unsupported(TextModel):
    """A module that cannot be a graph: its control flow depends on the ids."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return attention_mask.float() * self.weight if input_ids.sum() > 3 else input_ids.float()

    @property
    def word_vectors(self) -> Tensor:
        return self.weight


def test_a_module_that_is_no_graph_is_refused_in_words() -> None:
    with pytest.raises(BackendError, match="torch cannot export the model Unsupported as a graph"):
        to_onnx(Unsupported())
