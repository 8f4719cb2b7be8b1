"""The same thousand texts through the Python API and through every contract: the same probabilities."""

from __future__ import annotations

import csv
import io
import json
import random
import struct

import numpy as np
import pytest
from starlette.testclient import TestClient

import textwright
from textwright.server.app import create_app

WORDS = [
    "good",
    "bad",
    "great",
    "awful",
    "film",
    "song",
    "story",
    "actor",
    "the",
    "unheard",
    "caf\u00e9",
    "\U0001f600",
    ",",
]


def make_texts(count):
    chance = random.Random(0)
    return [" ".join(chance.choices(WORDS, k=chance.randrange(25))) + f" {number}" for number in range(count)]


TEXTS = make_texts(1000)
FREQUENT = [f"{word} " * (place + 1) for place, word in enumerate(WORDS)]


def native(client):
    predictions = client.post("/v1/predict", json={"texts": TEXTS}).json()["predictions"]
    return [item["probabilities"] for item in predictions]


def one_by_one(client):
    return [
        client.post("/v1/predict", json={"text": text}).json()["predictions"][0]["probabilities"] for text in TEXTS[:50]
    ]


def tei(client):
    rows = client.post("/predict", json={"inputs": [[text] for text in TEXTS]}).json()
    return [{item["label"]: item["score"] for item in row} for row in rows]


def open_inference(client):
    name = client.get("/v1/model").json()["name"]
    tensor = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
    answer = client.post(f"/v2/models/{name}/infer", json={"inputs": [tensor], "outputs": [{"name": "probabilities"}]})
    labels = client.get(f"/v2/models/{name}").json()["parameters"]["labels"]
    flat = iter(answer.json()["outputs"][0]["data"])
    return [dict(zip(labels, row, strict=True)) for row in zip(*[flat] * len(labels), strict=True)]


def open_inference_binary(client):
    labels = client.get("/v1/model").json()
    data = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in TEXTS)
    tensor = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}
    outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
    headers = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    answer = client.post(f"/v2/models/{labels['name']}/infer", content=head + data, headers=headers)
    start = int(answer.headers["inference-header-content-length"])
    rows = np.frombuffer(answer.content[start:], "<f4").reshape(len(TEXTS), -1)
    return [dict(zip(labels["labels"], row.tolist(), strict=True)) for row in rows]


def sagemaker(client):
    predictions = client.post("/invocations", json={"texts": TEXTS}).json()["predictions"]
    return [item["probabilities"] for item in predictions]


def vertex(client):
    predictions = client.post("/invocations", json={"instances": TEXTS}).json()["predictions"]
    return [item["probabilities"] for item in predictions]


def table(client):
    prefix = "probability_"
    return [
        {key.removeprefix(prefix): float(row[key]) for key in row if key.startswith(prefix)}
        for row in table_rows(client)
    ]


def table_rows(client):
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["text"], *([text] for text in TEXTS)])
    answer = client.post("/v1/predict", content=stream.getvalue().encode(), headers={"content-type": "text/csv"})
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.mark.parametrize(
    "door", [native, one_by_one, tei, open_inference, open_inference_binary, sagemaker, vertex, table]
)
@pytest.mark.parametrize("artifact", ["tiny_artifact", "tiny_multilabel_artifact", "tiny_abstaining_artifact"])
def test_a_thousand_texts_get_the_same_probabilities_everywhere(request, artifact, door):
    predictor = textwright.load(request.getfixturevalue(artifact), num_threads=1)
    with TestClient(create_app(predictor)) as client:
        found = door(client)
    said = [item.probabilities for item in predictor.predict(TEXTS)][: 50 if door is one_by_one else None]
    assert len({tuple(item.values()) for item in said}) > 30  # a swapped answer would be seen
    assert len(found) == len(said)
    for mine, theirs in zip(found, said, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-6)


def native_labels(client):
    return [item["label"] for item in client.post("/v1/predict", json={"texts": TEXTS}).json()["predictions"]]


def open_inference_labels(client):
    name = client.get("/v1/model").json()["name"]
    tensor = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
    answer = client.post(f"/v2/models/{name}/infer", json={"inputs": [tensor], "outputs": [{"name": "label"}]})
    return [label or None for label in answer.json()["outputs"][0]["data"]]


def sagemaker_labels(client):
    lines = "\n".join(map(json.dumps, TEXTS)).encode()
    answer = client.post("/invocations", content=lines, headers={"content-type": "application/jsonlines"})
    return [json.loads(line)["label"] for line in answer.text.splitlines()]


def vertex_labels(client):
    predictions = client.post("/invocations", json={"instances": TEXTS}).json()["predictions"]
    return [item["label"] for item in predictions]


def table_labels(client):
    return [row["predicted_label"] or None for row in table_rows(client)]


@pytest.mark.parametrize("door", [native_labels, open_inference_labels, sagemaker_labels, vertex_labels, table_labels])
def test_a_model_abstains_from_the_same_texts_everywhere(tiny_abstaining_artifact, door):
    predictor = textwright.load(tiny_abstaining_artifact, num_threads=1)
    with TestClient(create_app(predictor)) as client:
        labels = door(client)
        assert client.get("/v1/model").json()["min_confidence"] == 0.9
    said = predictor.predict(TEXTS)
    assert {item.label for item in said} == {None, "negative", "positive"}
    assert (
        labels
        == [item.label for item in said]
        == [item.best_label if item.confidence >= 0.9 else None for item in said]
    )


@pytest.mark.parametrize("door", [native_labels, open_inference_labels, sagemaker_labels, vertex_labels, table_labels])
def test_a_model_rejects_the_same_texts_out_of_distribution_everywhere(make_artifact, door):
    predictor = textwright.load(make_artifact("unlike", training_texts=FREQUENT, max_surprisal=2.0))
    with TestClient(create_app(predictor)) as client:
        labels = door(client)
        assert client.get("/v1/model").json()["ood_rate"] == 0.01
        answers = client.post("/v1/predict", json={"texts": TEXTS}).json()["predictions"]
    said = predictor.predict(TEXTS)
    assert labels == [item.label for item in said]
    assert 0 < labels.count(None) < len(labels)
    assert [item.out_of_distribution for item in said] == [label is None for label in labels]
    assert [answer.get("out_of_distribution", False) for answer in answers] == [label is None for label in labels]


COSTS = {"negative": {"negative": 0, "positive": 20}, "positive": {"negative": 1, "positive": 0}}


@pytest.mark.parametrize("door", [native_labels, open_inference_labels, sagemaker_labels, vertex_labels, table_labels])
def test_costs_decide_the_same_everywhere(make_artifact, tiny_artifact, door):
    predictor, plain = textwright.load(make_artifact(costs=COSTS)), textwright.load(tiny_artifact)
    with TestClient(create_app(predictor)) as client:
        labels = door(client)
        assert client.get("/v1/model").json()["costs"] == COSTS
    said = [item.label for item in predictor.predict(TEXTS)]
    assert labels == said != [item.label for item in plain.predict(TEXTS)]


def test_a_model_that_answers_every_text_says_nothing_of_abstaining(tiny_artifact):
    with TestClient(create_app(textwright.load(tiny_artifact, num_threads=1))) as client:
        assert not {"min_confidence", "ood_rate"} & set(client.get("/v1/model").json())
        assert "min_confidence" not in client.get("/v1/models").json()["models"][0]
