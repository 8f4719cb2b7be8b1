"""What a proxy in front needs: idle connections that outlive its own, and a path of its own."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from textwright.server.app import create_app
from textwright.server.http.uvicorn_server import Server
from textwright.server.run import listen
from textwright.server.settings import ServeSettings

NGINX = (Path(__file__).parents[3] / "docs" / "operations" / "nginx.conf").read_text(encoding="utf-8")
BODY = {"text": "a good film"}


@pytest.fixture
def port(predictor):
    """Run a server in a thread that closes idle connections after a second."""
    settings = ServeSettings(keep_alive_s=1, shutdown_grace_s=1)
    ready = threading.Event()
    server = Server(create_app(predictor, settings), settings, lambda _: ready.set())
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert ready.wait(20)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(20)


def test_a_connection_serves_several_requests_and_is_closed_when_idle_for_the_setting(port):
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", "/readyz")
        assert connection.getresponse().read()
        kept = connection.sock
        connection.request("GET", "/readyz")
        assert connection.getresponse().read()
        assert connection.sock is kept
        assert isinstance(kept, socket.socket)
        assert kept.recv(1) == b"", "closed by the server; in vain a test waits 20 s for a connection that stays"


def test_idle_connections_outlive_those_of_the_proxies_that_we_set_up():
    ours = ServeSettings().keep_alive_s
    (nginx_s,) = re.findall(r"keepalive_timeout (\d+)s", NGINX)
    assert int(nginx_s) < ours


@pytest.mark.parametrize("prefix", ["", "/models/sentiment"])
def test_the_routes_are_answered_with_the_root_path_and_without(predictor, prefix):
    app = create_app(predictor, ServeSettings(root_path="/models/sentiment"))
    with TestClient(app) as client:
        assert client.post(f"{prefix}/v1/predict", json=BODY).status_code == 200
        assert client.get(f"{prefix}/readyz").status_code == 200
        assert client.get(f"{prefix}/").text.startswith("<!doctype html>")
        assert client.get(f"{prefix}/openapi.json").json()["servers"] == [{"url": "/models/sentiment"}]
    assert client.get("/models/sentimental/readyz").status_code == 404


def test_keys_are_asked_for_under_the_root_path_too(predictor, tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text(f"alice {'0' * 64}\n")
    with TestClient(create_app(predictor, ServeSettings(root_path="/sentiment", api_keys=keys))) as client:
        assert client.post("/sentiment/v1/predict", json=BODY).status_code == 401
        assert client.post("/sentiment/sentiment/v1/predict", json=BODY).status_code in {401, 404}
        assert client.get("/sentiment/readyz").status_code == 200


def test_without_a_root_path_the_document_names_none(client):
    assert "servers" not in client.get("/openapi.json").json()


@pytest.mark.parametrize("path", ["sentiment", "/", "/a/", "/a b"])
def test_a_root_path_that_is_none_is_refused(path):
    with pytest.raises(ValidationError, match="root_path"):
        ServeSettings(root_path=path)
