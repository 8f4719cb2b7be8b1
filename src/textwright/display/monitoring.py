"""How monitoring looks in the terminal: the tests, the labels and the expected accuracy."""

from __future__ import annotations

from textwright.core.percent import percent
from textwright.display.terminal import Terminal
from textwright.evaluate.intervals import Interval
from textwright.monitor.drift_tests import DriftTest, p_in_words
from textwright.monitor.report import LabelShareEstimate, MonitorReport


def show_monitoring(terminal: Terminal, report: MonitorReport) -> None:
    """Print for people what recorded predictions look like beside the reference.

    Args:
        terminal: Where to print.
        report: Of monitoring.
    """
    reference = report.reference
    terminal.say(
        f"{report.name}@{report.version}: {report.num_texts:,} recorded texts from {report.period}, "
        f"beside {reference.num_texts:,} texts, the {reference.split} split of {reference.source}"
    )
    terminal.table("Texts", ("what", "difference", "p", "p adjusted", ""), map(_test_row, report.tests))
    columns = ("label", "reference", "predicted there", "predicted now", "estimated now")
    terminal.table("Labels, shares of the texts", columns, map(_label_row, report.labels))
    terminal.table("Accuracy", ("", "value", "95 % interval"), _accuracy_rows(report))
    for remark in report.remarks:
        terminal.note(f"! {remark}")
    if not report.alarms:
        terminal.say("no alarm: the texts look like those of the reference")


def _test_row(test: DriftTest) -> tuple[str, ...]:
    verdict = "alarm" if test.is_alarm else ""
    return (
        test.title,
        f"{100 * test.effect:.1f} points",
        p_in_words(test.p_value),
        p_in_words(test.adjusted_p_value),
        verdict,
    )


def _label_row(row: LabelShareEstimate) -> tuple[str, ...]:
    estimated = "-" if row.estimated is None else f"{percent(row.estimated.value)} ({_range(row.estimated)})"
    return (
        row.label,
        percent(row.reference),
        percent(row.predicted_reference),
        percent(row.predicted),
        estimated,
    )


def _accuracy_rows(report: MonitorReport) -> list[tuple[str, ...]]:
    what = "right decisions" if report.is_multi_label else "accuracy"
    rows: list[tuple[str, ...]] = [
        (f"{what} on the reference, measured", percent(report.reference.accuracy), ""),
        (f"{what} expected", percent(report.expected_accuracy.value), _range(report.expected_accuracy)),
    ]
    shifted = report.accuracy_after_label_shift
    if shifted is not None:
        rows.append((f"{what} expected for the estimated labels", percent(shifted.value), _range(shifted)))
    return rows


def _range(interval: Interval) -> str:
    return percent(interval.low, interval.high)
