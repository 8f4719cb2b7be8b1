"""What a client may use before its request is complete: time, bytes, lines and connections, on real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import socket
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection

import psutil
import pytest
from server_process import serving
from starlette.testclient import TestClient

from textwright.errors import NotReadyError
from textwright.server.app import create_app
from textwright.server.http import connections
from textwright.server.http.connections import ConnectionLimits, ConnectionTable, connections_within_file_limit
from textwright.server.http.http_protocol import BoundedProtocol
from textwright.server.http.uvicorn_server import Server
from textwright.server.run import listen
from textwright.server.settings import ServeSettings
from textwright.server.workers.supervisor import per_worker

HEAD = b"POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
GOOD = HEAD + b'content-length: 16\r\n\r\n{"text": "good"}'
LAST_CHUNKS = b'10\r\n{"text": "good"}\r\n0\r\n\r\n'
LIMIT = 2048


@contextmanager
def server(predictor, **settings):
    """Run a server in a thread."""
    bounds = {"head_timeout_s": 0.3, "body_timeout_s": 0.3, "max_header_bytes": LIMIT, "max_headers": 20}
    chosen = ServeSettings(**{"shutdown_grace_s": 1, **bounds, **settings})
    ready = threading.Event()
    running = Server(create_app(predictor, chosen), chosen, lambda _: ready.set())
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        assert ready.wait(20)
        try:
            yield listener.getsockname()[1]
        finally:
            running.should_exit = True
            thread.join(20)


@pytest.fixture
def port(predictor):
    with server(predictor) as port:
        yield port


def test_an_answer_does_not_wait_for_the_clients_acknowledgment(predictor, monkeypatch):
    """A client delays it by 40 ms; Nagle's algorithm would hold back an answer of two parts for it, each time."""
    is_sent_at_once, connection_made = [], BoundedProtocol.connection_made

    def remember(protocol, transport):
        connection_made(protocol, transport)
        option = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        is_sent_at_once.append(option != 0)

    monkeypatch.setattr(BoundedProtocol, "connection_made", remember)
    with server(predictor) as port:
        assert b"200 OK" in ask(port, GOOD.replace(b"host: x", b"host: x\r\nconnection: close"))
    assert is_sent_at_once == [True]


def test_new_connections_are_accepted_many_in_a_turn_of_the_event_loop(predictor):
    """With one in a turn, whoever connects anew waits behind every batch of those that are connected."""
    uvloop = pytest.importorskip("uvloop")
    num_turns, chosen = 0, ServeSettings(shutdown_grace_s=1)

    async def count_turns(running):
        nonlocal num_turns
        while len(running.server_state.connections) < len(clients) and num_turns < 1000:
            num_turns += 1
            await asyncio.sleep(0)
        running.should_exit = True

    tasks = []
    running = Server(
        create_app(predictor, chosen), chosen, lambda it: tasks.append(asyncio.create_task(count_turns(it)))
    )
    with listen("127.0.0.1", 0) as listener, ExitStack() as stack:
        clients = [stack.enter_context(connect(listener.getsockname()[1])) for _ in range(128)]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(running.serve([listener]))
    assert num_turns < len(clients) / 4


def connect(port):
    return closing(socket.create_connection(("127.0.0.1", port), timeout=10))


def read_all(connection):
    """Read until the server closes; a test waits 10 s in vain for one that does not."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # it closed with bytes of ours unread
        pass
    return b"".join(parts)


def ask(port, *parts):
    with connect(port) as connection:
        with suppress(ConnectionError):  # it answered and closed before it had read all
            for part in parts:
                connection.sendall(part)
        return read_all(connection)


def status_and_code(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"x-request-id" in head
    return int(head.split()[1]), json.loads(body)["code"]


def predicts(port):
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", "/v1/predict", b'{"text": "good"}', {"content-type": "application/json"})
        return connection.getresponse().status == 200


def test_a_silent_connection_is_closed_without_an_answer(port):
    assert ask(port) == b""
    assert predicts(port)


@pytest.mark.parametrize("half", [b"P", b"POST /v1/predict HTTP/1.1\r\nhost: x\r\nx-half", GOOD + b"\r\n\r\nGET /hea"])
def test_half_a_head_is_closed_after_the_time_out(port, half):
    answer = ask(port, half)
    assert status_and_code(answer[answer.rindex(b"HTTP/1.1 ") :]) == (408, "request-timeout")


def test_bytes_that_dribble_in_do_not_keep_a_connection(port):
    for prefix in (b"", GOOD):
        with connect(port) as connection, pytest.raises(OSError, match=r"reset|[Pp]ipe"):  # noqa: PT012
            connection.sendall(prefix)
            for _ in range(500):
                connection.sendall(b"\r\n")  # which comes before no request
                time.sleep(0.01)


def test_a_body_that_nobody_reads_does_not_keep_a_connection(port):
    with connect(port) as connection, pytest.raises(OSError, match=r"reset|[Pp]ipe"):  # noqa: PT012
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")
        assert b" 404 " in connection.recv(65536)
        for _ in range(500):
            connection.sendall(b"x")
            time.sleep(0.01)


@pytest.mark.parametrize(
    "parts",
    [
        (b"GET /" + b"a" * 2 * LIMIT,),
        (b"GET / HTTP/1.1\r\nx-long: " + b"a" * 2 * LIMIT,),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 30,),
        (b"GET / HTTP/1.1\r\n", *[b"x-%d: " % number + b"a" * 300 + b"\r\n" for number in range(10)]),
        (b"GET / HTTP/1.1\r\nx-long: " + b"a" * 2 * LIMIT + b"\r\n\r\n",),
        (HEAD + b"x-long: " + b"a" * 2 * LIMIT + b"\r\ncontent-length: 100000\r\n\r\n" + b"x" * 50_000,),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n" + b"x: y\r\n" * 30,),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nx-trailer: " + b"a" * 2 * LIMIT,),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 2 * LIMIT,),
        (b"GET /healthz HTTP/1.1\r\n\r\n" * 100,),
    ],
    ids=["path", "value", "lines", "many", "whole", "body", "trailers", "trailer", "extension", "pipelined"],
)
def test_a_head_that_is_too_large_is_refused(port, parts):
    answer = ask(port, *parts)
    assert status_and_code(answer[answer.rindex(b"HTTP/1.1 ") :]) == (431, "headers-too-large")
    assert predicts(port)


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"x-long: " + b"a" * (LIMIT - 200) + b"\r\ncontent-length: 16\r\n\r\n" + b'{"text": "good"}',
        HEAD + b'content-length: 50016\r\n\r\n{"text": "good"}' + b" " * 50_000,
        HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 3000 + LAST_CHUNKS,
        GOOD * 20,
    ],
    ids=["head", "body", "chunks", "pipelined"],
)
def test_a_request_within_the_bounds_is_answered(port, request_bytes):
    with connect(port) as connection:
        connection.sendall(request_bytes)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_what_is_not_http_is_a_problem_and_no_line_of_uvicorn(port, caplog):
    assert status_and_code(ask(port, b"\x00\xff not HTTP\r\n\r\n")) == (400, "request-syntax")
    assert "Invalid HTTP" not in caplog.text


def test_the_connection_that_has_waited_longest_makes_room(predictor):
    with server(predictor, max_connections=3, head_timeout_s=20) as port, ExitStack() as stack:
        kept = stack.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=10)))
        kept.request("GET", "/readyz")
        assert kept.getresponse().read()
        mine = kept.sock
        silent = [stack.enter_context(connect(port)) for _ in range(4)]
        assert [connection.recv(1) for connection in silent[:2]] == [b"", b""]
        kept.request("GET", "/readyz")
        assert kept.getresponse().status == 200
        assert kept.sock is mine, "who has had an answer is closed after those that have had none"
        silent[3].sendall(GOOD)
        assert silent[3].recv(65536).startswith(b"HTTP/1.1 200 ")


class _Fake:
    """A connection that notes that it was closed."""

    is_closed = False

    def abort(self):
        self.is_closed = True

    def check(self, _now):
        return None


def table(max_connections):
    return ConnectionTable(ConnectionLimits(0.1, 0.1, LIMIT, 20, max_connections))


def test_nobody_who_is_being_answered_makes_room():
    async def scenario():
        few = table(2)
        first, second, third = _Fake(), _Fake(), _Fake()
        few.add(first)
        few.add(second)
        few.note_request(first)
        few.note_request(second)
        with pytest.raises(NotReadyError, match="each of 2 connections"):
            few.add(third)
        few.note_answer(second)
        few.add(third)
        assert (first.is_closed, second.is_closed, third.is_closed) == (False, True, False)

    asyncio.run(scenario())


def test_what_was_closed_is_one_line_at_a_time(caplog, monkeypatch):
    monkeypatch.setattr(connections, "_LOG_S", 0.2)
    caplog.set_level(logging.WARNING)

    async def scenario():
        one = table(1)
        for _ in range(50):
            one.add(_Fake())
        await asyncio.sleep(0.1)
        for _ in range(50):
            one.add(_Fake())
        await asyncio.sleep(0.05)
        assert len(caplog.records) == 1
        await asyncio.sleep(0.2)

    logging.getLogger("textwright").propagate = True
    asyncio.run(scenario())
    assert [record.fields["over_limit"] for record in caplog.records] == [49, 50]
    assert caplog.records[0].fields["max_connections"] == 1


def test_unfinished_bodies_are_bounded_together(predictor, monkeypatch):
    monkeypatch.setattr(connections, "_MAX_UNFINISHED_BYTES", 100_000)
    with server(predictor, body_timeout_s=5) as port, ExitStack() as stack:
        held = HEAD + b"content-length: 90000\r\n\r\n" + b" " * 60_000
        first = stack.enter_context(connect(port))
        first.sendall(held)
        time.sleep(0.1)
        assert status_and_code(ask(port, held)) == (429, "queue-full")
        assert predicts(port)
        first.sendall(b" " * 14_000 + b'{"text": "good"}' + b" " * 15_984)
        assert first.recv(65536).startswith(b"HTTP/1.1 200 ")
        with connect(port) as again:
            again.sendall(held)
            again.sendall(b" " * 14_000 + b'{"text": "good"}' + b" " * 15_984)
            assert again.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_the_file_limit_leaves_some_files_to_spare():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        most = connections_within_file_limit()
        assert 256 < most < 512 - 16
        assert ConnectionLimits.of(ServeSettings()).max_connections == most
        assert ConnectionLimits.of(ServeSettings(max_connections=7)).max_connections == 7
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_are_divided_among_workers():
    assert per_worker(ServeSettings(workers=3, max_connections=10)).max_connections == 3
    assert per_worker(ServeSettings(workers=4)).max_connections == 1024


@pytest.fixture
def small_file_limit():
    """Let processes that are started meanwhile open 128 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    yield lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_silent_connections_beyond_the_file_limit_and_endless_headers_hurt_nobody(
    tiny_artifact, tmp_path, small_file_limit
):
    with serving(tiny_artifact, "--num-threads", "1", log=tmp_path / "log") as server, ExitStack() as stack:
        small_file_limit()
        silent = [stack.enter_context(connect(server.port)) for _ in range(400)]
        assert server.predict("good")["predictions"][0]["label"] == "positive"
        before = psutil.Process(server.process.pid).memory_info().rss
        lines = b"x-header: " + b"a" * 500 + b"\r\n"
        with connect(server.port) as endless, pytest.raises(OSError, match=r"reset|[Pp]ipe"):  # noqa: PT012
            endless.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(60_000_000 // (1000 * len(lines))):
                endless.sendall(lines * 1000)
        assert psutil.Process(server.process.pid).memory_info().rss - before < 20_000_000
        assert server.predict("good")["predictions"][0]["label"] == "positive"
        line = wait_for_line(server)
        assert line["over_limit"] > 0
        assert line["open"] <= line["max_connections"] < 128
        assert sum(map(was_closed, silent)) >= len(silent) - line["max_connections"]
        assert server.stop() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def was_closed(connection):
    """Say whether the server closed a connection on which it has sent nothing."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def wait_for_line(server):
    for _ in range(300):
        lines = [line for line in server.lines() if line["event"].startswith("connections closed")]
        if lines:
            return lines[0]
        time.sleep(0.02)
    pytest.fail("no line in the log")


def test_the_test_client_of_applications_is_not_concerned(predictor):
    with TestClient(create_app(predictor, ServeSettings(max_header_bytes=1024))) as client:
        assert client.get("/readyz", headers={"x-long": "a" * 2000}).status_code == 200
