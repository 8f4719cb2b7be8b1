"""What a graph that somebody else made may hold, read from its bytes before an engine sees it.

An engine would run a loop for ever and inline functions that call each other without end. No family exports any of
these, so they are refused; what is left ends after as many operators as the file lists. Memory is bounded by
:mod:`textwright.runtime.bounds`. Reads the protobuf wire format, because the ``onnx`` package is not installed where
models are served. Called by ``runtime`` before a graph is opened.

Source:
    onnx.proto3 of ONNX 1.19 for the field numbers; "Encoding", protobuf.dev, for the wire format.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from textwright.core.manifest_checks import check_named_files
from textwright.errors import ArtifactFormatError

MAX_NODES: Final = 50_000
"""Operators of a graph; a BERT with 24 layers has some 3,000."""
_CONTROL_FLOW: Final = frozenset({b"Loop", b"Scan", b"If", b"SequenceMap"})

_Buffer: TypeAlias = "bytes | mmap.mmap"
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_MODEL_GRAPH, _MODEL_FUNCTION = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE = 4, 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS = 5, 10
_ATTRIBUTE_GRAPHS: Final = frozenset({6, 11})
_ATTRIBUTE_SPARSE: Final = frozenset({22, 23})
_TENSOR_EXTERNAL, _ENTRY_KEY, _ENTRY_VALUE = 13, 1, 2


def check_graph(path: Path, listed: Collection[str]) -> None:
    """Refuse a graph that may not end, or that reads files which nothing proves.

    Args:
        path: The ONNX file.
        listed: Names of the artifact's files, in which weights outside of the graph may lie.

    Raises:
        ArtifactFormatError: If the file is no ONNX graph, or holds control flow, functions, sparse tensors or too many
            operators.
        ArtifactCorruptError: If it keeps weights in a file that the manifest does not list.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            outside = _check_model(path, content)
    except (ValueError, IndexError) as error:  # an empty file has no map; a cut one ends inside a field
        raise ArtifactFormatError(f"{path} is no ONNX graph: {error}; export the model again") from error
    check_named_files(path, outside, listed)


def _check_model(path: Path, content: _Buffer) -> list[str]:
    """Check every operator; return the names of the files that hold weights."""
    outside: list[str] = []
    num_nodes = 0
    for field, start, stop in _fields(content, 0, len(content)):
        if field == _MODEL_FUNCTION:
            raise _refused(path, "functions")
        if field != _MODEL_GRAPH:
            continue
        for part, first, last in _fields(content, start, stop):
            if part == _GRAPH_NODE:
                num_nodes += 1
                if num_nodes > MAX_NODES:
                    raise _refused(path, f"more than {MAX_NODES:,} operators")
                outside += _check_node(path, content, first, last)
            elif part == _GRAPH_INITIALIZER:
                outside += _external_files(content, first, last)
            elif part == _GRAPH_SPARSE:
                raise _refused(path, "sparse tensors")
    return outside


def _check_node(path: Path, content: _Buffer, start: int, stop: int) -> Iterator[str]:
    for field, first, last in _fields(content, start, stop):
        if field == _NODE_OPERATOR and (name := content[first:last]) in _CONTROL_FLOW:
            raise _refused(path, f"the control flow operator {name.decode()}")
        if field == _NODE_ATTRIBUTE:
            for part, begin, end in _fields(content, first, last):
                if part in _ATTRIBUTE_GRAPHS:
                    raise _refused(path, "a graph inside of an operator")
                if part in _ATTRIBUTE_SPARSE:
                    raise _refused(path, "sparse tensors")
                if part in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                    yield from _external_files(content, begin, end)


def _external_files(content: _Buffer, start: int, stop: int) -> Iterator[str]:
    """Yield the files that a tensor's values lie in."""
    for field, first, last in _fields(content, start, stop):
        if field == _TENSOR_EXTERNAL:
            entry = {part: content[begin:end] for part, begin, end in _fields(content, first, last)}
            if entry.get(_ENTRY_KEY) == b"location":
                yield entry.get(_ENTRY_VALUE, b"").decode(errors="replace")


def _refused(path: Path, what: str) -> ArtifactFormatError:
    return ArtifactFormatError(
        f"{path} holds {what}, and such a graph may not end; export the model with textwright, whose graphs hold none"
    )


def _fields(content: _Buffer, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Yield the fields of a message: number, and where the bytes of its value begin and end.

    Raises:
        ValueError: If a field is not of the wire format or ends beyond its message.
        IndexError: If the content ends inside a field.
    """
    position = start
    while position < stop:
        tag, position = _varint(content, position)
        kind = tag & 7
        if kind == _BYTES:
            size, position = _varint(content, position)
        elif kind == _VARINT:
            size = _varint(content, position)[1] - position
        elif kind in (_FIXED_64, _FIXED_32):
            size = 8 if kind == _FIXED_64 else 4
        else:
            raise ValueError(f"a field at byte {position} has the unknown wire type {kind}")
        if position + size > stop:
            raise ValueError(f"the field at byte {position} ends behind its message")
        yield tag >> 3, position, position + size
        position += size


def _varint(content: _Buffer, position: int) -> tuple[int, int]:
    """Read an integer of 1 to 10 bytes, 7 bits each; return it and the place behind it."""
    value = content[position]
    if value < 128:
        return value, position + 1
    value &= 127
    for count in range(1, 10):
        byte = content[position + count]
        value |= (byte & 127) << 7 * count
        if byte < 128:
            return value, position + count + 1
    raise ValueError(f"the integer at byte {position} has more than 10 bytes")
