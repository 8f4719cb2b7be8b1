"""The test of ``own_app.py``: FastAPI's dependency override puts a false model in the place of the real one."""

import pytest
from fastapi.testclient import TestClient
from own_app import app, get_predictor

import textwright


class AlwaysPositive:
    def predict(self, texts):
        probabilities = {"negative": 0.1, "positive": 0.9}
        return [textwright.TextPrediction("positive", ("positive",), probabilities, truncated=False) for _ in texts]


@pytest.fixture
def client():
    app.dependency_overrides[get_predictor] = AlwaysPositive
    yield TestClient(app)
    app.dependency_overrides.clear()


def test_the_answer_has_the_promised_form(client):
    assert client.post("/predict", json={"text": "A touching film."}).json() == {
        "probabilities": {"negative": 0.1, "positive": 0.9},
        "sentiment": "positive",
        "confidence": 0.9,
    }


def test_an_empty_text_is_refused(client):
    assert client.post("/predict", json={"text": ""}).status_code == 422
