"""Find self-attention in an exported graph and put ONNX Runtime's one operator for it in its place.

ONNX Runtime's own fusions look for the shapes that torch's old tracer wrote; in a graph of torch's current exporter
they find none. This one starts at each softmax and follows the values: upwards through scales, reshapes and transposes
to the three dense layers, downwards to the reshape that joins the heads. Whatever does not fit exactly -- a relative
position bias, a scale per head, queries and keys from different values -- is left as it is. Between dense layers and
attention may lie the padding that :mod:`textwright.graph.unpadding` puts back.

Source:
    Vaswani et al., 2017, "Attention Is All You Need", section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from textwright.graph.view import CONTRIB, Model, Node, View, replace_nodes, store, use_contrib

MASK: Final = "attention_mask"
_SHARED_MASK: Final = "optimized_mask"
_FAR: Final = -1e4
"""A mask's constants lie below this, or are 0: what is masked gets no attention."""
PLACES: Final = "unpadding_places"
"""In a graph without padding, (B, T): where the vector of each place stands among the vectors of the real tokens."""


class Dense(NamedTuple):
    """A dense layer found above an attention.

    Args:
        source: Name of what it reads, (B, T, H), or in a graph without padding (1, N, H).
        weight: (H, H).
        bias: (H,).
        scale: What its output is multiplied by.
        is_unpadded: Whether it reads the real tokens alone.
    """

    source: str
    weight: NDArray[Any]
    bias: NDArray[Any]
    scale: float
    is_unpadded: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One self-attention.

    Args:
        query: Its dense layer.
        key: The same of the keys.
        value: The same of the values.
        num_heads: Parts that H is cut into.
        softmax: The node that it was found by.
        last: The node that joins the heads again; its output is the attention's.
        mask: Name of the mask of tokens, (B, T) int64.
    """

    query: Dense
    key: Dense
    value: Dense
    num_heads: int
    softmax: Node
    last: Node
    mask: str


def fuse_attention(model: Model, *, joined: bool = True) -> int:
    """Replace every self-attention by one operator.

    Args:
        model: Changed in place; untouched if there is none.
        joined: True puts the three dense layers into the operator (``Attention``, which ``quantize_dynamic`` knows);
            False leaves them as three products (before ``MultiHeadAttention``), for quantizers that know products only.
            In a graph without padding they are left in any case: the operator would compute them for padding.

    Returns:
        How many there were.
    """
    view = View(model)
    matches = find_attentions(view)
    if not matches or len({item.mask for item in matches}) != 1:
        return 0
    write = _joined if joined and not any(item.query.is_unpadded for item in matches) else _apart
    cast = helper.make_node("Cast", [matches[0].mask], [_SHARED_MASK], _SHARED_MASK, to=TensorProto.INT32)
    added = [node for number, item in enumerate(matches) for node in write(model, item, f"attention_{number}")]
    replaced = {item.last.output[0] for item in matches}
    nodes = [node for node in model.graph.node if not replaced & set(node.output)]
    use_contrib(model)
    replace_nodes(model, [*nodes, cast, *added])
    return len(matches)


def find_attentions(view: View) -> list[Found]:
    """Read every self-attention of a graph that fits exactly, in the order of the graph."""
    return [item for node in view.model.graph.node if node.op_type == "Softmax" for item in _find(view, node)]


def _joined(model: Model, item: Found, name: str) -> list[Node]:
    layers = (item.query, item.key, item.value)
    weight = store(model, f"{name}_weight", np.concatenate([layer.weight for layer in layers], axis=1))  # (H, 3 H)
    bias = store(model, f"{name}_bias", np.concatenate([layer.bias for layer in layers]))  # (3 H,)
    node = helper.make_node(
        "Attention", [item.query.source, weight, bias, _SHARED_MASK], [item.last.output[0]], name, domain=CONTRIB
    )
    _describe(node, item)
    return [node]


def _apart(model: Model, item: Found, name: str) -> list[Node]:
    parts = {"query": item.query, "key": item.key, "value": item.value}
    nodes = []
    for part, layer in parts.items():
        weight = store(model, f"{name}_{part}_weight", layer.weight)
        product = f"{name}_{part}_rows" if layer.is_unpadded else f"{name}_{part}"
        nodes.append(helper.make_node("MatMul", [layer.source, weight], [product], f"{name}_{part}"))
        if layer.is_unpadded:
            nodes += pad_rows(model, product, f"{name}_{part}")
    bias = store(model, f"{name}_bias", np.concatenate([layer.bias for layer in parts.values()]))
    inputs = [*(f"{name}_{part}" for part in parts), bias, _SHARED_MASK]
    node = helper.make_node("MultiHeadAttention", inputs, [item.last.output[0]], name, domain=CONTRIB)
    _describe(node, item)
    return [*nodes, node]


def pad_rows(model: Model, rows: str, padded: str) -> list[Node]:
    """Put vectors of real tokens, (1, N, H), to their places, (B, T, H); padding gets that of the token before it."""
    axis = store(model, f"{padded}_axis", np.zeros(1, np.int64))
    return [
        helper.make_node("Gather", [rows, PLACES], [f"{padded}_places"], f"{padded}_places", axis=1),
        helper.make_node("Squeeze", [f"{padded}_places", axis], [padded], f"{padded}_squeeze"),
    ]


def _describe(node: Node, item: Found) -> None:
    node.attribute.append(helper.make_attribute("num_heads", item.num_heads))
    node.attribute.append(helper.make_attribute("scale", item.query.scale * item.key.scale))


def _find(view: View, softmax: Node) -> list[Found]:
    """Read the attention around a softmax; nothing if it is another one."""
    add = view.maker(softmax.input[0])
    product = None if add is None or add.op_type != "Add" else view.maker(add.input[0])
    weighed = _weighed(view, softmax)
    if add is None or product is None or product.op_type != "MatMul" or weighed is None:
        return []
    joined, last = _joined_heads(view, weighed)
    layers = [_dense_above(view, name) for name in (*product.input, weighed.input[1])]
    mask = _mask_of(view, add.input[1])
    if last is None or joined is None or mask is None or not all(layers):
        return []
    query, key, value = (layer for layer in layers if layer is not None)
    num_heads = _num_heads(view, weighed.input[1], len(value.bias))
    if len({layer.source for layer in (query, key, value)}) != 1 or num_heads is None or value.scale != 1.0:
        return []
    return [Found(query, key, value, num_heads, softmax, last, mask)]


def _weighed(view: View, softmax: Node) -> Node | None:
    """Find the product of the attention weights with the values, through the exporter's guard against NaN."""
    name = softmax.output[0]
    guards = [node for node in view.readers(name) if node.op_type == "Where"]
    if guards:
        name = guards[0].output[0]
    return view.only_reader(name, "MatMul")


def _joined_heads(view: View, weighed: Node) -> tuple[Node | None, Node | None]:
    transpose = view.only_reader(weighed.output[0], "Transpose")
    return transpose, None if transpose is None else view.only_reader(transpose.output[0], "Reshape")


def _dense_above(view: View, name: str) -> Dense | None:
    """Follow a value up to the dense layer that it is a scaled and reshaped output of."""
    scale, is_unpadded = 1.0, False
    while True:
        node = view.maker(name)
        if node is None:
            return None
        if node.op_type == "Add":
            return _dense(view, node, scale, is_unpadded=is_unpadded)
        if node.op_type == "Mul":
            factor = view.constant(node.input[1])
            if factor is None or factor.size != 1:
                return None
            scale *= float(factor)
        elif node.op_type == "Gather" and node.input[1] == PLACES:
            is_unpadded = True
        elif node.op_type not in ("Reshape", "Transpose"):
            return None
        name = node.input[0]


def _dense(view: View, add: Node, scale: float, *, is_unpadded: bool) -> Dense | None:
    product, bias = view.maker(add.input[0]), view.constant(add.input[1])
    weight = None if product is None or product.op_type != "MatMul" else view.constant(product.input[1])
    if product is None or weight is None or bias is None or weight.ndim != 2 or bias.shape != weight.shape[1:]:
        return None
    return Dense(product.input[0], weight, bias, scale, is_unpadded)


def _num_heads(view: View, values: str, width: int) -> int | None:
    """Read the number of heads from the shape (B, T, heads, width of a head) that the values are cut to."""
    transpose = view.maker(values)
    reshape = None if transpose is None else view.maker(transpose.input[0])
    shape = None if reshape is None or reshape.op_type != "Reshape" else view.maker(reshape.input[1])
    if shape is None or shape.op_type != "Concat" or len(shape.input) != 4:
        return None
    heads, per_head = (view.constant(name) for name in shape.input[2:])
    if per_head is not None and per_head.size == 1 and int(per_head.item()) > 0:
        return width // int(per_head.item())
    return int(heads.item()) if heads is not None and heads.size == 1 and int(heads.item()) > 0 else None


def _mask_of(view: View, name: str) -> str | None:
    """Find the mask of tokens, (B, T), that the added mask is made of; None if anything else is in it."""
    above = view.ancestors(name)
    weights = [value for value in above if view.size_of(value) > 1 and _is_real(view.constant(value))]
    choices = [node for node in map(view.maker, above) if node is not None and node.op_type == "Where"]
    if weights or MASK not in above or not any(_is_far(view, choice) for choice in choices):
        return None
    casts = [
        str(node.input[0])
        for node in map(view.maker, sorted(above))
        if node is not None and node.op_type == "Cast" and _is_token_mask(view, node.input[0])
    ]
    return casts[0] if casts else None


def _is_real(values: NDArray[Any] | None) -> bool:
    return values is not None and values.dtype.kind == "f"


def _is_far(view: View, choice: Node) -> bool:
    constants = [view.constant(name) for name in choice.input[1:]]
    return any(values is not None and values.size == 1 and float(values.item()) < _FAR for values in constants)


def _is_token_mask(view: View, name: str) -> bool:
    """Say whether a value is the mask itself, or the mask with its first place set to 1, as ``models.encoder`` does."""
    node = view.maker(name)
    return name == MASK or (node is not None and node.op_type == "Concat" and MASK in view.ancestors(name))
