"""Routes of the Open Inference Protocol, version 2; ``api.protocols.open_inference`` reads and writes their bodies."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from textwright.api.protocols import open_inference as protocol
from textwright.errors import NotReadyError
from textwright.server.http.openapi import NOT_READY, described, path_parameter, refusal
from textwright.server.http.predict import predict_as
from textwright.server.http.state import choose, state_of
from textwright.server.inference.served_model import ServedModel


def build_router(served: ServedModel) -> APIRouter:
    """Make the routes.

    Args:
        served: The loaded model.

    Returns:
        A router with health, metadata and inference; a version in the address must be the model's.
    """
    router = APIRouter(tags=["Open Inference Protocol"])
    add = router.add_api_route
    add("/v2", server_metadata, summary="Describe the server")
    add("/v2/repository/index", repository_index, methods=["POST"], summary="List the models, as Triton does")
    add("/v2/health/live", live, summary="Is it alive?")
    add("/v2/health/ready", ready, summary="Is it ready?", responses=NOT_READY)
    name = path_parameter("name", "Of the model.", served.identity.name)
    version = path_parameter("version", "Of the model.", served.identity.version)
    request = protocol.example_request(served.model.example_texts[0])
    answer = {"model_name": served.identity.name, "outputs": []}
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
        infer_doc = described(served, _schema(), request=request, response=answer, parameters=where)
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
    output = {"type": "object", "properties": {"name": {"enum": list(protocol.OUTPUTS)}}, "required": ["name"]}
    properties = {
        "id": {"type": ["string", "null"]},
        "inputs": {"type": "array", "items": tensor, "minItems": 1, "maxItems": 1},
        "outputs": {"type": "array", "items": output},
    }
    return {"type": "object", "properties": properties, "required": ["inputs"]}


async def server_metadata() -> JSONResponse:
    """Say what this server is and which extensions it knows."""
    return JSONResponse(protocol.describe_server())


async def live() -> JSONResponse:
    """Say that the process lives."""
    return JSONResponse({"live": True})


async def ready(request: Request) -> JSONResponse:
    """Say whether requests may be sent here."""
    if not await state_of(request).registry.is_ready():
        raise NotReadyError("the model is not ready")
    return JSONResponse({"ready": True})


async def model_ready(request: Request) -> JSONResponse:
    """Say whether the model may be asked."""
    served = _choose(request)
    if not await served.is_ready():
        raise NotReadyError("the model is not ready")
    return JSONResponse({"name": served.identity.name, "ready": True})


async def model_metadata(request: Request) -> JSONResponse:
    """Say which tensors the model takes and gives, and the order of its labels."""
    return JSONResponse(protocol.describe_model(_choose(request).model))


async def model_config(request: Request) -> JSONResponse:
    """Say what Triton's clients read before they send tensors: names, types and shapes."""
    return JSONResponse(protocol.describe_config(_choose(request).model))


async def repository_index(request: Request) -> JSONResponse:
    """List the models with their versions and whether they may be asked."""
    models = state_of(request).registry.models
    return JSONResponse([protocol.describe_state(one.model, is_ready=await one.is_ready()) for one in models])


async def infer(request: Request) -> Response:
    """Predict the texts of one BYTES tensor; outputs are `label`, `probabilities`, `logits` and `truncated`."""
    _choose(request)
    return await predict_as(protocol, request)


def _choose(request: Request) -> ServedModel:
    names = request.path_params
    return choose(request, names["name"], names.get("version"))
