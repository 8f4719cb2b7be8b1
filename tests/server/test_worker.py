"""Inference is off the event loop: the server answers others while a long request is computed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

import textwright
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.worker import answer


class HeldPredictor(Predictor):
    """A real model whose inference waits until it is let go."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.go, self.started, self.inside, self.most_inside = threading.Event(), threading.Event(), 0, 0
        self.go.set()

    def infer(self, batch):
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.started.set()
        assert self.go.wait(10)
        self.inside -= 1
        return super().infer(batch)


@pytest.fixture
def held(tiny_artifact) -> HeldPredictor:
    return HeldPredictor(textwright.load(tiny_artifact).artifact, num_threads=1)


def test_health_is_answered_while_a_long_request_is_computed(held):
    with TestClient(create_app(held)) as client, ThreadPoolExecutor(1) as pool:
        held.go.clear()
        held.started.clear()
        long = pool.submit(client.post, "/v1/predict", json={"text": "good"})
        assert held.started.wait(5)
        assert client.get("/healthz").status_code == 200
        assert not long.done()
        held.go.set()
        assert long.result(5).status_code == 200


def test_each_of_many_callers_gets_the_answer_to_its_own_text(held):
    texts = ["good", "bad", "great", "awful"] * 10
    with TestClient(create_app(held)) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: client.post("/v1/predict", json={"text": text}).json(), texts))
    said = held.predict(texts)
    assert [item["predictions"][0]["probabilities"] for item in answers] == [item.probabilities for item in said]
    assert held.most_inside == 1


def test_an_answer_counts_the_tokens_that_were_read(predictor):
    found = answer(predictor, ["a good film", "", "bad " * 20])
    assert found.num_tokens == 3 + 0 + 16
    assert len(found.predictions) == 3
