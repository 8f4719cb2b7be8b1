"""Graph work that changes no answer: whole transformer blocks as one operator each, everything constant folded.

ONNX Runtime folds constants and fuses small operators at each load by itself; what is gained here is what it does not
find in the exporter's graph: attention (:mod:`textwright.graph.attention`), and bias, GELU, residual and layer
norm around products that are to be quantized, which it recognizes only before quantization.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textwright.graph.attention import fuse_attention
from textwright.graph.view import dump, load

_LOGGERS = ("onnxruntime", "onnxscript", "onnx_ir")


def fuse(graph: bytes, *, joined: bool = True) -> bytes:
    """Fuse what ONNX Runtime has one operator for.

    Args:
        graph: An exported graph of any family.
        joined: Whether an attention takes its three dense layers with it, see
            :func:`textwright.graph.attention.fuse_attention`.

    Returns:
        A graph that answers the same but for rounding; the same graph if there is nothing to fuse.
    """
    model = load(graph)
    if not fuse_attention(model, joined=joined):
        return graph
    return dump(_fuse_blocks(model))


def _fuse_blocks(model: Any) -> Any:  # noqa: ANN401  onnx has no types here
    """Fuse GELU with its bias by ONNX Runtime's own rules.

    A layer norm and the sum before it stay two: its SkipLayerNormalization takes longer than both
    (docs/decisions/0037).
    """
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    options = FusionOptions("bert")
    options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = False
    with quiet():
        return optimize_model(model, model_type="bert", opt_level=0, optimization_options=options).model


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the remarks of ONNX Runtime's tools, which log a line for each node."""
    loggers = [logging.getLogger(name) for name in _LOGGERS] + [logging.getLogger()]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
