"""Products of 8-bit integers with ranges from training texts: answers do not depend on batch composition.

::

    y = x W      ->      y = scales * ((round(x / step) + zero) - zero) . W8      a step for x, a scale for each column

Written in ONNX Runtime's own operators, of which each is one call of its integer kernels. Its static quantizer writes
pairs of QuantizeLinear and DequantizeLinear instead, which it does not join again around these graphs: a MiniLM gains
1.1 times from that on a processor with VNNI, and 2.7 times from this.

Source:
    Jacob et al., 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from textwright.core.types import Float32s
from textwright.graph.view import CONTRIB, Model, Node, View, dump, load, replace_nodes, store, use_contrib
from textwright.optimize.quantization.activation_ranges import MinMax, dense_products
from textwright.optimize.quantization.smoothquant import SPLIT, scale_channels, split_neurons

FULL: Final = 127
"""Largest weight where sums are taken in 32 bits at once (VNNI, AMX, Arm's dot products)."""
REDUCED: Final = 63
"""Largest weight where pairs are summed in 16 bits first (AVX2, AVX-512 without VNNI), which could saturate."""
_STEPS: Final = 255
_NUM_NEURONS: Final = 16
"""Split off from each feed-forward layer: 1 % of a MiniLM's."""
_STRENGTH: Final = 0.65
"""Of scaling: between 0.6 and 0.75 a MiniLM on movie reviews changes its logits least."""


def quantize_smoothed(graph: bytes, extremes: Mapping[str, MinMax], *, largest: int) -> bytes:
    """Take outliers out of the way, then round weights and activations of all other products to 8 bits.

    Args:
        graph: A fused graph with float32 products.
        extremes: What goes into its products.
        largest: Magnitude of the largest weight, ``FULL`` or ``REDUCED``.

    Returns:
        The quantized graph; the same graph if it has no product that fits.
    """
    model = load(graph)
    smoothed = scale_channels(model, split_neurons(model, extremes, _NUM_NEURONS), _STRENGTH)
    chosen = [node for node in dense_products(model) if node.input[0] in smoothed and not node.name.startswith(SPLIT)]
    if not chosen:
        return graph
    use_contrib(model)
    replaced = {node.output[0] for node in chosen}
    rounded = {name: _rounding(model, name, smoothed[name]) for name in dict.fromkeys(node.input[0] for node in chosen)}
    view = View(model)
    products = [_product(model, view, node, largest) for node in chosen]
    rest = [node for node in model.graph.node if node.output[0] not in replaced]
    replace_nodes(model, [*rest, *rounded.values(), *products])
    return dump(model)


def _rounding(model: Model, name: str, extremes: MinMax) -> Node:
    """Round a value to [0, 255], 0 to an integer exactly."""
    low, high = min(float(extremes.low.min()), 0.0), max(float(extremes.high.max()), 0.0)
    step = (high - low) / _STEPS or 1.0
    inputs = [
        name,
        store(model, f"{name}_step", np.array([step], np.float32)),
        store(model, f"{name}_zero", np.array([round(-low / step)], np.uint8)),
    ]
    return helper.make_node("QuantizeLinear", inputs, [f"{name}_rounded"], f"{name}_round")


def _product(model: Model, view: View, node: Node, largest: int) -> Node:
    weight = view.constant(node.input[1])
    assert weight is not None  # noqa: S101  it was one when the node was chosen
    values, scales = quantize_columns(weight, largest)
    names = store(model, f"{node.name}_int8", values), store(model, f"{node.name}_scales", scales)
    name = node.input[0]
    rounded, step, zero = f"{name}_rounded", f"{name}_step", f"{name}_zero"
    if node.op_type == "MatMul":
        inputs = [rounded, names[0], step, names[1], zero]
        return helper.make_node("MatMulIntegerToFloat", inputs, list(node.output), node.name, domain=CONTRIB)
    inputs = [rounded, names[0], node.input[2], step, names[1], node.input[3], zero]
    product = helper.make_node("QAttention", inputs, list(node.output), node.name, domain=CONTRIB)
    product.attribute.extend(node.attribute)
    return product


def quantize_columns(weight: Float32s, largest: int) -> tuple[NDArray[np.int8], NDArray[Any]]:
    """Round each column of a weight by a scale of its own.

    Args:
        weight: (E, F).
        largest: Magnitude of the largest integer, in [1, 127].

    Returns:
        Integers, (E, F), and scales, (F,) float32; their product is the weight within half a scale. A column of zeros
        has a scale of 1.
    """
    highest = np.abs(weight).max(axis=0)
    scales = np.where(highest > 0, highest / largest, 1).astype(np.float32)
    return np.rint(weight / scales).astype(np.int8), scales


def weight_only_int8(graph: bytes) -> bytes:
    """Store the weights of products in 8 bits, a quarter of the bytes, and widen them when the graph is opened.

    ``MatMul(x, W)`` becomes ``MatMul(x, DequantizeLinear(W8, scales))`` with a scale for each column. ONNX Runtime
    folds the widening away at load, and OpenVINO where it is told to (``widens``), so that such a graph costs what its
    engine's float32 or bfloat16 costs.

    Args:
        graph: A graph as it was exported, not fused.

    Returns:
        A graph of the same signature in ONNX's own operators; the same graph if it has no product that fits.
    """
    model = load(graph)
    view, added = View(model), list[Node]()
    for node in dense_products(model):
        weight = view.constant(node.input[1])
        if node.op_type == "MatMul" and weight is not None:
            values, scales = quantize_columns(weight, FULL)
            name = f"{node.output[0]}_weight"
            initializers = [store(model, f"{name}_int8", values), store(model, f"{name}_scales", scales)]
            added.append(helper.make_node("DequantizeLinear", initializers, [name], f"{name}_widen", axis=1))
            node.input[1] = name
    if not added:
        return graph
    replace_nodes(model, [*model.graph.node, *added])
    return dump(model)
