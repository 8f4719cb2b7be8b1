"""Every protocol, over HTTP and over Lambda: the same request gets the same status, type and bytes."""

from __future__ import annotations

import base64
import gzip
import json
import struct

import pytest
from lambda_events import Context, function_url
from starlette.testclient import TestClient

import textwright
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

LIMITS = {"max_texts": 6, "max_text_chars": 1000, "max_body_bytes": 10_000}
TEXTS = ["a good film", "", "an awful film, really awful", "\U0001f600 \u4f60\u597d", "good " * 30, "the unheard of"]
COUNTED = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in TEXTS)
JSON, CSV, LINES, BINARY = "application/json", "text/csv", "application/jsonlines", "application/octet-stream"
TENSOR = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
BYTES = {"name": "text", "shape": [6, 1], "datatype": "BYTES", "parameters": {"binary_data_size": len(COUNTED)}}
HEAD = json.dumps({"inputs": [BYTES], "parameters": {"binary_data_output": True}}).encode()
INFER = "/v2/models/{name}/infer"


def of(content, media_type=JSON, **headers):
    """Make the body and the headers of a request."""
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return body, {"content-type": media_type, "x-request-id": "the-same", **names}


PREDICTIONS = {
    "native, one text": ("/v1/predict", *of({"text": TEXTS[0]})),
    "native, texts": ("/v1/predict", *of({"texts": TEXTS})),
    "native, top 1": ("/v1/predict", *of({"texts": TEXTS, "top_k": 1})),
    "native, named": ("/v1/predict", *of({"text": "good", "model": "{name}"})),
    "native, by address": ("/v1/predict?model={name}", *of({"text": "good"})),
    "native, compressed": ("/v1/predict", *of(gzip.compress(b'{"text": "good"}', mtime=0), content_encoding="gzip")),
    "native, table": ("/v1/predict", *of(b"id,text\n1,good\n2,bad\n", CSV)),
    "tei, one text": ("/predict", *of({"inputs": TEXTS[0]})),
    "tei, batch": ("/predict", *of({"inputs": [[text] for text in TEXTS]})),
    "tei, logits": ("/", *of({"inputs": [[text] for text in TEXTS], "raw_scores": True})),
    "hugging face": ("/", *of({"inputs": TEXTS, "parameters": {"function_to_apply": "sigmoid", "top_k": 1}})),
    "open inference": (INFER, *of({"inputs": [TENSOR], "id": "42"})),
    "open inference, label": (INFER, *of({"inputs": [TENSOR], "outputs": [{"name": "label"}]})),
    "open inference, bytes": (
        INFER,
        *of(HEAD + COUNTED, BINARY, inference_header_content_length=str(len(HEAD))),
    ),
    "sagemaker": ("/invocations", *of({"texts": TEXTS})),
    "sagemaker, table": ("/invocations", *of(b"good\nbad\n", CSV)),
    "sagemaker, lines": ("/invocations", *of("\n".join(map(json.dumps, TEXTS)).encode(), LINES)),
    "vertex": ("/invocations", *of({"instances": [TEXTS[0], {"text": TEXTS[2]}]})),
    "vertex, hugging face": ("/invocations", *of({"inputs": TEXTS[0]})),
}
REFUSALS = {
    "native, no json": ("/v1/predict", *of(b"{")),
    "native, field": ("/v1/predict", *of({"txt": "good"})),
    "native, type": ("/v1/predict", *of({"text": "good"}, "text/plain")),
    "native, table": ("/v1/predict", *of(b"a,b\n1,2\n", CSV)),
    "native, no gzip": ("/v1/predict", *of(b"{}", content_encoding="gzip")),
    "tei, pair": ("/predict", *of({"inputs": ["a", "b"]})),
    "tei, field": ("/predict", *of({"inputs": "a", "raw_scores": "yes"})),
    "tei, long": ("/predict", *of({"inputs": "good " * 30, "truncate": False})),
    "tei, left": ("/predict", *of({"inputs": "good " * 30, "truncation_direction": "left"})),
    "open inference, shape": (INFER, *of({"inputs": [{**TENSOR, "shape": [2]}]})),
    "open inference, output": (INFER, *of({"inputs": [TENSOR], "outputs": [{"name": "scores"}]})),
    "open inference, no tensor": (INFER, *of({"inputs": [{"name": "text"}]})),
    "sagemaker, line": ("/invocations", *of(b'"good"\n1\n', LINES)),
    "vertex, item": ("/invocations", *of({"instances": [1]})),
}
OTHER_CURES = {
    "too many texts": ("/v1/predict", *of({"texts": ["a"] * 7})),
    "too long a text": ("/predict", *of({"inputs": "a" * 1001})),
    "too many rows": ("/invocations", *of(b"a\n" * 7, CSV)),
    "too many bytes": (INFER, *of({"inputs": [{**TENSOR, "data": ["a" * 10_000]}]})),
    "another model": ("/v1/predict", *of({"text": "a", "model": "other"})),
    "another in the address": ("/v2/models/other/infer", *of({"inputs": [TENSOR]})),
}
DESCRIPTIONS = [
    ("GET", path)
    for path in (
        "/v1/model",
        "/v1/models",
        "/healthz",
        "/readyz",
        "/ping",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{name}",
        "/v2/models/{name}/config",
        "/v2/models/{name}/ready",
        "/v2/models/{name}/versions/{version}",
    )
] + [("POST", "/v2/repository/index")]


@pytest.fixture(params=["tiny_artifact", "tiny_multilabel_artifact", "tiny_cascade", "tiny_abstaining_artifact"])
def sides(request, make_handler):
    """The same model as a server and as a function."""
    artifact = request.getfixturevalue(request.param)
    handler = make_handler(artifact, **LIMITS)
    with TestClient(create_app(textwright.load(artifact, num_threads=1), ServeSettings(**LIMITS))) as client:
        yield client, handler


def ask(sides, path, body=b"", headers=None, method="POST"):
    """Ask both; return status, content type and body of each."""
    client, handler = sides
    identity = handler._model.identity
    names = {"name": identity.name, "version": identity.version}
    path, query = path.format(**names).partition("?")[::2]
    if b"{name}" in body:
        body = body.replace(b"{name}", identity.name.encode())
    http = client.request(method, path + ("?" + query if query else ""), content=body, headers=headers)
    event = function_url(body, path=path, method=method, headers=headers or {}, is_base64=True)
    event["queryStringParameters"] = dict([query.split("=")]) if query else None
    answer = handler(event, Context())
    content = answer["body"].encode() if not answer["isBase64Encoded"] else base64.b64decode(answer["body"])
    length = "inference-header-content-length"
    return (
        (http.status_code, http.headers["content-type"], http.headers.get(length), http.content),
        (answer["statusCode"], answer["headers"]["content-type"], answer["headers"].get(length), content),
    )


def test_predictions_are_the_same_bytes(sides):
    for name, request in PREDICTIONS.items():
        http, function = ask(sides, *request)
        assert (name, http) == (name, function)
        assert http[0] == 200, (name, http)


def test_refusals_are_the_same_bytes(sides):
    for name, request in REFUSALS.items():
        http, function = ask(sides, *request)
        assert (name, http) == (name, function)
        assert 400 <= http[0] < 500, (name, http)


def test_refusals_whose_cure_differs_have_the_same_code(sides):
    for name, request in OTHER_CURES.items():
        http, function = ask(sides, *request)
        assert (name, http[:3]) == (name, function[:3])
        assert json.loads(http[3])["code"] == json.loads(function[3])["code"], name
        assert "--" not in json.loads(function[3])["detail"], name


def test_descriptions_are_the_same_bytes(sides):
    for method, path in DESCRIPTIONS:
        http, function = ask(sides, path, method=method)
        assert (path, http) == (path, function)
        assert http[0] == 200, path


def test_explanations_are_the_same(sides):
    http, function = ask(sides, "/v1/predict", *of({"texts": TEXTS[:4], "explain": True}))
    assert http == function
    assert len(json.loads(http[3])["predictions"][0]["explanation"]["words"]) > 1
