"""The test of ``t5_app.py``: FastAPI's dependency override puts a writer in the place of the model."""

import json
import time

import pytest
import t5_app
from fastapi.testclient import TestClient
from t5_app import app, get_writer


class Echo:
    """Writes the words of what it reads."""

    def count(self, text):
        return len(text.split())

    def write(self, text, max_tokens):
        words = text.split()[:max_tokens]
        for number in range(len(words)):
            time.sleep(0.01)
            yield " ".join(words[: number + 1]), number + 1 == len(text.split())


@pytest.fixture
def client():
    app.dependency_overrides[get_writer] = Echo
    yield TestClient(app)
    app.dependency_overrides.clear()


def events(answer):
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def assert_problem(answer, status, words):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert words in answer.json()["detail"]


def test_a_text_is_written(client):
    answer = client.post("/generate", json={"text": "one two three"})
    assert answer.json() == {"text": "one two three", "tokens": 3, "reason": "end"}


def test_it_is_no_longer_than_asked_for(client):
    answer = client.post("/generate", json={"text": "one two three", "max_tokens": 2})
    assert answer.json() == {"text": "one two", "tokens": 2, "reason": "length"}


def test_tokens_are_streamed_as_events(client):
    answer = client.post("/generate", json={"text": "one two three", "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *tokens, (last, whole) = events(answer)
    assert [data["text"] for _, data in tokens] == ["one", " two", " three"]
    assert (last, whole) == ("done", {"text": "one two three", "tokens": 3, "reason": "end"})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"text": ""}, "text: String should have at least 1 character"),
        ({"text": "a", "max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"text": "a", "max_tokens": 257}, "less than or equal to 256"),
        ({"text": "a", "prompt": "b"}, "prompt: Extra inputs are not permitted"),
        ({}, "text: Field required"),
        ([], "body: "),
        ({"text": "a " * 513}, "it has 513 tokens and at most 512 are read"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_reason(client, body, words):
    assert_problem(client.post("/generate", json=body), 422, words)


def test_what_is_no_json_is_refused(client):
    assert_problem(client.post("/generate", content="{", headers={"content-type": "application/json"}), 422, "JSON")


def test_a_body_that_is_too_large_is_refused(client):
    answer = client.post("/generate", json={"text": "a" * t5_app.MAX_BODY})
    assert answer.status_code == 413


def test_other_paths_are_problems_too(client):
    assert_problem(client.get("/nothing"), 404, "Not Found")
    assert_problem(client.get("/generate"), 405, "Method Not Allowed")


def test_one_too_many_is_told_to_come_again(client, monkeypatch):
    monkeypatch.setattr(t5_app, "MAX_RUNNING", 0)
    monkeypatch.setattr(t5_app, "WAIT_S", 0.05)
    answer = client.post("/generate", json={"text": "a"})
    assert_problem(answer, 429, "come again")
    assert answer.headers["retry-after"] == "1"


def test_what_takes_too_long_ends(client, monkeypatch):
    monkeypatch.setattr(t5_app, "TIMEOUT_S", 0.05)
    order = {"text": "a " * 100, "max_tokens": 100}
    assert_problem(client.post("/generate", json=order), 504, "ask for fewer")
    last, whole = events(client.post("/generate", json={**order, "stream": True}))[-1]
    assert (last, whole["reason"]) == ("done", "time")
    assert whole["tokens"] < 50
    assert client.get("/status").json()["running"] == 0


def test_without_a_model_it_says_which_folder(monkeypatch):
    monkeypatch.setenv("MODEL", "no/folder")
    assert_problem(TestClient(app).post("/generate", json={"text": "a"}), 503, "no/folder has no config.json")
