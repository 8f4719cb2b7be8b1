"""The example app of a T5: its own tests pass, and with a real model it stops when the caller is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import torch

from nano import text_to_text
from nano.t5 import T5, Config
from nano.text_to_text import TextToText

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "t5"
COURSE = Path(__file__).parents[2] / "course"
TEXTS = ["the film is good", "A very bad film, they said.", "number: 0123456789"] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Save a T5 of random weights, large enough to be slow, which never ends a text by itself."""
    torch.manual_seed(0)
    tokenizer = text_to_text.train_tokenizer(TEXTS, 120, num_sentinels=8)
    model = T5(Config(num_tokens=120, dim=256, head_dim=32, num_heads=8, hidden=1024)).eval()
    with torch.no_grad():
        model.tokens.weight[1] = 0  # END is never the likeliest
    path = tmp_path_factory.mktemp("t5")
    text_to_text.save(TextToText(model, tokenizer), path)
    return path


@contextmanager
def serving(folder, port):
    environment = {**os.environ, "PYTHONPATH": f"{COURSE}{os.pathsep}{EXAMPLE}", "MODEL": str(folder)}
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "t5_app:app", "--port", str(port), "--log-level", "error"], env=environment
    )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(1200):
            try:
                httpx.get(f"{address}/status")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.fixture(scope="module")
def address(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(folder, port) as address:
        yield address


@pytest.mark.slow
def test_its_own_tests_pass(tmp_path):
    words = ["-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), str(EXAMPLE)]
    environment = {**os.environ, "PYTHONPATH": f"{COURSE}{os.pathsep}{EXAMPLE}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, timeout=600, env=environment
    )
    assert done.returncode == 0, done.stdout
    assert "16 passed" in done.stdout


@pytest.mark.slow
def test_it_writes_what_the_model_writes(address, folder):
    both = text_to_text.load(folder)
    answer = httpx.post(f"{address}/generate", json={"text": "the film", "max_tokens": 12}, timeout=120).json()
    assert answer == {"text": both.answer(["the film"], 12)[0], "tokens": 12, "reason": "length"}


def test_the_stream_adds_up_to_the_answer(address):
    order = {"text": "a bad film", "max_tokens": 20, "stream": True}
    lines = httpx.post(f"{address}/generate", json=order, timeout=120).text.splitlines()
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    *tokens, whole = data
    assert whole["tokens"] == 20
    assert whole["text"].startswith("".join(each["text"] for each in tokens))
    assert len(tokens) > 1


def test_nothing_is_written_for_a_caller_who_is_gone(address):
    before = httpx.get(f"{address}/status").json()["written"]
    order = json.dumps({"text": "the film is good", "max_tokens": 256, "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as caller:
        head = f"POST /generate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {len(order)}"
        caller.sendall(head.encode() + b"\r\n\r\n" + order)
        received = b""
        while received.count(b"event: token") < 3:
            received += caller.recv(4096)
    patience = time.monotonic() + 60
    while httpx.get(f"{address}/status").json()["running"]:
        assert time.monotonic() < patience
        time.sleep(0.02)
    written = httpx.get(f"{address}/status").json()["written"]
    assert 3 <= written - before < 200
    time.sleep(0.5)
    assert httpx.get(f"{address}/status").json() == {"running": 0, "written": written}


def test_bad_input_is_a_problem(address):
    for body, status in ((b"{", 422), (b'{"text": "\\ud800"}', 422), (b'{"text": 5}', 422), (b"x" * 200_000, 413)):
        answer = httpx.post(f"{address}/generate", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == status, (body[:20], answer.text)
