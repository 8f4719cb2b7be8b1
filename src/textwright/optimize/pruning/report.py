"""What a pruning came to, step by step, as the terminal and ``pruning.json`` show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textwright.optimize.candidate_result import AccuracyCheck, LatencyReport
from textwright.report.base import Report, json_values, with_verdicts


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was cut.

    Args:
        name: "heads and neurons", or "vocabulary".
        summary: What was cut, in words.
        gate: The answers on the validation texts, beside those of the model that was given.
        cost: What the smaller model costs, beside the one that was given; None if it was not kept.
        rejection_reason: Why it was not kept; empty if it was.
        counts: What else was counted, name -> number.
    """

    name: str
    summary: str
    gate: AccuracyCheck
    cost: LatencyReport | None
    rejection_reason: str
    counts: Mapping[str, float]

    @property
    def verdict(self) -> str:
        """Say in words what became of it."""
        return f"no: {self.rejection_reason}" if self.rejection_reason else "kept"


@dataclass(frozen=True, slots=True)
class Pruning(Report):
    """Everything that is to be known of a pruned model.

    Args:
        name: The model's.
        version: Of its artifact.
        pruned_from: Version of the artifact that was given.
        source: The labeled data.
        settings: What was asked for.
        steps: What was cut, in order.
        metrics: Of the written artifact's default variant on the test texts: name -> value, low and high.
    """

    NAME: ClassVar[str] = "pruning"

    name: str
    version: str
    pruned_from: str
    source: str
    settings: Mapping[str, Any]
    steps: Sequence[Step]
    metrics: Mapping[str, Mapping[str, float]]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready values, each step with its verdict in words."""
        return {**json_values(self), "steps": with_verdicts(self.steps)}
