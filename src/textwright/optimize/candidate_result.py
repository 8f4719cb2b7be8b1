"""What one recipe came to: plain values that turn into JSON and back, and the verdict on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from textwright.core.percent import percent
from textwright.evaluate.batch_invariance import MAX_CHANGE, BatchInvariance
from textwright.evaluate.paired_drop import bound_in_words
from textwright.optimize.settings import OptimizationTarget, OptimizeSettings

LEAST_GAIN: Final = 1.05
"""A variant must be better than the reference by this factor: less is within what machines do from day to day."""


@dataclass(frozen=True, slots=True)
class AccuracyCheck:
    """Answers on the gate texts, beside the reference's.

    Args:
        num_texts: Texts compared.
        num_lost: Texts that only the reference answers right.
        num_won: Texts that only the variant answers right.
        accuracy: Share that is right in whole.
        drop: Reference's accuracy less that, in points; below 0 it rose.
        drop_bound: Most that accuracy may have fallen with a confidence of 95 %, in points: fewer texts exclude less.
        p_value: Of the exact paired test that neither is right more often.
        agreement: Share of the texts answered alike, in percent.
        calibration_error: Over 15 bins.
        batch_invariance: How far the variant's predictions change with the other texts of a batch.
    """

    num_texts: int
    num_lost: int
    num_won: int
    accuracy: float
    drop: float
    drop_bound: float
    p_value: float
    agreement: float
    calibration_error: float
    batch_invariance: BatchInvariance

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> AccuracyCheck:
        """Read a gate back."""
        return cls(**{**content, "batch_invariance": BatchInvariance(**content["batch_invariance"])})


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """What a variant costs, measured in turn with the reference.

    Args:
        latency_ms: Median time of a lone text, from text to prediction.
        texts_per_second: Median rate of many texts in one call.
        latency_gain: Reference's time divided by this one's, median over the rounds.
        throughput_gain: This rate divided by the reference's, median over the rounds.
        size_bytes: Of the graph.
        size_gain: The reference's size divided by it.
        memory_bytes: Peak memory of a process that loads it and answers; 0 if the system does not tell.
    """

    latency_ms: float
    texts_per_second: float
    latency_gain: float
    throughput_gain: float
    size_bytes: int
    size_gain: float
    memory_bytes: int

    def gain(self, target: OptimizationTarget) -> float:
        """How many times as good as the reference this is at a target."""
        gains = {
            OptimizationTarget.LATENCY: self.latency_gain,
            OptimizationTarget.THROUGHPUT: self.throughput_gain,
            OptimizationTarget.SIZE: self.size_gain,
        }
        return gains[target]


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One recipe, tried.

    Args:
        name: Of the recipe, and of the variant if it is kept.
        precision: Of the weights.
        summary: What the recipe does.
        engine: What ran it, as ``runtime.engines`` names it; empty for ONNX Runtime.
        gate: Its answers; None if no graph came of it.
        cost: Latency, throughput and size; None if it failed an accuracy check, so that they were not measured.
        failure: Why no graph came of it; empty if one did.
    """

    name: str
    precision: str
    summary: str
    engine: str = ""
    gate: AccuracyCheck | None = None
    cost: LatencyReport | None = None
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the candidate as JSON-ready values."""
        return asdict(self)

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> CandidateResult:
        """Read a candidate back."""
        gate, cost = content.pop("gate"), content.pop("cost")
        return cls(gate=gate and AccuracyCheck.of_json(gate), cost=cost and LatencyReport(**cost), **content)


def rejection_reason(gate: AccuracyCheck, settings: OptimizeSettings) -> str:
    """Say which gate a variant does not pass; empty if it passes all.

    What was measured decides; what so few texts cannot exclude decides only where ``require_bound`` is set.
    """
    if gate.drop > settings.max_drop:
        return f"{gate.drop:.2f} points lost, bound {settings.max_drop:g}"
    if gate.agreement < settings.agreement:
        return f"answers {percent(gate.agreement / 100, digits=2)} of the texts alike, bound {settings.agreement:g}"
    if settings.require_bound and gate.drop_bound > settings.max_drop:
        return f"{bound_in_words(gate.num_texts, gate.drop_bound)}, bound {settings.max_drop:g}"
    if not (gate.batch_invariance.is_invariant or settings.allow_batch_dependent):
        return f"{gate.batch_invariance.in_words()}, bound {MAX_CHANGE:g}; --allow-batch-dependent accepts it"
    return ""


def verdict(candidate: CandidateResult, settings: OptimizeSettings) -> str:
    """Say in words what becomes of a candidate.

    Args:
        candidate: One recipe, tried.
        settings: The bounds.

    Returns:
        "passes: ..." or "no: ...", with the reason.
    """
    if candidate.gate is None:
        return f"no: {candidate.failure}"
    refused = rejection_reason(candidate.gate, settings)
    if refused or candidate.cost is None:
        return f"no: {refused or 'not measured'}"
    gain, target = candidate.cost.gain(settings.target), settings.target.value
    if gain < LEAST_GAIN:
        return f"no: {gain:.2f} times the reference's {target} is no gain here"
    gate, words = candidate.gate, [f"passes: {gain:.2f} times as good in {target}"]
    if gate.drop_bound > settings.max_drop:
        words.append(bound_in_words(gate.num_texts, gate.drop_bound))
    if not gate.batch_invariance.is_invariant:
        words.append(gate.batch_invariance.in_words())
    return "; ".join(words)


def is_winner(candidate: CandidateResult, target: OptimizationTarget, settings: OptimizeSettings) -> bool:
    """Say whether a candidate passed its gates and is better than the reference at a target."""
    if candidate.gate is None or candidate.cost is None or rejection_reason(candidate.gate, settings):
        return False
    return candidate.cost.gain(target) >= LEAST_GAIN
