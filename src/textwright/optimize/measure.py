"""Measure a variant beside the reference: the same texts, in turn, so that a slow moment falls on both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from textwright.core import metrics
from textwright.data.dataset import Examples
from textwright.evaluate.batch_invariance import measure_batch_invariance
from textwright.evaluate.benchmark import benchmark
from textwright.evaluate.paired import paired_p_value
from textwright.evaluate.paired_drop import PairedDrop
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.optimize.candidate_result import AccuracyCheck, LatencyReport
from textwright.runtime.predictor import Predictor

Compared: TypeAlias = tuple[Predictor, LabeledPredictions, Examples]
"""A variant, what its reference said of some texts, and the texts."""
_MEMORY_PROGRAM: Final = """
import resource
import sys
from pathlib import Path
from textwright.core import artifact
from textwright.runtime.predictor import Predictor
predictor = Predictor(artifact.read(Path(sys.argv[1])), variant=sys.argv[2], num_threads=1)
predictor.predict(["a text to answer, alone and in a batch"])
predictor.predict(["a text to answer, alone and in a batch"] * 32)
status = Path("/proc/self/status")
if status.exists():  # what getrusage says on Linux is at least the peak of the process that started this one
    print(next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def compare_answers(
    predictor: Predictor, reference: LabeledPredictions, examples: Examples, folds: Sequence[Compared] = ()
) -> AccuracyCheck:
    """Compare a variant's answers with the reference's.

    Args:
        predictor: The variant.
        reference: What the reference said of the examples.
        examples: N labeled texts.
        folds: The same variant of models of other training texts, with what their references said of further texts.

    Returns:
        How far apart they are, on all texts together.

    Raises:
        BackendError: If the engine fails, or a logit is not finite.
    """
    parts = [(observe(item, texts), was) for item, was, texts in [(predictor, reference, examples), *folds]]
    right = np.concatenate([seen.correct for seen, _ in parts])
    was_right = np.concatenate([was.correct for _, was in parts])
    is_alike = np.concatenate([seen.agrees_with(was) for seen, was in parts])
    gaps = [metrics.calibration_gaps(*seen.claims(seen.probabilities)) for seen, _ in parts]
    drop = PairedDrop.of(right, was_right)
    return AccuracyCheck(
        num_texts=drop.num_texts,
        num_lost=drop.num_lost,
        num_won=drop.num_won,
        accuracy=float(right.mean()),
        drop=drop.points,
        drop_bound=drop.upper_bound(),
        p_value=paired_p_value(right.astype(np.int64), was_right.astype(np.int64)),
        agreement=100 * float(is_alike.mean()),
        calibration_error=float(
            metrics.expected_calibration_error(np.concatenate(gaps).mean(axis=0, keepdims=True))[0]
        ),
        batch_invariance=measure_batch_invariance(predictor, examples.texts),
    )


def compare_costs(predictor: Predictor, reference: Predictor, texts: Sequence[str]) -> LatencyReport:
    """Time a variant and the reference in turn, from text to prediction, and weigh them.

    Args:
        predictor: The variant.
        reference: What it is to be better than, with as many threads.
        texts: Texts such as those to come.

    Returns:
        Medians, as ``evaluate.benchmark`` defines them.
    """
    timings = benchmark({"variant": predictor.predict, "reference": reference.predict}, texts)
    ours, theirs = timings["variant"], timings["reference"]
    sizes = [item.graph_path.stat().st_size for item in (predictor, reference)]
    return LatencyReport(
        latency_ms=ours.latency_ms(),
        texts_per_second=ours.texts_per_second,
        latency_gain=ours.latency_gain(theirs),
        throughput_gain=ours.throughput_gain(theirs),
        size_bytes=sizes[0],
        size_gain=sizes[1] / sizes[0],
        memory_bytes=_memory(predictor),
    )


def _memory(predictor: Predictor) -> int:
    """Ask a process of its own how much memory it took to load the variant and to answer; 0 if it cannot tell."""
    command = [sys.executable, "-c", _MEMORY_PROGRAM, str(predictor.artifact.path), predictor.variant]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own program
    return int(completed.stdout) if completed.returncode == 0 else 0
