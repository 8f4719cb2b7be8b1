"""Everything that an optimization came to: what the terminal, the JSON file and the page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from statistics import median
from typing import Any, ClassVar, Self

from textwright.core.artifact import Artifact
from textwright.environment import machine
from textwright.evaluate.batch_invariance import MAX_CHANGE
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.intervals import Interval
from textwright.evaluate.paired_drop import PairedDrop
from textwright.evaluate.scores import TITLES
from textwright.optimize.candidate_result import CandidateResult, LatencyReport, is_winner, verdict
from textwright.optimize.settings import OptimizationTarget, OptimizeSettings
from textwright.report.base import Report, json_values
from textwright.runtime.cpu_features import instruction_set
from textwright.runtime.predictor import Predictor


@dataclass(frozen=True, slots=True)
class OptimizationResult(Report):
    """Everything tried.

    Args:
        name: What the model is called.
        source: The labeled texts.
        reference: Name of the variant that was to be beaten.
        accuracy: The reference's, on the gate texts.
        gate_texts: Which texts the gates compare on, in words.
        settings: Gates, target and limits.
        candidates: In the order in which they were tried.
        kept: Names of the variants in the new artifact beside the reference, the best at the target first.
        skipped: Names of the recipes that the budget left no time for.
        unavailable: Name of a recipe that cannot be tried here -> why.
        test: Variant -> its primary metric on the test texts.
        test_drop: Kept variant -> its answers to the test texts beside the reference's.
        num_test: Test texts.
        version: Of the new artifact.
        machine: Where all this was measured.
        metric: Name of the primary metric: accuracy, or exact match for several labels.
    """

    NAME: ClassVar[str] = "optimization"

    name: str
    source: str
    reference: str
    accuracy: float
    gate_texts: str
    settings: OptimizeSettings
    candidates: Sequence[CandidateResult]
    kept: Sequence[str]
    skipped: Sequence[str]
    unavailable: Mapping[str, str]
    test: Mapping[str, Interval]
    test_drop: Mapping[str, PairedDrop]
    num_test: int
    version: str
    machine: Mapping[str, Any]
    metric: str = "accuracy"

    @classmethod
    def of(
        cls,
        reference: Predictor,
        accuracy: float,
        gate_texts: str,
        source: str,
        settings: OptimizeSettings,
        candidates: Sequence[CandidateResult],
        kept: Sequence[str],
        skipped: Sequence[str],
        unavailable: Mapping[str, str],
        evaluations: Mapping[str, Evaluation],
        artifact: Artifact,
        test_drop: Mapping[str, PairedDrop],
    ) -> Self:
        """Gather an outcome from what a search made."""
        first = next(iter(evaluations.values()))
        facts = {"instruction_set": instruction_set(), "onnxruntime": metadata.version("onnxruntime")}
        return cls(
            name=artifact.manifest.name,
            source=source,
            reference=reference.variant,
            accuracy=accuracy,
            gate_texts=gate_texts,
            settings=settings,
            candidates=candidates,
            kept=kept,
            skipped=skipped,
            unavailable=unavailable,
            test={name: item.metrics[item.primary_metric] for name, item in evaluations.items()},
            test_drop=test_drop,
            num_test=first.num_examples,
            version=artifact.version,
            machine={**machine(), **facts},
            metric=first.primary_metric,
        )

    def reference_cost(self) -> LatencyReport | None:
        """Tell what the reference costs; None if no candidate was timed beside it.

        Its times are medians over the candidates' rounds, in which both take turns.
        """
        costs = [item.cost for item in self.candidates if item.cost is not None]
        if not costs:
            return None
        return LatencyReport(
            latency_ms=median(cost.latency_ms * cost.latency_gain for cost in costs),
            texts_per_second=median(cost.texts_per_second / cost.throughput_gain for cost in costs),
            latency_gain=1.0,
            throughput_gain=1.0,
            size_bytes=round(median(cost.size_bytes * cost.size_gain for cost in costs)),
            size_gain=1.0,
            memory_bytes=0,
        )

    def verdict(self, candidate: CandidateResult) -> str:
        """Say in words what became of a candidate."""
        words = verdict(candidate, self.settings)
        if candidate.name not in self.kept or candidate.cost is None:
            return words
        if is_winner(candidate, self.settings.target, self.settings):
            return f"{words} (kept)"
        gains = [
            f"{candidate.cost.gain(target):.2f} times as good in {target.value}"
            for target in OptimizationTarget
            if is_winner(candidate, target, self.settings)
        ]
        return f"kept: {' and '.join(gains)}; {words.removeprefix('no: ')}"

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON-ready values, each candidate with its verdict in words."""
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "settings": json_values(self.settings),
            "machine": dict(self.machine),
            "metric": self.metric,
            "reference": {"variant": self.reference, "gate_accuracy": self.accuracy},
            "gate_texts": self.gate_texts,
            "candidates": [{**json_values(it), "verdict": self.verdict(it)} for it in self.candidates],
            "kept": list(self.kept),
            "skipped": list(self.skipped),
            "unavailable": dict(self.unavailable),
            "num_test": self.num_test,
            "test": json_values(self.test),
            "test_drop": {
                name: {**json_values(it), "drop": it.points, "drop_bound": it.upper_bound()}
                for name, it in self.test_drop.items()
            },
        }

    def charts(self) -> dict[str, str]:
        """Draw accuracy against time, where a variant was timed."""
        from textwright.optimize.figures import tradeoff

        return {"tradeoff": tradeoff(self)} if any(candidate.cost for candidate in self.candidates) else {}

    def page_values(self) -> dict[str, Any]:
        """Give the page the bound on what batches may change, and what the metric is called."""
        return {"max_change": MAX_CHANGE, "title": TITLES[self.metric]}
