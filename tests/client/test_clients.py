"""Both clients against a real server: typed answers, batches, keys, a share that is used up, and other servers."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from server_process import serving

import textwright as tw
from textwright.errors import (
    NotFoundError,
    RateLimitError,
    RequestError,
    ServingError,
    SettingsError,
    TextError,
    UnauthorizedError,
)

TEXTS = [f"{word} film {number}" for number in range(20) for word in ("great", "awful")]
FREE, METERED = "free-secret", "metered-secret"


class Awaited:
    """The asynchronous client, called as the other one is: so one test holds for both."""

    def __init__(self, *words, **settings):
        self._words, self._settings = words, settings

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def __getattr__(self, name):
        def call(*words, **fields):
            async def run():
                async with tw.AsyncClient(*self._words, **self._settings) as client:
                    return await getattr(client, name)(*words, **fields)

            return asyncio.run(run())

        return call


@pytest.fixture(params=[tw.Client, Awaited], ids=["sync", "async"])
def make_client(request):
    return request.param


@pytest.fixture(scope="module")
def address(make_artifact, tmp_path_factory):
    """Serve a model to two keys: one without a limit, one with 60 texts a minute."""
    folder = tmp_path_factory.mktemp("served")
    lines = [f"{name} {sha256(key.encode()).hexdigest()} {share}" for name, key, share in KEYS]
    (folder / "keys.txt").write_text("\n".join([*lines, ""]))
    words = (make_artifact("served"), "--api-keys", folder / "keys.txt", "--max-texts", "20")
    with serving(*words, log=folder / "log.txt") as server:
        yield f"http://127.0.0.1:{server.port}"


KEYS = [("free", FREE, ""), ("metered", METERED, 60)]


def test_many_texts_take_several_requests_and_come_back_in_order(make_client, address, make_artifact):
    with make_client(address, api_key=FREE, batch_size=7) as client:
        predictions = client.predict(iter(TEXTS))
        assert client.predict([]) == []
    expected = tw.load(make_artifact("served")).predict(TEXTS)
    assert [item.label for item in predictions] == [item.label for item in expected]
    assert predictions[0].probabilities == pytest.approx(expected[0].probabilities)
    assert predictions[0].explanation is None


def test_choices_travel_with_the_texts(make_client, address):
    with make_client(address, api_key=FREE) as client:
        (item,) = client.predict(["a great film"], model="served", top_k=1, explain=True)
        (info,) = client.models()
        assert client.is_ready()
    assert list(item.probabilities) == [item.label] == ["positive"]
    assert max(item.explanation.words, key=lambda word: word.contribution).text == "great"
    assert (info.name, info.labels) == ("served", ["negative", "positive"])


def use_up(client):
    for _ in range(5):
        client.predict(TEXTS[:20])


def test_a_used_up_share_is_waited_for_as_long_as_the_server_says(make_client, address):
    with make_client(address, api_key=METERED, batch_size=20, max_wait_s=30) as client:
        with make_client(address, api_key=METERED, batch_size=20, max_wait_s=0) as hasty:
            with pytest.raises(RateLimitError) as refused:
                use_up(hasty)
            assert refused.value.retry_after_s >= 1
        assert client.predict(["a great film"])[0].label == "positive"


def test_waiting_has_an_end(make_client, address):
    with (
        make_client(address, api_key=METERED, batch_size=20, max_wait_s=0.5) as client,
        pytest.raises(RateLimitError, match="try again in") as refused,
    ):
        client.predict(TEXTS[:20] * 4)
    assert refused.value.retry_after_s > 0.5  # so it was not waited for


def test_what_the_server_refuses_is_an_error_in_its_words(make_client, address):
    with make_client(address, api_key="unknown") as client, pytest.raises(UnauthorizedError):
        client.predict(["a film"])
    with make_client(address, api_key=FREE) as client:
        with pytest.raises(NotFoundError, match="this server has served@"):
            client.predict(["a film"], model="other")
        with pytest.raises(RequestError, match="40 texts"):
            client.predict(TEXTS)


def test_what_is_no_text_is_not_sent(make_client):
    with make_client("http://127.0.0.1:9") as client, pytest.raises(TextError, match="text 1 is missing"):
        client.predict(["a film", None])


def test_where_nobody_listens_it_says_so(make_client):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with make_client(f"http://127.0.0.1:{port}") as client:
        assert not client.is_ready()
        with pytest.raises(ServingError, match="cannot be reached"):
            client.predict(["a film"])


class Elsewhere(BaseHTTPRequestHandler):
    """Refuses twice as a busy proxy does, then answers as no Textwright server does."""

    refusals = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        kind = type(self)
        kind.refusals += 1
        self.send_response(503 if kind.refusals % 3 else 200)
        if kind.refusals % 3:
            self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(b"<html>welcome</html>")

    def log_message(self, *_words):
        pass


def test_another_server_is_recognized_after_its_proxys_waits(make_client):
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        reason = pytest.raises(ServingError, match=r"status 200, and not as Textwright does.*welcome")
        with make_client(f"http://127.0.0.1:{server.server_port}") as client, reason:
            client.predict(["a film"])
        server.shutdown()
    assert Elsewhere.refusals % 3 == 0


@pytest.mark.parametrize(
    ("url", "settings", "reason"),
    [
        ("127.0.0.1:8000", {}, "no address of a server"),
        ("ftp://example.org", {}, "no address of a server"),
        ("http://localhost:port", {}, "no address of a server"),
        ("http://localhost", {"batch_size": 0}, "batch_size of a client is 0"),
        ("http://localhost", {"timeout_s": 0}, "timeout_s of a client is 0"),
        ("http://localhost", {"max_wait_s": -1}, "max_wait_s of a client is -1"),
    ],
    ids=["no-scheme", "scheme", "broken", "batch", "timeout", "wait"],
)
def test_wrong_settings_are_refused_at_once(url, settings, reason):
    for kind in (tw.Client, tw.AsyncClient):
        with pytest.raises(SettingsError, match=reason):
            kind(url, **settings)


def test_feedback_names_a_request_and_is_stored(make_client, make_artifact, tmp_path):
    path = tmp_path / "feedback.db"
    with serving(make_artifact("feedback"), "--feedback", path, log=tmp_path / "log.txt") as server:
        with make_client(f"http://127.0.0.1:{server.port}", batch_size=2) as client:
            client.predict(["great", "awful"], request_id="mine-1")
            receipt = client.send_feedback("mine-1", "negative", position=1)
            with pytest.raises(RequestError, match="no label of the model"):
                client.send_feedback("mine-1", ["splendid"])
            with pytest.raises(SettingsError, match="2 requests"):
                client.predict(["great", "awful", "good"], request_id="mine-2")
            with pytest.raises(SettingsError, match="1 to 128"):
                client.predict(["great"], request_id="a b")
        assert "mine-1" in {line.get("id") for line in server.lines()}
    assert (receipt.request_id, receipt.position, receipt.labels) == ("mine-1", 1, ["negative"])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT request_id, position, labels FROM feedback").fetchall() == [
            ("mine-1", 1, '["negative"]')
        ]


def test_feedback_without_the_flag_is_said(make_client, address):
    with make_client(address, api_key=FREE) as client, pytest.raises(NotFoundError):
        client.send_feedback("mine", "positive")
