"""An evaluation as tables: printed by ``textwright evaluate`` and in Python, drawn as HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textwright.core.percent import percent
from textwright.display.tables import TableContent
from textwright.display.terminal import Terminal
from textwright.evaluate.behavior.suite import BehaviorScores
from textwright.evaluate.costs import CostScores
from textwright.evaluate.coverage import AbstentionScores
from textwright.evaluate.evaluation import Evaluation, Mistake
from textwright.evaluate.intervals import Interval
from textwright.evaluate.scores import LOWER_IS_BETTER, TITLES, shown
from textwright.evaluate.slice_scores import SliceScores

_NUM_MISTAKES: Final = 5
_MAX_LABELS: Final = 30
_MAX_TEXT: Final = 80


def show_evaluation(terminal: Terminal, evaluation: Evaluation) -> None:
    """Print an evaluation for people.

    Args:
        terminal: Where to print.
        evaluation: What was measured.
    """
    for table in evaluation_tables(evaluation):
        terminal.table(*table)
    for warning in evaluation.warnings:
        terminal.say(f"! {warning}")
    if evaluation.standing:
        terminal.say(f"{'! ' if evaluation.beats_majority is False else ''}{evaluation.standing}")


def evaluation_tables(evaluation: Evaluation) -> Iterator[TableContent]:
    """Give the tables of an evaluation, the metrics first.

    Args:
        evaluation: What was measured.
    """
    yield metrics_table(evaluation)
    yield _labels(evaluation)
    yield _calibration(evaluation)
    if evaluation.abstention is not None:
        yield _abstention(evaluation.abstention, evaluation.num_examples)
    if evaluation.costs is not None:
        yield _costs(evaluation.costs)
    if evaluation.by_truncation:
        yield _truncation(evaluation)
    if evaluation.slices:
        columns = (
            "slice",
            "texts",
            TITLES[evaluation.primary_metric],
            "95 % interval",
            "beside the others",
            "p, corrected",
        )
        yield TableContent("Slices", columns, [_slice(item) for item in evaluation.slices])
    if evaluation.behavior:
        columns = ("test", "kind", "texts", "fail", "may fail", "")
        yield TableContent("Behavioral tests", columns, [_test(item) for item in evaluation.behavior])
        yield from _failures(evaluation)
    if evaluation.worst:
        mistakes = [_mistake(item) for item in evaluation.worst[:_NUM_MISTAKES]]
        yield TableContent("Worst mistakes", ("confidence", "predicted", "true", "text"), mistakes)


def metrics_table(evaluation: Evaluation) -> TableContent:
    """Give the metrics with their intervals."""
    metrics = [
        (
            TITLES[name],
            shown(name, it.value),
            shown(name, it.low, it.high),
            "lower is better" if name in LOWER_IS_BETTER else "higher is better",
        )
        for name, it in evaluation.metrics.items()
    ]
    rows = "all rows" if evaluation.split == "all" else f"{evaluation.split} split"
    title = f"{evaluation.model.name} on {evaluation.source}, {rows} ({evaluation.num_examples:,} texts)"
    return TableContent(title, ("metric", "value", "95 % interval", ""), metrics)


def _labels(evaluation: Evaluation) -> TableContent:
    labels = [
        (
            row.label,
            row.support,
            f"{row.precision.value:.3f}" if row.num_predicted else "-",
            f"{row.recall.value:.3f}" if row.support else "-",
            f"{row.f1.value:.3f}" if row.support or row.num_predicted else "-",
            *(f"{it.value:.3f}" if it else "-" for it in (row.roc_auc, row.pr_auc)),
        )
        for row in evaluation.per_label[:_MAX_LABELS]
    ]
    more = len(evaluation.per_label) - _MAX_LABELS
    title = "Labels" + (f", the first {_MAX_LABELS}; {more} more with --json or --report" if more > 0 else "")
    return TableContent(title, ("label", "texts", "precision", "recall", "F1", "ROC-AUC", "PR-AUC"), labels)


def _calibration(evaluation: Evaluation) -> TableContent:
    served = f"{evaluation.after.temperature:.3f}"
    if served == "1.000":  # both rows would show the same numbers
        rows = [(f"{served} (as trained and as served)", evaluation.after)]
    else:
        rows = [("1 (as trained)", evaluation.before), (f"{served} (as served)", evaluation.after)]
    values = [(name, f"{side.log_loss.value:.4f}", f"{side.calibration_error.value:.4f}") for name, side in rows]
    return TableContent("Calibration", ("temperature", "log loss", "calibration error"), values)


def _abstention(scores: AbstentionScores, num_texts: int) -> TableContent:
    """Show how many texts are answered and how many of the answers are wrong."""
    rows = [("answered", f"{scores.num_answered:,} of {num_texts:,}", *_percent(scores.coverage))]
    if scores.error_rate is not None:
        rows.append(("wrong", f"{scores.num_wrong:,} of {scores.num_answered:,}", *_percent(scores.error_rate)))
    if scores.num_out_of_distribution is not None:
        share = scores.num_out_of_distribution / num_texts
        count = f"{scores.num_out_of_distribution:,} of {num_texts:,}"
        rows.append(("out of distribution", count, percent(share), ""))
    title = f"Abstaining below a confidence of {scores.min_confidence:.3f}" if scores.min_confidence else "Abstaining"
    return TableContent(title, ("texts", "number", "share", "95 % interval"), rows)


def _costs(scores: CostScores) -> TableContent:
    """Show what the answers cost beside those of the most probable label."""
    named = (
        ("lowest expected cost (as served)", scores.mean_cost),
        ("most probable label", scores.of_most_probable),
        ("difference", scores.difference),
    )
    rows = [(name, f"{it.value:.4f}", f"{it.low:.4f} to {it.high:.4f}") for name, it in named]
    return TableContent("Mean cost of an answer", ("decided by", "cost", "95 % interval"), rows)


def _percent(share: Interval) -> tuple[str, str]:
    return percent(share.value), percent(share.low, share.high)


def _truncation(evaluation: Evaluation) -> TableContent:
    """Show the texts that were cut beside the others."""
    rows = [
        (
            f"{evaluation.model.max_length:,} tokens" if row.truncated else "whole",
            row.count,
            shown(evaluation.primary_metric, row.accuracy.value),
            shown(evaluation.primary_metric, row.accuracy.low, row.accuracy.high),
        )
        for row in evaluation.by_truncation
    ]
    return TableContent(
        "Texts that were cut", ("read", "texts", TITLES[evaluation.primary_metric], "95 % interval"), rows
    )


def _slice(item: SliceScores) -> tuple[object, ...]:
    share, difference = item.share_right, item.difference
    return (
        f"{item.name}{'  WORSE' if item.is_worse else ''}",
        item.num_texts,
        *_percent(share),
        "-" if difference is None else f"{100 * difference.value:+.1f} points",
        "-" if item.adjusted_p_value is None else f"{item.adjusted_p_value:.3f}",
    )


def _test(item: BehaviorScores) -> tuple[object, ...]:
    verdict = "no text can be edited so" if not item.num_texts else "passed" if item.is_passed else "FAILED"
    return item.name, item.kind.value, item.num_texts, item.num_failures, item.allowed_failures, verdict


def _failures(evaluation: Evaluation) -> Iterator[TableContent]:
    rows = [
        (item.name, failure.expected, failure.predicted, _shortened(failure.text))
        for item in evaluation.behavior
        for failure in item.failures
    ]
    if rows:
        yield TableContent("Failures", ("test", "expected", "predicted", "text"), rows)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"


def _mistake(item: Mistake) -> tuple[str, str, str, str]:
    labels = ", ".join(item.predicted) or "-", ", ".join(item.actual) or "-"
    return percent(item.confidence), *labels, _shortened(item.text)
