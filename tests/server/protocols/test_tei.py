"""``/predict`` as text-embeddings-inference describes it, and as Hugging Face's own client uses it."""

from __future__ import annotations

import pytest

TEXTS = ["a good film", "", "an awful film", "\U0001f600 \u4f60\u597d"]


def ask(client, **body):
    return client.post("/predict", json=body)


def test_one_text_gets_one_list_best_label_first(client, predictor):
    answer = ask(client, inputs="an awful film")
    assert answer.status_code == 200
    assert [item["label"] for item in answer.json()] == ["negative", "positive"]
    said = predictor.predict(["an awful film"])[0].probabilities
    assert {item["label"]: item["score"] for item in answer.json()} == pytest.approx(said, abs=1e-6)


def test_a_batch_gets_a_list_per_text_in_order(client, predictor):
    rows = ask(client, inputs=[[text] for text in TEXTS]).json()
    for row, said in zip(rows, predictor.predict(TEXTS), strict=True):
        assert {item["label"]: item["score"] for item in row} == pytest.approx(said.probabilities, abs=1e-6)


def test_a_list_of_one_text_is_one_text(client):
    assert ask(client, inputs=["good"]).json() == ask(client, inputs="good").json()


def test_raw_scores_are_logits(client, predictor):
    row = ask(client, inputs="a good film", raw_scores=True).json()
    logits = dict(zip(("negative", "positive"), predictor.logits(["a good film"])[0].tolist(), strict=True))
    assert {item["label"]: item["score"] for item in row} == pytest.approx(logits, abs=1e-6)
    assert row[0]["score"] > row[1]["score"]


def test_truncation_can_be_refused(client):
    long = "good " * 17
    assert ask(client, inputs=long).status_code == 200
    assert ask(client, inputs=long, truncate=True).status_code == 200
    refused = ask(client, inputs=[["good"], [long]], truncate=False)
    assert (refused.status_code, refused.json()["code"]) == (422, "request-limit")
    assert "text 1 is longer than the 16 tokens" in refused.json()["error"]


def test_cutting_the_beginning_off_is_refused_only_when_something_is_cut(client):
    assert ask(client, inputs="good", truncation_direction="left").status_code == 200
    assert ask(client, inputs="good " * 17, truncation_direction="left").status_code == 422


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "inputs"),
        ({"inputs": 1}, "inputs must be a list"),
        ({"inputs": []}, "inputs must be a list"),
        ({"inputs": ["a", "b"]}, "pair"),
        ({"inputs": [["a", "b"]]}, "pair"),
        ({"inputs": [["a"], "b"]}, "inputs[1]"),
        ({"inputs": [["a"], [1]]}, "inputs[1][0]"),
        ({"inputs": "a", "raw_scores": "yes"}, "raw_scores"),
        ({"inputs": "a", "parameters": {"top_k": "two"}}, "parameters.top_k"),
        ({"inputs": "a", "parameters": {"top_k": 0}}, "parameters.top_k"),
    ],
    ids=str,
)
def test_another_form_is_refused_in_words(client, body, said):
    answer = ask(client, **body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"inputs": "\xff"}', rb'{"inputs": "\ud800"}'])
def test_what_is_not_json_is_refused(client, body):
    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "request-syntax")


def test_the_form_of_hugging_faces_client_gets_a_list_per_text(client):
    one = ask(client, inputs="good", parameters={}).json()
    assert one == [ask(client, inputs="good").json()]
    both = ask(client, inputs=["good", "bad"], parameters={"top_k": 1}).json()
    assert [[item["label"] for item in row] for row in both] == [["positive"], ["negative"]]


@pytest.mark.parametrize("function", ["none", "sigmoid", "softmax"])
def test_another_activation_can_be_asked_for(client, predictor, function):
    (row,) = ask(client, inputs="good", parameters={"function_to_apply": function}).json()
    scores = {item["label"]: item["score"] for item in row}
    logits = dict(zip(("negative", "positive"), predictor.logits(["good"])[0].tolist(), strict=True))
    total = sum(scores.values())
    assert total == pytest.approx({"none": 0.0, "sigmoid": 1.0, "softmax": 1.0}[function], abs=1e-5)  # logits are +-2
    assert (scores == pytest.approx(logits, abs=1e-6)) == (function == "none")
    assert (scores["positive"] == pytest.approx(0.8808, abs=1e-3)) == (function == "sigmoid")
