"""Weights of products stored in 8 bits and widened when the graph is opened: a quarter of the bytes, nothing else.

::

    MatMul(x, W)   ->   MatMul(x, DequantizeLinear(W8, scales))      a scale for each column

An engine folds the widening away at load, so that such a graph costs what its engine's float32 or bfloat16 costs.
"""

from __future__ import annotations

from onnx import helper

from textwright.optimize.extremes import dense_products
from textwright.optimize.graph import Node, View, dump, load, replace_nodes, store
from textwright.optimize.integer import FULL, quantize_columns


def narrow_weights(graph: bytes) -> bytes:
    """Store the weights of products in 8 bits.

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
            stored = [store(model, f"{name}_int8", values), store(model, f"{name}_scales", scales)]
            added.append(helper.make_node("DequantizeLinear", stored, [name], f"{name}_widen", axis=1))
            node.input[1] = name
    if not added:
        return graph
    replace_nodes(model, [*model.graph.node, *added])
    return dump(model)
