"""Look around in an ONNX graph: who makes a value, who reads it, what is constant, what nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Model: TypeAlias = Any
"""An ``onnx.ModelProto``, which has no types that mypy reads here."""
Node: TypeAlias = Any

CONTRIB: Final = "com.microsoft"
"""Domain of ONNX Runtime's own operators."""


def load(graph: bytes) -> Model:
    """Parse the bytes of an ONNX file."""
    return onnx.load_from_string(graph)


def dump(model: Model) -> bytes:
    """Write a model as the bytes of an ONNX file."""
    return bytes(model.SerializeToString(deterministic=True))


def use_contrib(model: Model) -> None:
    """Declare ONNX Runtime's own operators in the model."""
    if all(item.domain != CONTRIB for item in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))


class View:
    """Who makes and who reads each value of a graph, as it was when the view was made.

    Args:
        model: The model looked at.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._makers = {name: node for node in model.graph.node for name in node.output if name}
        self._stored = {item.name: item for item in model.graph.initializer}
        self._readers: dict[str, list[Node]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def maker(self, name: str) -> Node | None:
        """Find the node that makes a value; None for inputs and constants."""
        return self._makers.get(name)

    def readers(self, name: str) -> list[Node]:
        """List the nodes that read a value, in the order of the graph."""
        return self._readers.get(name, [])

    def only_reader(self, name: str, *kinds: str) -> Node | None:
        """Find the single node that reads a value; None if there are others, or it is of another kind."""
        readers = self.readers(name)
        return readers[0] if len(readers) == 1 and readers[0].op_type in kinds else None

    def redirect(self, name: str, other: str) -> None:
        """Let what reads a value read another one instead."""
        for node in self.readers(name):
            for position, value in enumerate(node.input):
                if value == name:
                    node.input[position] = other

    def is_constant(self, name: str) -> bool:
        """Say whether a value is stored in the file."""
        return name in self._stored

    def constant(self, name: str) -> NDArray[Any] | None:
        """Read a stored value; None if it is computed."""
        return np.asarray(numpy_helper.to_array(self._stored[name])) if name in self._stored else None

    def size_of(self, name: str) -> int:
        """Count the elements of a stored value; 0 if it is computed."""
        return int(np.prod(self._stored[name].dims)) if name in self._stored else 0

    def ancestors(self, name: str) -> set[str]:
        """Name every value that a value is computed from, itself among them."""
        ancestors, waiting = set(), [name]
        while waiting:
            value = waiting.pop()
            if value not in ancestors:
                ancestors.add(value)
                node = self.maker(value)
                waiting += [] if node is None else [item for item in node.input if item]
        return ancestors


def store(model: Model, name: str, values: NDArray[Any]) -> str:
    """Put a constant into a model.

    Args:
        model: Changed in place.
        name: Of the constant, new in the graph.
        values: Its values.

    Returns:
        The name.
    """
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
    return name


def replace_nodes(model: Model, nodes: Iterable[Node]) -> None:
    """Give a model other nodes, in an order in which they can run, and drop what nobody needs.

    Args:
        model: Changed in place; stored shapes of inner values are dropped too.
        nodes: The new nodes, in any order.
    """
    needed = _needed(list(nodes), {item.name for item in model.graph.output})
    used = {name for node in needed for name in node.input} | {item.name for item in model.graph.output}
    constants = [item for item in model.graph.initializer if item.name in used]
    known = {item.name for item in (*constants, *model.graph.input)} | {""}
    for field, values in (("node", _sorted(needed, known)), ("initializer", constants), ("value_info", [])):
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(values)


def _needed(nodes: list[Node], wanted: set[str]) -> list[Node]:
    makers = {name: index for index, node in enumerate(nodes) for name in node.output}
    needed: set[int] = set()
    waiting = list(wanted)
    while waiting:
        index = makers.get(waiting.pop())
        if index is not None and index not in needed:
            needed.add(index)
            waiting += nodes[index].input
    return [nodes[index] for index in sorted(needed)]


def _sorted(nodes: list[Node], known: set[str]) -> list[Node]:
    """Put each node after the makers of its inputs; the order of the others is kept."""
    in_order, waiting = [], nodes
    while waiting:
        ready: list[Node] = []
        late: list[Node] = []
        for node in waiting:
            is_ready = all(name in known for name in node.input)
            (ready if is_ready else late).append(node)
            known |= set(node.output) if is_ready else set()
        if not ready:
            raise ValueError(f"the graph has a circle through {late[0].name}")
        in_order += ready
        waiting = late
    return in_order
