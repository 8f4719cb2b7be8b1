"""What the decision says of the gate's errors is what was measured, and within what the test promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEASURED = json.loads((ROOT / "benchmarks" / "results" / "promotion.json").read_text(encoding="utf-8"))
DECISION = (ROOT / "docs" / "decisions" / "0036-promotion.md").read_text(encoding="utf-8")


def promoted(drop):
    return {row["num_texts"]: row["promoted"] for row in MEASURED["overall"] if row["true_drop"] == drop}


def test_the_decision_quotes_the_result_file():
    at_margin, equal = promoted(MEASURED["margin"]), promoted(0.0)
    low, high = 100 * min(at_margin.values()), 100 * max(at_margin.values())
    assert f"{low:.1f} to {high:.1f} %" in DECISION
    assert f"{100 * equal[1_000]:.0f} % with 1,000 texts" in DECISION
    assert f"{100 * equal[10_000]:.0f} % with 10,000" in DECISION


def test_a_candidate_worse_than_the_margin_hardly_ever_passes():
    deviation = (0.05 * 0.95 / MEASURED["num_draws"]) ** 0.5
    assert sum(promoted(1.0).values()) / len(promoted(1.0)) <= 0.05 + 2 * deviation
    assert max(promoted(2.0).values()) <= 0.01
    assert max(row["in_vain"] for row in MEASURED["slices"]) == pytest.approx(0.0, abs=0.05)
