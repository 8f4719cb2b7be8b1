"""Rewrite a transformer's graph so that it computes nothing for padding: the vectors of the real tokens lie in a row.

::

    input_ids (B, T) -> real tokens (1, N) -> embeddings, layer norms, dense layers (1, N, H)
                                           -> at each attention: put to their places (B, T, H), and taken out again
                                           -> pooling (B, T, H) -> logits (B, K)

N is the number of real tokens of the batch. A dense layer costs what its rows cost, so a short text beside a long one
costs little more than alone. Only attention still reads (B, T): there the running count of the mask says where each
place's vector stands, and whatever lies in padding is masked, as before. Inputs, output and logits stay the same.

An encoder whose attentions :mod:`textwright.graph.attention` does not read exactly (relative positions) is left
as it is, and so is a graph whose mask may leave a text without a token.

Source:
    Zeng et al., 2022, "Boosting Distributed Training Performance of the Unpadded BERT Model"; Zhai et al., 2023,
    "ByteTransformer: A High-Performance Transformer Boosted for Variable-Length Inputs".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from onnx import TensorProto, helper

from textwright.graph.attention import MASK, PLACES, Found, find_attentions, pad_rows
from textwright.graph.view import Model, Node, View, dump, load, replace_nodes, store

_IDS: Final = "input_ids"
_SHAPE: Final = "unpadding_shape"  # [B, T]
_TOKENS: Final = "unpadding_tokens"  # (1, N): where the real tokens stand among all B * T places
_FLAT: Final = "unpadding_flat"  # the constant [-1]
_ATTENDED: Final = "unpadding_attended"  # (B, 1, 1, T), added to the scores: 0 for tokens, far below for padding
_FAR: Final = np.finfo(np.float32).min
_ELEMENTWISE: Final = frozenset(
    ("Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Erf", "Tanh", "Relu", "Sigmoid", "Gelu", "Neg", "Identity")
)


def unpad(graph: bytes) -> bytes:
    """Rewrite a graph so that it computes nothing for padding outside attention.

    Args:
        graph: As ``export.onnx`` writes it.

    Returns:
        A graph of the same inputs, output and logits but for rounding; the same bytes if it is no transformer, or one
        that is not read exactly.
    """
    model = load(graph)
    view = View(model)
    attentions = find_attentions(view)
    if _has_places(model) or not _are_all(view, attentions) or not _Unpadding(view, attentions).rewrite():
        return graph
    return dump(model)


def is_unpadded(graph: bytes) -> bool:
    """Say whether a graph was rewritten by :func:`unpad`, or made of one that was."""
    return _has_places(load(graph))


def _has_places(model: Model) -> bool:
    return any(PLACES in node.output for node in model.graph.node)


def _are_all(view: View, attentions: Sequence[Found]) -> bool:
    """Say whether these are all attentions there are, and each text has a token by the one mask that they share."""
    num_softmax = sum(node.op_type == "Softmax" for node in view.model.graph.node)
    masks = {item.mask for item in attentions}
    return bool(attentions) and len(attentions) == num_softmax and len(masks) == 1 and MASK not in masks


class _Unpadding:
    """One rewriting.

    Args:
        view: Of a model, which is changed in place.
        attentions: All that it has.
    """

    def __init__(self, view: View, attentions: Sequence[Found]) -> None:
        self._view, self._model, self._attentions = view, view.model, attentions
        self._shapes = {item.name: item.type.tensor_type.shape.dim for item in self._model.graph.value_info}
        self._rows: set[str] = set()  # values that hold the real tokens alone, (1, N, H)
        self._padded: dict[str, str] = {}  # such a value -> its name at (1, B, T, H), and at (B, T, H)
        self._nodes: list[Node] = []
        self._before_embeddings = view.ancestors(attentions[0].query.source)
        self._outputs = {item.last.output[0]: len(item.value.bias) for item in attentions}

    def rewrite(self) -> bool:
        """Rewrite the model; False leaves it half done, to be thrown away."""
        for node in self._model.graph.node:
            self._take(node)
        if not all(item.query.source in self._rows for item in self._attentions):
            return False
        self._index(self._attentions[0].mask)
        self._mask_once(self._attentions[0].mask)
        # Shapes are left unsaid: where ONNX Runtime knows them, it puts its SkipLayerNormalization in, which is slower.
        replace_nodes(self._model, self._nodes)
        return True

    def _take(self, node: Node) -> None:
        """Put a node into the new graph: on real tokens if it treats each vector by itself, else on padded values."""
        if self._is_lookup(node):
            self._look_up(node)
        elif self._is_by_vector(node):
            self._rows.add(node.output[0])
            self._nodes.append(node)
        else:
            keeps_shape_open = node.op_type == "Reshape" and any(
                it.name == "allowzero" and it.i for it in node.attribute
            )
            for position, name in enumerate(node.input):
                if name in self._rows:
                    node.input[position] = self._pad(name, is_reshaped=keeps_shape_open)
            self._nodes.append(node)
            if node.output[0] in self._outputs:
                self._take_out(node)

    def _is_lookup(self, node: Node) -> bool:
        """Recognize a table of vectors that is looked up for each place of (B, T), below the first attention."""
        if node.op_type != "Gather" or node.output[0] not in self._before_embeddings:
            return False
        table, ids = self._view.constant(node.input[0]), node.input[1]
        is_by_place = ids == _IDS or len(self._shapes.get(ids, ())) == 2
        return table is not None and table.ndim == 2 and table.dtype == np.float32 and is_by_place

    def _look_up(self, node: Node) -> None:
        """Look up the vectors of real tokens alone."""
        ids, name = node.input[1], node.output[0]
        self._rows.add(name)
        if ids != _IDS:  # positions are the same for all texts, (1, T)
            self._add("Expand", [ids, _SHAPE], f"{name}_by_place")
            ids = f"{name}_by_place"
        self._add("Reshape", [ids, _FLAT], f"{name}_flat")
        self._add("Gather", [f"{name}_flat", _TOKENS], f"{name}_ids")
        node.input[1] = f"{name}_ids"
        self._nodes.append(node)

    def _is_by_vector(self, node: Node) -> bool:
        """Recognize what treats each vector by itself: products with weights, layer norms, elementwise operators."""
        of_rows = [name in self._rows for name in node.input]
        if node.op_type in ("MatMul", "LayerNormalization"):
            return of_rows[0] and not any(of_rows[1:]) and all(map(self._view.is_constant, node.input[1:]))
        is_known = [row or self._is_per_channel(name) for row, name in zip(of_rows, node.input, strict=True)]
        return node.op_type in _ELEMENTWISE and any(of_rows) and all(is_known)

    def _is_per_channel(self, name: str) -> bool:
        """Say whether a value is stored, and the same for all vectors."""
        values = self._view.constant(name)
        return values is not None and values.size == (values.shape[-1] if values.ndim else 1)

    def _pad(self, name: str, *, is_reshaped: bool) -> str:
        """Name the padded form of real tokens' values: (1, B, T, H) for what is reshaped anyway, else (B, T, H)."""
        if name not in self._padded:
            self._padded[name] = f"{name}_padded"
            self._nodes += pad_rows(self._model, name, self._padded[name])
        return f"{self._padded[name]}_places" if is_reshaped else self._padded[name]

    def _take_out(self, node: Node) -> None:
        """Take the real tokens out of an attention's output."""
        name, width = node.output[0], self._outputs[node.output[0]]
        node.output[0] = f"{name}_padded"
        shape = store(self._model, f"{name}_shape", np.array([-1, width]))
        self._add("Reshape", [f"{name}_padded", shape], f"{name}_flat")
        self._add("Gather", [f"{name}_flat", _TOKENS], name)
        self._rows.add(name)

    def _index(self, mask: str) -> None:
        """Say from the mask where the real tokens stand, and which of them each place has."""
        store(self._model, _FLAT, np.array([-1]))
        axis, one = store(self._model, "unpadding_axis", np.array(0)), store(self._model, "unpadding_one", np.array(1))
        self._add("Shape", [mask], _SHAPE)
        self._add("Reshape", [mask, _FLAT], "unpadding_mask")  # (B * T,)
        self._add("NonZero", ["unpadding_mask"], _TOKENS)  # (1, N)
        self._add("CumSum", ["unpadding_mask", axis], "unpadding_count")  # (B * T,)
        self._add("Sub", ["unpadding_count", one], "unpadding_number")  # (B * T,), from 0, as each text has a token
        self._add("Reshape", ["unpadding_number", _SHAPE], PLACES)  # (B, T)

    def _mask_once(self, mask: str) -> None:
        """Mask keys alone, in fewer operators than the exporter's, and drop its guard against texts without a token."""
        axes = store(self._model, "unpadding_axes", np.array([1, 2]))
        zero = store(self._model, "unpadding_zero", np.array(0, np.float32))
        far = store(self._model, "unpadding_far", np.array(_FAR))
        self._add("Cast", [mask], "unpadding_is_token", to=TensorProto.BOOL)  # (B, T)
        self._add("Unsqueeze", ["unpadding_is_token", axes], "unpadding_is_key")  # (B, 1, 1, T)
        self._add("Where", ["unpadding_is_key", zero, far], _ATTENDED)
        for item in self._attentions:
            scores = self._view.maker(item.softmax.input[0])
            assert scores is not None  # noqa: S101  the attention was found by it
            scores.input[1] = _ATTENDED
            for guard in self._view.readers(item.softmax.output[0]):
                if guard.op_type == "Where":
                    self._view.redirect(guard.output[0], item.softmax.output[0])

    def _add(self, kind: str, inputs: Sequence[str], name: str, **attributes: int) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
