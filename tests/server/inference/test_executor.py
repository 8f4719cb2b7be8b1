"""The way to the model, through real requests: together under load, refused when full or late, dropped if left."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ClassVar

import pytest
from starlette.testclient import TestClient

import textwright
from textwright.errors import BackendError
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings
from textwright.server.telemetry import logs

POISON_ID = 2  # "good": the first word of the tiny vocabulary


class HeldPredictor(Predictor):
    """A real model whose inference can be held back, and can be made to fail."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.go, self.started = threading.Event(), threading.Event()
        self.inside, self.most_inside, self.seen = 0, 0, []
        self.is_broken = self.is_poisoned = False
        self.go.set()

    def infer(self, batch):
        time.sleep(0.002)  # slow enough to be run in a thread
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.seen.append(len(batch))
        self.started.set()
        assert self.go.wait(10)
        self.inside -= 1
        if self.is_broken or (self.is_poisoned and POISON_ID in batch.ids):
            raise BackendError("the engine failed")
        return super().infer(batch)


@pytest.fixture
def held(tiny_artifact) -> HeldPredictor:
    return HeldPredictor(textwright.load(tiny_artifact).artifact, num_threads=1)


@contextmanager
def serving(held, **settings):
    """Serve, with one request inside the model; let it go before the end."""
    with TestClient(create_app(held, ServeSettings(**settings))) as client, ThreadPoolExecutor(10) as pool:
        held.seen.clear()
        held.started.clear()
        held.go.clear()
        first = pool.submit(post, client, "good")
        assert held.started.wait(5)
        try:
            yield client, pool, first
        finally:
            held.go.set()


def post(client, *texts):
    return client.post("/v1/predict", json={"texts": list(texts)})


def wait_until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("waited for 5 seconds")


def waiting_texts(client):
    return client.app.state.registry.default.stages[0].batcher.num_texts


def test_health_is_answered_while_a_long_request_is_computed(held):
    with serving(held) as (client, _, long):
        assert client.get("/healthz").status_code == 200
        assert not long.done()
        held.go.set()
        assert long.result(5).status_code == 200


def test_requests_that_wait_share_a_batch_and_each_gets_its_own_answer(held):
    texts = ["good", "bad", "great", "awful"] * 2
    with serving(held) as (client, pool, _):
        answers = [pool.submit(post, client, text) for text in texts]
        wait_until(lambda: waiting_texts(client) == 9)
        held.go.set()
        found = [answer.result(5).json()["predictions"][0]["probabilities"] for answer in answers]
    assert [list(item.values()) for item in found] == [
        pytest.approx(list(item.probabilities.values()), abs=1e-6) for item in held.predict(texts)
    ]
    assert held.seen[:2] == [1, 8]
    assert held.most_inside == 1


def test_a_full_queue_is_429_with_the_time_to_come_back(held):
    with serving(held, max_queue_texts=2) as (client, _, first):
        refused = post(client, "bad", "bad")
        assert (refused.status_code, refused.json()["code"]) == (429, "queue-full")
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/readyz").status_code == 200  # full is not broken
        held.go.set()
        assert first.result(5).status_code == 200
        assert post(client, "bad", "bad").status_code == 200


def test_too_many_waiting_tokens_are_429(held):
    with serving(held, max_queue_tokens=4) as (client, _, _):
        refused = post(client, "bad bad bad bad")
        assert (refused.status_code, refused.json()["code"]) == (429, "queue-full")
        assert "tokens" in refused.json()["detail"]


def test_after_the_time_out_it_is_504_and_not_computed(held):
    with serving(held, timeout_s=0.1) as (client, _, first):
        late = post(client, "bad")
        assert (late.status_code, late.json()["code"]) == (504, "deadline")
        assert first.result(5).status_code == 504
        assert client.get("/readyz").status_code == 503  # the model does not return
        held.go.set()
        wait_until(lambda: client.get("/readyz").status_code == 200)
    assert held.seen == [1]


def test_a_poisoned_text_fails_alone(held):
    held.is_poisoned = True
    with serving(held) as (client, pool, first):
        others = [pool.submit(post, client, text) for text in ("bad", "good", "awful")]
        wait_until(lambda: waiting_texts(client) == 4)
        held.go.set()
        assert [first.result(5).status_code, *[other.result(5).status_code for other in others]] == [503, 200, 503, 200]


def test_a_broken_model_is_not_ready_and_is_asked_again_until_it_works(held):
    with TestClient(create_app(held)) as client:
        held.is_broken = True
        assert post(client, "bad").json()["code"] == "backend"
        assert client.get("/readyz").status_code == 503
        held.is_broken = False
        assert client.get("/readyz").status_code == 200
        assert post(client, "bad").status_code == 200


def test_a_text_that_breaks_the_model_does_not_make_the_server_unready(held):
    held.is_poisoned = True
    with TestClient(create_app(held)) as client:
        assert post(client, "good").status_code == 503
        assert client.get("/readyz").status_code == 200


def test_who_hangs_up_is_not_computed_and_logged_as_499(held, keep_loggers):
    log = io.StringIO()
    logs.configure(log)
    app = create_app(held)
    body = b'{"text": "bad"}'

    async def scenario():
        async with app.router.lifespan_context(app):
            held.seen.clear()
            held.go.clear()
            first = asyncio.create_task(call(app, body, hangs_up=False))
            await asyncio.sleep(0.02)
            assert await call(app, body, hangs_up=True) == []
            held.go.set()
            assert (await first)[0]["status"] == 200

    asyncio.run(asyncio.wait_for(scenario(), 10))
    assert held.seen == [1]
    assert sorted(json.loads(line)["status"] for line in log.getvalue().splitlines()) == [200, 499]


async def call(app, body, *, hangs_up):
    """Send one request through ASGI; return what is sent back."""
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b"", "headers": headers}
    messages = iter([{"type": "http.request", "body": body}])
    sent = []

    async def receive():
        for message in messages:
            return message
        await asyncio.sleep(0 if hangs_up else 10)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


def test_a_long_text_is_encoded_off_the_loop_and_answered_alike(predictor):
    text = "good " * 500_000
    with TestClient(create_app(predictor, ServeSettings(max_text_chars=5_000_000))) as client:
        assert post(client, text).json()["predictions"][0]["probabilities"] == pytest.approx(
            predictor.predict([text])[0].probabilities, abs=1e-6
        )


class SlowlyEncoding(HeldPredictor):
    """A real model whose tokenizer is so slow that texts wait for it; counts what it encodes."""

    encoded: ClassVar[list[str]] = []

    def encode(self, texts):
        time.sleep(0.2 if "wait" in texts[0] else 0.01)
        self.encoded.extend(texts)
        return super().encode(texts)


def test_texts_are_not_encoded_for_who_has_left_or_came_too_late(tiny_artifact):
    predictor = SlowlyEncoding(textwright.load(tiny_artifact).artifact, num_threads=1)
    app = create_app(predictor, ServeSettings(timeout_s=0.1))
    bodies = [json.dumps({"text": text}).encode() for text in ("wait " * 100, "gone " * 100, "late " * 100)]

    async def scenario():
        async with app.router.lifespan_context(app):
            SlowlyEncoding.encoded.clear()
            busy = asyncio.create_task(call(app, bodies[0], hangs_up=False))
            await asyncio.sleep(0.02)
            gone, late = (asyncio.create_task(call(app, body, hangs_up=body is bodies[1])) for body in bodies[1:])
            assert await gone == []
            assert [(await task)[0]["status"] for task in (busy, late)] == [504, 504]
            await asyncio.sleep(0.2)

    asyncio.run(asyncio.wait_for(scenario(), 10))
    assert [text.split()[0] for text in SlowlyEncoding.encoded] == ["wait"]
