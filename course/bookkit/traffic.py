"""A load balancer in small, servers behind it, and callers who ask all the time."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bookkit.commands import ask, serving


class Balancer:
    """Forward requests to ``targets`` in turn, and count in ``busy`` how many each of them has under way."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.busy: dict[str, int] = {}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def forward(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Ask the next target; return its status and body, or an error of the balancer's own."""
        with self.lock:
            if not self.targets:
                return 503, b'{"error": "no target"}'
            target = self.targets.pop(0)
            self.targets.append(target)
            self.busy[target] = self.busy.get(target, 0) + 1
        try:
            connection = http.client.HTTPConnection(urlsplit(target).netloc, timeout=10)
            connection.request("POST", path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 502, b'{"error": "the target did not answer"}'
        finally:
            with self.lock:
                self.busy[target] -= 1

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


def _handler(balancer: Balancer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            status, body = balancer.forward(self.path, self.rfile.read(size))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:  # noqa: ANN401
            pass

    return Handler


class Callers:
    """Ask all the time; keep when, with what status, and which version answered.

    Args:
        address: Of a server of Textwright, or of a balancer before some.
        number: Of callers.
    """

    def __init__(self, address: str, number: int = 2) -> None:
        self.seen: list[tuple[float, int, str]] = []
        self.done = threading.Event()
        self.address, self.start = f"{address}/v1/predict", time.perf_counter()
        self.threads = [threading.Thread(target=self._ask) for _ in range(number)]
        for thread in self.threads:
            thread.start()

    def _ask(self) -> None:
        while not self.done.is_set():
            at = time.perf_counter() - self.start
            answer = ask(self.address, {"text": "A touching film."})
            version = answer.body["model"]["version"] if answer.status == 200 else ""
            self.seen.append((at, answer.status, version))
            time.sleep(0.005)

    def stop(self) -> list[tuple[float, int, str]]:
        """Let them finish; return what they saw: seconds since the start, status, version."""
        self.done.set()
        for thread in self.threads:
            thread.join()
        return self.seen


class Servers:
    """Real servers by name, each a process of its own.

    Args:
        folder: Holds a run or an artifact of each name.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.running: dict[str, ExitStack] = {}

    def start(self, name: str) -> str:
        """Serve the artifact of a name; return the address once it is ready."""
        self.running[name] = ExitStack()
        return self.running[name].enter_context(serving(self.folder / name))

    def stop(self, name: str) -> None:
        """End the server of a name."""
        self.running.pop(name).close()

    def close(self) -> None:
        """End all that run."""
        for name in list(self.running):
            self.stop(name)
