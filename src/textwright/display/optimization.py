"""How an optimization looks in the terminal: the table of all candidates and the verdicts."""

from __future__ import annotations

from textwright.core.percent import percent
from textwright.display.terminal import Terminal
from textwright.evaluate.scores import TITLES, shown
from textwright.optimize.candidate_result import CandidateResult, LatencyReport
from textwright.optimize.outcome import OptimizationResult


def show_outcome(terminal: Terminal, outcome: OptimizationResult) -> None:
    """Print for people what was tried and what became of it.

    Args:
        terminal: Where to print.
        outcome: Of a search.
    """
    title = TITLES[outcome.metric].lower()
    heading = (
        f"{outcome.name} on {outcome.machine['instruction_set']}; gains against {outcome.reference}, gate texts only"
    )
    terminal.say(f"gates on {outcome.gate_texts}; {title} of the reference {percent(outcome.accuracy)}")
    columns = ("variant", "drop", "agree", "batch", "one text", "gain", "texts/s", "gain", "MB", "gain")
    terminal.table(heading, columns, [_reference_row(outcome), *map(_row, outcome.candidates)])
    terminal.say("batch: largest change of a probability when a text is scored with other texts instead of alone")
    for candidate in outcome.candidates:
        terminal.say(f"{candidate.name}: {outcome.verdict(candidate)}")
    rows = (
        (name, shown(outcome.metric, it.value), shown(outcome.metric, it.low, it.high), *_test_drop(outcome, name))
        for name, it in outcome.test.items()
    )
    terminal.table(
        f"In the artifact, on {outcome.num_test:,} test texts",
        ("variant", title, "95 % interval", "drop", "at most (95 %)"),
        rows,
    )
    if outcome.skipped:
        terminal.say(f"not tried, for want of time: {', '.join(outcome.skipped)}")
    for name, reason in outcome.unavailable.items():
        terminal.say(f"{name} is not available here: {reason}")
    if not outcome.kept:
        terminal.say(f"nothing is gained on this CPU; the artifact holds {outcome.reference} alone")


def _test_drop(outcome: OptimizationResult, name: str) -> tuple[str, str]:
    drop = outcome.test_drop.get(name)
    return ("-", "-") if drop is None else (f"{drop.points:+.2f}", f"{drop.upper_bound():+.2f}")


def _reference_row(outcome: OptimizationResult) -> tuple[str, ...]:
    """Show what the gains are measured against."""
    cost = outcome.reference_cost()
    return outcome.reference, "+0.00", percent(1, digits=2), "-", *(["-"] * 6 if cost is None else _cost_cells(cost))


def _row(candidate: CandidateResult) -> tuple[str, ...]:
    gate, cost = candidate.gate, candidate.cost
    answers = ("-", "-", "-")
    if gate is not None:
        alike = percent(gate.agreement / 100, digits=2)
        answers = (f"{gate.drop:+.2f}", alike, f"{gate.batch_invariance.max_change:.2g}")
    if cost is None:
        return candidate.name, *answers, *["-"] * 6
    return candidate.name, *answers, *_cost_cells(cost)


def _cost_cells(cost: LatencyReport) -> tuple[str, ...]:
    return (
        *(f"{cost.latency_ms:.2f} ms", f"{cost.latency_gain:.2f}x"),
        *(f"{cost.texts_per_second:,.0f}", f"{cost.throughput_gain:.2f}x"),
        *(f"{cost.size_bytes / 1e6:.2f}", f"{cost.size_gain:.2f}x"),
    )
