"""Everything together through HTTP: int8, bfloat16, fewer layers and cascades beside FastAPI + `pipeline`.

Run with nothing else running, after ``make bench-optimize``, ``make bench-cascade`` and ``make bench-distill``, whose
artifacts of seed 0 are served here: ``python benchmarks/serving/together.py``. Each round starts each server alone and
loads it with 32 connections, each asking for one sentence of the test split of `movie-reviews` at a time. The pipeline,
as tutorials serve it, runs the same encoder with the classification head of transformers; what it would answer is what
the fp32 artifact answers, whose accuracy stands beside.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from _load import Contender, put_load, running
from _rounds import Rounds, asked
from side_by_side import CONNECTIONS, ROUNDS, SECONDS, contenders, rival_model

from _common import RUNS, quantize, quantized, trained, versions
from cascade import STRONG, TAUGHT
from cascade import cascade as made
from distill import three_layers
from textwright.data.settings import DataSettings
from textwright.evaluate.eval_split import select
from textwright.evaluate.predictions import observe
from textwright.runtime.loading import load

SOURCE = "movie-reviews"
SEED = 0
RIVAL = "FastAPI + pipeline"
FAST_STAGES = ("bow", f"cnn-glove{TAUGHT}")
BOUND = "0.5 at 95 %"
THREE_LAYERS = "3 layers"


def ours() -> dict[str, Path]:
    """Find the artifacts: fp32, int8, the variant of most throughput, and the cascades of a bound."""
    found = {"fp32": trained(SOURCE, STRONG, SEED), "int8-smooth": quantized(SOURCE, STRONG, SEED)}
    fastest = RUNS / "optimize" / SOURCE / f"{STRONG}-{SEED}" / "optimized"
    if fastest.is_dir():
        found[load(fastest).variant] = fastest
    for fast in FAST_STAGES:
        path = made(SOURCE, fast, SEED, BOUND)
        if path is not None:
            found[f"{fast}; {BOUND}"] = path
    halved = RUNS / "int8-smooth" / SOURCE / f"{THREE_LAYERS}-{SEED}"
    found[THREE_LAYERS] = quantize(three_layers(SOURCE, SEED), SOURCE, halved, "--recipes", "int8-smooth")
    path = made(SOURCE, "bow", SEED, BOUND, (THREE_LAYERS, halved))
    if path is not None:
        found[f"bow, {THREE_LAYERS}; {BOUND}"] = path
    return found


def served(name: str, path: Path) -> Contender:
    """Say how an artifact is served."""
    return Contender(name, [sys.executable, "-m", "textwright", "serve", str(path), "--port", "{port}"], "/v1/predict")


def measure(contender: Contender, texts: list[str], seconds: float) -> dict[str, float]:
    """Start a server and load it; then ask it one at a time."""
    bodies = [contender.body(text) for text in texts]
    with running(contender, texts[0]) as server:
        put_load(server, bodies, connections=CONNECTIONS, seconds=3)  # warm
        full = put_load(server, bodies, connections=CONNECTIONS, seconds=seconds)
        lone = put_load(server, bodies, connections=1, seconds=seconds / 2)
    return {**{key: full[key] for key in ("per_second", "p50_ms", "p99_ms")}, "lone_p50_ms": lone["p50_ms"]}


def main() -> None:
    """Measure in rounds, print and save."""
    settings, paths = asked(__doc__, rounds=ROUNDS, seconds=SECONDS), ours()
    rivals = {one.name: one for one in contenders(paths["fp32"], rival_model())}
    test = select(SOURCE, DataSettings(), load(paths["fp32"]).artifact.manifest, "test").examples
    accuracy = {name: float(observe(load(path), test).correct.mean()) for name, path in paths.items()}
    texts = list(test.texts)
    Random(0).shuffle(texts)  # noqa: S311  an order, no secret
    rounds = Rounds("serving_together", settings)
    for number in range(settings.rounds):
        for one in [rivals[RIVAL], *(served(name, path) for name, path in paths.items())]:
            rounds.measure(number, one.name, partial(measure, one, texts, settings.seconds))
    content: dict[str, Any] = {
        "command": f"python benchmarks/serving/together.py --seconds {settings.seconds:g} --rounds {settings.rounds}",
        "connections": CONNECTIONS,
        "versions": versions("fastapi", "onnxruntime", "tokenizers", "torch", "transformers", "uvicorn"),
        "accuracy": accuracy,
        "measured_rounds": rounds.spreads(),
        "throughput_against_pipeline": {name: rounds.ratio("per_second", name, RIVAL) for name in paths},
    }
    rounds.save(content)


if __name__ == "__main__":
    main()
