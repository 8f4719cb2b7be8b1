"""The native contract: what is answered, and that it is what the Python API says."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

import textwright
from textwright.api.schemas import ModelInfo, PredictResponse
from textwright.core.artifact import Variant
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

TEXTS = ["a good film", "", "an awful film", "\U0001f600 \u4f60\u597d", "the bad\x00the good"]


def test_one_text_and_many_are_answered_in_one_form(client):
    one = client.post("/v1/predict", json={"text": "a good film"})
    many = client.post("/v1/predict", json={"texts": ["a good film"]})
    assert one.status_code == many.status_code == 200
    assert one.json() == many.json()
    assert one.json()["predictions"][0]["label"] == "positive"


def test_the_route_says_what_the_python_api_says(client, predictor):
    response = TypeAdapter(PredictResponse).validate_json(client.post("/v1/predict", json={"texts": TEXTS}).content)
    for sent, said in zip(response.predictions, predictor.predict(TEXTS), strict=True):
        assert (sent.label, tuple(sent.labels), sent.truncated) == (said.label, said.labels, said.truncated)
        assert sent.probabilities == pytest.approx(said.probabilities, abs=1e-6)
        assert sent.confidence == pytest.approx(said.confidence, abs=1e-6)


def test_the_model_is_named_in_every_answer(client, predictor):
    model = client.post("/v1/predict", json={"text": "good"}).json()["model"]
    assert model == {
        "name": "tiny",
        "version": predictor.artifact.version,
        "family": "bow",
        "variant": "fp32",
        "task": "single-label",
    }


def test_a_text_longer_than_the_model_reads_is_marked(client):
    texts = ["good " * 17, "good " * 16]
    predictions = client.post("/v1/predict", json={"texts": texts}).json()["predictions"]
    assert [item["truncated"] for item in predictions] == [True, False]


def test_several_labels_may_hold_and_none_may(tiny_multilabel_artifact):
    predictor = textwright.load(tiny_multilabel_artifact, num_threads=1)
    texts = ["song and story", "the"]
    with TestClient(create_app(predictor)) as client:
        both, none = client.post("/v1/predict", json={"texts": texts}).json()["predictions"]
    assert set(both["labels"]) == {"music", "plot"}
    assert both["label"] in both["labels"]
    assert sum(both["probabilities"].values()) > 1.2  # sigmoid, not softmax
    assert (none["label"], none["labels"]) == (None, [])


def test_a_threshold_decides_and_the_model_route_has_it(make_artifact):
    predictor = textwright.load(make_artifact("strict", thresholds={"positive": 0.999}), num_threads=1)
    with TestClient(create_app(predictor)) as client:
        (answer,) = client.post("/v1/predict", json={"text": "good"}).json()["predictions"]
        info = client.get("/v1/model").json()
    assert answer["label"] == "negative"
    assert answer["confidence"] == answer["probabilities"]["negative"] < 0.5
    assert (info["threshold"], info["thresholds"]) == (None, {"positive": 0.999})


def test_the_model_route_tells_labels_limits_and_metrics(make_artifact):
    from textwright.core.artifact import Variant

    interval = {"value": 0.8, "low": 0.7, "high": 0.9}
    variants = {"fp32": Variant("model.onnx", metrics={"accuracy": interval})}
    path = make_artifact(variants=variants, metrics_split="test", training={"secret": "path"}, data={"source": "/home"})
    with TestClient(create_app(textwright.load(path, num_threads=1))) as client:
        answer = client.get("/v1/model")
    info = TypeAdapter(ModelInfo).validate_json(answer.content)
    assert info.labels == ["negative", "positive"]
    assert info.metrics == {"accuracy": interval}
    assert (info.metrics_split, info.limits.max_texts, info.threshold, info.thresholds) == ("test", 1000, None, {})
    assert "path" not in answer.text
    assert "/home" not in answer.text


def test_the_cost_of_a_request_is_told_in_a_header(client):
    timing = client.post("/v1/predict", json={"text": "good"}).headers["server-timing"]
    names = [part.split(";dur=")[0].strip() for part in timing.split(",")]
    assert names == ["tokenize", "queue", "infer"]
    assert all(float(part.split("dur=")[1]) >= 0 for part in timing.split(","))


def test_health_is_told(client):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_it_is_not_ready_before_start_up_and_after_shutdown(predictor):
    client = TestClient(create_app(predictor))
    before = client.get("/readyz")
    with client:
        during = client.get("/readyz")
    after = client.get("/readyz")
    assert [answer.status_code for answer in (before, during, after)] == [503, 200, 503]
    assert before.json()["code"] == "not-ready"
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready", "/v2/models/tiny/ready", "/v1/model"],
)
def test_what_answers_get_answers_head(client, path):
    answer = client.head(path)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == client.get(path).headers["content-length"]


def test_the_model_is_described_with_its_batch_invariance(make_artifact):
    measured = {"num_texts": 128, "max_change": 0.12, "mean_change": 0.03, "num_changed_labels": 5}
    folder = make_artifact(variants={"fp32": Variant("model.onnx", batch_invariance=measured)})
    with TestClient(create_app(textwright.load(folder), ServeSettings())) as client:
        assert client.get("/v1/model").json()["batch_invariance"] == measured
