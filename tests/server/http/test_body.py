"""The time limit of a body: it ends what waits too long, and nothing else."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from textwright.api import codec
from textwright.api.body import check_num_values
from textwright.api.protocols import native, open_inference, sagemaker, tei
from textwright.api.validation import RequestLimits
from textwright.errors import RequestLimitError
from textwright.server.http import body as reading
from textwright.server.http.body import _TimeLimit


def test_what_is_in_time_is_left_alone():
    async def scenario():
        with _TimeLimit(0.02):
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)  # the alarm was switched off
        return asyncio.current_task().cancelling()

    assert asyncio.run(scenario()) == 0


def test_what_takes_too_long_is_ended_and_the_task_goes_on():
    async def scenario():
        with pytest.raises(TimeoutError), _TimeLimit(0.01):
            await asyncio.sleep(10)
        await asyncio.sleep(0.001)
        return asyncio.current_task().cancelling()

    assert asyncio.run(asyncio.wait_for(scenario(), 5)) == 0


@pytest.mark.parametrize("limit_s", [0.001, 10])
def test_who_is_cancelled_from_outside_stays_so(limit_s):
    async def waiting():
        with _TimeLimit(limit_s):
            await asyncio.sleep(10)

    async def scenario():
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_another_error_is_passed_on():
    async def scenario():
        with _TimeLimit(10):
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(scenario())


GZIP = {"content-type": "application/json", "content-encoding": "gzip"}
PACKED = gzip.compress(json.dumps({"text": "good"}).encode())

BROKEN = {
    "empty": b"",
    "not packed": b'{"text": "good"}',
    "without its checksum": PACKED[:-4],
    "cut in its head": PACKED[:12],
    "a byte too many": PACKED + b"x",
}


def test_a_compressed_body_is_read(client):
    answer = client.post("/v1/predict", content=PACKED, headers=GZIP)
    assert answer.json() == client.post("/v1/predict", json={"text": "good"}).json()
    tensor = {"inputs": [{"name": "a", "datatype": "BYTES", "shape": [1], "data": ["good"]}]}
    answer = client.post("/v2/models/tiny/infer", content=gzip.compress(json.dumps(tensor).encode()), headers=GZIP)
    assert answer.json()["outputs"][0]["data"] == ["positive"]


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)  # a gzip's head holds the time, so bytes are no stable id
def test_a_broken_compressed_body_is_refused_in_words(client, body):
    answer = client.post("/v1/predict", content=body, headers=GZIP)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-syntax")
    assert "gzip" in answer.json()["detail"]


def test_a_body_is_unpacked_to_the_limit_and_no_further(client):
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < client.app.state.settings.max_body_bytes
    answer = client.post("/v1/predict", content=bomb, headers=GZIP)
    assert (answer.status_code, answer.json()["code"]) == (413, "request-too-large")


LIMITS = RequestLimits(max_texts=1000, max_text_chars=100_000, max_body_bytes=4_000_000)
VALUES = 16 * LIMITS.max_texts + 4096


@pytest.mark.parametrize(
    "body",
    [b"[" + b"{}," * VALUES, b'{"a":1,' * VALUES, b'["a",' * VALUES, b'["\\\\",' * VALUES],
    ids=["objects", "members", "strings", "backslashes"],
)
def test_json_of_far_more_values_than_a_request_has_is_refused(body):
    with pytest.raises(RequestLimitError, match=f"more than {VALUES} values"):
        check_num_values(body, LIMITS)


@pytest.mark.parametrize("text", ["[{,", '"', "\\", '\\"[,', "{" * 100], ids=repr)
def test_marks_within_texts_are_no_values(text):
    check_num_values(json.dumps({"texts": [text * 30] * 1000}).encode(), LIMITS)
    check_num_values(json.dumps({"text": text * 300_000}).encode(), LIMITS)
    check_num_values(json.dumps({"text": text * 300_000}).encode()[:-2], LIMITS)  # a string without an end


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


LONG = ["хорошо " * 135] * 5  # fewer bytes than the limit of these tests, more than are parsed on the event loop
TENSOR = {"inputs": [{"name": "a", "datatype": "BYTES", "shape": [5], "data": LONG}]}
LARGE = {
    "native": (native, "parse", "/v1/predict", _json({"texts": LONG}), "application/json"),
    "csv": (native, "parse", "/v1/predict", "text\n" + "\n".join(LONG), "text/csv"),
    "tei": (tei, "parse", "/predict", _json({"inputs": [[text] for text in LONG]}), "application/json"),
    "vertex": (sagemaker, "parse", "/invocations", _json({"instances": LONG}), "application/json"),
    "json lines": (
        sagemaker,
        "parse",
        "/invocations",
        "\n".join(map(_json, LONG)),
        "application/jsonlines",
    ),
    "open inference": (
        open_inference,
        "parse",
        "/v2/models/tiny/infer",
        _json(TENSOR),
        "application/json",
    ),
    "its tensors": (
        open_inference.tensors,
        "texts_of",
        "/v2/models/tiny/infer",
        _json(TENSOR),
        "application/json",
    ),
    "counting": (codec, "check_num_values", "/v1/predict", _json({"texts": LONG}), "application/json"),
}


def _spy(monkeypatch, module, name) -> list[bool]:
    """Record of each call whether it runs in a thread with an event loop."""
    function, calls = getattr(module, name), []

    def spied(*args, **kwargs):
        calls.append(asyncio._get_running_loop() is not None)
        return function(*args, **kwargs)

    monkeypatch.setattr(module, name, spied)
    return calls


@pytest.mark.parametrize(("module", "name", "path", "body", "media_type"), LARGE.values(), ids=LARGE)
def test_large_bodies_are_parsed_off_the_event_loop(client, monkeypatch, module, name, path, body, media_type):
    calls = _spy(monkeypatch, module, name)
    answer = client.post(path, content=body.encode(), headers={"content-type": media_type})
    assert (answer.status_code, calls) == (200, [False]), answer.text


def test_compressed_bodies_are_unpacked_off_the_event_loop(client, monkeypatch):
    calls = _spy(monkeypatch, reading, "decompress")
    assert client.post("/v1/predict", content=PACKED, headers=GZIP).status_code == 200
    assert calls == [False]


def test_small_bodies_are_parsed_at_once(client, monkeypatch):
    calls = _spy(monkeypatch, native, "parse")
    assert client.post("/v1/predict", json={"text": "good"}).status_code == 200
    assert calls == [True]
