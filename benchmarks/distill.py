"""What does a teacher add to a small model, and what is left of a large one that is cut down? Over seeds.

Run with nothing else running: ``make bench-distill``, or for some datasets: ``python benchmarks/distill.py
movie-reviews``. Protocol: one drawn split; the teacher (`bert-r-drop` on movie-reviews, `bert` on airline-tweets) and
each student's recipe were trained with three seeds on labels alone (the leaderboard's runs). With the same seeds and
recipes, students are taught by the teacher of their seed, which answers the training texts and, on movie-reviews,
sentences of unlabeled reviews; on airline-tweets, two altered copies of each text. Further, on movie-reviews, a
student of three of its six layers, and what is left of it without unused tokens, and without half its heads and
neurons. Settings were chosen on the validation split; accuracy is on the test split, read once; costs are measured in
turn with the teacher, one thread.
Runs and the teachers' answers are kept, so that a stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import numpy as np

from _common import ROOT, RUNS, chosen, save, trained, versions
from textwright.data.settings import DataSettings
from textwright.evaluate.eval_split import select
from textwright.evaluate.paired import paired_p_value
from textwright.evaluate.predictions import observe
from textwright.optimize.measure import compare_costs
from textwright.runtime.loading import load

REPORT, PRUNED = "distillation.json", "pruning.json"
SEEDS = (0, 1, 2)
TEACHERS = {"movie-reviews": "bert-r-drop", "airline-tweets": "bert"}
"""Dataset -> recipe of the teacher."""
STUDENTS: Mapping[str, tuple[str, ...]] = {
    "bow": (),
    "cnn-glove": ("--num-epochs", "4"),
}
"""Recipe -> flags of its distillation beside the recipe."""
SENTENCES = ("--sentences", "--num-copies", "0", "--temperature", "1")
UNLABELLED: Mapping[str, tuple[str, ...]] = {
    "movie-reviews": ("--unlabeled", "imdb-reviews", "--max-unlabeled", "20000", *SENTENCES),
}
"""Dataset -> flags for its unlabeled texts; a dataset without has none."""
COPIES = ("--num-copies", "2")
LAYERS = ("--family", "bert", "--model.keep-layers", "1,3,5", "--num-epochs", "2")
HALVES = ("--heads", "0.5", "--neurons", "0.5", "--no-vocabulary", "--max-drop", "100")


def textwright(*arguments: str | Path) -> None:
    """Run a command as its user would."""
    print("textwright", *arguments, flush=True)
    command = [sys.executable, "-m", "textwright", *map(str, arguments), "--quiet"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def student(source: str, recipe: str, seed: int) -> Path:
    """Teach a family of word models by the teacher of its seed, unless that was done."""
    taught, alone = RUNS / "distill" / source / str(seed) / recipe, trained(source, recipe, seed)
    if (taught / REPORT).is_file():
        return taught
    lesson = ("--data", source, "--config", recipe, "--seed", str(seed), *STUDENTS[recipe])
    further = UNLABELLED.get(source, COPIES)
    teacher = trained(source, TEACHERS[source], seed)
    textwright("distill", teacher, *lesson, *further, "--baseline", alone, "--out", taught)
    return taught


def word_students(source: str, seed: int) -> dict[str, dict[str, Any]]:
    """Hold each taught family against the same recipe on labels alone."""
    return {
        recipe: _distilled(student(source, recipe, seed), source, trained(source, recipe, seed)) for recipe in STUDENTS
    }


def three_layers(source: str, seed: int) -> Path:
    """Teach a student of three of the teacher's layers, unless that was done."""
    teacher, out = trained(source, TEACHERS[source], seed), RUNS / "distill" / source / str(seed) / "bert-3-layers"
    if not (out / REPORT).is_file():
        further = UNLABELLED.get(source, COPIES)
        textwright("distill", teacher, "--data", source, *LAYERS, *further, "--seed", str(seed), "--out", out)
    return out


def fewer_layers(source: str, seed: int) -> dict[str, dict[str, Any]]:
    """Hold the student of three layers against its teacher."""
    teacher, out = trained(source, TEACHERS[source], seed), three_layers(source, seed)
    return {"bert, 3 layers": _distilled(out, source, teacher) | {"cost": _cost(out, teacher, source)}}


def used_tokens(source: str, seed: int) -> dict[str, dict[str, Any]]:
    """Leave the teacher's unused tokens out, beside it."""
    return {"bert, used tokens": _pruned(source, seed, "vocabulary", "--max-drop", "100")}


def halves(source: str, seed: int) -> dict[str, dict[str, Any]]:
    """Leave half of the teacher's heads and neurons out, beside it."""
    return {"bert, half the heads and neurons": _pruned(source, seed, "halves", *HALVES)}


def _distilled(folder: Path, source: str, beside: Path) -> dict[str, Any]:
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    teacher = report["compared_models"][0]
    other = _right(beside, source)
    return {
        "accuracy": report["accuracy"]["value"],
        "beside_accuracy": float(other.mean()),
        "teacher_accuracy": teacher["accuracy"]["value"],
        "agreement_with_teacher": teacher["agreement"]["value"],
        "cost": teacher["cost"],
        "right": _right(folder, source),
        "beside": other,
    }


def _pruned(source: str, seed: int, name: str, *flags: str) -> dict[str, Any]:
    teacher, folder = trained(source, TEACHERS[source], seed), RUNS / "distill" / source / str(seed) / f"bert-{name}"
    if not (folder / PRUNED).is_file():
        textwright("prune", teacher, "--data", source, *flags, "--out", folder)
    report = json.loads((folder / PRUNED).read_text(encoding="utf-8"))
    (step,) = report["steps"]
    whole, left = _right(teacher, source), _right(folder, source)
    return {
        "accuracy": float(left.mean()),
        "teacher_accuracy": float(whole.mean()),
        "validation": step["gate"],
        "cost": _cost(folder, teacher, source),
        "summary": step["summary"],
        "counts": step["counts"],
        "right": left,
        "beside": whole,
    }


def _cost(folder: Path, teacher: Path, source: str) -> dict[str, Any]:
    """Time a smaller BERT and its teacher in turn, now: its report may have been written beside other work."""
    smaller, whole = (load(path, num_threads=1) for path in (folder, teacher))
    test = select(source, DataSettings(), whole.artifact.manifest, "test").examples
    return asdict(compare_costs(smaller, whole, test.texts))


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


MEASURES = {
    "students": word_students,
    "layers": fewer_layers,
    "tokens": used_tokens,
    "halves": halves,
}
PARTS = {"movie-reviews": tuple(MEASURES), "airline-tweets": ("students",)}
"""Dataset -> what is measured on it."""


def main() -> None:
    """Measure all datasets, or those named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*")
    parser.add_argument("--only", choices=MEASURES, action="append", help="parts of it; absent: all")
    asked = parser.parse_args()
    seeds = tuple(map(int, os.environ.get("SEEDS", "").split(","))) if os.environ.get("SEEDS") else SEEDS
    content: dict[str, dict[str, Any]] = {}
    for source in chosen(parser, asked.datasets, TEACHERS):
        content[source] = {}
        for measure in [MEASURES[name] for name in PARTS[source] if name in (asked.only or MEASURES)]:
            runs = [measure(source, seed) for seed in seeds]
            content[source] |= {name: over_seeds([rows[name] for rows in runs]) for name in runs[0]}
    save(
        "distill",
        {
            "command": " ".join(["python benchmarks/distill.py", *(f"--only {name}" for name in asked.only or ())]),
            "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
            "gain": "students of words: against the same recipe on labels alone; all others: against their teacher",
            "versions": versions("torch", "transformers", "onnxruntime", "onnx", "tokenizers"),
            "datasets": content,
        },
    )


if __name__ == "__main__":
    main()
