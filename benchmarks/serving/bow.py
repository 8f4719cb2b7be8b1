"""How much of a `bow` model's speed is left behind HTTP?

Run with nothing else running: ``python benchmarks/serving/bow.py``. Beside it stands a FastAPI route that parses one
text and returns a constant, run by uvicorn with and without its line per request (ours writes one). Requests of 64
texts are compared with the predictor in this process, given the same texts 64 at a time. Rounds alternate.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter, sleep

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from _load import HERE, Contender, put_load, running

import textwright
from _common import save, spread, versions
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings

ROOT = HERE.parents[1]
ARTIFACT = ROOT / "runs" / "bench-serving-bow"
ROUNDS = 5
SECONDS = 5.0
MANY = 64


def contenders() -> list[Contender]:
    """Ours, and the bare route with and without its log."""
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE / "rivals"), "bare:app", "--port", "{port}"]
    serve = [sys.executable, "-m", "textwright", "serve", str(ARTIFACT), "--port", "{port}"]
    return [
        Contender("textwright", serve, "/v1/predict"),
        Contender("bare", [*uvicorn, "--no-access-log"], "/predict"),
        Contender("bare, logging", uvicorn, "/predict"),
    ]


def in_process(texts: list[str]) -> float:
    """Return the texts per second of the predictor, 64 at a time."""
    predictor = textwright.load(ARTIFACT)
    start, done = perf_counter(), 0
    while perf_counter() - start < SECONDS:
        for first in range(0, len(texts), MANY):
            predictor.predict(texts[first : first + MANY])
        done += len(texts)
    return done / (perf_counter() - start)


def measure(texts: list[str]) -> dict[str, float]:
    """Measure every contender once."""
    found: dict[str, float] = {"in_process_texts_per_second": in_process(texts)}
    many = [json.dumps({"texts": texts[first : first + MANY]}) for first in range(0, len(texts) - MANY, MANY)]
    for contender in contenders():
        bodies = [contender.body(text) for text in texts]
        with running(contender, texts[0]) as server:
            put_load(server, bodies, connections=32, seconds=1)
            full = put_load(server, bodies, connections=32, seconds=SECONDS)
            found[f"{contender.name}: requests per second"] = full["per_second"]
            found[f"{contender.name}: p99 ms"] = full["p99_ms"]
            found[f"{contender.name}: lone p50 ms"] = put_load(server, bodies, connections=1, seconds=2)["p50_ms"]
            if contender.name == "textwright":
                batches = put_load(server, many, connections=4, seconds=SECONDS)
                found["texts per second in requests of 64"] = MANY * batches["per_second"]
                found["start to first answer, s"] = server.start_s
                process = psutil.Process(server.pid)
                before = sum(process.cpu_times()[:2])
                sleep(5)
                found["idle cores"] = (sum(process.cpu_times()[:2]) - before) / 5
                found["resident MiB"] = process.memory_info().rss / 2**20
    return found


def main() -> None:
    """Measure in rounds, print and save."""
    train = ["train", "movie-reviews", "--config", ROOT / "recipes" / "bow.toml", "--out", ARTIFACT, "--quiet"]
    subprocess.run([sys.executable, "-m", "textwright", *train], check=True)
    texts = list(load_dataset("movie-reviews", DataSettings()).test.texts)
    rounds = []
    for number in range(ROUNDS):
        rounds.append(measure(texts))
        print(number, {name: round(value, 3) for name, value in rounds[-1].items()}, flush=True)
    ours = "textwright: requests per second"
    ratios = {
        name: spread([one[ours] / one[f"{name}: requests per second"] for one in rounds])
        for name in ("bare", "bare, logging")
    }
    carried = [one["texts per second in requests of 64"] / one["in_process_texts_per_second"] for one in rounds]
    content = {
        "command": "python benchmarks/serving/bow.py",
        "versions": versions("fastapi", "uvicorn", "uvloop", "httptools", "onnxruntime", "pydantic"),
        "measured_rounds": {name: spread([one[name] for one in rounds]) for name in rounds[0]},
        "requests_ratio": ratios,
        "share_of_in_process_texts": spread(carried),
    }
    save("serving_bow", content)


if __name__ == "__main__":
    main()
