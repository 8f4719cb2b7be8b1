"""The example of a chat page, ``docs/examples/chat``: its own tests, and a bot that is trained, saved and served."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch

from nano import dialogue
from nano.chat import BiEncoder, Retriever
from nano.fit import fit
from nano.turns import read_turns

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "chat"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT / "course", EXAMPLE))),
    "PYTHONDONTWRITEBYTECODE": "1",
}


@pytest.fixture(scope="module")
def bot(tmp_path_factory):
    """A bot of some 60 pairs, written to a folder."""
    pairs = dialogue.pairs(dialogue.split().train[:4])[:60]
    turns = read_turns([text for each in pairs for text in (*each.history, each.prompt, each.reply)], keep=False)
    replies = turns.vectors([each.reply for each in pairs])
    model = BiEncoder(num_turns=2)
    batch = (turns.contexts(pairs, 2), replies)
    fit(model, [batch] * 20, torch.optim.Adam(model.parameters(), lr=1e-3), num_steps=20)
    folder = tmp_path_factory.mktemp("bot")
    Retriever(model, pairs, replies).save(folder)
    return folder


@pytest.fixture(scope="module")
def address(bot):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "chat_app:app", "--port", str(port), "--log-level", "error"]
    with subprocess.Popen(command, env={**ENVIRONMENT, "BOT": str(bot)}, cwd=bot) as process:
        try:
            yield _ready(process, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def _ready(process, address):
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=300).close()  # noqa: S310  our own address
        except OSError:
            time.sleep(0.2)
        else:
            return address
    pytest.fail("the example did not start")


def _post(address, content):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/reply", content, headers)  # noqa: S310  our own address
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.slow
def test_its_own_tests_pass(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", tmp_path, EXAMPLE],
        capture_output=True, text=True, check=False, timeout=600, env=ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "22 passed" in done.stdout


@pytest.mark.slow
def test_behind_http_the_bot_says_what_it_says_in_python(bot, address):
    history = ["hello", "hi there, how are you?"]
    status, told = _post(address, json.dumps({"message": "I watched a film", "history": history}).encode())
    expected = Retriever.load(bot).find("I watched a film", history)
    assert status == 200
    assert [each["reply"] for each in told["candidates"]] == [each.reply for each in expected]
    assert [each["score"] for each in told["candidates"]] == pytest.approx([each.score for each in expected], abs=1e-3)


def test_no_reply_is_said_twice_in_a_conversation(address):
    history = []
    for _ in range(6):
        status, told = _post(address, json.dumps({"message": "tell me more", "history": history}).encode())
        assert status == 200
        assert told["reply"] not in history
        history += ["tell me more", told["reply"]]


@pytest.mark.parametrize(
    "message", ["\U0001f600" * 300, "\u202e?", "\x00\x01", "<script>alert(1)</script>", "你好世界", "a" * 1000]
)
def test_odd_messages_get_a_reply(address, message):
    status, told = _post(address, json.dumps({"message": message}).encode())
    assert status == 200
    assert told["reply"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"message": ""}', b'{"message": "\\ud800"}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_bad_body_is_refused_in_words(address, content):
    status, told = _post(address, content)
    assert status in {400, 422}
    assert told["detail"]
