"""API keys: asked for, never stored or logged in the clear, rotated by reload, each with its own share."""

from __future__ import annotations

import io
import logging
import os
from hashlib import sha256

import pytest
from starlette.testclient import TestClient

from textwright.api import auth
from textwright.api.auth import KeyRing
from textwright.api.rate_limit import SharedTokenBucket, TokenBucket
from textwright.errors import NotFoundError, RateLimitError, SettingsError, UnauthorizedError
from textwright.server.app import create_app
from textwright.server.http.auth import PUBLIC_PATHS
from textwright.server.settings import ServeSettings
from textwright.server.telemetry import logs

ALICE, BOB = "alice-secret-1234", "bob-secret-5678"


def line(name, secret, share=""):
    return f"{name} {sha256(secret.encode()).hexdigest()} {share}\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text("# who may ask\n\n" + line("alice", ALICE) + line("bob", BOB, 3) + "  # the end\n")
    return path


@pytest.fixture
def client(predictor, path):
    with TestClient(create_app(predictor, ServeSettings(api_keys=path))) as client:
        yield client


def ask(client, *texts, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/predict", json={"texts": list(texts or ["good"])}, headers=headers)


def bearer(secret):
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    "headers", [{}, bearer("wrong"), bearer(""), {"authorization": ALICE}, {"x_api_key": ""}, bearer("\u00e9".encode())]
)
def test_without_a_known_key_nothing_is_answered(client, headers):
    answer = ask(client, **headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("headers", [bearer(ALICE), {"authorization": f"bearer  {BOB}"}, {"x_api_key": ALICE}])
def test_a_known_key_is_answered(client, headers):
    assert ask(client, **headers).status_code == 200


def test_every_address_but_the_open_ones_asks_for_a_key(client):
    paths = {route.path for route in client.app.routes if hasattr(route, "path")} | set(client.app.openapi()["paths"])
    assert paths >= PUBLIC_PATHS
    for path in paths:
        answer = client.get(path.format(name="tiny", version="1"))
        assert (answer.status_code == 401) == (path not in PUBLIC_PATHS), path
    assert client.get("/unknown").status_code == 401


def test_the_document_says_that_a_key_is_asked_for(client):
    document = client.get("/openapi.json", headers=bearer(ALICE)).json()
    assert document["paths"]["/v1/predict"]["post"]["security"] == [{"key": []}]
    assert "401" in document["paths"]["/v1/model"]["get"]["responses"]
    assert "security" not in document["paths"]["/healthz"]["get"]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_labels_are_not_read_and_nothing_is_predicted_without_a_key(client):
    for answer in (
        client.get("/openapi.json"),
        client.post("/", json={"inputs": "good"}),
        *(client.get(path) for path in PUBLIC_PATHS),
    ):
        assert "positive" not in answer.text
    assert client.post("/", json={"inputs": "good"}).status_code == 401
    assert client.post("/", json={"inputs": "good"}, headers=bearer(ALICE)).json()[0]["label"] == "positive"


def test_the_page_of_the_api_can_send_a_key(client):
    page = client.get("/docs").text
    assert '<input id="key" type="password"' in page
    assert '"x-api-key": key.value' in page


def test_the_name_is_logged_and_the_secret_never(client, keep_loggers):
    log = io.StringIO()
    logs.configure(log)
    ask(client, **bearer(ALICE))
    ask(client, **bearer("a-wrong-secret"))
    assert '"key":"alice"' in log.getvalue()
    assert ALICE not in log.getvalue()
    assert "a-wrong-secret" not in log.getvalue()


def test_a_share_of_texts_is_kept_and_refused_requests_cost_nothing(client):
    assert ask(client, "a", "b", **bearer(BOB)).status_code == 200
    refused = ask(client, "a", "b", **bearer(BOB))
    assert (refused.status_code, refused.json()["code"]) == (429, "rate-limit")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "1 are left of the 3" in refused.json()["detail"]
    assert ask(client, "a", **bearer(BOB)).status_code == 200
    assert ask(client, *["a"] * 50, **bearer(ALICE)).status_code == 200  # another's share is another


def test_a_bucket_fills_steadily_and_holds_one_minute():
    now = [100.0]
    bucket = TokenBucket(60, clock=lambda: now[0])
    bucket.take(60)
    with pytest.raises(RateLimitError) as refused:
        bucket.take(10)
    assert refused.value.retry_after_s == 10
    now[0] += 10
    bucket.take(10)
    now[0] += 3600
    bucket.take(60)
    with pytest.raises(RateLimitError):
        bucket.take(1)


def test_a_request_larger_than_the_share_is_told_its_bound():
    with pytest.raises(RateLimitError, match="at most 5 texts"):
        TokenBucket(5).take(6)


def rewrite(path, content):
    path.write_text(content)
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))


def test_keys_are_rotated_by_writing_the_file(path, monkeypatch):
    ring = KeyRing(path)
    monkeypatch.setattr(auth, "_LOOK_AGAIN_S", 0)
    rewrite(path, line("alice", "old") + line("alice", "new"))
    assert ring.find("old").name == ring.find("new").name == "alice"
    rewrite(path, line("alice", "new"))
    with pytest.raises(UnauthorizedError):
        ring.find("old")
    with pytest.raises(UnauthorizedError):
        ring.find(ALICE)


def test_the_keys_of_one_name_share_one_limit_through_reloads(path, monkeypatch):
    ring = KeyRing(path)
    monkeypatch.setattr(auth, "_LOOK_AGAIN_S", 0)
    ring.find(BOB).bucket.take(3)
    rewrite(path, line("bob", "new", 3))
    with pytest.raises(RateLimitError):
        ring.find("new").bucket.take(1)


def make_a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.unlink(), lambda path: rewrite(path, ""), lambda path: rewrite(path, "# x\n"), make_a_folder],
)
def test_without_a_key_in_the_file_all_are_revoked_until_there_is_one(path, monkeypatch, caplog, spoil):
    ring = KeyRing(path)
    monkeypatch.setattr(auth, "_LOOK_AGAIN_S", 0)
    spoil(path)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with pytest.raises(UnauthorizedError):
                ring.find(ALICE)
    assert caplog.text.count("there is no key any more") == 1
    if path.is_dir():
        path.rmdir()
    path.write_text(line("alice", ALICE))
    assert ring.find(ALICE).name == "alice"


def test_a_folder_in_its_place_is_refused_at_the_start(tmp_path):
    with pytest.raises(NotFoundError, match="cannot be read"):
        KeyRing(tmp_path)


def test_the_workers_of_a_server_take_from_one_share(path, tmp_path):
    one, other = KeyRing(path, tmp_path), KeyRing(path, tmp_path)
    one.find(BOB).bucket.take(2)
    with pytest.raises(RateLimitError, match="1 are left"):
        other.find(BOB).bucket.take(2)
    other.find(BOB).bucket.take(1)
    with pytest.raises(RateLimitError):
        one.find(BOB).bucket.take(1)


def test_a_share_in_a_file_fills_as_any_other(tmp_path):
    now = [0.0]
    one, other = (SharedTokenBucket(60, tmp_path / "share", clock=lambda: now[0]) for _ in range(2))
    one.take(60)
    now[0] = 10.0
    other.take(10)
    with pytest.raises(RateLimitError):
        one.take(1)


@pytest.mark.parametrize("spoil", [lambda path: rewrite(path, "nonsense\n")])
def test_a_line_that_is_no_key_leaves_the_old_keys_good_and_is_logged(path, monkeypatch, caplog, spoil):
    ring = KeyRing(path)
    monkeypatch.setattr(auth, "_LOOK_AGAIN_S", 0)
    spoil(path)
    with caplog.at_level(logging.ERROR):
        assert ring.find(ALICE).name == "alice"
    assert "the keys were not reloaded" in caplog.text


def test_every_key_is_compared_to_its_end(path, monkeypatch):
    compared = []
    real = auth.compare_digest
    monkeypatch.setattr(auth, "compare_digest", lambda a, b: compared.append(a) or real(a, b))
    KeyRing(path).find(ALICE)
    assert len(compared) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no key"),
        ("# nobody\n", "holds no key"),
        (line("alice", ALICE) + "bob hunter2\n", "line 2"),
        ("alice " + "A" * 64, "line 1"),
        (line("alice", ALICE, 0), "line 1"),
        (line("alice", ALICE, -5), "line 1"),
    ],
)
def test_a_file_that_holds_no_keys_is_refused_at_the_start(path, content, said):
    path.write_text(content)
    with pytest.raises(SettingsError, match=said):
        KeyRing(path)


def test_a_clear_key_in_the_file_is_not_repeated(path):
    path.write_text("bob hunter2\n")
    with pytest.raises(SettingsError) as refused:
        KeyRing(path)
    assert "hunter2" not in str(refused.value)


def test_a_missing_file_is_refused_at_the_start(tmp_path):
    with pytest.raises(NotFoundError, match=r"none\.txt"):
        KeyRing(tmp_path / "none.txt")
