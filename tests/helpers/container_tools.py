"""What the tests of containers share: the engine's program, a port, and for what things are built."""

from __future__ import annotations

import json
import socket
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

BASE = "textwright-base:bookworm"
ZIP_PYTHON = "3.12"


def docker(*arguments: str) -> str:
    """Run the engine's program."""
    done = subprocess.run(["/usr/bin/docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def post(port: int, path: str, content: object, *, timeout_s: float = 60) -> tuple[int, Any]:
    """Send JSON to this machine and read JSON back: (status, content)."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=timeout_s)) as connection:
        connection.request("POST", path, json.dumps(content), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
