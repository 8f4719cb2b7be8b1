"""The candidates: which graphs are tried, in which order, and why each. A new technique is one row here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from textwright.errors import MissingExtraError
from textwright.graph.fusion import fuse
from textwright.graph.unpadding import unpad
from textwright.graph.view import View, load
from textwright.optimize.quantization.activation_ranges import DENSE, extremes_of
from textwright.optimize.quantization.embeddings import quantize_embeddings
from textwright.optimize.quantization.onnxruntime_quantizers import (
    PRODUCTS,
    Batch,
    Calibration,
    halve,
    quantize_blocks,
    quantize_dynamic,
    quantize_static,
)
from textwright.optimize.quantization.sensitivity import node_errors, sensitive_nodes
from textwright.optimize.quantization.static_int8 import FULL, REDUCED, quantize_smoothed, weight_only_int8
from textwright.runtime.cpu_features import BFLOAT16, SATURATING, instruction_set
from textwright.runtime.openvino import import_openvino
from textwright.runtime.session import CUDA, import_onnxruntime

_NUM_PROBES: Final = 2
"""Batches on which the error of each product is measured."""
_SHARE_LEFT: Final = 0.04
"""Share of the squared error that may stay, the worst products excluded; at 0.1 a MiniLM just missed 99 % agreement."""


@dataclass(frozen=True, slots=True)
class CalibrationData:
    """What a recipe may use.

    Args:
        graph: The reference variant's.
        batches: Training texts, encoded and padded, to find ranges on.
    """

    graph: bytes
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class CandidateSpec:
    """One way to another graph.

    Args:
        name: Of the variant; a file name without its ending.
        precision: Of the weights: "fp32", "fp16" or "int8".
        summary: What is done, in a few words for people.
        make: Does it.
        engine: What runs the graph, as ``runtime.engines`` names it; empty for ONNX Runtime.
        unavailable_reason: Says why it cannot be tried here; empty words if it can.
        only_by_name: Whether it is tried only where it is named: it has lost every measurement and is there to
            compare with.
    """

    name: str
    precision: str
    summary: str
    make: Callable[[CalibrationData], bytes]
    engine: str = ""
    unavailable_reason: Callable[[], str] = str
    only_by_name: bool = False


def candidate_specs(graph: bytes) -> list[CandidateSpec]:
    """List what may help a graph, the most promising first.

    Args:
        graph: The reference variant's.

    Returns:
        Recipes with different names; none if the graph holds neither products nor tables of vectors.
    """
    kinds = _weighted_kinds(graph)
    recipes: list[CandidateSpec] = []
    if unpad(graph) != graph:  # exported by an earlier version
        recipes.append(CandidateSpec("unpadded", "fp32", "no work for padding", lambda it: unpad(it.graph)))
    if kinds["Softmax"]:  # attention
        recipes.append(CandidateSpec("fused", "fp32", "attention, GELU and layer norm as one operator each", _fused))
    if any(kinds[kind] for kind in DENSE):
        recipes += _smoothed()
    if any(kinds[kind] for kind in (*PRODUCTS, "Conv")):
        recipes += _static()
    if any(kinds[kind] for kind in PRODUCTS):
        recipes += _dynamic()
    if kinds["Gather"]:
        recipes += [
            CandidateSpec("fp16-rows", "fp16", "vectors of tokens stored in 16 bits", _half_rows),
            CandidateSpec("int8-rows", "int8", "vectors of tokens stored in 8 bits, a scale for each row", _int8_rows),
        ]
    return recipes


def _weighted_kinds(graph: bytes) -> Counter[str]:
    """Count operators by kind; of products, tables and convolutions only those with weights stored in the file."""
    model = load(graph)
    view = View(model)
    weights = {**dict.fromkeys((*PRODUCTS, "Conv"), 1), "Gather": 0}
    nodes = model.graph.node
    return Counter(
        node.op_type
        for node in nodes
        if node.op_type not in weights or view.is_constant(node.input[weights[node.op_type]])
    )


def _fused(material: CalibrationData, *, joined: bool = True) -> bytes:
    """Fuse a graph that does no work for padding, also where that of an earlier version does."""
    return fuse(unpad(material.graph), joined=joined)


def _half_rows(material: CalibrationData) -> bytes:
    return quantize_embeddings(_fused(material), "fp16")


def _int8_rows(material: CalibrationData) -> bytes:
    return quantize_embeddings(_fused(material), "int8")


def _excluded(material: CalibrationData) -> bytes:
    fused = _fused(material)
    excluded = sensitive_nodes(node_errors(fused, material.batches[:_NUM_PROBES]), share=_SHARE_LEFT)
    return quantize_dynamic(quantize_embeddings(fused, "int8"), per_channel=True, reduce_range=True, excluded=excluded)


def _quantized_smoothed(material: CalibrationData) -> bytes:
    fused = _fused(material)
    largest = REDUCED if instruction_set() in SATURATING else FULL
    products = quantize_smoothed(fused, extremes_of(fused, material.batches), largest=largest)
    return quantize_embeddings(products, "int8") if products != fused else material.graph


def _narrow_weights(material: CalibrationData) -> bytes:
    """Leave attention as it is: fused, it is rounded otherwise for a lone text than in a batch, four times as far."""
    return weight_only_int8(quantize_embeddings(unpad(material.graph), "int8"))


def _smoothed() -> Iterator[CandidateSpec]:
    yield CandidateSpec(
        "int8-smooth",
        "int8",
        "fused; outlier neurons split off, outlier channels scaled into the weights; products in 8 bits, ranges found "
        "on training texts; rows in 8 bits",
        _quantized_smoothed,
    )
    yield CandidateSpec(
        "openvino-bf16",
        "int8",
        "weights and rows stored in 8 bits, computed in bfloat16 by OpenVINO",
        _narrow_weights,
        "openvino-bf16",
        _without_openvino_bf16,
    )
    yield CandidateSpec(
        "openvino-int8",
        "int8",
        "the graph of int8-smooth by OpenVINO: products in 8 bits, all else in bfloat16 if the processor has it",
        _quantized_smoothed,
        "openvino-int8",
        _without_openvino,
    )
    yield CandidateSpec(
        "openvino", "fp32", "as it is, run by OpenVINO", lambda it: unpad(it.graph), "openvino", _without_openvino
    )
    yield CandidateSpec(
        "fp16-cuda", "fp16", "all in 16 bits, on a GPU", lambda it: halve(it.graph), "onnxruntime-cuda", _without_cuda
    )


def _without_openvino() -> str:
    try:
        import_openvino()
    except MissingExtraError as error:
        return str(error)
    return ""


def _without_openvino_bf16() -> str:
    multiplies = instruction_set() in BFLOAT16
    return _without_openvino() or ("" if multiplies else f"this processor ({instruction_set()}) has no bfloat16")


def _without_cuda() -> str:
    has_one = CUDA in import_onnxruntime().get_available_providers()
    return "" if has_one else "this ONNX Runtime sees no GPU; it would with onnxruntime-gpu and CUDA"


def _dynamic() -> Iterator[CandidateSpec]:
    def make(*, per_channel: bool) -> Callable[[CalibrationData], bytes]:
        return lambda material: quantize_dynamic(_int8_rows(material), per_channel=per_channel, reduce_range=True)

    yield CandidateSpec(
        "int8",
        "int8",
        "fused; products in 8 bits, 7 of them used, a scale for each column, ranges at run time; rows in 8 bits",
        make(per_channel=True),
    )
    yield CandidateSpec(
        "int8-per-tensor", "int8", "as int8, one scale for a weight", make(per_channel=False), only_by_name=True
    )
    yield CandidateSpec(
        "int8-excluded",
        "int8",
        "as int8, but the products that suffer most, each measured by itself on training texts, stay in 32 bits",
        _excluded,
    )
    yield CandidateSpec(
        "int8-blocks",
        "int8",
        "fused; products in 8 bits, a scale for 32 weights, each text's range by itself; rows in 8 bits",
        lambda material: quantize_blocks(quantize_embeddings(_fused(material, joined=False), "int8"), block_size=32),
    )
    yield CandidateSpec(
        "quantize-dynamic",
        "int8",
        "ONNX Runtime's quantize_dynamic with its defaults on the graph as it is, to compare with",
        lambda material: quantize_dynamic(material.graph),
        only_by_name=True,
    )


def _static() -> Iterator[CandidateSpec]:
    def make(method: Calibration) -> Callable[[CalibrationData], bytes]:
        return lambda material: quantize_static(
            quantize_embeddings(_fused(material, joined=False), "int8"), material.batches, method, reduce_range=True
        )

    methods: tuple[Calibration, ...] = ("minmax", "percentile", "entropy")
    for method in methods:
        summary = f"fused; products in 8 bits, ranges found on training texts by {method}; rows in 8 bits"
        yield CandidateSpec(f"int8-static-{method}", "int8", summary, make(method))
