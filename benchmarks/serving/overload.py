"""How many texts per second are answered in time when clients post more than the server can compute?

Run with nothing else running: ``python benchmarks/serving/overload.py``. Each client posts 1,000 texts of 128 tokens
again and again to a model that takes a good part of the time limit for one such request. A refused client waits as
Retry-After says; an impatient one half a second, whatever it says. What is half computed when the last answer comes is
not counted, at most one request. A trial prints instead of saving: add ``--trial``.
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
TIMEOUT_S = 5
NUM_ANSWERS = 30
"""Answered requests after which a load ends."""
MAX_LOAD_S = 130.0
LOADS = {"1 client": (1, True), "3 clients": (3, True), "8 clients": (8, True), "8 impatient clients": (8, False)}
"""Number of clients, and whether they wait as Retry-After says."""
IMPATIENT_S = 0.5


@dataclass
class Outcome:
    """What the clients of one load have seen."""

    waits: bool
    server: psutil.Process
    num_answers: int
    statuses: Counter[int] = field(default_factory=Counter)
    answers: list[tuple[float, float]] = field(default_factory=list)
    """The start, then each answer: when, and the processor time of the server until then."""
    is_over: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def note(self, status: int) -> None:
        """Count an answer; the load ends with the last of them."""
        with self.lock:
            if self.is_over.is_set():
                return
            self.statuses[status] += 1
            if status == 200:
                self.note_time()
            if len(self.answers) > self.num_answers:
                self.is_over.set()

    def note_time(self) -> None:
        """Note that it is the start, or an answer."""
        self.answers.append((perf_counter(), sum(self.server.cpu_times()[:2])))

    def result(self) -> dict[str, Any]:
        """Sum it up: texts answered in time per second, and per second of the server's processor time."""
        texts_per_second = texts_per_processor_second = 0.0
        if len(self.answers) > 1:
            (first, first_cpu), (last, last_cpu) = self.answers[0], self.answers[-1]
            num_texts = NUM_TEXTS * (len(self.answers) - 1)
            texts_per_second = num_texts / (last - first)
            texts_per_processor_second = num_texts / (last_cpu - first_cpu)
        return {
            "texts_per_second": texts_per_second,
            "texts_per_processor_second": texts_per_processor_second,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
        }


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


def measure(server: Running, *, num_clients: int, waits: bool, num_answers: int) -> dict[str, Any]:
    """Put one load on the server until so many requests are answered, or for a while."""
    outcome, body = Outcome(waits, psutil.Process(server.pid), num_answers), json.dumps({"texts": [TEXT] * NUM_TEXTS})
    clients = [
        Thread(target=post_until_over, args=(server.url, body, outcome), daemon=True) for _ in range(num_clients)
    ]
    outcome.note_time()
    for client in clients:
        client.start()
    outcome.is_over.wait(MAX_LOAD_S)
    outcome.is_over.set()
    for client in clients:
        client.join(3 * TIMEOUT_S)
    return outcome.result()


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
    parser.add_argument("--layers", type=int, default=1, help="products of the model: each makes it slower")
    parser.add_argument("--answers", type=int, default=NUM_ANSWERS, help="requests after which a load ends")
    parser.add_argument("--before", type=Path, help="JSON of the loads of an earlier version, to keep beside")
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
                loads[name] = measure(server, num_clients=num_clients, waits=waits, num_answers=parsed.answers)
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
    if parsed.before is not None:
        content["before"] = json.loads(parsed.before.read_text(encoding="utf-8"))
    if parsed.trial:
        print(json.dumps(content, indent=2))
    else:
        save("overload", content)


if __name__ == "__main__":
    main()
