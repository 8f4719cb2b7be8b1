"""What goes into each product: the smallest and the largest value of each channel, seen on training texts.

From these follow the ranges of 8-bit activations (:mod:`textwright.optimize.quantization.static_int8`) and what is
scaled or split off before (:mod:`textwright.optimize.quantization.smoothquant`). Padding is left out: nothing reads
what is computed there. A graph without padding holds no other values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from textwright.core.types import Float32s
from textwright.graph.view import Model, Node, View, dump, load
from textwright.optimize.quantization.onnxruntime_quantizers import Batch
from textwright.runtime.session import Session

DENSE: Final = ("MatMul", "Attention")
"""Operators with a weight (E, F) as their second input. Gemm is left out: it is the head, which is small and last, so
that its rounding would go straight into the logits."""


@dataclass(frozen=True, slots=True)
class MinMax:
    """What a value of E channels was seen to hold.

    Args:
        low: Smallest of each channel, (E,).
        high: Largest of each channel, (E,).
    """

    low: Float32s
    high: Float32s

    @property
    def largest(self) -> Float32s:
        """Largest magnitude of each channel, (E,)."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def take(self, channels: NDArray[np.int64]) -> MinMax:
        """Keep some channels, in the order given."""
        return MinMax(self.low[channels], self.high[channels])

    def divided(self, scales: Float32s) -> MinMax:
        """Divide each channel by a scale above 0, (E,)."""
        return MinMax(self.low / scales, self.high / scales)


def dense_products(model: Model) -> list[Node]:
    """List the products of a value with a stored weight (E, F), in the order of the graph."""
    view = View(model)
    return [node for node in model.graph.node if node.op_type in DENSE and _has_matrix(view, node.input[1])]


def _has_matrix(view: View, name: str) -> bool:
    values = view.constant(name)
    return values is not None and values.ndim == 2 and values.dtype == np.float32


def extremes_of(graph: bytes, batches: Sequence[Batch]) -> dict[str, MinMax]:
    """Watch what goes into each product.

    Args:
        graph: A graph with float32 products.
        batches: Training texts, encoded and padded; at least one.

    Returns:
        Name of a product's input -> its extremes.

    Raises:
        BackendError: If the engine fails.
    """
    model = load(graph)
    names = list(dict.fromkeys(node.input[0] for node in dense_products(model)))
    for name in names:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = Session(dump(model), num_threads=1)
    ranges: dict[str, MinMax] = {}
    for ids, mask in batches:
        for name, values in zip(names, session.values(names, ids, mask), strict=True):
            ranges[name] = _joined(ranges.get(name), _rows(values, mask.astype(bool)))
    return ranges


def _rows(values: NDArray[Any], is_token: NDArray[np.bool_]) -> Float32s:
    """Put the channels of all tokens, or of all texts where there is one vector for each, below each other."""
    by_place = values.ndim == 3 and values.shape[:2] == is_token.shape
    return values[is_token] if by_place else values.reshape(-1, values.shape[-1])


def _joined(known: MinMax | None, rows: Float32s) -> MinMax:
    low, high = rows.min(axis=0), rows.max(axis=0)
    return MinMax(low, high) if known is None else MinMax(np.minimum(known.low, low), np.maximum(known.high, high))
