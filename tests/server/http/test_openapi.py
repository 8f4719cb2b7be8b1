"""The OpenAPI document tells what the server does: its examples are true, its limits are the server's."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

import textwright
from textwright.api.schemas import PredictResponse, Problem
from textwright.server.app import create_app


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json()


@pytest.fixture
def predict_operation(document):
    return document["paths"]["/v1/predict"]["post"]


def test_the_example_answer_is_what_the_model_says(client, predict_operation):
    request = predict_operation["requestBody"]["content"]["application/json"]["examples"]["one"]["value"]
    example = predict_operation["responses"]["200"]["content"]["application/json"]["example"]
    assert client.post("/v1/predict", json=request).json() == example
    assert set(TypeAdapter(PredictResponse).validate_json(json.dumps(example)).predictions[0].probabilities) == {
        "negative",
        "positive",
    }


TEXTS = ('It\'s "good", he said', "not good: b\u00e4d")


@pytest.fixture
def own_examples(make_artifact, settings):
    """A server whose model has example texts of its own."""
    path = make_artifact("own", data={"example_texts": list(TEXTS)})
    with TestClient(create_app(textwright.load(path), settings)) as client:
        yield client


def test_every_example_is_a_text_of_the_model(own_examples):
    document = own_examples.get("/openapi.json").json()
    assert own_examples.get("/v1/model").json()["example_texts"] == list(TEXTS)
    assert "film" not in json.dumps(document["paths"])
    for path in ("/v1/predict", "/predict", "/invocations"):
        operation = document["paths"][path]["post"]
        for media_type, content in operation["requestBody"]["content"].items():
            bodies = [item["value"] for item in content.get("examples", {}).values()] or [content["example"]]
            for body in bodies:
                sent = body if isinstance(body, str) else json.dumps(body)
                answer = own_examples.post(path, content=sent.encode(), headers={"content-type": media_type})
                assert answer.status_code == 200, (path, media_type, answer.text)


def test_an_example_of_a_table_fits_its_own_pattern(own_examples):
    paths = own_examples.get("/openapi.json").json()["paths"]
    described = [
        content
        for path in ("/v1/predict", "/invocations")
        for content in paths[path]["post"]["requestBody"]["content"].values()
        if "pattern" in content["schema"]
    ]
    assert len(described) == 3
    assert all(re.search(item["schema"]["pattern"], item["example"]) for item in described)


def test_the_example_of_text_embeddings_inference_is_answered_as_it_says(own_examples):
    operation = own_examples.get("/openapi.json").json()["paths"]["/predict"]["post"]
    request = operation["requestBody"]["content"]["application/json"]["example"]
    answer = operation["responses"]["200"]["content"]["application/json"]["example"]
    said = own_examples.post("/predict", json=request).json()
    assert [item["label"] for item in said] == [item["label"] for item in answer]
    assert [item["score"] for item in said] == pytest.approx([item["score"] for item in answer], abs=1e-5)


def test_every_example_request_is_answered(client, predict_operation):
    examples = predict_operation["requestBody"]["content"]["application/json"]["examples"]
    assert [client.post("/v1/predict", json=item["value"]).status_code for item in examples.values()] == [200, 200, 200]


def test_every_example_problem_is_a_problem(document):
    examples = [
        (int(status), response["content"]["application/problem+json"]["example"])
        for path in document["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        if int(status) >= 400
    ]
    assert {400, 408, 413, 415, 422, 429, 503, 504} <= {status for status, _ in examples}
    assert all(TypeAdapter(Problem).validate_json(json.dumps(example)).status == status for status, example in examples)


def test_the_limits_of_this_server_are_in_the_document(predict_operation, settings):
    one, many = predict_operation["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert one["properties"]["text"]["maxLength"] == settings.max_text_chars
    assert many["properties"]["texts"]["maxItems"] == settings.max_texts


def test_every_reference_in_the_document_can_be_followed(document):
    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from references(child)

    names = {reference.rpartition("/")[2] for reference in references(document)}
    assert {"Problem", "PredictResponse", "ModelInfo"} <= names <= set(document["components"]["schemas"])
