"""Tensors of the Open Inference Protocol: texts in, columns out, as JSON or as bytes.

Source:
    kserve/open-inference-protocol, specification/protocol/inference_rest.md, "Tensor Data"; Triton Inference Server,
    "Binary Tensor Data Extension".
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final, NamedTuple, Self

import numpy as np

from textwright.api.protocols.fields import ANY, OBJECT, STRING, WHOLE, Fields, list_of
from textwright.api.validation import RequestLimits, check_num_texts
from textwright.errors import RequestError

_LENGTH_BYTES: Final = 4
_MAX_DIMENSIONS: Final = 8
_DATATYPES: Final = {"O": "BYTES", "f": "FP32", "b": "BOOL"}


class InputTensor(NamedTuple):
    """A tensor of a request.

    Args:
        shape: Its dimensions.
        datatype: As the protocol names it.
        data: Its data in JSON; None if they are bytes.
        num_bytes: How many bytes after the JSON belong to it; None for none.
    """

    shape: list[int]
    datatype: str
    data: Any
    num_bytes: int | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read its JSON object.

        Raises:
            RequestError: If a field is missing or of another type.
        """
        fields.read("name", STRING)
        shape = fields.read("shape", list_of(WHOLE, _MAX_DIMENSIONS))
        datatype = fields.read("datatype", STRING)
        parameters = fields.inner("parameters", fields.read("parameters", OBJECT, {}))
        size = parameters.read("binary_data_size", WHOLE.or_null(), None)
        data = fields.read("data", ANY, None)
        return cls(list(map(int, shape)), datatype, data, None if size is None else int(size))


def texts_of(inputs: Sequence[InputTensor], binary: bytes, limits: RequestLimits) -> list[str]:
    """Read the texts of the one input tensor.

    Args:
        inputs: The tensors of the request.
        binary: What follows the JSON.
        limits: Of a request.

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
    check_num_texts(tensor.shape[0], limits)
    size = tensor.num_bytes
    texts = _from_json(tensor.data, limits) if size is None else _from_bytes(binary, size, limits)
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


def _from_json(data: Any, limits: RequestLimits) -> list[str]:  # noqa: ANN401  any JSON value
    """Read texts given flat, or as rows of one."""
    if not isinstance(data, list):
        raise RequestError("the input has no data; give a list of texts, or binary_data_size and bytes after the JSON")
    check_num_texts(len(data), limits)
    flat = [item[0] if isinstance(item, list) and len(item) == 1 else item for item in data]
    for position, item in enumerate(flat):
        if not isinstance(item, str):
            raise RequestError(f"data[{position}] of the input is not a string")
    return flat


def _from_bytes(binary: bytes, size: int, limits: RequestLimits) -> list[str]:
    if size != len(binary):
        raise RequestError(f"binary_data_size is {size}, but {len(binary)} bytes follow the JSON")
    texts: list[str] = []
    start = 0
    while start < size:
        stop = start + _LENGTH_BYTES
        length = int.from_bytes(binary[start:stop], "little")
        if stop + length > size:
            raise RequestError(f"text {len(texts)} goes beyond the end of the binary data")
        check_num_texts(len(texts) + 1, limits)
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
