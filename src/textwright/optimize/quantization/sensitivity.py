"""Which products suffer from 8 bits: each is quantized alone, and the change of the logits is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textwright.core.types import Float32s
from textwright.graph.view import View, load
from textwright.optimize.quantization.onnxruntime_quantizers import PRODUCTS, Batch, quantize_dynamic
from textwright.runtime.session import Session


def node_errors(graph: bytes, batches: Sequence[Batch]) -> dict[str, float]:
    """Measure for each product what its quantization alone changes.

    Args:
        graph: A graph with float32 products.
        batches: Training texts, encoded and padded.

    Returns:
        Name of the node -> root mean square change of a logit, in nats, the largest first.

    Raises:
        BackendError: If ONNX Runtime cannot quantize the graph.
    """
    model = load(graph)
    view = View(model)
    nodes = [node for node in model.graph.node if node.op_type in PRODUCTS and view.is_constant(node.input[1])]
    names = [node.name for node in nodes]
    expected = _infer(graph, batches)
    errors = {}
    for name in names:
        others = [other for other in names if other != name]
        alone = quantize_dynamic(graph, per_channel=True, reduce_range=True, excluded=others)
        errors[name] = float(np.sqrt(np.square(_infer(alone, batches) - expected).mean()))
    return dict(sorted(errors.items(), key=lambda item: -item[1]))


def sensitive_nodes(errors: dict[str, float], *, share: float) -> list[str]:
    """Choose the products that are to be excluded.

    Errors of different products are nearly independent, so that their squares add up.

    Args:
        errors: As :func:`node_errors` gives them, the largest first.
        share: Of the sum of squares that may remain, in (0, 1).

    Returns:
        The fewest names without which at most that share remains.
    """
    left = total = sum(error**2 for error in errors.values())
    excluded = []
    for name, error in errors.items():
        if left <= share * total:
            break
        excluded.append(name)
        left -= error**2
    return excluded


def _infer(graph: bytes, batches: Sequence[Batch]) -> Float32s:
    session = Session(graph, num_threads=1)
    return np.concatenate([session.infer(*batch) for batch in batches])
