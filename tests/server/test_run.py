"""The serve command as a process of its own: real sockets, real signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection

import pytest

from textwright.errors import PortInUseError, SettingsError
from textwright.server.run import Address, _warn_if_open, address_of, listen

COMMAND = [sys.executable, "-c", "from textwright.cli.main import main; main()", "serve"]
POST = {"content-type": "application/json"}


@contextmanager
def serving(artifact, *flags) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start ``textwright serve`` on a free port and wait until it says that it answers; yields process and port."""
    with announced(artifact, *flags) as (process, content):
        yield process, int(content["url"].rpartition(":")[2])


@contextmanager
def announced(artifact, *flags) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Start ``textwright serve`` as :func:`serving` does; yields the process and what it says."""
    command = [*COMMAND, str(artifact), "--port", "0", "--json", "--num-threads", "1", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            said = ""
            while not said.endswith("}\n"):
                said += next(lines)
            yield process, json.loads(said)
        finally:
            if process.poll() is None:
                process.kill()


def ask(port, method="GET", path="/healthz", body=None, headers=None):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def predict(port, text):
    status, body = ask(port, "POST", "/v1/predict", json.dumps({"text": text}), POST)
    return status, json.loads(body)


SLOW_REQUEST = b"POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
"""Whose body does not come."""


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    _, stderr = process.communicate(timeout=10)
    return process.returncode, stderr


def wait_until_closed(port):
    """Wait until the server accepts no more connections."""
    with suppress(ConnectionError):
        while True:
            socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_a_signal_stops_it_cleanly(tiny_artifact, number):
    with serving(tiny_artifact, "--quiet") as (process, port):
        curl = Address(f"http://127.0.0.1:{port}").curl
        said = subprocess.run(curl, shell=True, capture_output=True, check=True, timeout=10)  # noqa: S602
        assert json.loads(said.stdout)["predictions"][0]["label"] in {"negative", "positive"}
        code, stderr = stop(process, number)
    assert code == 0
    (line,) = [json.loads(line) for line in stderr.splitlines()]  # nothing but our log
    assert (line["path"], line["status"]) == ("/v1/predict", 200)


def test_a_second_ctrl_c_waits_for_no_request_and_logs_no_error(tiny_artifact):
    with serving(tiny_artifact) as (process, port), socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(SLOW_REQUEST)
        predict(port, "a good day")  # so that the slow one's head is read
        process.send_signal(signal.SIGINT)
        wait_until_closed(port)  # the first is heeded; or the two would be one
        code, stderr = stop(process, signal.SIGINT)
    assert code == 0
    lines = [json.loads(line) for line in stderr.splitlines()]
    assert [(line["path"], line["status"]) for line in lines] == [("/v1/predict", 200), ("/v1/predict", 499)]


def test_a_second_ctrl_c_ends_several_workers_at_once(tiny_artifact):
    with (
        serving(tiny_artifact, "--workers", "2") as (process, port),
        socket.create_connection(("127.0.0.1", port)) as slow,
    ):
        slow.sendall(SLOW_REQUEST)
        predict(port, "a good day")
        process.send_signal(signal.SIGINT)
        wait_until_closed(port)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=5)  # less than the grace time of the request
    assert process.returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_curl_line_asks_for_a_text_of_the_model(make_artifact, workers):
    text = 'It\'s a g\u00f6\u00f6d "day"'
    artifact = make_artifact("own", data={"example_texts": [text]})
    with announced(artifact, "--workers", workers) as (process, content):
        assert text.replace("'", r"\u0027").replace('"', r"\"") in content["curl"]
        said = subprocess.run(content["curl"], shell=True, capture_output=True, check=True, timeout=10)  # noqa: S602
        assert len(json.loads(said.stdout)["predictions"]) == 1
        stop(process)


def test_serving_imports_no_training_stack(tiny_artifact):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "import textwright, textwright.cli.serve\n"
        "from textwright.server.app import create_app\n"
        f"create_app(textwright.load({str(tiny_artifact)!r}))\n"
        "heavy = {'torch', 'transformers', 'pyarrow', 'polars', 'onnx', 'ray', 'boto3'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_taken_port_is_said_with_the_flag_before_anything_is_loaded(tmp_path):
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        command = [*COMMAND, str(tmp_path / "no-artifact"), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 9
    assert f"port {port} of 127.0.0.1 is taken" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "prometheus_client"])
def test_a_missing_library_is_said_with_its_cure(tiny_artifact, missing):
    program = f"import sys; sys.modules[{missing!r}] = None; from textwright.cli.main import main; main()"
    command = [sys.executable, "-c", program, "serve", str(tiny_artifact), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 7
    assert 'pip install "textwright[server]"' in done.stderr


def test_a_missing_artifact_is_said_in_words(tmp_path):
    command = [*COMMAND, str(tmp_path / "no-artifact"), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 3
    assert "no-artifact" in done.stderr
    assert "Traceback" not in done.stderr


def test_listen_refuses_a_taken_port():
    with listen("127.0.0.1", 0) as listener, pytest.raises(PortInUseError, match="--port"):
        listen("127.0.0.1", listener.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_listen_refuses_a_host_that_is_not_of_this_machine(host):
    with pytest.raises(SettingsError, match="--host"):
        listen(host, 0)


def test_every_interface_is_told_as_an_address_to_open():
    with listen("0.0.0.0", 0) as listener:  # noqa: S104
        assert address_of(listener).url == f"http://127.0.0.1:{listener.getsockname()[1]}"


def send_raw(port: int, *parts: bytes, timeout_s: float = 5.0) -> bytes:
    """Send bytes as they are and return what comes until the server closes or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(65_536)


HEAD = b"POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_bad_bytes_on_the_wire_leave_it_serving(tiny_artifact):
    flags = ("--max-body-bytes", "100000", "--body-timeout-s", "0.3")
    with serving(tiny_artifact, *flags) as (process, port):
        ten_megabytes = json.dumps({"text": "a" * 10_000_000}).encode()
        assert ask(port, "POST", "/v1/predict", ten_megabytes, POST)[0] == 413
        many = json.dumps({"texts": ["a"] * 100_000}).encode()
        assert ask(port, "POST", "/v1/predict", many, POST)[0] == 413
        chunks = (b"%x\r\n" % len(part) + part + b"\r\n" for part in [b" " * 50_000] * 3)
        assert b" 413 " in send_raw(port, HEAD + b"transfer-encoding: chunked\r\n\r\n", *chunks)
        assert b" 408 " in send_raw(port, HEAD + b'content-length: 100\r\n\r\n{"text": "half')
        assert b" 408 " in send_raw(port, HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhalf")
        assert b" 400 " in send_raw(port, b"\x00\xff not HTTP\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as gone:
            gone.sendall(HEAD + b'content-length: 100\r\n\r\n{"text": "half')
        assert predict(port, "good")[0] == 200
        code, stderr = stop(process)
    assert code == 0
    assert "Traceback" not in stderr


def test_a_running_request_is_finished_before_it_stops(tiny_artifact):
    with serving(tiny_artifact) as (process, port), socket.create_connection(("127.0.0.1", port), timeout=5) as late:
        body = b'{"text": "good"}'
        late.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body[:5])
        assert ask(port)[0] == 200  # by now the first request is being read
        process.send_signal(signal.SIGTERM)
        late.sendall(body[5:])
        answer = late.makefile("rb").read()
        code, _ = stop(process, 0)
    assert b" 200 " in answer
    assert b"positive" in answer
    assert code == 0


def test_a_client_that_dawdles_cannot_keep_it_from_stopping(tiny_artifact):
    with (
        serving(tiny_artifact, "--shutdown-grace-s", "0", "--body-timeout-s", "3600") as (process, port),
        socket.create_connection(("127.0.0.1", port), timeout=5) as slow,
    ):
        slow.sendall(HEAD + b'content-length: 100\r\n\r\n{"text": "half')
        assert ask(port)[0] == 200
        code, stderr = stop(process)  # waits some seconds, the body may take an hour
    assert code == 0
    assert "Traceback" not in stderr


def test_it_sleeps_between_requests(tiny_artifact):
    with serving(tiny_artifact) as (process, port), closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("POST", "/v1/predict", b'{"text": "good"}', POST)
        connection.getresponse().read()
        before = cpu_seconds(process.pid)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        assert cpu_seconds(process.pid) - before < 0.05


def cpu_seconds(pid: int) -> float:
    import psutil

    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


@pytest.mark.parametrize(("host", "is_told"), [("0.0.0.0", True), ("127.0.0.1", False)])  # noqa: S104  what it is about
def test_a_server_for_everybody_without_keys_says_so(host, is_told, keep_loggers, capsys):
    with listen(host, 0) as listener:
        _warn_if_open(listener)
    assert ("WITHOUT KEYS" in capsys.readouterr().err) == is_told
