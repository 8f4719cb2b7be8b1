"""One JSON line per request, request ids in and out, and never a text or a secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest
from starlette.testclient import TestClient

import textwright
from textwright.errors import BackendError
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.telemetry import logs

SECRET = "xyzzy-my-private-words"


@pytest.fixture
def log(keep_loggers) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(stream)
    return stream


def lines(log):
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_cost(log, client):
    client.post("/v1/predict", json={"texts": ["a good film", "bad " * 17]}, headers={"x-request-id": "abc-1"})
    (line,) = lines(log)
    assert {"event": "request", "id": "abc-1", "method": "POST", "path": "/v1/predict"}.items() <= line.items()
    assert {"status": 200, "num_texts": 2, "num_tokens": 3 + 16, "truncated": 1}.items() <= line.items()
    assert line["model"].startswith("tiny@")
    assert 0 < line["tokenize_ms"] + line["queue_ms"] + line["infer_ms"] <= line["total_ms"]
    assert line["batch_size"] in {1, 2}  # together if padding is cheaper than a call, which is measured


def test_requests_that_end_together_are_a_line_each(log, predictor):
    app = create_app(predictor)
    bodies = [b'{"texts": ["good"]}', b'{"texts": ["bad", "bad"]}', b"{}"]

    async def scenario():
        async with app.router.lifespan_context(app):
            await asyncio.gather(*(post(app, body, number) for number, body in enumerate(bodies)))
            await asyncio.sleep(0.01)

    asyncio.run(scenario())
    found = sorted(lines(log), key=lambda line: line["id"])
    assert [(line["id"], line["status"], line.get("num_texts")) for line in found] == [
        ("0", 200, 1),
        ("1", 200, 2),
        ("2", 422, None),
    ]


async def post(app, body, number):
    """Send one request through ASGI."""
    headers = [(b"content-type", b"application/json"), (b"x-request-id", b"%d" % number)]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b"", "headers": headers}

    async def receive():
        return {"type": "http.request", "body": body}

    await app(scope, receive, lambda _message: asyncio.sleep(0))


def test_known_addresses_are_logged_and_unknown_ones_are_not(log, client):
    for path in ("/", "/docs", "/openapi.json", "/v1/model", "/unknown"):
        client.get(path)
    assert [line.get("path") for line in lines(log)] == ["/", "/docs", "/openapi.json", "/v1/model", None]


def test_a_refused_request_is_logged_with_its_code(log, client):
    client.post("/v1/predict", json={"texts": ["a"] * 6})
    (line,) = lines(log)
    assert (line["status"], line["code"], line["num_texts"]) == (422, "request-limit", 6)
    assert "infer_ms" not in line


@pytest.mark.parametrize(
    "request_of",
    [
        lambda client: client.post("/v1/predict", json={"text": SECRET}),
        lambda client: client.post("/v1/predict", json={"texts": [SECRET, 1]}),
        lambda client: client.post("/v1/predict", json={SECRET: "good"}),
        lambda client: client.post("/v1/predict", content=SECRET, headers={"content-type": SECRET}),
        lambda client: client.post("/v1/predict?key=" + SECRET, json={"text": "good"}),
        lambda client: client.post("/v1/predict", json={}, headers={"authorization": f"Bearer {SECRET}"}),
        lambda client: client.get("/" + SECRET),
    ],
)
def test_no_text_and_no_secret_is_logged(log, client, request_of):
    request_of(client)
    assert len(lines(log)) == 1
    assert SECRET not in log.getvalue()


class BrokenPredictor(Predictor):
    """Fails as a defect of ours would: with an exception that quotes the text."""

    error: type[Exception] | None = None

    def encode(self, texts):
        if self.error:
            raise self.error(f"cannot encode {texts}")
        return super().encode(texts)


@pytest.fixture
def broken(tiny_artifact) -> BrokenPredictor:
    return BrokenPredictor(textwright.load(tiny_artifact).artifact, num_threads=1)


def test_an_unforeseen_error_is_a_500_that_tells_nothing(log, broken):
    with TestClient(create_app(broken)) as client:
        broken.error = KeyError
        answer = client.post("/v1/predict", json={"text": SECRET}, headers={"x-request-id": "abc"})
        broken.error = None
        assert client.post("/v1/predict", json={"text": "good"}).status_code == 200
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (500, "internal", "abc")
    assert answer.headers["content-type"] == "application/problem+json"
    failure, line, _ = lines(log)
    assert (failure["id"], failure["error"]["type"], line["status"]) == ("abc", "KeyError", 500)
    assert any("encode" in frame for frame in failure["error"]["frames"])
    assert SECRET not in log.getvalue() + answer.text


def test_a_broken_model_is_503_and_its_reason_is_in_the_log_only(log, broken):
    with TestClient(create_app(broken)) as client:
        broken.error = BackendError
        answer = client.post("/v1/predict", json={"text": "good"})
    assert (answer.status_code, answer.json()["code"]) == (503, "backend")
    assert "cannot encode" not in answer.text
    assert "cannot encode" in lines(log)[0]["error"]["message"]


def test_a_client_that_hangs_up_is_logged_as_499(log, predictor):
    app = create_app(predictor)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b"", "headers": headers}
    messages = iter([{"type": "http.request", "body": b'{"text":', "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    (line,) = lines(log)
    assert (line["status"], line["path"], sent) == (499, "/v1/predict", [])


@pytest.mark.parametrize("given", ["abc-123_X.y:z", "a" * 128])
def test_a_plain_request_id_is_kept(client, given):
    assert client.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", '"}', "a" * 129, "\u00e9".encode(), "a\tb"])
def test_another_request_id_is_replaced(client, given):
    answer = client.get("/healthz", headers={"x-request-id": given})
    assert len(answer.headers["x-request-id"]) == 32


def test_each_request_has_an_id_of_its_own(client):
    assert len({client.get("/healthz").headers["x-request-id"] for _ in range(5)}) == 5


def test_importing_the_server_configures_no_logger():
    assert not logging.getLogger("textwright").handlers
    assert logging.getLogger("textwright").level == logging.NOTSET
