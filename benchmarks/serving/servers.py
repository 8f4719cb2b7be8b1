"""How many requests per second of `bow` does each HTTP server answer, given the same application?

Run with nothing else running: ``python benchmarks/serving/servers.py --artifact RUN --rivals PYTHON``, where PYTHON is
that of a virtual environment with ``textwright[server]`` and what ``rivals/servers.txt`` lists. Rounds alternate; cut
off, it goes on where it was. Decision 0025 is made of the result.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from _load import HERE, Contender, put_load, running
from _rounds import Rounds

from _common import versions

OURS = "textwright"
PLAIN = "uvicorn, httptools"
TEXT = "a good film, and the actors are great"
CONNECTIONS = 32


def contenders(artifact: Path, rivals: str) -> list[Contender]:
    """Ours, uvicorn's two protocols, and two other servers, each with one process and uvloop."""
    serve = [sys.executable, "-m", "textwright", "serve", str(artifact), "--port", "{port}"]
    uvicorn = [sys.executable, "-m", "uvicorn", "--port", "{port}", "--no-access-log", "--no-server-header"]
    hypercorn = [rivals, "-m", "hypercorn", "--bind", "127.0.0.1:{port}", "--worker-class", "uvloop"]
    granian = [rivals, "-m", "granian", "--interface", "asgi", "--port", "{port}", "--loop", "uvloop", "--no-ws"]
    app, folders = "artifact_app:app", (str(HERE / "rivals"), os.environ.get("PYTHONPATH", ""))
    environment = {"ARTIFACT": str(artifact), "PYTHONPATH": os.pathsep.join(folders)}
    ask = partial(Contender, path="/v1/predict", environment=environment)
    return [
        ask(OURS, serve),
        ask(PLAIN, [*uvicorn, "--http", "httptools", app]),
        ask("uvicorn, h11", [*uvicorn, "--http", "h11", app]),
        ask("hypercorn", [*hypercorn, app]),
        ask("granian", [*granian, app]),
    ]


def measure(contender: Contender, seconds: float) -> dict[str, float]:
    """Start a server and measure it."""
    body = contender.body(TEXT)
    with running(contender, TEXT) as server:
        put_load(server, [body], connections=CONNECTIONS, seconds=1)  # warm
        before = cpu_seconds(server.pid)
        full = put_load(server, [body], connections=CONNECTIONS, seconds=seconds)
        cpu_us = 1e6 * (cpu_seconds(server.pid) - before) / full["requests"]
        lone = put_load(server, [body], connections=1, seconds=seconds / 2)
    found = {"per_second": full["per_second"], "cpu_us": cpu_us, "p99_ms": full["p99_ms"]}
    return {**found, "lone_p50_ms": lone["p50_ms"]}


def cpu_seconds(pid: int) -> float:
    """Sum up the processor time of a server and its processes; other programs on the machine change it little."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main() -> None:
    """Measure in rounds, print and save."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, required=True, help="a `bow` model")
    parser.add_argument("--rivals", default=sys.executable, help="python that has the other servers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load")
    parser.add_argument("--note", default="", help="what else the machine was doing")
    parser.add_argument("--trial", action="store_true", help="print what was measured instead of saving it")
    settings = parser.parse_args()
    rounds, listed = Rounds("serving_servers", settings), contenders(settings.artifact, settings.rivals)
    for number in range(settings.rounds):
        for contender in listed:
            rounds.measure(number, contender.name, partial(measure, contender, settings.seconds))
    content: dict[str, Any] = {
        "command": "python benchmarks/serving/servers.py --artifact RUN --rivals PYTHON",
        "note": settings.note,
        "versions": {**versions("uvicorn", "uvloop", "httptools", "h11"), **_rivals()},
        "measured_rounds": rounds.spreads(),
        "requests_beside_plain_uvicorn": {
            contender.name: rounds.ratio("per_second", contender.name, PLAIN) for contender in listed
        },
        "processor_time_beside_plain_uvicorn": {
            contender.name: rounds.ratio("cpu_us", contender.name, PLAIN) for contender in listed
        },
    }
    rounds.save(content)


def _rivals() -> dict[str, str]:
    lines = (HERE / "rivals" / "servers.txt").read_text(encoding="utf-8").split()
    return dict(line.split("==") for line in lines)


if __name__ == "__main__":
    main()
