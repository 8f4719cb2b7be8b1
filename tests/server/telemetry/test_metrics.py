"""What Prometheus sees: true counts, no text, and as many series after any request as before."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families


def read(client):
    """Return sample name and labels -> value."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name.removeprefix("textwright_"), *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


TINY = ("model", "tiny")


def test_requests_texts_and_tokens_are_counted(client):
    client.post("/v1/predict", json={"texts": ["a good film", "bad " * 17]})
    client.post("/v1/predict", json={"text": "awful"})
    found = read(client)
    assert found["requests_total", ("route", "/v1/predict"), ("status", "200")] == 2
    assert found["texts_total", TINY] == 3
    assert found["tokens_total", TINY] == 3 + 16 + 1
    assert found["truncated_texts_total", TINY] == 1


@pytest.mark.parametrize("stage", ["tokenize", "queue", "infer", "request"])
def test_every_stage_has_its_durations(client, stage):
    client.post("/v1/predict", json={"text": "good"})
    found = read(client)
    assert found[f"{stage}_seconds_count", TINY] == 1
    assert 0 <= found[f"{stage}_seconds_sum", TINY] <= found["request_seconds_sum", TINY]
    assert found[f"{stage}_seconds_bucket", ("le", "+Inf"), TINY] == 1


def test_batches_are_counted_by_their_texts(client):
    client.post("/v1/predict", json={"texts": ["good", "bad", "good"]})
    found = read(client)
    assert (found["batch_texts_count", TINY], found["batch_texts_sum", TINY]) == (1, 3)


def test_refusals_are_counted_by_their_code(client):
    client.post("/v1/predict", json={"texts": ["a"] * 6})
    client.post("/v1/predict", json={"texts": []})
    client.get("/unknown")
    found = read(client)
    codes = {key[1][1]: value for key, value in found.items() if key[0] == "rejections_total"}
    assert codes == {"request-limit": 1, "request": 1, "not-found": 1}


def test_the_queue_and_the_model_are_told(client, predictor):
    found = read(client)
    assert (found["queue_texts", TINY], found["queue_tokens", TINY]) == (0, 0)
    (model,) = [dict(key[1:]) for key in found if key[0] == "model_info"]
    assert (model["name"], model["version"]) == ("tiny", predictor.artifact.version)


def test_no_client_can_add_series_or_words(client):
    read(client)
    client.get("/unknown")
    before = set(read(client))
    for number in range(20):
        client.get(f"/unknown/secret-{number}")
    assert set(read(client)) == before
    assert "secret" not in client.get("/metrics").text


def test_two_applications_count_apart(client, predictor):
    from starlette.testclient import TestClient

    from textwright.server.app import create_app

    client.post("/v1/predict", json={"text": "good"})
    with TestClient(create_app(predictor)) as other:
        assert read(other)["texts_total", TINY] == 0
