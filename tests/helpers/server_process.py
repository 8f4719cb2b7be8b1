"""A real ``textwright serve`` process, and plain requests to it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "textwright", "serve"]
JSON = {"content-type": "application/json"}


class Server:
    """A running server: its process, its port and the file of its log."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request on a connection of its own; return status and JSON, or text where it is none."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {**(JSON if body is not None else {}), **(headers or {})})
            answer = connection.getresponse()
            content = answer.read()
        is_json = answer.headers.get("content-type", "").split(";")[0].endswith("json")
        return answer.status, json.loads(content) if is_json else content.decode()

    def predict(self, text: str, **fields: object) -> dict[str, Any]:
        """Predict one text; return the whole answer, which must be a success."""
        status, answer = self.ask("POST", "/v1/predict", {"text": text, **fields})
        assert status == 200, answer
        return dict(answer)

    def lines(self) -> list[dict[str, Any]]:
        """Read the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def serving(*words: object, log: Path, env: dict[str, str] | None = None) -> Iterator[Server]:
    """Start a server on a free port and wait until it says that it answers.

    Args:
        words: Artifacts and flags.
        log: Where its standard error goes.
        env: Its environment; None for this one.
    """
    command = [*COMMAND, *map(str, words), "--port", "0", "--json"]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env) as process,
    ):
        try:
            said = ""
            while not said.endswith("}\n"):
                line = process.stdout.readline() if process.stdout else ""
                assert line, f"the server did not start: {log.read_text()}"
                said += line
            yield Server(process, int(json.loads(said)["url"].rpartition(":")[2]), log)
        finally:
            if process.poll() is None:
                process.kill()
