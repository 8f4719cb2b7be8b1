"""A short storm on a real server: good, bad and abandoned requests together; no answer is lost or swapped."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from time import monotonic

import pytest

import textwright

COMMAND = [sys.executable, "-m", "textwright", "serve"]
POST = {"content-type": "application/json"}
WORDS = ["good", "bad", "great", "awful", "film", "the"]
STORM_S = 2.0


@pytest.fixture
def server(tiny_artifact, tmp_path):
    command = [*COMMAND, str(tiny_artifact), "--port", "0", "--json", "--num-threads", "1"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        said = ""
        while not said.endswith("}\n"):
            said += process.stdout.readline()
        try:
            yield process, int(json.loads(said)["url"].rpartition(":")[2])
        finally:
            process.kill()


def good(chance, port, connection):
    texts = [" ".join(chance.choices(WORDS, k=chance.randrange(1, 30))) for _ in range(chance.choice([1, 1, 1, 40]))]
    connection.request("POST", "/v1/predict", json.dumps({"texts": texts}), POST)
    answer = connection.getresponse()
    assert answer.status == 200
    return [(text, item["probabilities"]) for text, item in zip(texts, json.load(answer)["predictions"], strict=True)]


def bad(chance, port, connection):
    connection.request("POST", "/v1/predict", chance.choice(['{"text": 1}', "{", '{"texts": []}']), POST)
    answer = connection.getresponse()
    answer.read()
    assert answer.status in {400, 422}
    return []


def abandoned(chance, port, connection):
    body = json.dumps({"texts": ["a good film"] * 40}).encode()
    head = (
        b"POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        % len(body)
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as gone:
        gone.sendall(head + body[: chance.choice([10, len(body)])])
    return []


def client(seed, port):
    chance, found, end = random.Random(seed), [], monotonic() + STORM_S
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        while monotonic() < end:
            found += chance.choices([good, bad, abandoned], weights=[6, 1, 1])[0](chance, port, connection)
    return found


def metric(port, name):
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + "{"))


def test_a_storm_loses_and_swaps_no_answer_and_leaves_nothing_behind(server, tiny_artifact):
    process, port = server
    with ThreadPoolExecutor(8) as pool:
        found = [item for answers in pool.map(client, range(8), [port] * 8) for item in answers]
    predictor = textwright.load(tiny_artifact, num_threads=1)
    assert len(found) > 100
    for (text, mine), said in zip(found, predictor.predict([text for text, _ in found]), strict=True):
        assert mine == pytest.approx(said.probabilities, abs=1e-6), text
    assert (metric(port, "textwright_queue_texts"), metric(port, "textwright_queue_tokens")) == (0, 0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_a_stop_under_load_answers_every_request_that_was_taken(server, tmp_path):
    process, port = server
    with ThreadPoolExecutor(8) as pool:
        outcomes = [pool.submit(until_refused, number, port) for number in range(8)]
        while metric(port, "textwright_texts_total") < 50:
            pass
        process.send_signal(signal.SIGTERM)
        answered = [outcome.result(20) for outcome in outcomes]
    assert process.wait(10) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    taken = [line["status"] for line in lines if line["path"] == "/v1/predict"]
    assert taken == [200] * sum(answered)


def until_refused(seed, port):
    """Ask until the server takes no more requests; return how many were answered, to their end."""
    chance, count = random.Random(seed), 0
    while True:
        with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            try:
                connection.connect()
            except (ConnectionRefusedError, ConnectionResetError):  # reset: the listener closes while it connects
                return count
            try:
                good(chance, port, connection)
            except (ConnectionResetError, BrokenPipeError):  # its bytes were never read, so it may be sent elsewhere
                return count
        count += 1
