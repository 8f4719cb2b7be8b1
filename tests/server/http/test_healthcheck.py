"""The container's health check asks a real listener."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from textwright.server.http.healthcheck import main


@pytest.fixture
def listener():
    """A server that answers /readyz with the status that is set on it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(server.status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.status = 200
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_ready_server_is_healthy(listener, host):
    assert main({"HOST": host, "PORT": str(listener.server_port)}) == 0


def test_a_server_that_is_not_ready_is_not(listener):
    listener.status = 503
    assert main({"PORT": str(listener.server_port)}) == 1


def test_no_server_is_not_healthy(listener):
    port = listener.server_port
    listener.server_close()
    assert main({"PORT": str(port)}) == 1
