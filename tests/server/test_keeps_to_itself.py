"""A running server opens no outside connection and writes nothing outside its directories."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from server_process import serving

# Runs before anything else in the process and notes what the audit hooks of Python see (PEP 578).
WITNESS = """
import os, sys
_log = os.open(os.environ["WITNESS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
def _note(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES and arguments[0] is not None:
        os.write(_log, f"write {arguments[0]!r}\\n".encode())
    elif event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        os.write(_log, f"{event} {arguments[-1] if 'get' not in event else arguments[:2]!r}\\n".encode())
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"):
        place = arguments[-1]  # a folder's descriptor, where names are told relative to one
        folder = os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) and place >= 0 else ""
        os.write(_log, f"{event} {os.path.join(folder, os.fspath(arguments[0]))!r}\\n".encode())
sys.addaudithook(_note)
"""


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def tree_of(process):
    return [process, *process.children(recursive=True)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_keeps_to_itself(tiny_artifact, tmp_path, workers, monkeypatch):
    for name in ("witness", "home", "tmp", "cwd"):
        (tmp_path / name).mkdir()
    (tmp_path / "witness" / "sitecustomize.py").write_text(WITNESS)
    seen = tmp_path / "seen"
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))},
        "PYTHONPATH": str(tmp_path / "witness"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "WITNESS_LOG": str(seen),
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    monkeypatch.chdir(tmp_path / "cwd")
    artifact_before = {path: path.stat().st_mtime_ns for path in Path(tiny_artifact).rglob("*")}
    flags = ("--workers", workers, "--num-threads", workers)
    with serving(tiny_artifact, *flags, log=tmp_path / "log", env=env) as server:
        processes = tree_of(psutil.Process(server.process.pid))
        for _ in range(10):
            server.predict("a good film")
        for path in ("/", "/docs", "/metrics", "/openapi.json", "/readyz", "/v1/model"):
            assert server.ask("GET", path)[0] == 200
        server.process.send_signal(signal.SIGHUP)
        server.predict("good")
        strangers = [
            connection
            for process in processes
            for connection in process.net_connections("inet")
            if connection.raddr and connection.raddr.ip != "127.0.0.1"
        ]
        assert strangers == []
        assert server.stop() == 0
    lines = seen.read_text().splitlines()
    network = [line for line in lines if line.startswith("socket.")]
    assert set(network) <= {"socket.getaddrinfo ('127.0.0.1', 0)"}, network
    writes = [line for line in lines if not line.startswith("socket.") and "/dev/null" not in line]
    assert all(f"'{tmp_path / 'tmp'}/" in line for line in writes), writes
    assert bool(writes) == (workers > 1)  # the folder in which workers count together
    assert [files_below(tmp_path / name) for name in ("home", "tmp", "cwd")] == [set(), set(), set()]
    assert {path: path.stat().st_mtime_ns for path in Path(tiny_artifact).rglob("*")} == artifact_before
