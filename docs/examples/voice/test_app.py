"""The tests of ``app.py``: FastAPI's dependency override puts a false voice in the place of the real one."""

import io
import wave

import numpy as np
import pytest
from app import MAX_WORDS, app, get_voice
from fastapi.testclient import TestClient

WORDS = "'thousand'; its words: zero, one"


class Hum:
    """Hums for a tenth of a second a word; has lost its way from five words on."""

    def say(self, phrase):
        words = phrase.split()
        return np.full(1600 * len(words), 0.1, np.float32), len(words) < 5


class Busy:
    def say(self, _):
        return None


@pytest.fixture
def client():
    app.dependency_overrides[get_voice] = Hum
    yield TestClient(app)
    app.dependency_overrides.clear()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("612", "six hundred twelve"),
        ("Six hundred and twelve!", "six hundred twelve"),
        ("twenty-one", "twenty one"),
        ("007", "seven"),
        ("  7, 40  ", "seven forty"),
    ],
)
def test_numbers_come_back_as_sound(client, text, words):
    answer = client.post("/say", json={"text": text})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert (answer.headers["voice-words"], answer.headers["voice-stopped"]) == (words, "true")
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (16_000, 1600 * len(words.split()))


def test_a_voice_that_lost_its_way_says_so(client):
    answer = client.post("/say", json={"text": "1 2 3 4 5"})
    assert (answer.status_code, answer.headers["voice-stopped"]) == (200, "false")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("four thousand", WORDS),
        ("4321", "'4321'; its words"),
        ("six 🙂 hello", "'hello'"),
        ("!?", "no word to say"),
        ("and", "no word to say"),
        ("٣", "'٣'"),
        ("1 " * (MAX_WORDS + 1), f"the voice says {MAX_WORDS} at most"),
    ],
)
def test_what_it_cannot_say_is_refused_with_the_reason(client, text, detail):
    answer = client.post("/say", json={"text": text})
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": 5}, {"text": None}, {"text": "x" * 201}, [], "612"])
def test_another_body_is_refused(client, body):
    assert client.post("/say", json=body).status_code == 422


def test_a_busy_voice_says_when_to_ask_again():
    app.dependency_overrides[get_voice] = Busy
    answer = TestClient(app).post("/say", json={"text": "5"})
    app.dependency_overrides.clear()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_server_without_a_voice_does_not_start(monkeypatch):
    monkeypatch.delenv("MODEL", raising=False)
    with pytest.raises(RuntimeError, match="MODEL is ''; set it to a file"), TestClient(app):
        pass


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text
