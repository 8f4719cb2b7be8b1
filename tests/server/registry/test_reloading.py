"""A model takes the place of another while requests come: none is lost, and a bad artifact changes nothing."""

from __future__ import annotations

import asyncio
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection
from time import monotonic, sleep

import pytest
from server_process import serving
from starlette.testclient import TestClient

import textwright
from textwright.errors import ReloadError
from textwright.server.app import create_app
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.registry.registry import ModelRegistry
from textwright.server.settings import ServeSettings

OPPOSITE = {"good": (3.0, -3.0), "bad": (-3.0, 3.0)}
KEY = {"authorization": "Bearer admin-secret"}


@pytest.fixture
def place(tmp_path, make_artifact):
    """A folder that holds an artifact which says that good is positive."""
    shutil.copytree(make_artifact("tiny"), tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def opposite(make_artifact):
    return make_artifact("tiny", words=OPPOSITE)


@pytest.fixture
def admin_keys(tmp_path):
    path = tmp_path / "admin-keys"
    path.write_text(f"root {sha256(b'admin-secret').hexdigest()}\n")
    return path


def put(new, place):
    """Put an artifact in the place of another, as ``artifacts.write`` does: by renaming."""
    shutil.copytree(new, place.with_name("new"))
    place.rename(place.with_name("old"))
    place.with_name("new").rename(place)
    shutil.rmtree(place.with_name("old"))


def wait_until(condition, what):
    end = monotonic() + 60
    while not condition():
        assert monotonic() < end, f"waited for 60 seconds: {what}"
        sleep(0.02)


def ask_all_the_time(server, stop):
    """Predict one text after the other on one connection; return what was said."""
    said = []
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        while not stop.is_set():
            connection.request("POST", "/v1/predict", b'{"text": "good"}', {"content-type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            said.append(b"positive" if b'"label":"positive"' in body else b"negative")
    return said


def test_a_swap_under_load_loses_no_request_and_each_client_sees_one_change(place, opposite, tmp_path):
    with serving(place, "--num-threads", "1", "--body-timeout-s", "0.5", log=tmp_path / "log") as server:
        stop = threading.Event()
        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(ask_all_the_time, server, stop) for _ in range(4)]
            try:
                before = server.predict("good")["model"]["version"]
                put(opposite, place)
                server.process.send_signal(signal.SIGHUP)
                wait_until(lambda: server.predict("good")["model"]["version"] != before, "the new version")
                wait_until(lambda: "model retired" in server.log.read_text(), "the end of the old one")
            finally:
                stop.set()
            said = [client.result(20) for client in clients]
        assert server.stop() == 0
    for answers in said:
        assert answers[0] == b"positive"
        assert answers[-1] == b"negative"
        assert answers == sorted(answers, reverse=True)  # once new, always new
    assert {line["status"] for line in server.lines() if line["event"] == "request"} == {200}


def test_a_bad_artifact_leaves_the_old_model_and_is_told_in_the_log(place, tmp_path):
    with serving(place, "--num-threads", "1", log=tmp_path / "log") as server:
        before = server.predict("good")
        (place / "model.onnx").write_bytes(b"broken")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in server.log.read_text(), "the refusal")
        assert server.predict("good") == before
        assert server.ask("GET", "/readyz")[0] == 200
        assert server.stop() == 0
    (refusal,) = [line for line in server.lines() if line["event"] == "model not reloaded"]
    assert "model.onnx has 6 bytes" in refusal["error"]["message"]


@pytest.fixture
def client(place, admin_keys):
    settings = ServeSettings(num_threads=1, admin_keys=admin_keys, body_timeout_s=0.1)
    registry = ModelRegistry([ModelSpec(place).load(settings)])
    with TestClient(create_app(registry, settings)) as client:
        yield client


def label_of(client):
    return client.post("/v1/predict", json={"text": "good"}).json()["predictions"][0]["label"]


def test_the_admin_route_swaps(client, place, opposite):
    before = client.get("/v1/model").json()["version"]
    client.get("/openapi.json")
    put(opposite, place)
    assert label_of(client) == "positive"
    told = client.post("/v1/models/tiny/reload", headers=KEY)
    version = textwright.load(opposite).artifact.version
    assert told.json() == {"name": "tiny", "version": version, "previous_version": before}
    assert label_of(client) == "negative"
    assert client.get("/v1/model").json()["version"] == version
    assert version in client.get("/openapi.json").text
    assert before not in client.get("/openapi.json").text


def test_the_old_model_of_a_swap_is_closed(client, place, opposite):
    old = client.app.state.registry.default
    put(opposite, place)
    client.post("/v1/models/tiny/reload", headers=KEY)
    wait_until(lambda: not old.stages[0].batcher.is_running, "the end of the old batcher")
    told = client.get("/metrics").text
    assert f'version="{old.identity.version}"}} 0.0' in told


def test_reloading_what_has_not_changed_changes_nothing(client):
    service = client.app.state.registry.default
    told = client.post("/v1/models/tiny/reload", headers=KEY).json()
    assert told["version"] == told["previous_version"]
    assert client.app.state.registry.default is service


def test_a_bad_artifact_is_told_to_the_admin(client, place):
    (place / "tokenizer.json").unlink()
    answer = client.post("/v1/models/tiny/reload", headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (503, "reload")
    assert "tokenizer.json is missing" in answer.json()["detail"]
    assert label_of(client) == "positive"


def test_an_unknown_model_is_404(client):
    assert client.post("/v1/models/other/reload", headers=KEY).status_code == 404


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}])
def test_without_an_admin_key_nothing_is_reloaded(client, place, opposite, headers):
    put(opposite, place)
    assert client.post("/v1/models/tiny/reload", headers=headers).status_code == 401
    assert label_of(client) == "positive"


def test_a_key_of_the_api_is_no_admin_key_and_the_other_way_round(place, admin_keys, tmp_path):
    api_keys = tmp_path / "keys"
    api_keys.write_text(f"alice {sha256(b'alice-secret').hexdigest()}\n")
    settings = ServeSettings(num_threads=1, admin_keys=admin_keys, api_keys=api_keys)
    with TestClient(create_app(textwright.load(place), settings)) as client:
        alice = {"authorization": "Bearer alice-secret"}
        assert client.post("/v1/models/tiny/reload", headers=alice).status_code == 401
        assert client.post("/v1/models/tiny/reload", headers=KEY).status_code == 200
        assert client.post("/v1/predict", json={"text": "good"}, headers=KEY).status_code == 401
        assert client.post("/v1/predict", json={"text": "good"}, headers=alice).status_code == 200


def test_the_route_is_off_by_default(place):
    with TestClient(create_app(textwright.load(place))) as client:
        assert client.post("/v1/models/tiny/reload", headers=KEY).status_code == 404
        assert "reload" not in client.get("/openapi.json").text


def test_an_artifact_may_not_become_a_second_one_of_the_same_name_and_version(place, opposite):
    settings = ServeSettings(num_threads=1)
    registry = ModelRegistry([ModelSpec(path).load(settings) for path in (place, opposite)])

    async def scenario():
        put(opposite, place)
        with pytest.raises(ReloadError, match="already"):
            await registry.reload(registry.default.title)
        await registry.close()

    asyncio.run(scenario())
