"""How many texts per second are answered in time when clients post more than the server can compute?

Run with nothing else running: ``python benchmarks/serving/overload.py``. Each client posts 1,000 texts of 128 tokens
again and again to a model that takes most of the time limit for one such request. A refused client waits as Retry-After
says; an impatient one half a second, whatever it says. A trial prints instead of saving: add ``--trial``.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from argparse import ArgumentParser
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

os.environ.update(ORT_DISABLE_TELEMETRY="1")
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "helpers"))

import psutil
from _load import Contender, Running, running

from _common import ROOT, save, versions

NUM_TEXTS = 1_000
TEXT = " ".join(["the good film"] * 60)
"""More than the 128 tokens that the model reads."""
TIMEOUT_S = 10
NUM_ANSWERS = 8
"""Answered requests after which a load ends."""
MAX_LOAD_S = 75.0
LOADS = {"1 client": (1, True), "3 clients": (3, True), "8 clients": (8, True), "8 impatient clients": (8, False)}
"""Number of clients, and whether they wait as Retry-After says."""
IMPATIENT_S = 0.5


@dataclass
class Outcome:
    """What the clients of one load have seen."""

    waits: bool
    start: float = field(default_factory=perf_counter)
    statuses: Counter[int] = field(default_factory=Counter)
    last_answer_s: float = 0.0
    is_over: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def note(self, status: int) -> None:
        """Count an answer; the load ends with the last of them."""
        with self.lock:
            if self.is_over.is_set():
                return
            self.statuses[status] += 1
            if status == 200:
                self.last_answer_s = perf_counter() - self.start
            if self.statuses[200] == NUM_ANSWERS:
                self.is_over.set()


def post_until_over(url: str, body: str, outcome: Outcome) -> None:
    """Post one request after the other; a client that is refused waits."""
    address = urlsplit(url)
    while not outcome.is_over.is_set():
        with closing(HTTPConnection(address.hostname or "", address.port, timeout=120)) as connection:
            connection.request("POST", address.path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        outcome.note(answer.status)
        retry_after = answer.headers.get("retry-after")
        if retry_after is not None:
            outcome.is_over.wait(float(retry_after) if outcome.waits else IMPATIENT_S)


def measure(server: Running, *, num_clients: int, waits: bool) -> dict[str, Any]:
    """Put one load on the server.

    Returns:
        ``texts_per_second`` that were answered in time, the same for each second of the server's processor time, and
        how many answers had which status.
    """
    outcome, body = Outcome(waits), json.dumps({"texts": [TEXT] * NUM_TEXTS})
    url, process = server.url, psutil.Process(server.pid)
    cpu_before_s = sum(process.cpu_times()[:2])
    clients = [Thread(target=post_until_over, args=(url, body, outcome), daemon=True) for _ in range(num_clients)]
    for client in clients:
        client.start()
    outcome.is_over.wait(MAX_LOAD_S)
    duration_s = outcome.last_answer_s if outcome.is_over.is_set() else MAX_LOAD_S
    outcome.is_over.set()
    cpu_s = sum(process.cpu_times()[:2]) - cpu_before_s
    for client in clients:
        client.join(3 * TIMEOUT_S)
    num_texts = NUM_TEXTS * outcome.statuses[200]
    return {
        "texts_per_second": num_texts / duration_s,
        "texts_per_processor_second": num_texts / cpu_s,
        "statuses": {str(status): count for status, count in sorted(outcome.statuses.items())},
    }


class _Folders:
    """Stands in for pytest's ``tmp_path_factory``."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def mktemp(self, name: str) -> Path:
        """Make a folder."""
        (self._folder / name).mkdir()
        return self._folder / name


def main() -> None:
    """Measure each load, print and save."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=3, help="products of the model: each makes it slower")
    parser.add_argument("--note", default="", help="what else the machine was doing")
    parser.add_argument("--trial", action="store_true", help="print what was measured instead of saving it")
    parsed = parser.parse_args()
    loads: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as folder:
        fixtures = runpy.run_path(str(ROOT / "tests" / "conftest.py"))
        make = fixtures["make_artifact"].__wrapped__(_Folders(folder))
        artifact = make("slow", max_length=128, num_slow_layers=parsed.layers)
        serve = [sys.executable, "-m", "textwright", "serve", str(artifact), "--port", "{port}"]
        limits = ["--timeout-s", str(TIMEOUT_S), "--num-threads", "1"]
        for name, (num_clients, waits) in LOADS.items():
            with running(Contender("textwright", [*serve, *limits], "/v1/predict"), TEXT) as server:
                loads[name] = measure(server, num_clients=num_clients, waits=waits)
            print(f"{name}: {loads[name]}", file=sys.stderr, flush=True)
    alone = loads["1 client"]
    content: dict[str, object] = {
        "command": "python benchmarks/serving/overload.py",
        "note": parsed.note,
        "versions": versions("uvicorn", "onnxruntime"),
        "timeout_s": TIMEOUT_S,
        "num_texts": NUM_TEXTS,
        "layers": parsed.layers,
        "loads": loads,
        "share_of_one_client": {
            key: {name: load[key] / alone[key] for name, load in loads.items()}
            for key in ("texts_per_second", "texts_per_processor_second")
        },
    }
    if parsed.trial:
        print(json.dumps(content, indent=2))
    else:
        save("overload", content)


if __name__ == "__main__":
    main()
