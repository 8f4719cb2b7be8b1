"""Several workers on one socket, as real processes: killed, stopped and reloaded while requests come."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import psutil
import pytest
from server_process import COMMAND, JSON, Server, serving

from textwright.server import run
from textwright.server.run import listen
from textwright.server.settings import ServeSettings
from textwright.server.workers import supervisor
from textwright.server.workers.supervisor import num_cores, per_worker

WORDS = ["good", "bad", "great", "awful"]
LABELS = {"good": b'"label":"positive"', "great": b'"label":"positive"', "bad": b'"label":"negative"'}
LABELS["awful"] = LABELS["bad"]


def workers_of(server: Server) -> list[int]:
    return [child.pid for child in psutil.Process(server.process.pid).children()]


def wait_until(condition, what):
    end = monotonic() + 30
    while not condition():
        assert monotonic() < end, f"waited for 30 seconds: {what}"
        sleep(0.05)


def ask_all_the_time(server, stop, word):
    """Ask on one connection until told to stop; return how many answers came, and how many connections broke."""
    answered = broken = 0
    while not stop.is_set():
        try:
            with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
                while not stop.is_set():
                    connection.request("POST", "/v1/predict", b'{"text": "%s"}' % word.encode(), JSON)
                    answer = connection.getresponse()
                    body = answer.read()
                    assert answer.status == 200, body
                    assert LABELS[word] in body
                    answered += 1
        except (ConnectionError, HTTPException):
            broken += 1
    return answered, broken


@pytest.mark.slow
def test_a_killed_worker_loses_only_what_it_had_and_is_replaced(tiny_artifact, tmp_path):
    with serving(tiny_artifact, "--workers", 2, log=tmp_path / "log") as server:
        before = workers_of(server)
        assert len(before) == 2
        stop = threading.Event()
        with ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(ask_all_the_time, server, stop, WORDS[number % 4]) for number in range(8)]
            try:
                sleep(0.5)
                os.kill(before[0], signal.SIGKILL)
                wait_until(lambda: len(set(workers_of(server)) - set(before)) == 1, "another worker")
                sleep(0.5)
            finally:
                stop.set()
            told = [client.result(30) for client in clients]
        assert all(answered > 0 and broken <= 1 for answered, broken in told), told
        assert server.ask("GET", "/readyz")[0] == 200
        assert server.stop() == 0
    (death,) = [line for line in server.lines() if line["event"] == "worker died"]
    assert (death["pid"], death["exit_code"]) == (before[0], -signal.SIGKILL)
    assert {line["status"] for line in server.lines() if line["event"] == "request"} == {200}


def texts_are(server, number):
    return f'textwright_texts_total{{model="tiny"}} {number}.0' in server.ask("GET", "/metrics")[1]


def test_every_worker_is_told_in_the_metrics_also_a_dead_one(tiny_artifact, tmp_path):
    with serving(tiny_artifact, "--workers", 2, log=tmp_path / "log") as server:
        for _ in range(20):
            server.predict("good")
        # A request is counted after its answer was sent, so the last one may not be counted yet.
        wait_until(lambda: texts_are(server, 20), "the first half")
        os.kill(workers_of(server)[0], signal.SIGKILL)
        wait_until(lambda: "worker died" in server.log.read_text(), "the death")
        for _ in range(20):
            server.predict("good")
        wait_until(lambda: texts_are(server, 40), "both halves, the dead worker's too")
        told = server.ask("GET", "/metrics")[1]
        assert 'textwright_queue_texts{model="tiny"} 0.0' in told
        assert f'version="{server.predict("good")["model"]["version"]}"}} 1.0' in told
        assert server.stop() == 0


@pytest.mark.slow
def test_a_stopped_worker_is_replaced_and_a_reload_does_not_wait_for_it(tiny_artifact, monkeypatch):
    monkeypatch.setattr(supervisor, "_BETWEEN_PINGS_S", 0.2)
    monkeypatch.setattr(supervisor, "_MOST_PINGS", 15)

    async def stop_one(pool: supervisor.Supervisor) -> None:
        before = [worker.process.pid for worker in pool._workers.values()]
        os.kill(before[0], signal.SIGSTOP)
        outcome = await asyncio.wait_for(pool._reload("tiny"), 20)
        assert outcome["reloaded"]["name"] == "tiny"  # as the other worker says
        while before[0] in (pids := [worker.process.pid for worker in pool._workers.values()]):
            await asyncio.sleep(0.05)
        assert pids[1] == before[1]
        assert psutil.Process(before[1]).status() != psutil.STATUS_STOPPED

    async def main(listener, folder) -> None:
        settings = ServeSettings(workers=2, num_threads=1)
        plan = {"settings": per_worker(settings).model_dump_json(), "specs": [(str(tiny_artifact), None)]}
        pool, started = supervisor.Supervisor(run.__name__, plan, settings, listener, folder), asyncio.Event()
        running = asyncio.create_task(pool.run(started.set))
        await asyncio.wait_for(started.wait(), 30)
        try:
            await stop_one(pool)
        finally:
            pool._is_stopping.set()
            await running

    with TemporaryDirectory() as folder, listen("127.0.0.1", 0) as listener:
        asyncio.run(main(listener, Path(folder)))


def until_refused(server, word):
    """Ask on new connections until none is taken; return how many were answered, to their end."""
    count = 0
    while True:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
            try:
                connection.request("POST", "/v1/predict", b'{"text": "%s"}' % word.encode(), JSON)
                answer = connection.getresponse()
                assert answer.status == 200
                assert LABELS[word] in answer.read()
            except ConnectionError:  # refused, or its bytes were never read
                return count
        count += 1


def test_a_stop_under_load_answers_every_request_that_was_taken(tiny_artifact, tmp_path):
    with serving(tiny_artifact, "--workers", 2, log=tmp_path / "log") as server:
        with ThreadPoolExecutor(8) as pool:
            outcomes = [pool.submit(until_refused, server, WORDS[number % 4]) for number in range(8)]
            sleep(0.5)
            workers = workers_of(server)
            server.process.send_signal(signal.SIGTERM)
            answered = sum(outcome.result(30) for outcome in outcomes)
        assert server.process.wait(20) == 0
    taken = [line["status"] for line in server.lines() if line["event"] == "request"]
    assert taken == [200] * answered
    assert answered > 8
    assert not any(psutil.pid_exists(pid) for pid in workers)


def test_a_bad_artifact_is_refused_in_words_with_its_exit_code(tiny_artifact, tmp_path):
    import subprocess

    shutil.copytree(tiny_artifact, tmp_path / "bad")
    (tmp_path / "bad" / "model.onnx").write_bytes(b"broken")
    command = [*COMMAND, str(tmp_path / "bad"), "--workers", "2", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 4
    assert "error: " in done.stderr
    assert "model.onnx has 6 bytes" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_all_workers_are_reloaded_by_the_admin_route_and_by_a_signal(make_artifact, tmp_path):
    place, keys = tmp_path / "model", tmp_path / "keys"
    keys.write_text(f"root {sha256(b'admin-secret').hexdigest()}\n")
    shutil.copytree(make_artifact("tiny"), place)
    flags = ("--workers", 2, "--admin-keys", keys)

    def versions(server):
        return {server.predict("good")["model"]["version"] for _ in range(30)}

    with serving(place, *flags, log=tmp_path / "log") as server:
        (first,) = versions(server)
        put(make_artifact("tiny", words={"good": (1.0, -1.0)}), place)
        address, key = "/v1/models/tiny/reload", {"authorization": "Bearer admin-secret"}
        status, told = server.ask("POST", address, headers=key)
        assert (status, told["previous_version"]) == (200, first)
        assert versions(server) == {told["version"]}
        assert server.ask("POST", "/v1/models/other/reload", headers=key)[0] == 404
        put(make_artifact("tiny", words={"good": (2.0, -1.0)}), place)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: told["version"] not in versions(server), "the third version")
        (third,) = versions(server)
        (place / "model.onnx").write_bytes(b"broken")
        status, refusal = server.ask("POST", address, headers=key)
        assert (status, refusal["code"]) == (503, "reload")
        assert "model.onnx has 6 bytes" in refusal["detail"]
        assert versions(server) == {third}
        assert server.stop() == 0


def put(new, place):
    shutil.rmtree(place)
    shutil.copytree(new, place)


def test_all_workers_together_give_a_key_its_rate_once(tiny_artifact, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"alice {sha256(b'secret').hexdigest()} 5\n")
    with serving(tiny_artifact, "--workers", 2, "--api-keys", keys, log=tmp_path / "log") as server:
        headers = {**JSON, "x-api-key": "secret"}
        asked = [server.ask("POST", "/v1/predict", {"text": "good"}, headers=headers)[0] for _ in range(12)]
    assert asked == [200] * 5 + [429] * 7


def test_workers_do_not_outlive_their_supervisor(tiny_artifact, tmp_path):
    with serving(tiny_artifact, "--workers", 2, log=tmp_path / "log") as server:
        workers = workers_of(server)
        server.process.kill()
        wait_until(lambda: not any(psutil.pid_exists(pid) for pid in workers), "the workers' end")


def test_threads_and_queue_are_divided():
    whole = ServeSettings(workers=4, num_threads=8, max_queue_texts=100, max_queue_tokens=2)
    share = per_worker(whole)
    assert (share.num_threads, share.max_queue_texts, share.max_queue_tokens) == (2, 25, 1)
    assert per_worker(ServeSettings(workers=256)).num_threads == 1
    assert 1 <= num_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("count", [1, 2])
def test_a_share_is_of_the_cores_where_no_number_is_given(count):
    assert per_worker(ServeSettings(workers=count)).num_threads == max(num_cores() // count, 1)
