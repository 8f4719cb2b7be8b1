"""Check an installed wheel as its user would: predict, list families and recipes, serve one request."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import textwright

TEXT = "a touching film"
BIN = Path(sys.prefix) / "bin"
DEADLINE_S = 120
LOG = Path("serve.log").open("wb")  # noqa: SIM115  the server's as long as this runs
with socket.create_server(("127.0.0.1", 0)) as _free:
    PORT = _free.getsockname()[1]


def ask(path: str, body: dict[str, str] | None = None) -> dict[str, object]:
    """Ask the server; it takes a while to start."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  our own address
        answer: dict[str, object] = json.load(response)
        return answer


def wait(server: subprocess.Popen[bytes]) -> None:
    """Wait until the server is ready."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and server.poll() is None:
        try:
            ask("/v1/model")
        except OSError:
            time.sleep(0.3)
        else:
            return
    said = Path(LOG.name).read_text(encoding="utf-8")
    sys.exit(f"the server did not answer within {DEADLINE_S} s, or ended:\n{said}")


def main(artifact: str) -> None:
    """Run all checks; anything wrong ends with an error."""
    if not Path(textwright.__file__).is_relative_to(sys.prefix):
        sys.exit(f"{textwright.__file__} is not of the wheel")
    label = textwright.load(artifact).predict([TEXT])[0].label
    listed = subprocess.run([BIN / "textwright", "families"], capture_output=True, text=True, check=True)  # noqa: S603
    if "bow-nb" not in listed.stderr:
        sys.exit("the wheel has no recipes")
    server = subprocess.Popen([BIN / "textwright", "serve", artifact, "--port", str(PORT)], stdout=LOG, stderr=LOG)  # noqa: S603
    try:
        wait(server)
        answer = ask("/v1/predict", {"text": TEXT})
    finally:
        server.terminate()
        server.wait(30)
    if label not in json.dumps(answer):
        sys.exit(f"the server answers {answer}, Python {label!r}")
    print(f"Python {sys.version.split()[0]}: predicts {label!r} and serves it")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
