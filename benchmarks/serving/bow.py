"""How much of a `bow` model's speed is left behind HTTP?

Run with nothing else running: ``python benchmarks/serving/bow.py``. Beside it stands a FastAPI route that parses one
text and returns a constant, run by uvicorn with and without its line per request (ours writes one). Requests of 64
texts are compared with the predictor in this process, given the same texts 64 at a time. Rounds alternate; cut off, it
goes on where it was. A trial: ``python benchmarks/serving/bow.py --artifact RUN --rounds 1 --seconds 2 --trial``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from _load import HERE, Contender, Running, put_load, running
from _rounds import Rounds, asked

import textwright
from _common import versions
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings

ROOT = HERE.parents[1]
ARTIFACT = ROOT / "runs" / "bench-serving-bow"
ROUNDS = 5
SECONDS = 5.0
MANY = 64
OURS = "textwright"
IN_PROCESS = "in process"
TEXTS = "texts_per_second"


def contenders(artifact: Path) -> list[Contender]:
    """Ours, and the bare route with and without its log."""
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE / "rivals"), "bare:app", "--port", "{port}"]
    serve = [sys.executable, "-m", "textwright", "serve", str(artifact), "--port", "{port}"]
    return [
        Contender(OURS, serve, "/v1/predict"),
        Contender("bare", [*uvicorn, "--no-access-log"], "/predict"),
        Contender("bare, logging", uvicorn, "/predict"),
    ]


def in_process(artifact: Path, texts: list[str], seconds: float) -> dict[str, float]:
    """Measure the predictor, 64 texts at a time."""
    predictor = textwright.load(artifact)
    start, done = perf_counter(), 0
    while perf_counter() - start < seconds:
        for first in range(0, len(texts), MANY):
            predictor.predict(texts[first : first + MANY])
        done += len(texts)
    return {TEXTS: done / (perf_counter() - start)}


def measure(contender: Contender, texts: list[str], seconds: float) -> dict[str, float]:
    """Start a server and measure it."""
    bodies = [contender.body(text) for text in texts]
    with running(contender, texts[0]) as server:
        put_load(server, bodies, connections=32, seconds=1)  # warm
        full = put_load(server, bodies, connections=32, seconds=seconds)
        lone = put_load(server, bodies, connections=1, seconds=seconds / 2)
        found = {
            "per_second": full["per_second"],
            "p50_ms": full["p50_ms"],
            "p99_ms": full["p99_ms"],
            "lone_p50_ms": lone["p50_ms"],
            "start_s": server.start_s,
        }
        return found | (_of_ours(server, texts, seconds) if contender.name == OURS else {})


def _of_ours(server: Running, texts: list[str], seconds: float) -> dict[str, float]:
    """Measure requests of 64 texts, and what the server takes of the machine while nobody asks."""
    many = [json.dumps({"texts": texts[first : first + MANY]}) for first in range(0, len(texts) - MANY, MANY)]
    batches = put_load(server, many, connections=4, seconds=seconds)
    process = psutil.Process(server.pid)
    before, start = sum(process.cpu_times()[:2]), perf_counter()
    sleep(5)
    idle = (sum(process.cpu_times()[:2]) - before) / (perf_counter() - start)
    return {
        TEXTS: MANY * batches["per_second"],
        "idle_cores": idle,
        "resident_mib": process.memory_info().rss / 2**20,
    }


def main() -> None:
    """Measure in rounds, print and save."""
    settings = asked(__doc__, rounds=ROUNDS, seconds=SECONDS)
    artifact = settings.artifact or ARTIFACT
    if settings.artifact is None:
        train: list[str | Path] = [
            "train",
            "movie-reviews",
            "--config",
            "bow",
            "--out",
            ARTIFACT,
            "--quiet",
        ]
        subprocess.run([sys.executable, "-m", "textwright", *train], check=True)
    texts = list(load_dataset("movie-reviews", DataSettings()).test.texts)
    rounds, listed = Rounds("serving_bow", settings), contenders(artifact)
    for number in range(settings.rounds):
        rounds.measure(number, IN_PROCESS, partial(in_process, artifact, texts, settings.seconds))
        for contender in listed:
            rounds.measure(number, contender.name, partial(measure, contender, texts, settings.seconds))
    content: dict[str, Any] = {
        "command": "python benchmarks/serving/bow.py",
        "versions": versions("fastapi", "uvicorn", "uvloop", "httptools", "onnxruntime", "pydantic"),
        "measured_rounds": rounds.spreads(),
        "requests_ratio": {name: rounds.ratio("per_second", OURS, name) for name in ("bare", "bare, logging")},
        "share_of_in_process_texts": rounds.ratio(TEXTS, OURS, IN_PROCESS),
    }
    rounds.save(content)


if __name__ == "__main__":
    main()
