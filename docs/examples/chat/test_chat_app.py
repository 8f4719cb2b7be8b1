"""The tests of ``chat_app.py``: FastAPI's dependency override puts a parrot in the place of the real bot."""

import threading

import chat_app
import pytest
from chat_app import app, get_bot
from fastapi.testclient import TestClient

from nano.chat import Candidate


class Parrot:
    def find(self, prompt, history, number):
        return [Candidate(f"{len(history)} turns, then {prompt}", "hi", 0.5)][:number]


class Slow:
    started, go_on = threading.Event(), threading.Event()

    def find(self, prompt, history, number):
        self.started.set()
        self.go_on.wait(timeout=30)
        return Parrot().find(prompt, history, number)


@pytest.fixture
def client():
    app.dependency_overrides[get_bot] = Parrot
    yield TestClient(app)
    app.dependency_overrides.clear()


def test_the_answer_has_the_promised_form(client):
    answer = client.post("/reply", json={"message": " hello there ", "history": ["hi", "who is it?"]})
    expected = {"reply": "2 turns, then hello there", "score": 0.5, "prompt": "hi"}
    assert answer.json() == {"reply": expected["reply"], "candidates": [expected]}


def test_the_page_is_there(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "<form" in page.text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"message": ""}, "message: String should have at least 1 character"),
        ({"message": "  "}, "message: String should have at least 1 character"),
        ({"message": "a" * 1001}, "message: String should have at most 1000 characters"),
        ({"message": 5}, "message: Input should be a valid string"),
        ({"message": None}, "message: Input should be a valid string"),
        ({}, "message: Field required"),
        ([], "body: Input should be a valid dictionary"),
        ({"message": "hi", "history": ["a"] * 21}, "history: List should have at most 20 items"),
        ({"message": "hi", "history": [""]}, "history.0: String should have at least 1 character"),
        ({"message": "hi", "temperature": 1}, "temperature: Extra inputs are not permitted"),
    ],
)
def test_a_bad_message_is_refused_in_words(client, body, told):
    answer = client.post("/reply", json=body)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"{", b"", b'{"message": "\\ud800"}', b'{"message": "\xff"}', b'{"message": NaN}', b"[" * 50_000]
)
def test_bytes_that_are_no_message_are_refused(client, body):
    answer = client.post("/reply", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert isinstance(answer.json()["detail"], str)


def test_a_large_body_is_refused_before_it_is_read(client):
    answer = client.post("/reply", content=b" " * (chat_app.MAX_BODY + 1))
    assert answer.status_code == 413
    assert "300,000" in answer.json()["detail"]


def test_a_body_of_unknown_length_is_refused(client):
    answer = client.post("/reply", content=iter([b'{"message": "hi"}']))
    assert answer.status_code == 411


def test_too_many_at_once_are_told_to_come_again(client, monkeypatch):
    monkeypatch.setattr(chat_app, "WAIT_S", 0.05)
    monkeypatch.setattr(app.state, "places", threading.BoundedSemaphore(1))
    app.dependency_overrides[get_bot] = Slow
    statuses = []
    first = threading.Thread(
        target=lambda: statuses.append(client.post("/reply", json={"message": "one"}).status_code), daemon=True
    )
    first.start()
    assert Slow.started.wait(timeout=30)
    refused = client.post("/reply", json={"message": "two"})
    Slow.go_on.set()
    first.join(timeout=30)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert statuses == [200]


def test_without_a_bot_the_answer_says_what_to_set(monkeypatch):
    get_bot.cache_clear()
    monkeypatch.delenv("BOT", raising=False)
    answer = TestClient(app).post("/reply", json={"message": "hi"})
    assert answer.status_code == 503
    assert "set it to the folder" in answer.json()["detail"]
