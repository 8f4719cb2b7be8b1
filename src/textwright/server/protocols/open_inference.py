"""The Open Inference Protocol, version 2, over REST, as KServe, Triton and Seldon clients speak it.

One input tensor of texts, BYTES of shape [N] or [N, 1], under any name; four outputs of N rows: ``label`` (BYTES, empty
if no label holds), ``probabilities`` and ``logits`` (FP32, [N, K], in the order of the model's metadata parameter
``labels``) and ``truncated`` (BOOL). Tensors may be JSON or, with the binary tensor data extension, bytes after it.

Source:
    kserve/open-inference-protocol, specification/protocol/inference_rest.md; Triton Inference Server,
    "Binary Tensor Data Extension".
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter
from pydantic import FailFast, Field
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright import __version__
from textwright.api.validation import JSON
from textwright.errors import NotReadyError, RequestError
from textwright.server.answers import check_answer, write
from textwright.server.body import BINARY, UNDECLARED, check_num_values, off_loop, read_body
from textwright.server.engine import Scored
from textwright.server.openapi import NOT_READY, path_parameter, refusal
from textwright.server.protocols import tensors
from textwright.server.protocols.documentation import described
from textwright.server.protocols.parsing import Form, parse
from textwright.server.protocols.tensors import InputTensor
from textwright.server.scoring import score
from textwright.server.service import Service, choose, settings_of

JSON_LENGTH: Final = "inference-header-content-length"
_OUTPUTS: Final = ("label", "probabilities", "logits", "truncated")
_WIDE: Final = frozenset({"probabilities", "logits"})
_TRITON_TYPES: Final = {"label": "STRING", "truncated": "BOOL"}
_MAX_TENSORS: Final = 64
"""Tensors in a list; ours are one of texts and four outputs."""
_EXAMPLE: Final = {
    "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["A touching film with a great cast."]}],
    "outputs": [{"name": "label"}],
}


class OutputParameters(Form):
    """Whether an output shall come as bytes; None follows the request."""

    binary_data: bool | None = None


class RequestedOutput(Form):
    """One of our outputs, by its name."""

    name: str
    parameters: OutputParameters = OutputParameters()


class RequestParameters(Form):
    """Whether outputs shall come as bytes unless they say otherwise."""

    binary_data_output: bool = False


class InferenceRequest(Form):
    """The JSON of a request; no outputs asks for all."""

    id: str | None = None
    inputs: Annotated[list[InputTensor], FailFast(), Field(max_length=_MAX_TENSORS)]
    outputs: Annotated[list[RequestedOutput], FailFast(), Field(max_length=_MAX_TENSORS)] = Field(default_factory=list)
    parameters: RequestParameters = RequestParameters()


def build_router(service: Service) -> APIRouter:
    """Make the routes.

    Args:
        service: The loaded model.

    Returns:
        A router with health, metadata and inference; a version in the address must be the model's.
    """
    router = APIRouter(tags=["Open Inference Protocol"])
    add = router.add_api_route
    add("/v2", server_metadata, summary="Describe the server")
    add("/v2/repository/index", repository_index, methods=["POST"], summary="List the models, as Triton does")
    add("/v2/health/live", live, summary="Is it alive?")
    add("/v2/health/ready", ready, summary="Is it ready?", responses=NOT_READY)
    name = path_parameter("name", "Of the model.", service.identity.name)
    version = path_parameter("version", "Of the model.", service.identity.version)
    answer = {"model_name": service.identity.name, "outputs": []}
    not_found: dict[int | str, dict[str, Any]] = {HTTPStatus.NOT_FOUND: refusal(HTTPStatus.NOT_FOUND)}
    for model, where in (("/v2/models/{name}", [name]), ("/v2/models/{name}/versions/{version}", [name, version])):
        extra = {"parameters": where}
        add(model, model_metadata, summary="Describe the model", responses=not_found, openapi_extra=extra)
        add(
            f"{model}/config",
            model_config,
            summary="Configure, as Triton does",
            responses=not_found,
            openapi_extra=extra,
        )
        add(
            f"{model}/ready",
            model_ready,
            summary="Is the model ready?",
            responses=not_found | NOT_READY,
            openapi_extra=extra,
        )
        infer_doc = described(service, _schema(), request=_EXAMPLE, response=answer, parameters=where)
        add(f"{model}/infer", infer, methods=["POST"], summary="Infer, as KServe does", **infer_doc)
    return router


def _schema() -> dict[str, Any]:
    """Describe a request; that the number of texts must agree with the shape cannot be said in a schema."""
    tensor = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": 2},
            "datatype": {"const": "BYTES"},
            "data": {"type": "array", "items": {"type": "string"}},
            "parameters": {"type": "object"},
        },
        "required": ["name", "shape", "datatype"],
    }
    output = {"type": "object", "properties": {"name": {"enum": list(_OUTPUTS)}}, "required": ["name"]}
    properties = {
        "id": {"type": ["string", "null"]},
        "inputs": {"type": "array", "items": tensor, "minItems": 1, "maxItems": 1},
        "outputs": {"type": "array", "items": output},
    }
    return {"type": "object", "properties": properties, "required": ["inputs"]}


async def server_metadata() -> JSONResponse:
    """Say what this server is and which extensions it knows."""
    return JSONResponse({"name": "textwright", "version": __version__, "extensions": ["binary_tensor_data"]})


async def live() -> JSONResponse:
    """Say that the process lives."""
    return JSONResponse({"live": True})


async def ready(request: Request) -> JSONResponse:
    """Say whether requests may be sent here."""
    if not await request.app.state.catalog.is_ready():
        raise NotReadyError("the model is not ready")
    return JSONResponse({"ready": True})


async def model_ready(request: Request) -> JSONResponse:
    """Say whether the model may be asked."""
    service = _service_of_model(request)
    if not await service.is_ready():
        raise NotReadyError("the model is not ready")
    return JSONResponse({"name": service.identity.name, "ready": True})


async def model_metadata(request: Request) -> JSONResponse:
    """Say which tensors the model takes and gives, and the order of its labels."""
    service = _service_of_model(request)
    width = len(service.info.labels)
    shapes = {"label": [-1], "truncated": [-1]}
    outputs = [{"name": name, "datatype": _datatype(name), "shape": shapes.get(name, [-1, width])} for name in _OUTPUTS]
    return JSONResponse(
        {
            "name": service.identity.name,
            "versions": [service.identity.version],
            "platform": "onnx_onnxv1",
            "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
            "outputs": outputs,
            "parameters": {"labels": service.info.labels},
        }
    )


async def model_config(request: Request) -> JSONResponse:
    """Say what Triton's clients read before they send tensors: names, types and shapes."""
    service = _service_of_model(request)
    width = len(service.info.labels)
    outputs = [
        {
            "name": name,
            "data_type": f"TYPE_{_TRITON_TYPES.get(name, 'FP32')}",
            "dims": [-1, width][: 1 + (name in _WIDE)],
        }
        for name in _OUTPUTS
    ]
    return JSONResponse(
        {
            "name": service.identity.name,
            "platform": "onnxruntime_onnx",
            "backend": "onnxruntime",
            "max_batch_size": 0,
            "input": [{"name": "text", "data_type": "TYPE_STRING", "dims": [-1]}],
            "output": outputs,
        }
    )


async def repository_index(request: Request) -> JSONResponse:
    """List the models with their versions and whether they may be asked."""
    services: Sequence[Service] = request.app.state.catalog.services
    return JSONResponse([await _state_of(service) for service in services])


async def _state_of(service: Service) -> dict[str, str]:
    is_ready = await service.is_ready()
    state, reason = ("READY", "") if is_ready else ("UNAVAILABLE", "the model is not ready")
    return {"name": service.identity.name, "version": service.identity.version, "state": state, "reason": reason}


async def infer(request: Request) -> Response:
    """Predict the texts of one BYTES tensor; outputs are `label`, `probabilities`, `logits` and `truncated`."""
    service = _service_of_model(request)
    # Triton's own client declares no media type at all.
    body = await read_body(request, settings_of(request), (JSON, BINARY, UNDECLARED))
    header, binary = _split(body, request.headers.get(JSON_LENGTH))
    await off_loop(header, check_num_values, header, settings_of(request).max_texts)
    asked = await off_loop(header, parse, InferenceRequest, header, example=to_json(_EXAMPLE).decode())
    texts = await off_loop(body, tensors.texts_of, asked.inputs, binary, settings_of(request).max_texts)
    wanted = _wanted(asked)
    num_scores = sum(len(service.info.labels) for name, _ in wanted if name in _WIDE)
    check_answer(service, len(texts), num_scores)
    scored = await score(request, texts)

    def encode() -> Response:
        return _encode(service, asked, wanted, scored)

    return await write(len(texts) * num_scores, encode)


def _encode(
    service: Service, asked: InferenceRequest, wanted: Sequence[tuple[str, bool]], scored: list[Scored]
) -> Response:
    written = [tensors.write(name, _column(name, scored), is_binary=flag) for name, flag in wanted]
    head: dict[str, Any] = {"model_name": service.identity.name, "model_version": service.identity.version}
    head |= {"outputs": [tensor for tensor, _ in written]} | ({} if asked.id is None else {"id": asked.id})
    return _respond(to_json(head), b"".join(data for _, data in written))


def _respond(head: bytes, binary: bytes) -> Response:
    if not binary:
        return Response(head, media_type=JSON)
    return Response(head + binary, headers={JSON_LENGTH: str(len(head))}, media_type=BINARY)


def _split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    if json_length is None:
        return body, b""
    if not (json_length.isascii() and json_length.isdecimal() and int(json_length[:20]) <= len(body)):
        raise RequestError(
            f"{JSON_LENGTH} must be the number of bytes of the JSON at the beginning of the body, at most {len(body)}"
        )
    end = int(json_length[:20])
    return body[:end], body[end:]


def _wanted(asked: InferenceRequest) -> list[tuple[str, bool]]:
    """List the outputs to write, each once, with whether as bytes."""
    by_default = asked.parameters.binary_data_output
    if not asked.outputs:
        return [(name, by_default) for name in _OUTPUTS]
    for output in asked.outputs:
        if output.name not in _OUTPUTS:
            raise RequestError(f"there is no output {output.name[:40]!r}; there are {', '.join(_OUTPUTS)}")
    flags = {output.name: output.parameters.binary_data for output in asked.outputs}
    return [(name, by_default if flag is None else flag) for name, flag in flags.items()]


def _column(name: str, scored: list[Scored]) -> np.ndarray[Any, Any]:
    match name:
        case "label":
            return np.array([item.prediction.label or "" for item in scored], dtype=object)
        case "probabilities":
            return np.array([list(item.prediction.probabilities.values()) for item in scored], dtype=np.float32)
        case "logits":
            return np.array([item.logits for item in scored], dtype=np.float32)
    return np.array([item.prediction.truncated for item in scored], dtype=np.bool_)


def _datatype(name: str) -> str:
    return {"label": "BYTES", "truncated": "BOOL"}.get(name, "FP32")


def _service_of_model(request: Request) -> Service:
    asked = request.path_params
    return choose(request, asked["name"], asked.get("version"))
