"""A cascade behind HTTP: each text once and in order, its stage said; the fast stage's answers wait for nobody."""

from __future__ import annotations

import csv
import io
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

import textwright
from textwright.errors import BackendError
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

MIXED = ["great", "a subtle film", "", "awful awful", "the loud film", "great great the", "unheard of"]


class Held(Predictor):
    """A real model that can be held back, and can fail."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.go, self.started = threading.Event(), threading.Event()
        self.poison: int | None = None
        self.sizes: list[int] = []
        self.go.set()

    def infer(self, batch):
        self.sizes.append(len(batch))
        self.started.set()
        threading.Event().wait(0.003)  # slow enough to be run in a thread
        assert self.go.wait(10)
        if self.poison is not None and self.poison in batch.ids:
            raise BackendError("the engine failed")
        return super().infer(batch)


@pytest.fixture
def held_cascade(tiny_cascade):
    """A cascade whose last stage can be held back."""

    def hold(stage):
        if stage.min_confidence:
            return stage
        temperature = stage.temperature
        return Held(stage.artifact, num_threads=1).as_stage(stage.stage, 0.0, temperature)

    return textwright.load(tiny_cascade, num_threads=1).with_stages(hold)


@pytest.fixture
def held(held_cascade):
    return held_cascade.stages[-1]


@pytest.fixture
def cascade(tiny_cascade):
    return textwright.load(tiny_cascade, num_threads=1)


@pytest.fixture
def client(cascade):
    with TestClient(create_app(cascade, ServeSettings()), raise_server_exceptions=False) as client:
        yield client


def post(client, texts, **fields):
    return client.post("/v1/predict", json={"texts": list(texts), **fields})


def check(predictions, expected):
    assert [item["stage"] for item in predictions] == [item.stage for item in expected]
    for found, wanted in zip(predictions, expected, strict=True):
        assert found["label"] == wanted.label
        assert found["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-5)


def test_mixed_texts_come_back_in_order_with_their_stage(client, cascade):
    check(post(client, MIXED).json()["predictions"], cascade.predict(MIXED))
    for text in MIXED:
        check(post(client, [text]).json()["predictions"], cascade.predict([text]))


def test_a_model_of_one_stage_names_none(tiny_artifact):
    with TestClient(create_app(textwright.load(tiny_artifact), ServeSettings())) as client:
        assert "stage" not in post(client, ["great"]).json()["predictions"][0]
        assert client.get("/v1/model").json()["stages"] == []


def test_many_clients_get_their_own_answers(held_cascade):
    chance = [[MIXED[(place * 3 + number) % len(MIXED)] for number in range(1 + place % 6)] for place in range(60)]
    with TestClient(create_app(held_cascade, ServeSettings())) as client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda texts: post(client, texts).json()["predictions"], chance))
    for texts, found in zip(chance, answers, strict=True):
        check(found, held_cascade.predict(texts))


def test_what_the_fast_stage_answers_waits_for_nobody(held_cascade, held):
    with TestClient(create_app(held_cascade, ServeSettings())) as client, ThreadPoolExecutor(2) as pool:
        held.started.clear()
        held.go.clear()
        slow = pool.submit(post, client, ["a subtle film"])
        assert held.started.wait(5)
        quick = post(client, ["great", "awful"])
        assert [item["stage"] for item in quick.json()["predictions"]] == ["fast", "fast"]
        assert not slow.done()
        held.go.set()
        assert slow.result().json()["predictions"][0]["stage"] == "strong"


def test_only_what_is_escalated_goes_through_the_strong_stage(held_cascade, held):
    with TestClient(create_app(held_cascade, ServeSettings())) as client:
        held.sizes.clear()
        post(client, MIXED)
        post(client, ["great"] * 50)
        assert sum(held.sizes) == 4


def test_a_poisoned_text_fails_alone(held_cascade, held):
    held.poison = None
    with TestClient(create_app(held_cascade, ServeSettings()), raise_server_exceptions=False) as client:
        (poison,) = {*held.encode(["loud"]).ids.tolist()}
        held.poison = poison
        held.go.clear()
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(post, client, texts) for texts in (["subtle"], ["great", "loud"], ["good", "great"])]
            assert held.started.wait(5)
            held.go.set()
            statuses = [item.result().status_code for item in asked]
        assert statuses == [200, 503, 200]
        assert post(client, ["great"]).status_code == 200


def test_a_fast_stage_that_fails_makes_the_server_not_ready_until_it_works(cascade, monkeypatch):
    with TestClient(create_app(cascade, ServeSettings()), raise_server_exceptions=False) as client:
        infer = cascade.stages[0].infer
        monkeypatch.setattr(cascade.stages[0], "infer", lambda batch: infer(batch) * np.float32(np.nan))
        assert post(client, ["great"]).status_code == 503
        assert client.get("/readyz").status_code == 503
        monkeypatch.undo()
        assert client.get("/readyz").status_code == 200
        assert post(client, ["great"]).status_code == 200


def test_a_text_too_long_for_the_stage_that_answers_is_refused_where_asked(client):
    short, cut = "the " * 12 + "film", "the " * 20
    for text, status in ((short, 200), (cut, 422)):
        answer = client.post("/predict", json={"inputs": [[text]], "truncate": False})
        assert answer.status_code == status, answer.text


def test_a_table_gets_a_column_for_the_stage(client, cascade):
    body = "text\n" + "\n".join(text for text in MIXED if text) + "\n"
    answer = client.post("/v1/predict", content=body, headers={"content-type": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["stage"] for row in rows] == [item.stage for item in cascade.predict([text for text in MIXED if text])]
    taken = client.post("/v1/predict", content="text,stage\na,b\n", headers={"content-type": "text/csv"})
    assert taken.status_code == 422


def test_explanations_are_those_of_each_stage(client, cascade):
    found = post(client, MIXED[:5], explain=True).json()["predictions"]
    check(found, cascade.predict(MIXED[:5]))
    for item, expected in zip(found, cascade.explain(MIXED[:5]), strict=True):
        said = item["explanation"]
        assert (said["label"], said["method"]) == (expected.label, expected.method)
        assert [word["contribution"] for word in said["words"]] == pytest.approx(
            [word.contribution for word in expected.words], abs=1e-5
        )


def test_each_contract_gives_the_same_probabilities(client, cascade):
    expected = [item.probabilities["positive"] for item in cascade.predict(MIXED)]
    tei = client.post("/predict", json={"inputs": [[text] for text in MIXED]}).json()
    ranked = [{one["label"]: one["score"] for one in item} for item in tei]
    assert [item["positive"] for item in ranked] == pytest.approx(expected, abs=1e-5)
    vertex = client.post("/invocations", json={"instances": MIXED}).json()["predictions"]
    assert [item["probabilities"]["positive"] for item in vertex] == pytest.approx(expected, abs=1e-5)
    tensor = {"name": "text", "shape": [len(MIXED)], "datatype": "BYTES", "data": MIXED}
    oip = client.post("/v2/models/tiny-cascade/infer", json={"inputs": [tensor]})
    outputs = {item["name"]: item["data"] for item in oip.json()["outputs"]}
    assert outputs["probabilities"][1::2] == pytest.approx(expected, abs=1e-5)


def test_metrics_and_log_tell_the_stages(client, caplog, cascade):
    with caplog.at_level(logging.INFO, "textwright.server.telemetry.logs"):
        post(client, MIXED)
        post(client, ["great"])
    strong = sum(item.stage == "strong" for item in cascade.predict(MIXED))
    counted = {
        sample.labels["stage"]: sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "textwright_stage_texts_total"
    }
    assert counted == {"fast": len(MIXED) + 1 - strong, "strong": strong}
    lines = [line for record in caplog.records for line in getattr(record, "lines", ())]
    fields = [line for line in lines if "num_escalated" in line]
    assert [(item["num_texts"], item["num_escalated"]) for item in fields] == [(len(MIXED), strong), (1, 0)]
    assert fields[0]["stage_texts"] == {"fast": len(MIXED) - strong, "strong": strong}
    assert all(item["num_tokens"] > 0 for item in fields)


def test_the_model_is_described_with_both_stages(client):
    said = client.get("/v1/model").json()
    assert (said["family"], said["variant"]) == ("bow+bow", "fp32+fp32")
    assert said["stages"] == [
        {"name": "fast", "family": "bow", "max_length": 8, "min_confidence": 0.9},
        {"name": "strong", "family": "bow", "max_length": 16, "min_confidence": 0.0},
    ]
    assert "stage" in json.dumps(client.get("/openapi.json").json()["components"])
