"""The linear model as an ONNX graph, node by node.

torch's exporter can write it too, and takes several seconds for twice the nodes: each hash is traced with symbolic
shapes. The graph here is what ``models.linear`` computes, line by line under the same names; parity compares the two
whenever a model is exported. The constants keep their names in the file, by which ``runtime.linear`` reads them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from textwright.core import ngrams
from textwright.core.character_tokenizer import SPACE_ID
from textwright.core.ngrams import ORDERS, PRIME
from textwright.models.linear import LABELS_AT_ONCE, SMALLEST_NORM, Linear

_END: Final = np.iinfo(np.int64).max
_IR_VERSION: Final = 8
"""What ONNX Runtime 1.14 reads, as with the lowest operator set."""


def linear_graph(module: Linear, opset: int) -> Any:  # noqa: ANN401  an onnx.ModelProto, which has no types
    """Write the graph of a linear model.

    Args:
        module: The model, on the CPU.
        opset: ONNX operator set, >= 18.

    Returns:
        The model, of the one signature.
    """
    graph = _Graph()
    constants = {name: value.detach().numpy() for name, value in module.state_dict().items()}
    for name, value in constants.items():
        if name != "folded" or not module.alphabet.is_cased:
            graph.name(name.removeprefix("table."), value)
    ids = "input_ids" if module.alphabet.is_cased else graph("Gather", "folded", "input_ids")  # (B, T)
    num_words, num_features = module.tfidf.num_word_features, len(module.tfidf.keys)
    parts = []
    if num_words:
        parts.append(_word_keys(graph, ids))
    if num_words < num_features or not num_words:
        parts.append(_character_keys(graph, ids))
    keys, is_ngram = (graph("Concat", *columns, axis=1) for columns in zip(*parts, strict=True))  # (B, N)
    features = graph("Where", is_ngram, _find(graph, keys, module), num_features)  # (B, N)
    weights, features = _weigh(graph, features, num_words, num_features)  # (B, N)
    _add_up(graph, weights, features, constants["scores"].shape[1])
    return graph.model(constants["bias"].shape[0], opset)


class _Graph:
    """Collects nodes; called with an operator and its inputs, it returns the name of the output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._names: dict[tuple[Any, ...], str] = {}

    def __call__(self, kind: str, *inputs: str | float | list[int], **attributes: Any) -> str:  # noqa: ANN401
        """Add a node; numbers and lists become constants."""
        names = [item if isinstance(item, str) else self._constant(np.array(item)) for item in inputs]
        output = str(attributes.pop("output", f"{kind}_{len(self._nodes)}"))
        self._nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def top_k(self, values: str, count: str) -> str:
        """Sort the rows of a value, rising."""
        output = f"TopK_{len(self._nodes)}"
        attributes = {"axis": 1, "largest": 0, "sorted": 1}
        self._nodes.append(helper.make_node("TopK", [values, count], [output, f"{output}_places"], **attributes))
        return output

    def slice(self, value: str, start: int, stop: int = _END) -> str:
        """Take columns from ``start`` up to, not including, ``stop``; negative ones count from the end."""
        return self("Slice", value, [start], [stop], [1])

    def name(self, name: str, value: NDArray[Any]) -> None:
        """Store a constant under a name."""
        self._constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)

    def _constant(self, value: NDArray[Any]) -> str:
        value = value.astype(np.float32) if value.dtype.kind == "f" else value.astype(np.int64)
        name = self._names.setdefault((value.dtype.kind, value.shape, value.tobytes()), f"constant_{len(self._names)}")
        self.name(name, value)
        return name

    def model(self, num_labels: int, opset: int) -> Any:  # noqa: ANN401
        """Put a model together."""
        ids = [helper.make_tensor_value_info(name, TensorProto.INT64, ["B", "T"]) for name in _INPUTS]
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", num_labels])
        graph = helper.make_graph(self._nodes, "linear", ids, [logits], list(self._constants.values()))
        opsets = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="textwright", ir_version=_IR_VERSION)
        return onnx.shape_inference.infer_shapes(model)


_INPUTS: Final = ("input_ids", "attention_mask")


def _character_keys(graph: _Graph, input_ids: str) -> tuple[str, str]:
    """Hash n-grams of characters; the places that none starts at are told apart."""
    text = graph("Where", graph("Cast", "attention_mask", to=TensorProto.BOOL), input_ids, SPACE_ID)  # (B, T)
    stream = graph("Pad", text, [0, 1, 0, max(ORDERS)], SPACE_ID)  # (B, S + 4), S = T + 2
    is_visible = graph("Not", graph("Equal", stream, SPACE_ID))  # (B, S + 4)
    hashes, is_within = "", ""
    keys, is_ngram = [], []
    for order in ORDERS:
        columns = order - 1, order - max(ORDERS) or _END
        ids = graph.slice(stream, *columns)  # (B, S)
        before = graph("Add", ids, hashes or ngrams.CHARACTER_SEED)  # (B, S)
        hashes = graph("Mod", graph("Mul", before, ngrams.CHARACTER_BASE), PRIME)  # (B, S)
        keys.append(hashes)
        if order == 1:
            is_ngram.append(graph.slice(is_visible, *columns))
        elif order == 2:
            is_ngram.append(graph("Or", is_ngram[0], graph.slice(is_visible, *columns)))
        else:
            inside = graph.slice(is_visible, order - 2, order - 1 - max(ORDERS))  # (B, S): no space inside
            is_within = graph("And", is_within, inside) if is_within else inside
            is_ngram.append(is_within)
    halves = graph("Div", graph("Concat", *keys, axis=1), 2)  # (B, 5S)
    return graph("Add", halves, ngrams.FIRST_CHARACTER_KEY), graph("Concat", *is_ngram, axis=1)


def _word_keys(graph: _Graph, input_ids: str) -> tuple[str, str]:
    """Hash words and pairs of neighboring words; the places that hold none are told apart."""
    shape = graph("Shape", input_ids)
    length = graph("Gather", shape, 1)
    size = graph("Add", graph("Div", length, 2), 2)  # W
    letters = graph("Mul", graph("Gather", "is_letter", input_ids), "attention_mask")  # (B, T)
    before = graph.slice(graph("Pad", letters, [0, 1, 0, 0], 0), 0, -1)  # (B, T)
    starts = graph("Mul", letters, graph("Sub", 1, before))  # (B, T)
    word = graph("Max", graph("Sub", graph("CumSum", starts, 1), 1), 0)  # (B, T): the word of each place
    places = graph("Range", 0, length, 1)  # (T,)
    batch_size = graph("Gather", shape, [0])
    empty = graph("Expand", 0, graph("Concat", batch_size, graph("Unsqueeze", size, [0]), axis=0))  # (B, W)
    first = _scatter(graph, empty, word, graph("Mul", starts, places))  # (B, W)
    inside = graph("Sub", places, graph("GatherElements", first, word, axis=1))  # (B, T)
    inside = graph("Mod", graph("Mul", inside, letters), len(ngrams.POWERS))  # (B, T)
    terms = graph("Mod", graph("Mul", input_ids, graph("Gather", "powers", inside)), PRIME)  # (B, T)
    hashes = graph("Mod", _scatter(graph, empty, word, graph("Mul", terms, letters)), PRIME)  # (B, W)
    first_of_pair = graph("Mul", graph.slice(hashes, 0, -1), ngrams.PAIR_BASE)  # (B, W - 1)
    pairs = graph("Mod", graph("Add", first_of_pair, graph.slice(hashes, 1)), PRIME)  # (B, W - 1)
    both = graph("Mul", graph("Concat", hashes, pairs, axis=1), ngrams.WORD_BASE)  # (B, 2W - 1)
    keys = graph("Div", graph("Mod", graph("Add", both, ngrams.WORD_SEED), PRIME), 2)  # (B, 2W - 1)
    is_word = graph("Less", graph("Range", 0, size, 1), graph("ReduceSum", starts, [1]))  # (B, W)
    return keys, graph("Concat", is_word, graph.slice(is_word, 1), axis=1)  # (B, 2W - 1)


def _find(graph: _Graph, keys: str, module: Linear) -> str:
    """Find features, (B, N), by their keys."""
    wanted = graph("Cast", keys, to=TensorProto.INT32)  # (B, N)
    bucket = graph("Div", keys, 2**module.table.shift)  # (B, N)
    places = graph("Cast", graph("Gather", "first", bucket), to=TensorProto.INT64)  # (B, N)
    for step in module.table.steps:
        key = graph("Gather", "keys", graph("Add", places, step - 1))  # (B, N)
        places = graph("Where", graph("Less", key, wanted), graph("Add", places, step), places)  # (B, N)
    num_features = len(module.tfidf.keys)
    is_equal = graph("Equal", graph("Gather", "keys", places), wanted)  # (B, N)
    is_there = graph("And", is_equal, graph("Less", places, num_features))  # (B, N)
    return graph("Where", is_there, places, num_features)


def _weigh(graph: _Graph, features: str, num_words: int, num_features: int) -> tuple[str, str]:
    """Weigh features, (B, N): the weight of each run of equal ones at its first place, and them sorted."""
    features = graph.top_k(features, graph("Shape", features, start=1))  # (B, N)
    is_same = graph("Equal", graph.slice(features, 1), graph.slice(features, 0, -1))  # (B, N - 1)
    differs = graph("Cast", graph("Not", is_same), to=TensorProto.INT64)  # (B, N - 1)
    is_first = graph("Pad", differs, [0, 1, 0, 0], 1)  # (B, N)
    runs = graph("Sub", graph("CumSum", is_first, 1), 1)  # (B, N)
    zeros = graph("Mul", runs, 0)  # (B, N)
    counts = graph("GatherElements", _scatter(graph, zeros, runs, graph("Add", zeros, 1)), runs, axis=1)  # (B, N)
    frequency = graph("Add", graph("Log", graph("Cast", counts, to=TensorProto.FLOAT)), 1.0)  # (B, N)
    at_first = graph("Mul", graph("Cast", is_first, to=TensorProto.FLOAT), frequency)  # (B, N)
    weights = graph("Mul", at_first, graph("Gather", "idf", features))  # (B, N)
    squares = graph("Mul", weights, weights)  # (B, N)
    if 0 < num_words < num_features:
        is_word = graph("Less", features, num_words)  # (B, N)
        of_words = graph("ReduceSum", graph("Where", is_word, squares, 0.0), [1])  # (B, 1)
        of_characters = graph("ReduceSum", graph("Where", is_word, 0.0, squares), [1])  # (B, 1)
        sums = graph("Where", is_word, of_words, of_characters)  # (B, N)
    else:
        sums = graph("ReduceSum", squares, [1])  # (B, 1)
    return graph("Div", weights, graph("Sqrt", graph("Max", sums, SMALLEST_NORM))), features  # (B, N)


def _add_up(graph: _Graph, weights: str, features: str, num_labels: int) -> None:
    """Add up the scores of features, (B, N), by their weights, (B, N), some labels at a time."""
    rows = graph("Unsqueeze", weights, [1])  # (B, 1, N)
    columns = []
    for start in range(0, num_labels, LABELS_AT_ONCE):
        part = graph.slice("scores", start, start + LABELS_AT_ONCE) if num_labels > LABELS_AT_ONCE else "scores"
        columns.append(graph("MatMul", rows, graph("Gather", part, features)))  # (B, 1, K)
    sums = graph("Squeeze", graph("Concat", *columns, axis=2), [1])  # (B, K)
    graph("Add", sums, "bias", output="logits")  # (B, K)


def _scatter(graph: _Graph, into: str, places: str, values: str) -> str:
    """Add values to the columns of a value."""
    return graph("ScatterElements", into, places, values, axis=1, reduction="add")
