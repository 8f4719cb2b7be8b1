"""Explanations on the wire: true of the text as sent, bounded, and in turn with everybody else."""

from __future__ import annotations

import hashlib
import time

import pytest
from starlette.testclient import TestClient

import textwright
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

TEXT = "\U0001f600 a GOOD  cafe\u0301, isn\u2019t it?"


def explain(client, text):
    answer = client.post("/v1/predict", json={"text": text, "explain": True})
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"][0]


def test_words_stand_where_their_offsets_say(client):
    words = explain(client, TEXT)["explanation"]["words"]
    assert [word["text"] for word in words] == [TEXT[word["start"] : word["end"]] for word in words]
    assert [word["text"] for word in words][:4] == ["\U0001f600", "a", "GOOD", "cafe\u0301"]


def test_the_wire_says_what_the_predictor_says(client, predictor):
    texts = ["a good film", "", "an awful bad good film " * 5]
    answer = client.post("/v1/predict", json={"texts": texts, "explain": True}).json()
    plain = client.post("/v1/predict", json={"texts": texts}).json()
    found = [item.pop("explanation") for item in answer["predictions"]]
    assert answer == plain
    assert all("explanation" not in item for item in plain["predictions"])
    for said, expected in zip(found, predictor.explain(texts), strict=True):
        assert (said["label"], said["method"]) == (expected.label, "exact")
        assert said["score"] == pytest.approx(expected.score, abs=1e-5)
        assert [word["contribution"] for word in said["words"]] == pytest.approx(
            [word.contribution for word in expected.words], abs=1e-5
        )


def test_multi_label_explains_the_most_probable(tiny_multilabel_artifact):
    with TestClient(create_app(textwright.load(tiny_multilabel_artifact))) as client:
        explanation = explain(client, "story and song and story")["explanation"]
    assert (explanation["label"], explanation["base"]) == ("plot", -1.0)


def test_more_texts_than_may_be_explained_are_refused(predictor):
    with TestClient(create_app(predictor, ServeSettings(max_explained_texts=2))) as client:
        refused = client.post("/v1/predict", json={"texts": ["good"] * 3, "explain": True})
        assert client.post("/v1/predict", json={"texts": ["good"] * 3}).status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (422, "request-limit")
    assert "--max-explained-texts" in refused.json()["detail"]


@pytest.mark.parametrize("value", ["yes", 1, None, [True]])
def test_explain_is_true_or_false(client, value):
    refused = client.post("/v1/predict", json={"text": "good", "explain": value})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith('"explain" must be true or false, not ')


def test_an_explained_text_counts_as_ten_of_the_share(predictor, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"me {hashlib.sha256(b'secret').hexdigest()} 15\n")
    with TestClient(create_app(predictor, ServeSettings(api_keys=keys)), headers={"x-api-key": "secret"}) as client:
        statuses = [client.post("/v1/predict", json={"text": "good", "explain": True}).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_a_slow_explanation_is_computed_in_the_queue_and_dropped_when_late(predictor):
    class Slow(type(predictor)):
        def infer(self, batch):
            time.sleep(0.01 + 0.2 * (len(batch) > 4))
            return super().infer(batch)

    slow = Slow(predictor.artifact, num_threads=1)
    assert slow.explainer  # made now, so that it takes nothing of the request's time
    with TestClient(create_app(slow, ServeSettings(timeout_s=0.1))) as client:
        assert explain(client, "good")["explanation"]["words"]
        late = client.post("/v1/predict", json={"text": "the good the bad and the film", "explain": True})
    assert (late.status_code, late.json()["code"]) == (504, "deadline")


def test_probes_take_room_in_the_queue_and_give_it_back(client):
    batcher = client.app.state.registry.default.stages[0].batcher
    for _ in range(3):
        explain(client, TEXT)
    assert (batcher.num_texts, batcher.num_tokens) == (0, 0)
