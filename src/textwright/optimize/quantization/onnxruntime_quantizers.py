"""Fewer bits: ONNX Runtime's own quantizers and converter with settings that are known to matter.

Dynamic: weights are integers in the file, activations are rounded while the graph runs, by the range that they have in
that batch. So a text's answer depends on the other texts of its batch, and the gate refuses it by default. Static: the
ranges are computed once on training texts, and answers do not depend on batch composition.

Source:
    Jacob et al., 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference".
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from onnx import TensorProto

from textwright.core.types import Ints
from textwright.errors import BackendError
from textwright.graph.fusion import quiet
from textwright.graph.unpadding import is_unpadded
from textwright.graph.view import dump, load

Batch: TypeAlias = tuple[Ints, Ints]
"""``input_ids`` and ``attention_mask``, (B, T) each."""
Calibration: TypeAlias = Literal["minmax", "entropy", "percentile"]

PRODUCTS: Final = ("MatMul", "Gemm", "Attention")
_STATIC_PRODUCTS: Final = ("MatMul", "Conv")
_UNKNOWN_TYPES: Final = {"DefaultTensorType": TensorProto.FLOAT}
"""What the quantizer shall take the outputs of operators that it does not know to be."""


def quantize_dynamic(
    graph: bytes,
    *,
    per_channel: bool = False,
    reduce_range: bool = False,
    excluded: Sequence[str] = (),
) -> bytes:
    """Round the weights of products to 8 bits; activations are rounded at run time.

    Args:
        graph: A graph with float32 products.
        per_channel: A scale for each column of a weight instead of one for all.
        reduce_range: Use 7 bits of a weight, so that AVX2's sums of pairs in 16 bits cannot saturate.
        excluded: Names of nodes that stay as they are.

    Returns:
        The quantized graph.

    Raises:
        BackendError: If ONNX Runtime cannot quantize the graph.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization import quantize_dynamic as quantize

    settings = {
        "op_types_to_quantize": list(PRODUCTS),
        "per_channel": per_channel,
        "reduce_range": reduce_range,
        "weight_type": QuantType.QInt8,
        "nodes_to_exclude": list(excluded),
        "extra_options": _UNKNOWN_TYPES,
    }
    return _through_file(graph, lambda model, path: quantize(model, path, **settings))


def quantize_static(
    graph: bytes, batches: Sequence[Batch], method: Calibration, *, reduce_range: bool = False
) -> bytes:
    """Round weights and activations of products to 8 bits, with ranges found on texts.

    Args:
        graph: A graph with float32 products.
        batches: What the ranges are found on, training texts alone.
        method: minmax takes all that was seen; entropy and percentile leave out what is rare.
        reduce_range: Use 7 bits of a weight, so that AVX2's sums of pairs in 16 bits cannot saturate.

    Returns:
        The quantized graph.

    Raises:
        BackendError: If ONNX Runtime cannot quantize the graph.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization import quantize_static as quantize

    methods = {
        "minmax": CalibrationMethod.MinMax,
        "entropy": CalibrationMethod.Entropy,
        "percentile": CalibrationMethod.Percentile,
    }
    settings = {
        "op_types_to_quantize": list(_STATIC_PRODUCTS),
        "per_channel": True,
        "reduce_range": reduce_range,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
        "calibrate_method": methods[method],
        "extra_options": {**_UNKNOWN_TYPES, "MatMulConstBOnly": True},
    }
    alike = _of_one_shape(batches)
    if is_unpadded(graph):
        alike = _of_one_size(alike)
    return _through_file(graph, lambda model, path: quantize(model, path, _Reader(alike), **settings))


def _of_one_shape(batches: Sequence[Batch]) -> list[Batch]:
    """Pad batches to the longest of all, and leave out those of fewer texts: histograms are made of one shape alone."""
    num_texts = max(len(ids) for ids, _ in batches)
    longest = max(ids.shape[1] for ids, _ in batches)
    whole = [batch for batch in batches if len(batch[0]) == num_texts]
    return [(_widened(ids, longest, mode="edge"), _widened(mask, longest, mode="constant")) for ids, mask in whole]


def _of_one_size(batches: Sequence[Batch]) -> list[Batch]:
    """Cut the last texts of batches of one shape down to their first token until all have as many real tokens."""
    num_further = min(int(mask[:, 1:].sum()) for _, mask in batches)
    alike = []
    for ids, mask in batches:
        further = mask[:, 1:]
        is_left = further.cumsum().reshape(further.shape) <= num_further
        alike.append((ids, np.concatenate([np.ones_like(mask[:, :1]), further * is_left], axis=1)))
    return alike


def _widened(values: Ints, length: int, *, mode: Literal["edge", "constant"]) -> Ints:
    return np.pad(values, ((0, 0), (0, length - values.shape[1])), mode=mode)


class _Reader:
    """Hands batches out one after the other, in the form that ONNX Runtime's calibration asks for."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, Ints] | None:
        """Give the next batch by input name; None at the end."""
        batch = next(self._left, None)
        return None if batch is None else {"input_ids": batch[0], "attention_mask": batch[1]}


def quantize_blocks(graph: bytes, *, block_size: int) -> bytes:
    """Round weights to 8 bits with a scale for each block, and each text's activations by themselves.

    Args:
        graph: A graph with float32 products.
        block_size: Weights that share a scale: 16, 32, 64, 128 or 256.

    Returns:
        The quantized graph, whose answers do not depend on batch composition.

    Raises:
        BackendError: If ONNX Runtime cannot quantize the graph.
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    with quiet():
        try:
            config = DefaultWeightOnlyQuantConfig(block_size=block_size, is_symmetric=True, accuracy_level=4, bits=8)
            quantizer = MatMulNBitsQuantizer(load(graph), algo_config=config)
            quantizer.process()
            return dump(quantizer.model.model)
        except Exception as error:
            raise BackendError(f"ONNX Runtime cannot quantize the graph: {_first_line(error)}") from error


def halve(graph: bytes) -> bytes:
    """Turn float32 weights and values into float16, for a GPU; ids, mask and logits keep their types.

    Args:
        graph: A graph as it was exported.

    Returns:
        A graph of the same signature.

    Raises:
        BackendError: If ONNX Runtime's tool cannot convert it.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with quiet():
        try:
            return dump(convert_float_to_float16(load(graph), keep_io_types=True))
        except Exception as error:
            raise BackendError(f"ONNX Runtime cannot turn the graph into 16 bits: {error}") from error


def _through_file(graph: bytes, quantize: Any) -> bytes:  # noqa: ANN401
    """Run a quantizer that writes files."""
    with TemporaryDirectory(prefix="textwright-") as folder, quiet(), redirect_stdout(StringIO()):
        path = Path(folder) / "quantized.onnx"
        try:
            quantize(load(graph), path)
            return path.read_bytes()
        except Exception as error:
            raise BackendError(f"ONNX Runtime cannot quantize the graph: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
