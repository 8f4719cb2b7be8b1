"""Tables of vectors stored in fewer bits: a row is widened when it is looked up, so that nothing else changes.

::

    fp16:  Gather(table fp16) -> Cast
    int8:  Gather(table int8) -> Cast -> Mul(Gather(scales))      one scale for each row
           Gather(table int8) -> Cast -> Mul(scales)              one for each column, where rows are short

Only tables that are looked up by token ids and used nowhere else are stored so; they are most of a word model's bytes
and half of a small BERT's.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np
from onnx import TensorProto, helper

from textwright.core.types import Float32s
from textwright.graph.view import Model, Node, View, dump, load, replace_nodes, store

Width: TypeAlias = Literal["fp16", "int8"]

_LEAST_ELEMENTS: Final = 4_096
"""A smaller table is not worth a second operator."""
_LEVELS: Final = 127
_SHORT_ROW: Final = 16
"""In a shorter row a scale of its own would be a large part of the bytes."""


def quantize_embeddings(graph: bytes, width: Width) -> bytes:
    """Store tables of vectors in fewer bits.

    Args:
        graph: A graph of any family.
        width: fp16 halves a table and changes a weight by at most 0.05 %; int8 quarters it, with 127 steps to each side
            of 0.

    Returns:
        A graph of the same signature; the same graph if it holds no such table.
    """
    model = load(graph)
    view = View(model)
    tables = [node for node in model.graph.node if _is_table(view, node)]
    if not tables:
        return graph
    write = _as_half if width == "fp16" else _as_int8
    added = [item for number, node in enumerate(tables) for item in write(model, view, node, f"rows_{number}")]
    replaced = {node.output[0] for node in tables}
    replace_nodes(model, [node for node in model.graph.node if not replaced & set(node.output)] + added)
    return dump(model)


def _is_table(view: View, node: Node) -> bool:
    if node.op_type != "Gather" or any(item.name == "axis" and item.i for item in node.attribute):
        return False
    table = view.constant(node.input[0])
    is_vectors = table is not None and table.dtype == np.float32 and table.ndim == 2
    return is_vectors and view.size_of(node.input[0]) >= _LEAST_ELEMENTS and len(view.readers(node.input[0])) == 1


def _as_half(model: Model, view: View, node: Node, name: str) -> list[Node]:
    table = store(model, f"{name}_table", _table(view, node).astype(np.float16))
    return [
        helper.make_node("Gather", [table, node.input[1]], [f"{name}_half"], f"{name}_gather"),
        helper.make_node("Cast", [f"{name}_half"], list(node.output), f"{name}_cast", to=TensorProto.FLOAT),
    ]


def _as_int8(model: Model, view: View, node: Node, name: str) -> list[Node]:
    values, scales = quantize_rows(_table(view, node))
    table, factors = store(model, f"{name}_table", values), store(model, f"{name}_scales", scales)
    ids, looked_up = node.input[1], len(scales) == len(values)
    nodes = [
        helper.make_node("Gather", [table, ids], [f"{name}_int8"], f"{name}_gather"),
        helper.make_node("Cast", [f"{name}_int8"], [f"{name}_wide"], f"{name}_cast", to=TensorProto.FLOAT),
        helper.make_node("Gather", [factors, ids], [f"{name}_scale"], f"{name}_gather_scales"),
    ]
    scale = f"{name}_scale" if looked_up else factors
    return [*nodes, helper.make_node("Mul", [f"{name}_wide", scale], list(node.output), f"{name}_mul")]


def _table(view: View, node: Node) -> Float32s:
    table = view.constant(node.input[0])
    assert table is not None  # noqa: S101  it was one when the node was chosen
    return table


def quantize_rows(table: Float32s) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int8]], Float32s]:
    """Round vectors to integers, each row by a scale of its own, or each column if the rows are short.

    Args:
        table: Vectors, (V, E).

    Returns:
        Integers in [-127, 127], (V, E), and scales, (V, 1), or (1, E) where E is below 16; their product is the table
        within half a scale. What is 0 throughout has a scale of 1.
    """
    largest = np.abs(table).max(axis=0 if table.shape[1] < _SHORT_ROW else 1, keepdims=True)
    scales = np.where(largest > 0, largest / _LEVELS, 1).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales
