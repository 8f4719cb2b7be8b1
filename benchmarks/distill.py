"""What does a teacher add to a small model, and what is left of a large one that is cut down? Over seeds.

Run with nothing else running: ``make bench-distill``, or for some datasets: ``python benchmarks/distill.py
movie-reviews``. Protocol: one drawn split; for each of three seeds a teacher (``bert``) is trained; then, with the same
seed, each student family twice, on labels alone and taught by that teacher; a student of three of the teacher's six
layers; and the teacher without unused tokens, and without half its heads and neurons. Settings were chosen on the
validation split; accuracy is on the test split, read once; costs are measured in turn with the teacher, one thread.
Runs and the teacher's answers are kept, so that a stopped benchmark goes on.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import numpy as np

from _common import save, versions
from textwright.data.settings import DataSettings
from textwright.evaluate.observe import observe
from textwright.evaluate.paired import paired_p_value
from textwright.evaluate.selection import select
from textwright.runtime.predictor import load

ROOT = Path(__file__).parents[1]
DATASETS = ("movie-reviews",)
SEEDS = (0, 1, 2)
STUDENTS: Mapping[str, tuple[str, ...]] = {
    "bow": (),
    "bow-bigram": (),
    "cnn-glove": (),
}
"""Recipe -> flags of its distillation beside the recipe."""
LAYERS = ("--family", "bert", "--model.keep-layers", "1,3,5", "--num-copies", "2", "--num-epochs", "2")
HALVES = ("--heads", "0.5", "--neurons", "0.5", "--no-vocabulary", "--max-drop", "100")


def textwright(*arguments: str | Path) -> None:
    """Run a command as its user would."""
    print("textwright", *arguments, flush=True)
    command = [sys.executable, "-m", "textwright", *map(str, arguments), "--quiet"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def run(source: str, seed: int) -> dict[str, dict[str, Any]]:
    """Train a teacher and all its students, as far as they are not there; return what each came to."""
    folder = ROOT / "runs" / "benchmarks" / "distill" / source / str(seed)
    of_seed = ("--seed", str(seed))
    teacher = folder / "bert"
    textwright("train", source, "--config", "recipes/bert.toml", *of_seed, "--out", teacher)
    rows = {}
    for recipe, flags in STUDENTS.items():
        config = ("--config", f"recipes/{recipe}.toml", *of_seed)
        alone, taught = folder / recipe, folder / f"{recipe}-distilled"
        textwright("train", source, *config, "--out", alone)
        textwright("distill", teacher, "--data", source, *config, *flags, "--beside", alone, "--out", taught)
        rows[recipe] = _distilled(taught, source, alone)
    textwright("distill", teacher, "--data", source, *LAYERS, *of_seed, "--out", folder / "bert-3-layers")
    rows["bert, 3 layers"] = _distilled(folder / "bert-3-layers", source, None)
    textwright("prune", teacher, "--data", source, "--max-drop", "100", "--out", folder / "bert-vocabulary")
    rows["bert, used tokens"] = _pruned(folder / "bert-vocabulary", source, teacher)
    textwright("prune", teacher, "--data", source, *HALVES, "--out", folder / "bert-halves")
    rows["bert, half the heads and neurons"] = _pruned(folder / "bert-halves", source, teacher)
    return rows


def _distilled(folder: Path, source: str, alone: Path | None) -> dict[str, Any]:
    report = json.loads((folder / "distillation.json").read_text(encoding="utf-8"))
    peers = {peer["role"]: peer for peer in report["peers"]}
    row = {
        "accuracy": report["accuracy"]["value"],
        "teacher_accuracy": peers["teacher"]["accuracy"]["value"],
        "agreement_with_teacher": peers["teacher"]["agreement"]["value"],
        "cost": peers["teacher"]["cost"],
        "right": _right(folder, source),
    }
    if alone is None:
        return {**row, "beside": _right(Path(folder).parent / "bert", source)}
    return {**row, "labels_alone_accuracy": peers["beside"]["accuracy"]["value"], "beside": _right(alone, source)}


def _pruned(folder: Path, source: str, teacher: Path) -> dict[str, Any]:
    report = json.loads((folder / "pruning.json").read_text(encoding="utf-8"))
    (step,) = report["steps"]
    whole, left = _right(teacher, source), _right(folder, source)
    return {
        "accuracy": float(left.mean()),
        "teacher_accuracy": float(whole.mean()),
        "validation": step["gate"],
        "cost": step["cost"],
        "summary": step["summary"],
        "facts": step["facts"],
        "right": left,
        "beside": whole,
    }


def _right(run_dir: Path, source: str) -> Any:  # noqa: ANN401  an array of 0 and 1
    predictor = load(run_dir, num_threads=1)
    test = select(source, DataSettings(), predictor.artifact.manifest, "test").examples
    return observe(predictor, test).correct.astype(np.int64)


def over_seeds(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up one student over the seeds, with one paired test over all of them."""
    right, beside = (np.sum([row[name] for row in rows], axis=0) for name in ("right", "beside"))
    gains = [100 * float(row["right"].mean() - row["beside"].mean()) for row in rows]
    summary = {
        "accuracy": statistics.mean(row["accuracy"] for row in rows),
        "gain_points": statistics.mean(gains),
        "gain_points_of_seeds": gains,
        "p_value": paired_p_value(right, beside, runs=(len(rows), len(rows))),
    }
    for name in ("throughput_gain", "latency_gain", "size_gain"):
        summary[name] = statistics.median(row["cost"][name] for row in rows)
    kept = [{name: value for name, value in row.items() if name not in ("right", "beside")} for row in rows]
    return {**summary, "seeds": kept}


def main() -> None:
    """Measure all datasets, or those named on the command line."""
    seeds = tuple(map(int, os.environ.get("SEEDS", "").split(","))) if os.environ.get("SEEDS") else SEEDS
    content = {}
    for source in sys.argv[1:] or DATASETS:
        runs = [run(source, seed) for seed in seeds]
        content[source] = {name: over_seeds([rows[name] for rows in runs]) for name in runs[0]}
    save(
        "distill",
        {
            "command": "make bench-distill",
            "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
            "gain": "students of words: against the same recipe on labels alone; all others: against their teacher",
            "versions": versions("torch", "transformers", "onnxruntime", "onnx", "tokenizers"),
            "datasets": content,
        },
    )


if __name__ == "__main__":
    main()
