"""Whatever comes in, the answer is a 4xx with a sentence and a code, and the server goes on serving."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = {"content-type": "application/json"}


def deep(levels: int) -> bytes:
    return b'{"text": ' + b"[" * levels + b"]" * levels + b"}"


BAD_BODIES = {
    "empty body": (b"", 400, "request-syntax"),
    "not JSON": (b"good film", 400, "request-syntax"),
    "half JSON": (b'{"text": "go', 400, "request-syntax"),
    "form data": (b"text=good", 400, "request-syntax"),
    "invalid UTF-8": (b'{"text": "\xff\xfe"}', 400, "request-syntax"),
    "Latin-1": ('{"text": "caf\xe9"}'.encode("latin-1"), 400, "request-syntax"),
    "UTF-16": ('{"text": "good"}'.encode("utf-16"), 400, "request-syntax"),
    "null byte": (b'{"text": "a\x00b"}', 400, "request-syntax"),
    "lone surrogate": (rb'{"text": "\ud800"}', 400, "request-syntax"),
    "lone surrogate among many": (rb'{"texts": ["good", "\udfff"]}', 400, "request-syntax"),
    "deep nesting": (deep(4000), 400, "request-syntax"),
    "null": (b"null", 422, "request"),
    "a number": (b"1e999", 422, "request"),
    "a list": (b'["good"]', 422, "request"),
    "no field": (b"{}", 422, "request"),
    "both fields": (b'{"text": "a", "texts": ["b"]}', 422, "request"),
    "unknown field": (b'{"inputs": "good"}', 422, "request"),
    "text is a number": (b'{"text": 1}', 422, "request"),
    "text is NaN": (b'{"text": NaN}', 422, "request"),
    "text is null": (b'{"text": null}', 422, "request"),
    "text is nested": (deep(20), 422, "request"),
    "texts is a string": (b'{"texts": "good"}', 422, "request"),
    "texts is empty": (b'{"texts": []}', 422, "request"),
    "texts hold a number": (b'{"texts": ["good", 2]}', 422, "request"),
    "texts hold Infinity": (b'{"texts": [Infinity]}', 422, "request"),
    "too many texts": (json.dumps({"texts": ["a"] * 6}).encode(), 422, "request-limit"),
    "too long a text": (json.dumps({"texts": ["a", "b" * 1001]}).encode(), 422, "request-limit"),
    "too many bytes": (json.dumps({"text": "a" * 10_000}).encode(), 413, "request-too-large"),
}


def check_problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == response.headers["x-request-id"]
    assert len(problem["detail"].split()) >= 5
    assert "Traceback" not in response.text
    assert "pydantic" not in response.text


def check_serves(client):
    assert client.post("/v1/predict", json={"text": "good"}).json()["predictions"][0]["label"] == "positive"


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_is_refused_in_words(client, name):
    body, status, code = BAD_BODIES[name]
    check_problem(client.post("/v1/predict", content=body, headers=JSON), status, code)
    check_serves(client)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": ";;;"},
        {"content-type": "application/json", "content-encoding": "br"},
    ],
    ids=str,
)
def test_another_media_type_is_refused_in_words(client, headers):
    body = gzip.compress(b'{"text": "good"}') if "content-encoding" in headers else b'{"text": "good"}'
    check_problem(client.post("/v1/predict", content=body, headers=headers), 415, "media-type")
    check_serves(client)


@pytest.mark.parametrize("declared", ["application/json", "APPLICATION/JSON", 'application/json; charset="UTF-8"'])
def test_json_is_read_however_it_is_declared(client, declared):
    answer = client.post("/v1/predict", content=b'{"text": "good"}', headers={"content-type": declared})
    assert answer.status_code == 200


@pytest.mark.parametrize("text", ["a\x00b", "\x00" * 900, "\U0010ffff", "\u202e\u200b\ufeff", "e" + "\u0301" * 900])
def test_odd_but_right_text_is_answered(client, predictor, text):
    answer = client.post("/v1/predict", json={"text": text})
    assert answer.status_code == 200
    expected = predictor.predict([text])[0].probabilities
    assert answer.json()["predictions"][0]["probabilities"] == pytest.approx(expected, abs=1e-6)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "texts", "x"]), inner),
    max_leaves=5,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary() | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_is_the_servers_fault(client, body):
    answer = client.post("/v1/predict", content=body, headers=JSON)
    assert answer.status_code in {200, 400, 422}
    assert ("detail" in answer.json()) == (answer.status_code != 200)


def test_a_body_of_undeclared_length_is_cut_off_at_the_limit(client):
    sent = []

    def endless():
        for _ in range(1000):
            sent.append(1)
            yield b" " * 1000

    check_problem(client.post("/v1/predict", content=endless(), headers=JSON), 413, "request-too-large")
    check_serves(client)


def test_limits_are_told_with_value_bound_and_cure(client):
    body = {"texts": ["a"] * 6}
    detail = client.post("/v1/predict", json=body).json()["detail"]
    assert "6 texts" in detail
    assert "at most 5" in detail
    assert "--max-texts" in detail
    detail = client.post("/v1/predict", json={"texts": ["a", "b" * 1001]}).json()["detail"]
    assert "text 1 has 1001 characters" in detail
    assert "at most 1000" in detail


def test_what_is_just_within_the_limits_is_answered(client):
    assert client.post("/v1/predict", json={"texts": ["a" * 1000] * 5}).status_code == 200


def test_an_unknown_address_is_told(client):
    check_problem(client.get("/v2/unknown"), 404, "not-found")
    check_problem(client.post("/v1/predict/", json={"text": "good"}), 404, "not-found")


def test_another_method_is_told_with_those_allowed(client):
    answer = client.get("/v1/predict")
    check_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    assert "POST" in answer.json()["detail"]
