"""``/ping`` and ``/invocations``: every form that SageMaker's and Vertex AI's clients send gives one answer."""

from __future__ import annotations

import json

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


def lines(client, content, media_type):
    return client.post("/invocations", content=content, headers={"content-type": media_type})


@pytest.mark.parametrize("content", [b"good\nbad\n", b"good\r\nbad", b'"good"\n"bad"\n', b"\xef\xbb\xbfgood\nbad\n"])
def test_each_line_of_csv_is_a_text_and_none_names_the_columns(client, content):
    answer = lines(client, content, "text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    first, second = answer.text.splitlines()
    assert first.startswith("good,positive,")
    assert second.startswith("bad,negative,")


def test_a_first_line_of_names_is_one_where_the_client_says_so(client):
    answer = lines(client, b"id,text\n7,good\n", "text/csv; header=present")
    assert [row[:14] for row in answer.text.splitlines()] == ["id,text,predic", "7,good,positiv"]
    native = client.post("/v1/predict", content=b"good\nbad\n", headers={"content-type": 'text/csv; header="absent"'})
    assert len(native.text.splitlines()) == 2


def test_csv_of_several_fields_is_refused_with_the_line(client):
    answer = lines(client, b"good\n1,bad\n", "text/csv")
    assert answer.status_code == 422
    assert "line 2 of the CSV has 2 fields" in answer.json()["detail"]
    assert lines(client, b"\n", "text/csv").status_code == 422


def test_each_json_line_gets_a_line(client):
    content = b'"a good film"\n\n{"text": "an awful film"}\n{"inputs": "a good film"}'
    answer = lines(client, content, "application/jsonlines")
    assert answer.headers["content-type"] == "application/jsonlines"
    found = [json.loads(line) for line in answer.text.splitlines()]
    said = client.post("/v1/predict", json={"texts": [*TEXTS, TEXTS[0]]}).json()["predictions"]
    assert found == said


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"", 422, "no line"),
        (b'"good"\n{', 400, "line 2"),
        (b'"good"\n1\n', 422, "line 2"),
        (b'{"text": "a", "more": 1}', 422, "line 1"),
        (b'"a\xff"', 400, "line 1"),
        (rb'"\ud800"', 400, "line 1"),
        (b'"a"\n' * 6, 422, "at most 5"),
        (b"\n" * 100, 422, "empty lines"),
    ],
)
def test_broken_json_lines_are_refused_with_the_line(client, content, status, said):
    answer = lines(client, content, "application/jsonlines")
    assert answer.status_code == status
    assert said in answer.json()["detail"]


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
