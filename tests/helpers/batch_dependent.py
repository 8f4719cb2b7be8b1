"""A graph that breaks batch invariance, as dynamic quantization does, but by much."""

from __future__ import annotations


def batch_dependent(graph: bytes) -> bytes:
    """Add to each text's logits half of the highest logit of each label in the batch."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_model_from_string(graph)
    for node in model.graph.node:
        node.output[:] = ["own" if name == "logits" else name for name in node.output]
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0.5), "half"))
    model.graph.node.extend(
        [
            helper.make_node("ReduceMax", ["own"], ["highest"], axes=[0], keepdims=1),  # (1, K)
            helper.make_node("Mul", ["highest", "half"], ["added"]),  # (1, K)
            helper.make_node("Add", ["own", "added"], ["logits"]),  # (B, K)
        ]
    )
    return bytes(model.SerializeToString())
