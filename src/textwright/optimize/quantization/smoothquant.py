"""Handle outliers before rounding: one outlier channel widens the range, so that the others get few of its 256 steps.

In a MiniLM one channel of what goes into a feed-forward layer, and one to three of its neurons, are five to ten times
larger than all others. Nothing is approximated here; the graph answers the same but for rounding:

::

    neurons    y = gelu(x A + a) B   ->   y = gelu(x A' + a') B' + gelu(x A" + a") B"     A", B" stay in fp32
    channels   y = x W               ->   y = (x / s) (s W)                               s: one scale a channel

Source:
    Dettmers et al., 2022, "LLM.int8()", for the former; Xiao et al., 2023, "SmoothQuant", section 4, for the latter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from textwright.core.types import Float32s
from textwright.graph.view import Model, Node, View, replace_nodes, store
from textwright.optimize.quantization.activation_ranges import MinMax, dense_products

_ACTIVATIONS: Final = ("BiasGelu", "FastGelu")
SPLIT: Final = "outliers_"
"""Starts the names of the products that are split off."""
_LEAST: Final = 1e-5
"""Of a channel or a weight's row: what is 0 throughout has no scale."""


def split_neurons(model: Model, extremes: Mapping[str, MinMax], num_neurons: int) -> dict[str, MinMax]:
    """Give the outlier neurons of each feed-forward layer a small one of their own.

    Args:
        model: A fused model, changed in place.
        extremes: What goes into its products.
        num_neurons: Split off from each layer; a layer of fewer than twice as many is left alone.

    Returns:
        What goes into the products that are left, and nothing of those split off.
    """
    view, ranges, added = View(model), dict(extremes), list[Node]()
    for product in dense_products(model):
        gelu = view.maker(product.input[0])
        first = None if gelu is None or gelu.op_type not in _ACTIVATIONS else view.maker(gelu.input[0])
        largest = ranges[product.input[0]].largest
        if gelu is None or first is None or first not in dense_products(model) or len(largest) < 2 * num_neurons:
            continue
        chosen = np.sort(np.argsort(-largest, kind="stable")[:num_neurons])
        added += _split(model, (first, gelu, product), chosen, f"{SPLIT}{len(added)}")
        ranges[product.input[0]] = ranges[product.input[0]].take(np.setdiff1d(np.arange(len(largest)), chosen))
    replace_nodes(model, [*model.graph.node, *added])
    return ranges


def _split(model: Model, layers: Sequence[Node], chosen: NDArray[np.int64], name: str) -> list[Node]:
    """Leave the neurons that are not chosen in the layers, and return the layers of the chosen ones, summed up."""
    first, gelu, second = layers
    view = View(model)
    weights = [_constant(view, first.input[1]), _constant(view, gelu.input[1]), _constant(view, second.input[1])]
    rest = np.setdiff1d(np.arange(weights[2].shape[0]), chosen)
    for node, part, values in zip(layers, ("in", "bias", "out"), _neurons(weights, rest), strict=True):
        node.input[1] = store(model, f"{name}_rest_{part}", values)
    parts = [
        store(model, f"{name}_{part}_weight", values)
        for part, values in zip(("in", "bias", "out"), _neurons(weights, chosen), strict=True)
    ]
    total, second.output[0] = second.output[0], f"{name}_rest"
    return [
        helper.make_node("MatMul", [first.input[0], parts[0]], [f"{name}_in"], f"{name}_in"),
        helper.make_node(gelu.op_type, [f"{name}_in", parts[1]], [f"{name}_gelu"], f"{name}_gelu", domain=gelu.domain),
        helper.make_node("MatMul", [f"{name}_gelu", parts[2]], [f"{name}_out"], f"{name}_out"),
        helper.make_node("Add", [f"{name}_rest", f"{name}_out"], [total], f"{name}_sum"),
    ]


def _neurons(weights: Sequence[Float32s], chosen: NDArray[np.int64]) -> list[Float32s]:
    """Cut (E, F), (F,) and (F, E) down to some of the F neurons."""
    return [weights[0][:, chosen], weights[1][chosen], weights[2][chosen]]


def scale_channels(model: Model, extremes: Mapping[str, MinMax], strength: float) -> dict[str, MinMax]:
    """Divide outlier channels and multiply the weight's rows instead, where no GELU stands before.

    Behind a GELU it would make things worse: a neuron's values reach far to one side alone.

    Args:
        model: A fused model, changed in place.
        extremes: What goes into its products; others are left alone.
        strength: In [0, 1]: 0 makes the weight's rows alike, 1 the channels.

    Returns:
        What goes into the products afterwards.
    """
    view, ranges, scaled = View(model), dict(extremes), dict[str, str]()
    nodes: list[Node] = []
    readers: dict[str, list[Node]] = {}
    for node in dense_products(model):
        maker = view.maker(node.input[0])
        if node.input[0] in extremes and not node.name.startswith(SPLIT) and not _is_activation(maker):
            readers.setdefault(node.input[0], []).append(node)
    for name, products in readers.items():
        scales = _scales(extremes[name], [_constant(view, node.input[1]) for node in products], strength)
        scaled[name] = f"{name}_scaled"
        ranges[scaled[name]] = ranges.pop(name).divided(scales)
        nodes.append(helper.make_node("Mul", [name, store(model, f"{name}_inverse", 1 / scales)], [scaled[name]]))
        for node in products:
            weight = _constant(view, node.input[1]) * scales[:, None]
            node.input[0], node.input[1] = scaled[name], store(model, f"{node.name}_scaled_weight", weight)
    replace_nodes(model, [*model.graph.node, *nodes])
    return ranges


def _is_activation(node: Node | None) -> bool:
    return node is not None and node.op_type in _ACTIVATIONS


def _scales(extremes: MinMax, weights: Sequence[Float32s], strength: float) -> Float32s:
    """Return a scale for each channel, (E,), of geometric mean 1."""
    rows = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)
    logs = strength * np.log(np.maximum(extremes.largest, _LEAST)) - (1 - strength) * np.log(np.maximum(rows, _LEAST))
    return np.asarray(np.exp(logs - logs.mean()), dtype=np.float32)


def _constant(view: View, name: str) -> Float32s:
    values = view.constant(name)
    assert values is not None  # noqa: S101  it was one when the node was chosen
    return values
