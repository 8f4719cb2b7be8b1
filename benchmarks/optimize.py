"""What does optimizing gain, and what does it cost in answers? Trained artifacts, over seeds, beside Optimum.

Run with nothing else running: ``make bench-optimize``, or for some datasets and families: ``python
benchmarks/optimize.py movie-reviews bert``. The artifacts are the leaderboard's, three seeds each; what it has not is
trained first. What was measured is kept, so that a stopped benchmark goes on.

Protocol: the promising candidates are tried on each artifact; gates are on the validation split, accuracy in
"test" is on the test split, read once, with the exact paired test against fp32 over it. Gains are against the fp32
variant of the same artifact, measured in turn, one thread, whether or not the gates were passed. The rivals are ONNX
Runtime's quantize_dynamic with its defaults, and Optimum's dynamic quantizer for AVX-512 VNNI, a scale for each column,
on the same exported graph; both are measured as the recipes are, in the same run. The rivals, and all recipes for a
BERT but int8-smooth, are measured on the first seed alone.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import numpy as np

from _common import ROOT, RUNS, save, trained, versions
from textwright.core import artifact as artifacts
from textwright.core.artifact import Variant
from textwright.core.callbacks import Callback, RunInfo
from textwright.core.files import write_text
from textwright.data.settings import DataSettings
from textwright.evaluate.paired import paired_p_value
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.optimize.candidate_result import AccuracyCheck, CandidateResult, LatencyReport
from textwright.optimize.eval_texts import Texts, read_texts
from textwright.optimize.measure import compare_answers, compare_costs
from textwright.optimize.optimization import optimize
from textwright.optimize.quantization.onnxruntime_quantizers import quantize_dynamic
from textwright.optimize.settings import OptimizationTarget, OptimizeSettings
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

OPTIMUM = ROOT / ".venv-rivals" / "optimum" / "bin" / "python"
DATASETS = ("movie-reviews", "airline-tweets")
SEEDS = (0, 1, 2)
RECIPES: Mapping[str, tuple[str, ...]] = {
    "bert": ("fused", "int8-smooth", "openvino-bf16"),
    "frozen-bert": ("fused", "int8-smooth", "openvino-bf16"),
    "cnn-glove": (),
    "bow-glove": (),
    "bow": (),
}
"""Family -> candidates that are tried; none named: all, which are few for word families."""
ON_EVERY_SEED: Mapping[str, tuple[str, ...]] = {**RECIPES, "bert": ("int8-smooth",), "frozen-bert": ("int8-smooth",)}
"""Those that are tried on all seeds; the others, and the rivals, on the first alone."""
MAX_DROP, AGREEMENT = 0.3, 99.0


class Printer(Callback):
    """Says what is tried."""

    def on_stage_begin(self, stage: str) -> None:
        """Name the stage."""
        print(f"  {stage}", flush=True)

    def on_run_begin(self, run: RunInfo) -> None:
        """Name the recipe."""
        print(f"  [{run.number}/{run.total}] {run.name}: {run.summary}", flush=True)

    def on_run_end(self, run: RunInfo, outcome: str) -> None:
        """Say the verdict."""
        print(f"    {run.name} {outcome}", flush=True)


def measure(source: str, family: str, seed: int) -> dict[str, dict[str, Any]]:
    """Measure the recipes and the rivals on one artifact; return their rows by name."""
    folder = trained(source, family, seed)
    made = RUNS / "optimize" / source / f"{family}-{seed}"
    print(f"{source} {family} seed {seed}", flush=True)
    recipes = (RECIPES if seed == SEEDS[0] else ON_EVERY_SEED)[family]
    settings = OptimizeSettings(
        max_drop=MAX_DROP, agreement=AGREEMENT, target=OptimizationTarget.THROUGHPUT, recipes=recipes
    )
    # the gates of this bound need 998 validation texts, which both datasets have
    outcome = optimize(folder, source, made / "optimized", settings, DataSettings(), [Printer()])
    reference = load(folder, variant="fp32", num_threads=1)
    texts = read_texts(source, DataSettings(), reference.artifact.manifest)
    was = observe(reference, texts.test)
    rows = {}
    for candidate in outcome.candidates:
        folder = made / "optimized" / "candidates" / candidate.name
        rows[candidate.name] = _row(folder, candidate, reference, texts, was, outcome.verdict(candidate))
    if "bert" in family and seed == SEEDS[0]:
        for name in ("quantize-dynamic", "optimum"):
            rival = _rival(name, reference, made / "rivals" / name)
            rows[name] = _row(rival, CandidateResult(name, "int8", ""), reference, texts, was, "a rival")
    return rows


def _rival(name: str, reference: Predictor, folder: Path) -> Path:
    """Let a rival quantize the exported graph, unless it has; return an artifact of that alone."""
    old = reference.artifact
    if (folder / artifacts.MANIFEST).is_file() and artifacts.read(folder).manifest.created == old.manifest.created:
        return folder
    graph = old.path / old.manifest.variant("fp32").file
    if name == "optimum":
        made = folder.parent / "optimum.onnx"
        made.parent.mkdir(parents=True, exist_ok=True)
        program = ROOT / "benchmarks" / "rivals" / "optimum_quantize.py"
        subprocess.run([OPTIMUM, program, graph, made], check=True, stdout=subprocess.DEVNULL)
        content = made.read_bytes()
    else:
        content = quantize_dynamic(graph.read_bytes())
    manifest = replace(old.manifest, variants={name: Variant("model.onnx", "int8")})
    contents = {"model.onnx": content, artifacts.TOKENIZER: old.tokenizer().encode(), artifacts.GOLDEN: b""}
    return artifacts.write(folder, manifest, contents).path


def _row(
    made: Path, candidate: CandidateResult, reference: Predictor, texts: Texts, was: LabeledPredictions, verdict: str
) -> dict[str, Any]:
    """Measure what of a candidate was not measured yet, and its answers on the test texts."""
    if candidate.failure:
        return {"verdict": verdict}
    kept = made.parent / f"{candidate.name}.measured.json"
    if kept.is_file():
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["model"] == reference.artifact.digest:
            return dict(content["row"])
    predictor = Predictor(artifacts.read(made), num_threads=1)
    gate: AccuracyCheck = candidate.gate or compare_answers(predictor, observe(reference, texts.gate), texts.gate)
    cost: LatencyReport = candidate.cost or compare_costs(predictor, reference, texts.gate.texts)
    seen = observe(predictor, texts.test)
    right, was_right = (item.correct.astype(np.int64) for item in (seen, was))
    test = {
        "accuracy": float(right.mean()),
        "accuracy_fp32": float(was_right.mean()),
        "drop": 100 * float(was_right.mean() - right.mean()),
        "p_value": paired_p_value(right, was_right),
        "agreement": 100 * float((seen.predicted == was.predicted).reshape(len(right), -1).all(axis=1).mean()),
        "num_texts": len(right),
    }
    row = {"verdict": verdict, "gate": asdict(gate), "cost": asdict(cost), "test": test}
    print(f"    {candidate.name}: x{cost.latency_gain:.2f} one text, x{cost.throughput_gain:.2f} many", flush=True)
    write_text(kept, json.dumps({"model": reference.artifact.digest, "row": row}, indent=2) + "\n")
    return row


def over_seeds(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up a recipe's rows over the seeds: each value, and the mean of the drops, the median of the gains."""
    measured = [row for row in rows if "cost" in row]
    summary: dict[str, Any] = {"verdicts": [row["verdict"] for row in rows], "seeds": list(rows)}
    if measured:
        drops = [row["test"]["drop"] for row in measured]
        summary["mean_test_drop"] = statistics.mean(drops)
        summary["mean_gate_drop"] = statistics.mean(row["gate"]["drop"] for row in measured)
        summary["mean_gate_agreement"] = statistics.mean(row["gate"]["agreement"] for row in measured)
        summary["mean_test_agreement"] = statistics.mean(row["test"]["agreement"] for row in measured)
        for gain in ("latency_gain", "throughput_gain", "size_gain"):
            summary[f"median_{gain}"] = statistics.median(row["cost"][gain] for row in measured)
    return summary


def main() -> None:
    """Measure all datasets and families, or those named on the command line, and save each dataset."""
    named = set(sys.argv[1:])
    for source in [item for item in DATASETS if item in named] or DATASETS:
        families = [item for item in RECIPES if item in named] or list(RECIPES)
        content = {}
        for family in families:
            seeds = [measure(source, family, seed) for seed in SEEDS]
            content[family] = {name: over_seeds([rows[name] for rows in seeds if name in rows]) for name in seeds[0]}
        save(
            f"optimize-{source}",
            {
                "command": f"python benchmarks/optimize.py {source}",
                "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
                "gates": {"max_drop": MAX_DROP, "agreement": AGREEMENT},
                "versions": versions("onnxruntime", "openvino", "onnx", "tokenizers"),
                "families": content,
            },
        )


if __name__ == "__main__":
    main()
