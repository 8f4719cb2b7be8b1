"""The Lambda Runtime API on this machine: hands events to a function's client and collects what it answers.

Source:
    AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"; the restore paths are those that
    AWS's Python client calls under SnapStart.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from time import time
from typing import Any

_ROOT = "/2018-06-01/runtime"


@dataclass
class RuntimeApi:
    """One function's side of the API.

    Args:
        address: Host and port for ``AWS_LAMBDA_RUNTIME_API``.
    """

    address: str
    events: Queue[tuple[str, Any, int]] = field(default_factory=Queue)
    answers: Queue[tuple[str, Any]] = field(default_factory=Queue)
    restored: Queue[None] = field(default_factory=Queue)

    def invoke(self, event: object, *, timeout_ms: int = 10_000) -> tuple[str, Any]:
        """Send an event and wait for what comes back: ("response" or "error", its document)."""
        self.events.put(("invocation", event, timeout_ms))
        return self.answers.get(timeout=60)


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    """Serve the API on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == f"{_ROOT}/restore/next":
                api.answers.put(("snapshot", None))
                api.restored.get()
                self._send(200, {})
                return
            identity, event, timeout_ms = api.events.get()
            deadline = str(int(time() * 1000) + timeout_ms)
            headers = {"Lambda-Runtime-Aws-Request-Id": identity, "Lambda-Runtime-Deadline-Ms": deadline}
            self._send(200, event, headers | {"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:::function:t"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kind = "init-error" if "/init/" in self.path else self.path.rpartition("/")[2]
            api.answers.put((kind, json.loads(body)))
            self._send(202, {})

        def _send(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        api = RuntimeApi(f"127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def function_process(
    python: Path, tree: Path, client: Path, log: Path, **environment: str
) -> Iterator[tuple[RuntimeApi, subprocess.Popen[bytes]]]:
    """Run AWS's client over an unpacked zip, with nothing of this machine's Python on its path.

    Args:
        python: An interpreter of the runtime's version.
        tree: The unpacked zip.
        client: Folder with ``awslambdaric``, which the managed runtime brings.
        log: File for what the function writes.
        environment: Further variables.
    """
    with runtime_api() as api, log.open("wb") as output:
        fixed = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": str(tree),
            "PYTHONPATH": f"{tree}{os.pathsep}{client}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "PATH": os.defpath,
        }
        command = [str(python), "-S", "-m", "awslambdaric", "function.handler"]
        process = subprocess.Popen(command, cwd=tree, env=fixed | environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield api, process
        finally:
            process.kill()
            process.wait()
