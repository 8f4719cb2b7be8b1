"""``textwright score`` in a process of its own, to be killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from textwright.bulk.ledger import LEDGER

WAIT_S = 240


def start(artifact: Path, source: Path, out: Path, *flags: str) -> subprocess.Popen[str]:
    """Start scoring without waiting for it."""
    command = [sys.executable, "-m", "textwright", "score", str(artifact), str(source), "--out", str(out), *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def num_done(out: Path) -> int:
    """Count the fragments that the ledger says are done."""
    path = out / LEDGER
    return len(json.loads(path.read_text(encoding="utf-8"))["results"]) if path.exists() else 0


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def contents(out: Path) -> dict[str, bytes]:
    """Read the output files, without the ledger."""
    paths = [path for path in sorted(out.rglob("*")) if path.is_file() and path.name != LEDGER]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}
