"""A promotion as tables in the terminal."""

from __future__ import annotations

from textwright.core.percent import percent
from textwright.display.terminal import Terminal
from textwright.promotion.behavior.run import BehaviorResult
from textwright.promotion.paired_groups import PairedGroup
from textwright.promotion.report import PromotionReport


def show_promotion(terminal: Terminal, report: PromotionReport) -> None:
    """Print a promotion for people.

    Args:
        terminal: Where to print.
        report: What was measured.
    """
    models = [
        (
            role,
            model.title,
            percent(share),
            f"{model.p50_ms:.3g} ms",
            f"{model.texts_per_second:,.0f}",
            f"{model.size_bytes / 1e6:.2f} MB",
        )
        for role, model, share in (
            ("candidate", report.candidate, report.overall.candidate),
            ("champion", report.champion, report.overall.champion),
        )
    ]
    title = f"{report.data.num_texts:,} texts of {report.data.source}"
    terminal.table(title, ("", "model", report.metric_title, "one text", "texts/s", "size"), models)
    if report.slices:
        columns = ("slice", "texts", "candidate", "champion", "difference", "p, corrected")
        terminal.table("Slices", columns, map(_slice, report.slices))
    tests = [result for result in report.behavior if not result.not_applicable]
    if tests:
        columns = ("test", "kind", "texts", "candidate fails", "champion fails", "p, corrected")
        terminal.table("Behavioral tests", columns, map(_test, tests))
    for result in report.behavior:
        if result.not_applicable:
            terminal.say(f"{result.name} ({result.kind}) does not apply: {result.not_applicable}")
    for note in report.data.notes:
        terminal.say(f"! {note}")
    if report.is_promoted:
        terminal.say(report.verdict)


def _slice(group: PairedGroup) -> tuple[object, ...]:
    return (
        f"{group.name}{'  WORSE' if group.is_worse else ''}",
        group.num_texts,
        percent(group.candidate),
        percent(group.champion),
        f"{0 - group.drop.value:+.2f}",
        "-" if group.adjusted_p_value is None else f"{group.adjusted_p_value:.3f}",
    )


def _test(result: BehaviorResult) -> tuple[object, ...]:
    return (
        f"{result.name}{'  WORSE' if result.is_worse else ''}",
        result.kind.value,
        result.num_texts,
        result.candidate_failures,
        result.champion_failures,
        "-" if result.adjusted_p_value is None else f"{result.adjusted_p_value:.3f}",
    )
