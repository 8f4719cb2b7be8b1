"""Feedback: stored before it is answered, refused in words, asked for keys, and written by several workers at once."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256

import pytest
from server_process import serving
from starlette.testclient import TestClient

import textwright
from textwright.errors import SettingsError
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

RIGHT = {"request_id": "a-1", "position": 0, "labels": ["positive"]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "feedback.db"


@pytest.fixture
def settings(path):
    return ServeSettings(max_texts=5, max_body_bytes=10_000, body_timeout_s=0.5, feedback=path)


def rows_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT request_id, position, labels, key, time FROM feedback").fetchall()


def test_feedback_on_an_answer_is_in_the_file_when_it_is_answered(client, path):
    answer = client.post("/v1/predict", json={"texts": ["good", "bad"]})
    sent = {"request_id": answer.headers["x-request-id"], "position": 1, "labels": ["negative"]}
    stored = client.post("/v1/feedback", json=sent)
    assert (stored.status_code, stored.json()) == (200, sent)
    ((request_id, position, labels, key, time),) = rows_of(path)
    assert (request_id, position, json.loads(labels), key) == (sent["request_id"], 1, ["negative"], None)
    assert time.endswith("+00:00")


def test_it_is_counted_and_the_text_position_may_be_left_out(client, path):
    client.post("/v1/feedback", json={"request_id": "a", "labels": ["positive"], "model": "tiny"})
    assert rows_of(path)[0][1] == 0
    assert 'textwright_feedback_total{model="tiny"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"labels": ["great"]}, 422, "request", "'negative', 'positive'"),
        ({"labels": []}, 422, "request", "name one"),
        ({"labels": ["positive", "negative"]}, 422, "request", "name one"),
        ({"labels": "positive"}, 422, "request", "a list"),
        ({"labels": [1]}, 422, "request", "a list"),
        ({"request_id": "a" * 129}, 422, "request", "1 to 128"),
        ({"request_id": "a b"}, 422, "request", "1 to 128"),
        ({"request_id": None}, 422, "request", "request_id"),
        ({"position": 5}, 422, "request", "from 0 to 4"),
        ({"position": -1}, 422, "request", "from 0 to 4"),
        ({"position": True}, 422, "request", "from 0 to 4"),
        ({"model": "other"}, 404, "not-found", "no such model"),
        ({"text": "good"}, 422, "request", "is not a field"),
    ],
)
def test_wrong_feedback_is_refused_in_words_and_not_stored(client, path, change, status, code, words):
    answer = client.post("/v1/feedback", json={**RIGHT, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert rows_of(path) == []


def test_what_is_no_json_is_refused(client):
    assert client.post("/v1/feedback", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert client.post("/v1/feedback", content=b"a=1", headers={"content-type": "text/plain"}).status_code == 415


def test_a_multi_label_model_takes_several_labels_and_none(tiny_multilabel_artifact, settings, path):
    predictor = textwright.load(tiny_multilabel_artifact, num_threads=1)
    with TestClient(create_app(predictor, settings)) as client:
        for labels in (["music", "plot"], []):
            assert client.post("/v1/feedback", json={"request_id": "a", "labels": labels}).status_code == 200
        assert client.post("/v1/feedback", json={"request_id": "a", "labels": ["plot", "plot"]}).status_code == 422
    assert [json.loads(row[2]) for row in rows_of(path)] == [["music", "plot"], []]


def test_without_the_flag_there_is_no_route(predictor):
    with TestClient(create_app(predictor)) as client:
        assert client.post("/v1/feedback", json=RIGHT).status_code == 404
        assert "/v1/feedback" not in client.get("/openapi.json").json()["paths"]


def test_the_documents_example_is_stored(client, path):
    content = client.get("/openapi.json").json()["paths"]["/v1/feedback"]["post"]["requestBody"]["content"]
    assert client.post("/v1/feedback", json=content["application/json"]["example"]).status_code == 200
    assert len(rows_of(path)) == 1


def test_keys_apply_and_the_key_is_named(predictor, settings, path, tmp_path):
    (tmp_path / "keys").write_text(f"me {sha256(b'secret').hexdigest()} 2\n")
    asked = settings.model_copy(update={"api_keys": tmp_path / "keys"})
    with TestClient(create_app(predictor, asked)) as client:
        assert client.post("/v1/feedback", json=RIGHT).status_code == 401
        statuses = [
            client.post("/v1/feedback", json=RIGHT, headers={"x-api-key": "secret"}).status_code for _ in range(3)
        ]
    assert statuses == [200, 200, 429]
    assert [row[3] for row in rows_of(path)] == ["me", "me"]


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 20, None])
def test_a_file_that_cannot_be_used_is_refused_at_the_start(predictor, path, content):
    if content is None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE feedback (something TEXT)")
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"feedback\.db"):
        create_app(predictor, ServeSettings(feedback=path))


def test_a_folder_that_is_not_there_is_said(predictor, tmp_path):
    with pytest.raises(SettingsError, match="a folder that this user can write to"):
        create_app(predictor, ServeSettings(feedback=tmp_path / "none" / "feedback.db"))


def test_a_file_that_another_process_holds_is_waited_for_and_then_said(client, path, monkeypatch):
    store = client.app.state.feedback
    store._connection.execute("PRAGMA busy_timeout=50")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.post("/v1/feedback", json=RIGHT)
        assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
        other.execute("ROLLBACK")
    assert client.post("/v1/feedback", json=RIGHT).status_code == 200


def test_several_workers_write_into_one_file(tiny_artifact, path, tmp_path):
    with serving(tiny_artifact, "--workers", 2, "--feedback", path, log=tmp_path / "log") as server:

        def send(number):
            return server.ask("POST", "/v1/feedback", {**RIGHT, "request_id": f"r-{number}"})[0]

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(send, range(60))) == {200}
        assert server.stop() == 0
    assert sorted(row[0] for row in rows_of(path)) == sorted(f"r-{number}" for number in range(60))
