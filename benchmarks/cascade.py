"""What does a cascade gain, and what does it cost in answers? A fast family in front of `bert`, over seeds.

Run with nothing else running: ``make bench-cascade``, or for some datasets: ``python benchmarks/cascade.py
movie-reviews``. Protocol: each recipe was trained with three seeds on the drawn split (the leaderboard's runs); `bert`
is quantized, and int8 (fp32 if it fails its gates) is the strong model, alone and in each cascade. The point of a
cascade is chosen on the validation split; accuracy is on the test split, read once. Drops are in points against
the strong model alone; p is that of the exact paired test over all seeds. Gains are in texts per second over the test
texts, from text to prediction, one thread, all contenders of a seed in turn in one process. Artifacts are kept, so that
a stopped benchmark goes on.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import numpy as np

from _common import RUNS, quantize, quantized, save, side_by_side, spread, trained, versions
from distill import student
from textwright.core.callbacks import Callback
from textwright.core.types import Ints
from textwright.data.settings import DataSettings
from textwright.errors import NoGainError
from textwright.evaluate.eval_split import select
from textwright.evaluate.paired import paired_p_value
from textwright.evaluate.predictions import observe
from textwright.optimize.cascade.make import make_cascade
from textwright.optimize.cascade.outcome import Outcome
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

TAUGHT, INT8 = ", taught", ", int8"
FAST: Mapping[str, tuple[str, ...]] = {
    "movie-reviews": ("bow", f"cnn-glove{TAUGHT}", f"cnn-glove{TAUGHT}{INT8}"),
    "airline-tweets": ("cnn-glove", f"cnn-glove{INT8}"),
}
"""Dataset -> recipes of the fast stage; those that are taught by a BERT are students of ``benchmarks/distill.py``."""
INT8_RECIPE = "int8-static-percentile"
"""The one that makes convolutions faster."""
STRONG = "bert"
SEEDS = (0, 1, 2)
BOUNDS = {
    f"{drop:g} at {sure:g} %": CascadeSettings(max_drop=drop, confidence=sure) for drop, sure in ((0.3, 95), (0.5, 95))
}
ROUNDS = 3


@dataclass(frozen=True)
class Run:
    """One predictor of one seed on the test texts.

    Args:
        right: Which answers are right, (N,), as 0 and 1.
        share_escalated: Share of the texts that the strong stage answered; 1 for the strong model alone.
        gains: Texts per second against the strong model, of each round.
    """

    right: Ints
    share_escalated: float
    gains: Sequence[float]


class Printer(Callback):
    """Says what is done."""

    def on_stage_begin(self, stage: str) -> None:
        """Name the stage."""
        print(f"    {stage}", flush=True)


def fast_stage(source: str, name: str, seed: int) -> Path:
    """Find a fast stage; what is not there is trained, taught and quantized."""
    if name.endswith(INT8):
        whole = fast_stage(source, name.removesuffix(INT8), seed)
        out = RUNS / INT8_RECIPE / source / _folder_name(f"{name.removesuffix(INT8)}-{seed}")
        return quantize(whole, source, out, "--recipes", INT8_RECIPE)
    recipe = name.removesuffix(TAUGHT)
    return student(source, recipe, seed) if name != recipe else trained(source, recipe, seed)


def cascade(
    source: str,
    fast: str,
    seed: int,
    bound: str,
    strong: tuple[str, Path] | None = None,
    *,
    strong_variant: str | None = None,
    allow_batch_dependent: bool = False,
) -> Path | None:
    """Make a cascade, unless it is there; None if no point is within the bound.

    Args:
        source: What both stages were trained on.
        fast: Recipe of the fast stage.
        seed: Of both.
        bound: Name of one of ``BOUNDS``.
        strong: Name and folder of the strong stage; None is quantized ``bert``.
        strong_variant: Graph of the strong stage; its default if absent.
        allow_batch_dependent: Whether predictions may change with the other texts of a batch.
    """
    name, path = strong or (STRONG, quantized(source, STRONG, seed))
    out = RUNS / "cascade" / source / _folder_name(f"{fast}-{name}-{seed}") / _folder_name(bound)
    if not Outcome.json_path(out).exists():
        print(f"  {source} {fast} seed {seed}, at most {bound}", flush=True)
        try:
            pair = fast_stage(source, fast, seed), path
            changed = {"strong_variant": strong_variant, "allow_batch_dependent": allow_batch_dependent}
            settings = BOUNDS[bound].model_copy(update=changed)
            make_cascade(*pair, source, out, settings, DataSettings(), [Printer()])
        except NoGainError as error:
            print(f"    {error}", flush=True)
            return None
    return out


def _folder_name(words: str) -> str:
    return words.replace(", ", "-").replace(" %", "").replace(" ", "-")


def measure(source: str, seed: int) -> tuple[str, dict[str, Run]]:
    """Measure the strong model and every cascade of a seed; return the strong variant's name and the runs."""
    paths = {STRONG: quantized(source, STRONG, seed)}
    for fast in FAST[source]:
        for bound in BOUNDS:
            path = cascade(source, fast, seed, bound)
            if path is not None:
                paths[f"{fast}; {bound}"] = path
    predictors = {name: load(path, num_threads=1) for name, path in paths.items()}
    test = select(source, DataSettings(), predictors[STRONG].artifact.manifest, "test").examples
    contenders = {name: _predicts(item, test.texts) for name, item in predictors.items()}
    seconds = side_by_side(contenders, rounds=ROUNDS)
    runs = {}
    for name, predictor in predictors.items():
        stages = [item.stage for item in predictor.predict(test.texts)]
        gains = [theirs / ours for ours, theirs in zip(seconds[name], seconds[STRONG], strict=True)]
        right = observe(predictor, test).correct.astype(np.int64)
        runs[name] = Run(right, 1.0 - stages.count("fast") / len(stages), gains)
    return predictors[STRONG].variant, runs


def _predicts(predictor: Predictor, texts: Sequence[str]) -> Any:  # noqa: ANN401  what side_by_side calls
    return lambda: predictor.predict(texts)


def over_seeds(runs: Sequence[Mapping[str, Run]]) -> dict[str, Any]:
    """Sum each cascade up over the seeds in which it could be made."""
    names = dict.fromkeys(name for run in runs for name in run if name != STRONG)
    return {
        "strong_accuracy": [float(run[STRONG].right.mean()) for run in runs],
        "cascades": {name: _row([(run[name], run[STRONG]) for run in runs if name in run]) for name in names},
    }


def _row(pairs: Sequence[tuple[Run, Run]]) -> dict[str, Any]:
    drops = [100 * float(alone.right.mean() - run.right.mean()) for run, alone in pairs]
    ours, theirs = (np.sum([pair[place].right for pair in pairs], axis=0) for place in (0, 1))
    return {
        "num_seeds": len(pairs),
        "drop": {"mean": statistics.mean(drops), "seeds": drops},
        "p_value": paired_p_value(ours, theirs, runs=(len(pairs), len(pairs))),
        "share_escalated": spread([run.share_escalated for run, _ in pairs]),
        "throughput_gain": spread([statistics.median(run.gains) for run, _ in pairs]),
    }


def main() -> None:
    """Measure all datasets, or those named on the command line, and save."""
    content = {}
    for source in sys.argv[1:] or FAST:
        measured = [measure(source, seed) for seed in SEEDS]
        content[source] = {
            "strong_variants": [variant for variant, _ in measured],
            **over_seeds([runs for _, runs in measured]),
        }
        print(source, content[source], flush=True)
    save(
        "cascade",
        {
            "command": " ".join(["python benchmarks/cascade.py", *content]),
            "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
            "versions": versions("onnxruntime", "onnx", "torch", "tokenizers"),
            "datasets": content,
        },
    )


if __name__ == "__main__":
    main()
