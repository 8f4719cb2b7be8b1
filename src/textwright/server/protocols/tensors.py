"""Tensors of the Open Inference Protocol: texts in, columns out, as JSON or as bytes.

Source:
    kserve/open-inference-protocol, specification/protocol/inference_rest.md, "Tensor Data"; Triton Inference Server,
    "Binary Tensor Data Extension".
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, Any, Final

import numpy as np
from pydantic import FailFast, Field

from textwright.api.validation import check_num_texts
from textwright.errors import RequestError
from textwright.server.protocols.parsing import Form
from textwright.wire import Whole

_LENGTH_BYTES: Final = 4
_MAX_DIMENSIONS: Final = 8
_DATATYPES: Final = {"O": "BYTES", "f": "FP32", "b": "BOOL"}


class InputParameters(Form):
    """How many bytes after the JSON belong to the tensor; None for none."""

    binary_data_size: Whole | None = None


class InputTensor(Form):
    """A tensor of a request."""

    name: str
    shape: Annotated[list[Whole], FailFast(), Field(max_length=_MAX_DIMENSIONS)]
    datatype: str
    parameters: InputParameters = InputParameters()
    data: Any = None


def texts_of(inputs: Sequence[InputTensor], binary: bytes, max_texts: int) -> list[str]:
    """Read the texts of the one input tensor.

    Args:
        inputs: The tensors of the request.
        binary: What follows the JSON.
        max_texts: Most texts.

    Returns:
        N texts.

    Raises:
        RequestError: If there is not exactly one tensor of texts, or its data do not agree with its shape.
        RequestLimitError: If it holds more texts.
    """
    if len(inputs) != 1:
        raise RequestError(f"the request has {len(inputs)} inputs; give one tensor of texts")
    tensor = inputs[0]
    if tensor.datatype != "BYTES":
        raise RequestError(f"the datatype of the input is {tensor.datatype[:20]!r}; texts are of datatype 'BYTES'")
    if len(tensor.shape) not in {1, 2} or tensor.shape[1:] not in ([], [1]) or tensor.shape[0] < 1:
        raise RequestError(f"the shape of the input is {tensor.shape}; texts have the shape [N] or [N, 1]")
    check_num_texts(tensor.shape[0], max_texts)
    size = tensor.parameters.binary_data_size
    texts = _from_json(tensor.data, max_texts) if size is None else _from_bytes(binary, size, max_texts)
    if len(texts) != prod(tensor.shape):
        raise RequestError(f"the input has {len(texts)} texts, but its shape is {tensor.shape}")
    return texts


def write(name: str, column: np.ndarray[Any, Any], *, is_binary: bool) -> tuple[dict[str, Any], bytes]:
    """Write an output tensor.

    Args:
        name: Of the output.
        column: N rows of strings, floats or truth values.
        is_binary: True to write its data as bytes.

    Returns:
        Its JSON object, and the bytes to put after the JSON.
    """
    tensor = {"name": name, "shape": list(column.shape), "datatype": _DATATYPES[column.dtype.kind]}
    if not is_binary:
        return {**tensor, "data": column.ravel().tolist()}, b""
    data = b"".join(map(_counted, column)) if column.dtype.kind == "O" else column.tobytes()
    return {**tensor, "parameters": {"binary_data_size": len(data)}}, data


def _from_json(data: Any, max_texts: int) -> list[str]:  # noqa: ANN401  any JSON value
    """Read texts given flat, or as rows of one."""
    if not isinstance(data, list):
        raise RequestError("the input has no data; give a list of texts, or binary_data_size and bytes after the JSON")
    check_num_texts(len(data), max_texts)
    flat = [item[0] if isinstance(item, list) and len(item) == 1 else item for item in data]
    for position, item in enumerate(flat):
        if not isinstance(item, str):
            raise RequestError(f"data[{position}] of the input is not a string")
    return flat


def _from_bytes(binary: bytes, size: int, max_texts: int) -> list[str]:
    if size != len(binary):
        raise RequestError(f"binary_data_size is {size}, but {len(binary)} bytes follow the JSON")
    texts: list[str] = []
    start = 0
    while start < size:
        stop = start + _LENGTH_BYTES
        length = int.from_bytes(binary[start:stop], "little")
        if stop + length > size:
            raise RequestError(f"text {len(texts)} goes beyond the end of the binary data")
        check_num_texts(len(texts) + 1, max_texts)
        texts.append(_decode(binary[stop : stop + length], len(texts)))
        start = stop + length
    return texts


def _decode(data: bytes, position: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"text {position} is not UTF-8 at byte {error.start}") from None


def _counted(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(_LENGTH_BYTES, "little") + data
