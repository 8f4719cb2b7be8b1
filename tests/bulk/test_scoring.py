"""One fragment: a text that breaks the engine costs its own prediction only, and all ways in give the same answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from starlette.testclient import TestClient

from textwright.bulk.run import score_files
from textwright.bulk.scoring import predict_each
from textwright.bulk.settings import ScoreSettings
from textwright.core import artifact as artifacts
from textwright.errors import BackendError
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings


def test_http_and_python_give_the_same_answers(tmp_path, tiny_artifact):
    texts = ["a good film", "", "awful and loud", "日本語 great", *(f"good {number} bad" for number in range(20))]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    score_files(tiny_artifact, str(source), str(tmp_path / "out"), settings=ScoreSettings(workers=1))
    rows = [json.loads(line) for line in (tmp_path / "out" / "in-00000.jsonl").read_text().splitlines()]
    probabilities = [[row["probability_negative"], row["probability_positive"]] for row in rows]
    predictor = load(tiny_artifact)
    with TestClient(create_app(predictor, ServeSettings())) as client:
        answer = client.post("/v1/predict", json={"texts": texts}).json()
    for predictions in (
        [item["probabilities"] for item in answer["predictions"]],
        [item.probabilities for item in predictor.predict(texts)],
    ):
        expected = [[item["negative"], item["positive"]] for item in predictions]
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)


class Fragile(Predictor):
    """An engine that fails on texts of three tokens."""

    def infer(self, batch):
        if 3 in np.asarray(batch.lengths):
            raise BackendError("the engine failed")
        return super().infer(batch)


def test_a_text_that_breaks_the_engine_has_an_error_of_its_own(tiny_artifact):
    predictor = Fragile(artifacts.read(tiny_artifact), num_threads=1)
    columns = predict_each(predictor, ["good", "a b c", "bad film", "great"], top_k=1)
    assert columns["error"] == [None, "the engine failed", None, None]
    assert columns["predicted_label"] == ["positive", None, "negative", "positive"]
    assert columns["top_1_probability"][1] is None


def test_an_engine_that_always_fails_ends_the_run(tiny_artifact):
    predictor = Fragile(artifacts.read(tiny_artifact), num_threads=1)
    with pytest.raises(BackendError):
        predict_each(predictor, ["a b c"] * 5)
