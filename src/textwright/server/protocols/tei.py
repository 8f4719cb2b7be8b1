"""Routes of text-embeddings-inference; ``api.protocols.tei`` reads and writes their bodies."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from textwright.api.protocols import tei as protocol
from textwright.server.http.openapi import described, text_schema, texts_schema
from textwright.server.http.predict import predict_as
from textwright.server.inference.served_model import ServedModel
from textwright.server.settings import ServeSettings


def build_router(served: ServedModel) -> APIRouter:
    """Make the route.

    Args:
        served: The loaded model.

    Returns:
        A router with ``POST /predict`` and ``POST /``, to which Hugging Face's client sends when given a bare URL.
    """
    router = APIRouter(tags=["text-embeddings-inference"])
    schema = {"oneOf": request_forms(served.settings)}
    request = {"inputs": served.model.example_texts[0]}
    documentation = described(served, schema, request=request, response=_example_answer(served))
    router.add_api_route("/predict", predict, methods=["POST"], summary="Predict, as TEI does", **documentation)
    router.add_api_route("/", predict, methods=["POST"], include_in_schema=False)  # GET is the page's
    return router


def _example_answer(served: ServedModel) -> list[dict[str, Any]]:
    probabilities = served.example["predictions"][0]["probabilities"]
    ranked = sorted(probabilities.items(), key=lambda item: item[1], reverse=True)
    return [{"label": label, "score": probability} for label, probability in ranked]


def request_forms(settings: ServeSettings) -> list[dict[str, Any]]:
    """Describe what both clients send: TEI's form, and that of Hugging Face's client, which has parameters."""
    text = text_schema(settings)
    alone = {"type": "array", "items": text, "minItems": 1, "maxItems": 1}
    common = {
        "raw_scores": {"type": "boolean"},
        "truncate": {"type": ["boolean", "null"]},
        "truncation_direction": {"enum": ["left", "right", "Left", "Right"]},
    }
    parameters = {
        "type": "object",
        "properties": {
            "function_to_apply": {"enum": ["sigmoid", "softmax", "none", None]},
            "top_k": {"type": ["integer", "null"], "minimum": 1},
        },
    }
    several = {"anyOf": [text, alone, texts_schema(settings, alone)]}
    plain = {"inputs": several, **common, "parameters": {"type": "null"}}
    with_parameters = {"inputs": {"anyOf": [text, texts_schema(settings)]}, **common, "parameters": parameters}
    return [
        {"type": "object", "properties": plain, "required": ["inputs"]},
        {"type": "object", "properties": with_parameters, "required": ["inputs", "parameters"]},
    ]


async def predict(request: Request) -> Response:
    """Predict `inputs`: one text, or several as `[["one"], ["another"]]`; labels come best first."""
    return await predict_as(protocol, request)
