"""The page's routes: nobody but the page reads or decides, and what is wrong is said in words."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
from labeled_words import rows_of_words, write_rows
from starlette.testclient import TestClient

from textwright.core.labels import Task
from textwright.review.decisions import DecisionFile
from textwright.review.page.app import build_app
from textwright.review.queue import ReviewItem, ReviewQueue
from textwright.review.session import ReviewSession

TOKEN = "the-token"
ITEMS = tuple(
    ReviewItem("texts.csv", line, f"text {line}", None, ("good",), {"good": 0.6, "bad": 0.4}, "why") for line in (2, 3)
)


@pytest.fixture
def session(tmp_path):
    queue = ReviewQueue("texts.csv", Task.SINGLE_LABEL, ("bad", "good"), ITEMS)
    return ReviewSession(queue, DecisionFile(tmp_path / "out.csv", queue.task))


@pytest.fixture
def client(session):
    return TestClient(build_app(session, TOKEN), base_url="http://localhost:8100", headers={"x-review-token": TOKEN})


def test_a_decision_is_answered_with_what_is_next(client, session):
    first = client.get("/api/state").json()["item"]
    assert (first["text"], first["place"]) == ("text 2", "texts.csv, line 2")
    answer = client.post("/api/decide", json={"index": 0, "labels": ["bad"]}).json()
    assert (answer["item"]["text"], answer["num_decided"], answer["can_undo"]) == ("text 3", 1, True)
    assert "text 2,bad" in session.decisions.path.read_text()
    assert client.post("/api/skip", json={"index": 1}).json()["item"]["text"] == "text 3"
    assert client.post("/api/undo", json={}).json()["item"]["text"] == "text 2"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-review-token": "wrong"},
        {"x-review-token": ""},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:8100"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
    ],
)
def test_what_does_not_come_from_the_page_is_refused(client, session, headers):
    for method, path, body in [("GET", "/api/state", None), ("POST", "/api/decide", {"index": 0, "labels": ["bad"]})]:
        answer = client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, list(answer.json())) == (403, ["detail"])
    assert not session.decisions.path.exists()


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "[::1]:8100"])
def test_names_of_this_machine_are_answered(client, host):
    assert client.get("/api/state", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


def test_the_page_itself_holds_no_text_and_admits_no_other_script(client):
    page = client.get("/", headers={"x-review-token": ""})
    assert page.status_code == 200
    assert "text 2" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"index": true, "labels": ["bad"]}', 422),
        (b'{"index": 0, "labels": "bad"}', 422),
        (b'{"index": 0, "labels": ["other"]}', 422),
        (b'{"index": 1, "labels": ["bad"]}', 422),
        (b'{"index": 0, "labels": ["' + b"a" * 200_000 + b'"]}', 422),
    ],
)
def test_a_wrong_body_is_refused_in_words(client, session, body, status):
    answer = client.post("/api/decide", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, session.current) == (status, 0)
    assert answer.json()["detail"]
    assert client.post("/api/decide", content=body, headers={"content-type": "text/plain"}).status_code == 415


def ask(address, token, path, body=None):
    headers = {"x-review-token": token, "content-type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/api/{path}", content, headers)  # noqa: S310  our own page
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


@pytest.mark.slow
def test_a_killed_review_goes_on_where_it_was(tmp_path):
    source = write_rows(tmp_path / "reviews.csv", rows_of_words(150, wrong_every=15))
    command = [sys.executable, "-m", "textwright", "review", str(source), "--out", str(tmp_path / "out.csv")]

    counts = []
    for _ in range(2):
        with subprocess.Popen(
            [*command, "--port", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            shown = ""
            while "}" not in shown:
                shown += process.stdout.readline()
            content = json.loads(shown)
            counts.append(content["num_decided"])
            address, token = content["url"].split("/#")
            index = ask(address, token, "state")["item"]["index"]
            ask(address, token, "decide", {"index": index, "labels": ["positive"]})
            process.send_signal(signal.SIGKILL)
    assert counts == [0, 1]
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3
