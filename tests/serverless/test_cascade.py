"""A cascade as a Lambda function answers what it answers behind the server."""

from __future__ import annotations

import json

import pytest
from lambda_events import Context, function_url
from starlette.testclient import TestClient

import textwright
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

TEXTS = ["great", "a subtle film", "", "awful awful", "the loud film"]
LIMITS = {"max_texts": 32, "max_text_chars": 1000, "max_body_bytes": 10_000}


@pytest.fixture
def handler(make_handler, tiny_cascade):
    return make_handler(tiny_cascade, **LIMITS)


@pytest.fixture
def server(tiny_cascade):
    with TestClient(create_app(textwright.load(tiny_cascade, num_threads=1), ServeSettings(**LIMITS))) as client:
        yield client


def ask(handler, path="/v1/predict", method="POST", context=None, **body):
    event = function_url(json.dumps(body) if body else "", path=path, method=method)
    answer = handler(event, context or Context())
    return answer["statusCode"], json.loads(answer["body"])


def test_the_function_answers_what_the_server_answers(handler, server, lines):
    status, ours = ask(handler, texts=TEXTS)
    assert (status, ours) == (200, server.post("/v1/predict", json={"texts": TEXTS}).json())
    assert {item["stage"] for item in ours["predictions"]} == {"fast", "strong"}
    assert ask(handler, path="/v1/model", method="GET")[1] == server.get("/v1/model").json()
    (line,) = [item for item in lines() if item.get("path") == "/v1/predict"]
    assert (line["num_texts"], line["num_escalated"]) == (5, 3)


def test_it_is_warm_in_both_stages(handler):
    assert [*handler._runner.token_s] == ["fast", "strong"]
    assert all(seconds > 0 for seconds in handler._runner.token_s.values())


def test_a_stage_that_answered_nothing_is_not_made_to_explain(handler):
    assert ask(handler, texts=["great"], explain=True)[0] == 200
    assert "explainer" in vars(handler.predictor.stages[0])
    assert "explainer" not in vars(handler.predictor.stages[1])


def test_the_time_of_each_stage_is_its_own(handler):
    handler._runner.token_s["strong"] = 1e6
    assert ask(handler, texts=["great", "awful"])[0] == 200
    status, problem = ask(handler, texts=["great", "a subtle film"])
    assert (status, problem["code"]) == (504, "deadline")


def test_the_strong_stage_reads_what_is_escalated(handler, monkeypatch):
    seen = []
    infer = Predictor.infer
    monkeypatch.setattr(Predictor, "infer", lambda self, batch: seen.append(len(batch)) or infer(self, batch))
    ask(handler, texts=TEXTS)
    assert sum(seen) == len(TEXTS) + 3
