"""The Open Inference Protocol, version 2, over REST, as KServe, Triton and Seldon clients speak it.

One input tensor of texts, BYTES of shape [N] or [N, 1], under any name; four outputs of N rows: ``label`` (BYTES, empty
if no label holds), ``probabilities`` and ``logits`` (FP32, [N, K], in the order of the model's metadata parameter
``labels``) and ``truncated`` (BOOL). Tensors may be JSON or, with the binary tensor data extension, bytes after it.

Source:
    kserve/open-inference-protocol, specification/protocol/inference_rest.md; Triton Inference Server,
    "Binary Tensor Data Extension".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from textwright import __version__
from textwright.api.codec import EXAMPLE_TEXT, encode_json, parse_json
from textwright.api.headers import BINARY, JSON, UNDECLARED
from textwright.api.model import LoadedModel
from textwright.api.protocols import tensors
from textwright.api.protocols.fields import BOOLEAN, OBJECT, REQUIRED, STRING, Fields, list_of
from textwright.api.protocols.request import Answer, PredictRequest, Scored
from textwright.api.validation import RequestLimits
from textwright.errors import RequestError

# Triton's own client declares no media type at all.
MEDIA_TYPES: Final = (JSON, BINARY, UNDECLARED)
JSON_LENGTH: Final = "inference-header-content-length"
OUTPUTS: Final = ("label", "probabilities", "logits", "truncated")
_WIDE: Final = frozenset({"probabilities", "logits"})
_TRITON_TYPES: Final = {"label": "STRING", "truncated": "BOOL"}
_MAX_TENSORS: Final = 64
"""Tensors in a list; ours are one of texts and four outputs."""
_OBJECTS: Final = list_of(OBJECT, _MAX_TENSORS)


def example_request(text: str) -> dict[str, Any]:
    """Write a right body."""
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]}
    return {"inputs": [tensor], "outputs": [{"name": "label"}]}


_EXAMPLE_BODY: Final = json.dumps(example_request(EXAMPLE_TEXT), separators=(",", ":"))


class InferenceRequest(PredictRequest):
    """A request for some outputs.

    Args:
        fields: Of the JSON.
        binary: What follows it.
        limits: Of a request.

    Raises:
        RequestError: If a field is missing or of another type, there is not one tensor of texts, or no such output.
        RequestLimitError: If there are too many texts.
    """

    def __init__(self, fields: Fields, binary: bytes, limits: RequestLimits) -> None:
        self._id = fields.read("id", STRING.or_null(), None)
        inputs = [tensors.InputTensor.read(item) for item in _objects(fields, "inputs", REQUIRED)]
        self._outputs = _outputs(fields)
        super().__init__(tensors.texts_of(inputs, binary, limits))

    def num_scores(self, num_labels: int) -> int:
        """Count the scores in the answer to one text."""
        return sum(num_labels for name, _ in self._outputs if name in _WIDE)

    def encode(self, model: LoadedModel, scored: Sequence[Scored]) -> Answer:
        """Write the outputs, as JSON or as bytes behind it.

        Args:
            model: What answered.
            scored: N scored texts, in order.

        Returns:
            The answer.
        """
        outputs = [tensors.write(name, _column(name, scored), is_binary=flag) for name, flag in self._outputs]
        head: dict[str, Any] = {"model_name": model.identity.name, "model_version": model.identity.version}
        head |= {"outputs": [tensor for tensor, _ in outputs]} | ({} if self._id is None else {"id": self._id})
        content, binary = encode_json(head), b"".join(data for _, data in outputs)
        if not binary:
            return Answer(content)
        return Answer(content + binary, BINARY, {JSON_LENGTH: str(len(content))})


def parse(headers: Mapping[str, str], body: bytes, limits: RequestLimits) -> InferenceRequest:
    """Read a body of one of :data:`MEDIA_TYPES`; see :class:`InferenceRequest`.

    Args:
        headers: Names are looked up in lower case; one says where the JSON ends.
        body: The bytes.
        limits: Of a request.

    Returns:
        The request.

    Raises:
        RequestSyntaxError: If the JSON is none; says where.
    """
    head, binary = _split(body, headers.get(JSON_LENGTH))
    return InferenceRequest(
        Fields(parse_json(head, limits, example=_EXAMPLE_BODY), example=_EXAMPLE_BODY), binary, limits
    )


def describe_server() -> dict[str, Any]:
    """Say what this server is and which extensions it knows."""
    return {"name": "textwright", "version": __version__, "extensions": ["binary_tensor_data"]}


def describe_model(model: LoadedModel) -> dict[str, Any]:
    """Say which tensors the model takes and gives, and the order of its labels."""
    shapes = {"label": [-1], "truncated": [-1]}
    width = len(model.labels)
    types = {"label": "BYTES", "truncated": "BOOL"}
    outputs = [
        {"name": name, "datatype": types.get(name, "FP32"), "shape": shapes.get(name, [-1, width])} for name in OUTPUTS
    ]
    return {
        "name": model.identity.name,
        "versions": [model.identity.version],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": outputs,
        "parameters": {"labels": model.labels},
    }


def describe_config(model: LoadedModel) -> dict[str, Any]:
    """Say what Triton's clients read before they send tensors: names, types and shapes."""
    width = len(model.labels)
    outputs = [
        {
            "name": name,
            "data_type": f"TYPE_{_TRITON_TYPES.get(name, 'FP32')}",
            "dims": [-1, width][: 1 + (name in _WIDE)],
        }
        for name in OUTPUTS
    ]
    return {
        "name": model.identity.name,
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": 0,
        "input": [{"name": "text", "data_type": "TYPE_STRING", "dims": [-1]}],
        "output": outputs,
    }


def describe_state(model: LoadedModel, *, is_ready: bool) -> dict[str, str]:
    """Say in a row of the repository's index whether requests may be sent to a model."""
    state, reason = ("READY", "") if is_ready else ("UNAVAILABLE", "the model is not ready")
    return {"name": model.identity.name, "version": model.identity.version, "state": state, "reason": reason}


def _split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    if json_length is None:
        return body, b""
    if not (json_length.isascii() and json_length.isdecimal() and int(json_length[:20]) <= len(body)):
        raise RequestError(
            f"{JSON_LENGTH} must be the number of bytes of the JSON at the beginning of the body, at most {len(body)}"
        )
    end = int(json_length[:20])
    return body[:end], body[end:]


def _objects(fields: Fields, name: str, default: object) -> list[Fields]:
    content = fields.read(name, _OBJECTS, default)
    return [fields.inner(f"{name}.{position}", item) for position, item in enumerate(content)]


def _outputs(fields: Fields) -> list[tuple[str, bool]]:
    """List the outputs to write, each once, with whether as bytes."""
    parameters = fields.inner("parameters", fields.read("parameters", OBJECT, {}))
    by_default = parameters.read("binary_data_output", BOOLEAN, default=False)
    flags: dict[str, bool] = {}
    for output in _objects(fields, "outputs", []):
        name = output.read("name", STRING)
        if name not in OUTPUTS:
            raise RequestError(f"there is no output {name[:40]!r}; there are {', '.join(OUTPUTS)}")
        flag = output.inner("parameters", output.read("parameters", OBJECT, {})).read(
            "binary_data", BOOLEAN.or_null(), None
        )
        flags[name] = by_default if flag is None else flag
    return list(flags.items()) or [(name, by_default) for name in OUTPUTS]


def _column(name: str, scored: Sequence[Scored]) -> np.ndarray[Any, Any]:
    match name:
        case "label":
            return np.array([item.prediction.label or "" for item in scored], dtype=object)
        case "probabilities":
            return np.array([list(item.prediction.probabilities.values()) for item in scored], dtype=np.float32)
        case "logits":
            return np.array([item.logits for item in scored], dtype=np.float32)
    return np.array([item.prediction.truncated for item in scored], dtype=np.bool_)
