"""Which engine, how many layers, a cascade or not: every combination behind HTTP, beside FastAPI + `pipeline`.

Run with nothing else running: ``make bench-serving-matrix``; cut off, it goes on where it was. Models that are not
there are trained first (the leaderboard's `bert`, `bert-r-drop` and `bow`, and students of three layers), then
optimized and put behind `bow`; ``--prepare`` does that alone. ``--rivals LitServe BentoML Infinity`` adds these, in the
environments that ``make bench-serving`` makes. A trial: ``python benchmarks/serving/matrix.py --seeds 1
--rounds 1 --seconds 2 --trial``.

Protocol: one drawn split of `movie-reviews`. Rows are engine and precision x 6 layers (`bert`) or 3 (taught by the
`bert-r-drop` of the seed) x alone or behind the `bow` of the seed, whose point is chosen on the validation split for
at most 0.5 points lost with 95 % confidence. All graphs do no work for padding. A variant is taken if it passes
``optimize`` (at most 1 point lost, 98 % of the validation texts answered alike); one that does not is named with the
reason. How far predictions change with the other texts of a batch is reported, and refuses nothing here. Each round
starts each server alone with the models of one seed, the seeds in turn, loads it with 32 connections that ask for one
test sentence at a time, then asks from one connection. Requests per second are of saturation, medians of the rounds;
ratios are to FastAPI + `pipeline` of the same round. Start-up is from the start of the process to the first answer;
memory is resident, of all processes of a server, after the load; size is of the graphs and tokenizers that answer.
The pipeline, as tutorials serve it, runs the same encoder with the classification head of
transformers; what it would answer is what fp32 of 6 layers answers. Accuracy is on the test split, which decides
nothing, over the seeds.
"""

from __future__ import annotations

import json
import statistics
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import psutil
from _load import Contender, put_load, running
from _rounds import Rounds, rounds_parser
from side_by_side import CONNECTIONS, ROUNDS, SECONDS, contenders, rival_model

from _common import RUNS, quantize, trained, versions
from cascade import STRONG
from cascade import cascade as made
from distill import three_layers
from textwright.core import artifact as artifacts
from textwright.core.types import Ints
from textwright.data.settings import DataSettings
from textwright.evaluate.eval_split import select
from textwright.evaluate.paired import paired_p_value
from textwright.evaluate.predictions import observe
from textwright.optimize.outcome import OptimizationResult
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

SOURCE = "movie-reviews"
NUM_SEEDS = 3
RIVAL = "FastAPI + pipeline"
RIVALS = ("LitServe", "BentoML", "Infinity")
"""Measured beside it where they are asked for."""
FAST = "bow"
BOUND = "0.5 at 95 %"
REFERENCE = "fp32"
ENGINES: Mapping[str, str] = {
    "ONNX Runtime fp32": REFERENCE,
    "ONNX Runtime int8": "int8-smooth",
    "OpenVINO bf16": "openvino-bf16",
    "OpenVINO int8": "openvino-int8",
}
"""Engine and precision -> variant."""
LAYERS = ("6 layers", "3 layers")
GATES = ("--max-drop", "1", "--agreement", "98", "--allow-batch-dependent")


@dataclass(frozen=True)
class Row:
    """One combination.

    Args:
        layers: One of ``LAYERS``.
        engine: A key of ``ENGINES``.
        is_cascade: Whether `bow` stands in front.
        workers: Processes of the server.
    """

    layers: str
    engine: str
    is_cascade: bool = False
    workers: int = 1

    @property
    def name(self) -> str:
        """What it is called in the result."""
        parts = [*([FAST] if self.is_cascade else []), self.layers, self.engine]
        return ", ".join([*parts, *([f"{self.workers} workers"] if self.workers > 1 else [])])

    @property
    def one_worker(self) -> Row:
        """The row of the same model on a server of one process."""
        return replace(self, workers=1)

    @property
    def fp32(self) -> Row:
        """The row of the same weights in fp32, alone."""
        return Row(self.layers, next(iter(ENGINES)))


@dataclass(frozen=True)
class Model:
    """What is served of one seed.

    Args:
        path: The artifact.
        variant: Of it; None is its default.
    """

    path: Path
    variant: str | None


class RefusedError(Exception):
    """A combination that cannot be had; says why."""


def whole(layers: str, seed: int) -> Path:
    """Train the model of a number of layers, unless it is there."""
    return trained(SOURCE, STRONG, seed) if layers == LAYERS[0] else three_layers(SOURCE, seed)


def model_of(row: Row, seed: int) -> Model:
    """Find or make what a row serves.

    Raises:
        RefusedError: If the optimizer refuses the variant, or no cascade is within the bound.
    """
    path, variant = whole(row.layers, seed), ENGINES[row.engine]
    if variant != REFERENCE:
        path = _optimized(path, RUNS / "serving-matrix" / SOURCE / f"{row.layers}-{variant}-{seed}", variant)
    if not row.is_cascade:
        return Model(path, variant)
    strong = (f"{row.layers}-{variant}", path)
    cascaded = made(SOURCE, FAST, seed, BOUND, strong, strong_variant=variant, allow_batch_dependent=True)
    if cascaded is None:
        raise RefusedError(f"no cascade within {BOUND} that gains time")
    return Model(cascaded, None)


def _optimized(run_dir: Path, out: Path, variant: str) -> Path:
    quantize(run_dir, SOURCE, out, "--recipes", variant, *GATES)
    if variant not in artifacts.read(out).manifest.variants:
        report = json.loads(OptimizationResult.json_path(out).read_text(encoding="utf-8"))
        reasons = {**report["unavailable"], **{item["name"]: item["verdict"] for item in report["candidates"]}}
        raise RefusedError(reasons[variant])
    return out


def models_of(rows: Sequence[Row], seeds: Sequence[int]) -> tuple[dict[Row, dict[int, Model]], dict[str, str]]:
    """Find or make what all rows serve; return it by row and seed, and why what is missing is."""
    found: dict[Row, dict[int, Model]] = {row: {} for row in rows}
    refused = {}
    for number, (seed, row) in enumerate([(seed, row) for seed in seeds for row in rows], start=1):
        print(f"[{number}/{len(seeds) * len(rows)}] seed {seed}: {row.name}", file=sys.stderr, flush=True)
        try:
            found[row][seed] = model_of(row, seed)
        except RefusedError as error:
            refused[f"{row.name}, seed {seed}"] = str(error)
            print(f"  left out: {error}", file=sys.stderr, flush=True)
    return found, refused


def qualities(models: Mapping[Row, Mapping[int, Model]]) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Measure each row on the test texts over its seeds, beside fp32 of the same weights and what the pipeline runs."""
    right: dict[Row, dict[int, Ints]] = {}
    for row, by_seed in models.items():
        right[row], sizes, shares, changes = {}, [], [], []
        for seed, model in by_seed.items():
            predictor = load(model.path, variant=model.variant)
            test = select(SOURCE, DataSettings(), predictor.artifact.manifest, "test").examples
            right[row][seed] = observe(predictor, test).correct.astype(np.int64)
            shares.append(_share_of_strong(predictor, test.texts))
            stable = predictor.artifact.manifest.variant(predictor.variant).batch_invariance
            changes += [stable["max_change"]] if stable else []
            sizes.append(sum(_size(stage.graph_path, stage.artifact.tokenizer()) for stage in predictor.stages))
        accuracies = [float(item.mean()) for item in right[row].values()]
        yield (
            row,
            {
                "layers": row.layers,
                "engine": row.engine,
                "is_cascade": row.is_cascade,
                "accuracy": _mean_and_deviation(accuracies),
                "against_same_weights": _lost(right[row], right[row.fp32]),
                "against_pipeline": _lost(right[row], right[Row(LAYERS[0], row.fp32.engine)]),
                "share_of_strong": statistics.mean(shares),
                "max_change_in_a_batch": max(changes, default=None),
                "size_bytes": statistics.median(sizes),
            },
        )


def _share_of_strong(predictor: Predictor, texts: Sequence[str]) -> float:
    """Count which share of the texts the last stage answers."""
    if len(predictor.stages) == 1:
        return 1.0
    answered = predictor.answered_by(predictor.predict(texts))
    return len(answered.get(len(predictor.stages) - 1, ())) / len(texts)


def _size(graph: Path, tokenizer: str) -> int:
    return graph.stat().st_size + len(tokenizer.encode())


def _mean_and_deviation(values: Sequence[float]) -> dict[str, Any]:
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.mean(values), "deviation": deviation, "seeds": list(values)}


def _lost(right: Mapping[int, Ints], reference: Mapping[int, Ints]) -> dict[str, Any]:
    """Sum up the points lost over the seeds, with one paired test over all."""
    ours, theirs = (np.sum([item[seed] for seed in right], axis=0) for item in (right, reference))
    points = [100 * float(reference[seed].mean() - right[seed].mean()) for seed in right]
    p_value = paired_p_value(ours, theirs, runs=(len(right), len(right)))
    return {"points_lost": statistics.mean(points), "points_lost_of_seeds": points, "p_value": p_value}


def served(name: str, model: Model, workers: int) -> Contender:
    """Say how a model is served."""
    command = [sys.executable, "-m", "textwright", "serve", str(model.path), "--port", "{port}"]
    command += [*(["--variant", model.variant] if model.variant else []), "--workers", str(workers)]
    return Contender(name, command, "/v1/predict")


def measure(contender: Contender, texts: Sequence[str], seconds: float) -> dict[str, float]:
    """Start a server and load it; then ask it one at a time."""
    bodies = [contender.body(text) for text in texts]
    with running(contender, texts[0]) as server:
        put_load(server, bodies, connections=CONNECTIONS, seconds=3)  # warm
        full = put_load(server, bodies, connections=CONNECTIONS, seconds=seconds)
        lone = put_load(server, bodies, connections=1, seconds=seconds / 2)
        root = psutil.Process(server.pid)
        memory = sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))
    of_load = {key: full[key] for key in ("per_second", "p50_ms", "p99_ms")}
    return {**of_load, "lone_p50_ms": lone["p50_ms"], "start_s": server.start_s, "resident_mib": memory / 2**20}


def onnxruntime_bf16() -> str:
    """Try a product in bfloat16 on ONNX Runtime; return what it says, or empty words if it can."""
    from onnx import TensorProto, helper

    from textwright.runtime.session import import_onnxruntime

    shapes = {"a": [2, 2], "b": [2, 2], "c": [2, 2]}
    values = {name: helper.make_tensor_value_info(name, TensorProto.BFLOAT16, shape) for name, shape in shapes.items()}
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])], "product", [values["a"], values["b"]], [values["c"]]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    try:
        import_onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  whatever it raises is the answer
        return str(error).rpartition(" : ")[2]
    return ""


def asked() -> Namespace:
    """Read the command line."""
    parser = rounds_parser(__doc__, rounds=ROUNDS, seconds=SECONDS)
    parser.add_argument("--seeds", type=int, default=NUM_SEEDS, help="models of so many seeds, from 0 on")
    parser.add_argument("--workers", type=int, nargs="+", default=[1], help="processes of our server, each a row")
    parser.add_argument("--rivals", choices=RIVALS, nargs="*", default=[], help="beside FastAPI + pipeline")
    parser.add_argument("--prepare", action="store_true", help="make what is served, and measure nothing")
    return parser.parse_args()


def main() -> None:
    """Measure in rounds, print and save."""
    settings = asked()
    alone = [Row(layers, engine) for layers in LAYERS for engine in ENGINES]
    rows = [*alone, *(Row(row.layers, row.engine, is_cascade=True) for row in alone)]
    models, refused = models_of(rows, range(settings.seeds))
    if settings.prepare:
        return
    models = {row: by_seed for row, by_seed in models.items() if by_seed}
    texts = _test_texts()
    listed = {one.name: one for one in contenders(whole(LAYERS[0], 0), rival_model())}
    rivals = [listed[name] for name in (RIVAL, *settings.rivals) if name in listed]
    rounds = Rounds("serving_matrix", settings)
    ours = [replace(row, workers=workers) for workers in settings.workers for row in models]
    for number in range(settings.rounds):
        of_round = [*rivals, *(_of_round(row, models, number) for row in ours)]
        for place, one in enumerate(of_round, start=1):
            print(f"[{place}/{len(of_round)}] {one.name}", file=sys.stderr, flush=True)
            rounds.measure(number, one.name, partial(measure, one, texts, settings.seconds))
    found = dict(qualities(models))
    spreads = rounds.spreads()
    flags = f"--rounds {settings.rounds} --seconds {settings.seconds:g} --seeds {settings.seeds}"
    content: dict[str, Any] = {
        "command": f"python benchmarks/serving/matrix.py {flags}",
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
        "connections": CONNECTIONS,
        "versions": versions("fastapi", "onnxruntime", "openvino", "tokenizers", "torch", "transformers", "uvicorn"),
        "left_out": {**refused, **({"ONNX Runtime bf16": reason} if (reason := onnxruntime_bf16()) else {})},
        "rows": {row.name: found[row.one_worker] | {"workers": row.workers} for row in ours},
        "rival_size_bytes": sum(item.stat().st_size for item in rival_model().iterdir()),
        "measured_rounds": spreads,
        "throughput_against_pipeline": {name: rounds.ratio("per_second", name, RIVAL) for name in spreads},
    }
    rounds.save(content)


def _of_round(row: Row, models: Mapping[Row, Mapping[int, Model]], number: int) -> Contender:
    """Take the model of a seed for a round, the seeds in turn."""
    of_seeds = list(models[row.one_worker].values())
    return served(row.name, of_seeds[number % len(of_seeds)], row.workers)


def _test_texts() -> list[str]:
    manifest = artifacts.read(whole(LAYERS[0], 0)).manifest
    texts = list(select(SOURCE, DataSettings(), manifest, "test").examples.texts)
    Random(0).shuffle(texts)  # noqa: S311  an order, no secret
    return texts


if __name__ == "__main__":
    main()
