"""The OpenAPI document tells what the server does: its examples are true, its limits are the server's."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from textwright.api.schemas import PredictResponse, Problem


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
