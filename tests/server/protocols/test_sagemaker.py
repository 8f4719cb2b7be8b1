"""``/ping`` and ``/invocations``: every form that SageMaker's and Vertex AI's clients send gives one answer."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from textwright.server.app import create_app

TEXTS = ["a good film", "an awful film"]


def invoke(client, body):
    return client.post("/invocations", json=body)


def test_ping_follows_readiness(predictor):
    client = TestClient(create_app(predictor))
    assert client.get("/ping").status_code == 503
    with client:
        assert client.get("/ping").status_code == 200


@pytest.mark.parametrize(
    "body", [{"texts": TEXTS}, {"instances": TEXTS}, {"instances": [{"text": TEXTS[0]}, TEXTS[1]]}], ids=str
)
def test_native_and_vertex_forms_get_the_native_answer(client, body):
    assert invoke(client, body).json() == client.post("/v1/predict", json={"texts": TEXTS}).json()


def test_one_text_gets_the_native_answer(client):
    assert invoke(client, {"text": "good"}).json() == client.post("/v1/predict", json={"text": "good"}).json()


def test_hugging_faces_form_gets_its_answer(client):
    body = {"inputs": "a good film"}
    assert invoke(client, body).json() == client.post("/predict", json=body).json()


def test_a_table_comes_back_as_one(client):
    answer = client.post("/invocations", content=b"text\ngood\n", headers={"content-type": "text/csv"})
    assert answer.text.splitlines()[1].startswith("good,positive,")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"instances": []}, "instances"),
        ({"instances": "good"}, "instances"),
        ({"instances": [1]}, "instances[0]"),
        ({"instances": ["a", {"other": "b"}]}, "instances[1]"),
        ({"instances": [{"text": "a", "more": 1}]}, "instances[0]"),
        ({}, "exactly one"),
        ({"inputs": 1}, "inputs"),
    ],
    ids=str,
)
def test_another_form_is_refused_in_words(client, body, said):
    answer = invoke(client, body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
