"""Good, bad and too much: each request is answered as the server answers it, and logged without its text."""

from __future__ import annotations

import hashlib
import json

import pytest
from lambda_events import JSON_HEADERS, Context, function_url
from starlette.testclient import TestClient

import textwright
from textwright.errors import BackendError, SettingsError
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings
from textwright.serverless import handler as handlers

SECRET = "w0rd-nobody-may-log"
LIMITS = {"max_texts": 5, "max_text_chars": 1000, "max_body_bytes": 10_000}


def ask(handler, body, context=None, **event):
    content = body if isinstance(body, str) else json.dumps(body)
    answer = handler(function_url(content, **event), context or Context())
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


@pytest.fixture
def server(tiny_artifact):
    app = create_app(textwright.load(tiny_artifact, num_threads=1), ServeSettings(**LIMITS))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"text": "a good film"}', "application/json"),
        ('{"texts": ["bad", "", "the unheard of", "great"]}', "application/json; charset=utf-8"),
        ('{"text": "a good film", "model": "tiny"}', "application/json"),
        ('{"text": "a good film", "model": "another"}', "application/json"),
        ('{"text": 1}', "application/json"),
        ("{", "application/json"),
        ('{"text": "a"}', "text/plain"),
        ('{"text": "a"}', "application/json; charset=latin-1"),
        ('{"texts": ["a", "b", "c", "d", "e", "f"]}', "application/json"),
        (json.dumps({"text": "x" * 1001}), "application/json"),
        (json.dumps({"text": "x" * 10_001}), "application/json"),
    ],
)
def test_the_function_answers_what_the_server_answers(handler, server, body, content_type):
    status, ours, headers = ask(handler, body, headers={"content-type": content_type})
    theirs = server.post("/v1/predict", content=body, headers={"content-type": content_type})
    assert (status, headers["content-type"]) == (theirs.status_code, theirs.headers["content-type"])
    if status == 200:
        assert ours == theirs.json()
    else:
        assert ours["code"] == theirs.json()["code"]
        assert ours["title"] == theirs.json()["title"]
        assert set(ours) == set(theirs.json())


def test_the_model_is_described_as_the_server_describes_it(handler, server):
    assert ask(handler, "", method="GET", path="/v1/model")[1] == server.get("/v1/model").json()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_as_by_the_server(handler, server, path):
    assert ask(handler, "", method="GET", path=path)[:2] == (200, server.get(path).json())


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/predict", 405), ("GET", "/unknown", 404)])
def test_what_is_not_there_is_said(handler, server, method, path, status):
    got, problem, headers = ask(handler, "", method=method, path=path)
    assert got == status
    assert problem["code"] in {"method-not-allowed", "not-found"}
    assert headers["content-type"] == "application/problem+json"
    if status == 405:
        assert headers["allow"] == server.get(path).headers["allow"] == "POST"


def test_no_text_reaches_the_log(handler, lines):
    ask(handler, {"text": SECRET})
    ask(handler, {"text": 1, SECRET: 2})
    ask(handler, f'{{"text": "{SECRET}')
    ask(handler, "", path=f"/{SECRET}")
    assert len(lines()) == 4
    assert SECRET not in json.dumps(lines())


def test_a_request_leaves_one_line_that_is_also_its_metrics(handler, lines):
    ask(handler, {"texts": ["good", "a bad film", "good " * 30]})
    ask(handler, "{")
    first, second = lines()
    assert (first["status"], first["num_texts"], first["truncated"], first["cold_start"]) == (200, 3, 1, 1)
    assert (second["code"], second["refused"], second["failed"], second["cold_start"]) == ("request-syntax", 1, 0, 0)
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Textwright"
    assert all(isinstance(first[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert all(name in first for dimensions in directive["Dimensions"] for name in dimensions)
    assert isinstance(first["_aws"]["Timestamp"], int)


def test_a_model_of_any_name_has_metrics(make_handler, make_artifact, lines):
    ask(make_handler(make_artifact("отзывы")), {"text": "good"})
    (line,) = lines()
    assert line["model_name"].isascii()
    assert line["model"].startswith("отзывы@")


def test_the_request_id_of_the_client_is_kept_if_it_is_a_word(handler):
    assert ask(handler, {"text": "a"}, headers={**JSON_HEADERS, "x-request-id": "abc-1"})[2]["x-request-id"] == "abc-1"
    assert ask(handler, {"text": "a"}, headers={**JSON_HEADERS, "x-request-id": "a b"})[2]["x-request-id"] == "8f5f2c1e"


def test_a_request_that_would_not_be_ready_in_time_is_given_up(handler, lines):
    status, problem, _ = ask(handler, {"text": "good"}, Context(left_ms=200))
    assert (status, problem["code"]) == (504, "deadline")
    assert "send fewer texts" in problem["detail"]
    assert [line["event"] for line in lines()] == ["request failed", "request"]
    assert ask(handler, {"text": "good"})[0] == 200


def test_what_fails_inside_is_answered_without_its_reason(handler, lines, monkeypatch):
    def fail(*_):
        raise BackendError(f"engine at /secret/{SECRET}")

    monkeypatch.setattr(Predictor, "infer", fail)
    status, problem, _ = ask(handler, {"text": "good"})
    assert (status, problem["code"]) == (503, "backend")
    assert SECRET not in json.dumps(problem)
    assert lines()[-1]["failed"] == 1


def test_a_foreign_error_is_logged_by_its_place_only(handler, lines, monkeypatch):
    def fail(*_):
        raise ValueError(SECRET)

    monkeypatch.setattr(Predictor, "infer", fail)
    status, problem, _ = ask(handler, {"text": "good"})
    assert (status, problem["code"]) == (500, "internal")
    assert lines()[0]["error"]["type"] == "ValueError"
    assert SECRET not in json.dumps(lines())


def test_an_answer_larger_than_lambda_can_send_is_refused(handler, monkeypatch):
    monkeypatch.setattr(handlers, "MAX_RESPONSE_BYTES", 500)
    assert ask(handler, {"text": "good"})[0] == 200
    status, problem, _ = ask(handler, {"texts": ["good"] * 5})
    assert (status, problem["code"]) == (422, "request-limit")


def test_keys_are_asked_for_and_charged(make_handler):
    digest = hashlib.sha256(b"open").hexdigest()
    handler = make_handler(api_keys=f"alice {digest} 2,bob {'0' * 64}")
    key = {**JSON_HEADERS, "authorization": "Bearer open"}
    assert ask(handler, {"text": "good"})[0] == 401
    assert ask(handler, {"text": "good"}, headers={**JSON_HEADERS, "x-api-key": "wrong"})[0] == 401
    assert ask(handler, {"texts": ["good", "bad"]}, headers=key)[0] == 200
    status, _, headers = ask(handler, {"text": "good"}, headers=key)
    assert (status, int(headers["retry-after"]) >= 1) == (429, True)
    assert ask(handler, "", method="GET", path="/healthz")[0] == 200
    handler.reset_after_restore()
    assert ask(handler, {"text": "good"}, headers=key)[0] == 200


def test_keys_that_are_none_stop_the_start(make_handler):
    with pytest.raises(SettingsError, match="TEXTWRIGHT_LAMBDA_API_KEYS, line 1"):
        make_handler(api_keys="alice open-sesame")


def test_many_texts_are_answered_in_their_order(make_handler):
    handler = make_handler()
    texts = [word + " the" * (number % 13) for number, word in enumerate(["good", "bad"] * 400)]
    labels = [row["label"] for row in ask(handler, {"texts": texts})[1]["predictions"]]
    assert labels == ["positive", "negative"] * 400
