"""Write windows into a graph: what :mod:`textwright.models.windows` computes, in ONNX operators around an encoder.

::

    input_ids (B, T) -> window_ids (M, L) -> the graph as exported -> vectors (M, D) -> pooled_vectors (B, D) -> head

torch's exporter cannot be asked: how many windows there are, and how long, depends on the texts. So a model is exported
as it reads one window, and these operators come before and behind its encoder. Parity with the torch module is proved
like that of every export.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper
from torch import Tensor, nn

from textwright.graph.view import Model, Node, View, dump, load, replace_nodes, store
from textwright.models.family import TextModel
from textwright.models.windows import WindowPooling, Windows

VECTORS: Final = "vectors"
"""What the exported encoder's output is called, which the windows' vectors are pooled from."""
_IDS, _MASK = "input_ids", "attention_mask"
_LOWEST: Final = np.finfo(np.float32).min


class OneWindow(nn.Module):
    """A model that reads each row at once, and gives the vectors beside the logits.

    Args:
        module: A model with an ``encoder`` that cuts windows and a ``head``.
    """

    def __init__(self, module: TextModel) -> None:
        super().__init__()
        self.encoder: Any = module.encoder
        self.head: Any = module.head

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode the windows, and score the labels of each."""
        vectors: Tensor = self.encoder.read_at_once(input_ids, attention_mask)  # (M, D)
        return self.head(vectors), vectors  # (M, K), (M, D)


def add_windows(graph: bytes, windows: Windows) -> bytes:
    """Let a graph cut its texts into windows, and pool their vectors.

    Args:
        graph: Of :class:`OneWindow`, with a second output ``vectors``.
        windows: The rule.

    Returns:
        A graph of the one signature: rows of any length in, logits of one row for each text out.
    """
    model = load(graph)
    view = View(model)
    view.redirect(_IDS, "window_ids")
    view.redirect(_MASK, "window_mask")
    maker = view.maker(VECTORS)
    assert maker is not None  # noqa: S101  it is an output
    vectors = maker.input[0] if maker.op_type == "Identity" else VECTORS
    view.redirect(vectors, "pooled_vectors")
    writer = _Writer(model, windows)
    writer.cut()
    writer.pool(vectors)
    (logits,) = [item for item in model.graph.output if item.name != VECTORS]
    model.graph.ClearField("output")
    model.graph.output.append(logits)
    replace_nodes(model, [*model.graph.node, *writer.nodes])
    return dump(model)


class _Writer:
    """Writes the operators.

    Args:
        model: Takes the constants.
        windows: The rule.
    """

    def __init__(self, model: Model, windows: Windows) -> None:
        self._model, self._windows = model, windows
        self._constants: dict[str, str] = {}
        self.nodes: list[Node] = []

    def cut(self) -> None:
        """Make the windows; each line as in ``Windows.cut``."""
        windows, add, number = self._windows, self._add, self._number
        flat, column = self._constant("flat", [-1]), self._constant("column", [1])
        zero, one, special = number(0), number(1), number(windows.num_special)
        add("ReduceSum", [_MASK, column], "lengths", keepdims=0)  # (B,)
        add("Max", [add("Sub", ["window_lengths", special], "inner"), zero], "bodies")  # (B,)
        add("Div", [add("Add", ["window_bodies", number(windows.room - 1)], "most"), number(windows.room)], "full")
        add("Max", ["window_full", one], "counts")  # (B,)
        add("Sub", [add("Add", ["window_bodies", "window_counts"], "rounded"), one], "rounded_up")
        add("Div", ["window_rounded_up", "window_counts"], "widths")  # (B,)
        add("Range", [zero, add("ReduceMax", ["window_counts"], "most_windows", keepdims=0), one], "numbers")  # (W,)
        add("Less", ["window_numbers", add("Unsqueeze", ["window_counts", column], "counts_column")], "has")  # (B, W)
        add("Cast", ["window_has"], "has_int", to=TensorProto.INT64)
        add("Split", [add("NonZero", ["window_has_int"], "pairs")], "text_row", "number_row", axis=0, num_outputs=2)
        text, order = (add("Reshape", [f"window_{name}_row", flat], name) for name in ("text", "number"))  # (M,), (M,)
        for name in ("lengths", "bodies", "widths"):
            add("Gather", [f"window_{name}", text], f"{name}_of")  # (M,)
        add("Mul", [order, "window_widths_of"], "starts")  # (M,)
        add("Min", [add("Sub", ["window_bodies_of", "window_starts"], "left"), "window_widths_of"], "taken")  # (M,)
        add("Min", [add("Add", ["window_taken", special], "framed"), "window_lengths_of"], "sizes")  # (M,)
        add("Max", [add("ReduceMax", ["window_sizes"], "longest", keepdims=0), one], "length")
        add("Unsqueeze", [add("Range", [zero, "window_length", one], "range"), self._constant("row", [0])], "place")
        columns = {}
        for name in ("starts", "sizes", "lengths_of", "text"):
            columns[name] = add("Unsqueeze", [f"window_{name}", column], f"{name}_column")  # (M, 1)
        add("Add", ["window_place", columns["starts"]], "shifted")  # (M, L)
        add("Less", ["window_place", number(windows.before)], "is_start")  # (1, L)
        add("Where", ["window_is_start", "window_place", "window_shifted"], "inside")  # (M, L)
        add("Sub", [columns["sizes"], number(windows.after)], "end")
        add("GreaterOrEqual", ["window_place", "window_end"], "is_end")  # (M, L)
        add("Add", ["window_place", add("Sub", [columns["lengths_of"], columns["sizes"]], "skipped")], "at_end")
        add("Where", ["window_is_end", "window_at_end", "window_inside"], "source")  # (M, L)
        add("Gather", [add("Shape", [_IDS], "shape"), one], "row_length")
        add("Min", ["window_source", add("Sub", ["window_row_length", one], "last_place")], "source_below")
        add("Max", ["window_source_below", zero], "source_inside")
        add("Mul", [columns["text"], "window_row_length"], "row_starts")
        add("Add", ["window_row_starts", "window_source_inside"], "flat_source")  # (M, L)
        add("Gather", [add("Reshape", [_IDS, flat], "flat_ids"), "window_flat_source"], "ids")  # (M, L)
        add("Less", ["window_place", columns["sizes"]], "is_token")
        add("Cast", ["window_is_token"], "mask", to=TensorProto.INT64)  # (M, L)

    def pool(self, vectors: str) -> None:
        """Turn the windows' vectors into the texts'; each line as in ``Windows.pool``."""
        add = self._add
        flat, axis, last = (self._constant(*item) for item in (("flat", [-1]), ("column", [1]), ("vector", [2])))
        add("CumSum", [add("Reshape", ["window_has_int", flat], "has_flat"), self._number(0)], "counted")
        add("Sub", ["window_counted", self._number(1)], "places_flat")  # (B * W,), from 0, as each text has a window
        add("Reshape", ["window_places_flat", add("Shape", ["window_has_int"], "grid")], "places")  # (B, W)
        add("Gather", [vectors, "window_places"], "vectors")  # (B, W, D)
        if self._windows.pooling is WindowPooling.MAX:
            lowest = store(self._model, "window_lowest", np.array(_LOWEST))
            add("Unsqueeze", ["window_has", last], "has_vector")  # (B, W, 1)
            add("Where", ["window_has_vector", "window_vectors", lowest], "vectors_of")
            self._node("ReduceMax", ["window_vectors_of", axis], ["pooled_vectors"], keepdims=0)
            return
        add("Cast", ["window_has"], "has_float", to=TensorProto.FLOAT)
        add("Unsqueeze", ["window_has_float", last], "weights")  # (B, W, 1)
        add("Mul", ["window_vectors", "window_weights"], "weighted")
        add("ReduceSum", ["window_weighted", axis], "sums", keepdims=0)  # (B, D)
        add("ReduceSum", ["window_weights", axis], "totals", keepdims=0)  # (B, 1)
        self._node("Div", ["window_sums", "window_totals"], ["pooled_vectors"])

    def _number(self, value: int) -> str:
        return self._constant(f"number_{value}", value)

    def _constant(self, name: str, values: int | list[int]) -> str:
        """Store whole numbers once."""
        if name not in self._constants:
            self._constants[name] = store(self._model, f"window_{name}", np.array(values, dtype=np.int64))
        return self._constants[name]

    def _add(self, kind: str, inputs: Sequence[str], *names: str, **attributes: int) -> str:
        """Write an operator whose outputs are called ``window_NAME``; return the first."""
        outputs = [f"window_{name}" for name in names]
        self._node(kind, inputs, outputs, **attributes)
        return outputs[0]

    def _node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int) -> None:
        self.nodes.append(helper.make_node(kind, inputs, outputs, outputs[0], **attributes))
