"""What monitoring found: the values, the page, and in one sentence each why it is an alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from textwright.core.files import write_text
from textwright.core.percent import percent
from textwright.evaluate.intervals import Interval
from textwright.monitor.drift_tests import DriftTest, p_in_words
from textwright.monitor.windows import TimeWindow
from textwright.report.base import Report

_FEW: Final = 200
"""Texts on a side below which only large differences can show."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the records were compared with.

    Args:
        source: Where the texts are from.
        split: Of the source.
        num_texts: Texts.
        accuracy: Share of right decisions on them.
    """

    source: str
    split: str
    num_texts: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class LabelShareEstimate:
    """How often a label occurs.

    Args:
        label: Its name.
        reference: Share of the reference texts that have it.
        predicted_reference: Share of them for which it was predicted.
        predicted: Share of the recorded texts for which it was predicted.
        estimated: Estimated share of the recorded texts that have it, if only the shares of labels have changed; None
            for more labels than can be told.
    """

    label: str
    reference: float
    predicted_reference: float
    predicted: float
    estimated: Interval | None


@dataclass(frozen=True, slots=True)
class MonitorReport(Report):
    """Recorded predictions beside the reference of their model.

    Args:
        name: Of the model.
        version: Its version.
        records: Where the records are.
        num_texts: Texts that were compared.
        num_recorded: Texts of this version that are recorded.
        num_other_versions: Recorded texts of other models or versions, which were left out.
        first: When the first was answered.
        last: When the last was.
        reference: What they were compared with.
        settings: When a difference is an alarm.
        is_multi_label: Whether a text may have several labels; accuracies are then shares of right decisions.
        labels: How often each label occurs.
        tests: Whether the texts are of another distribution.
        expected_accuracy: From the confidences as they are.
        accuracy_after_label_shift: For the estimated shares of the labels; None without them.
        windows: The same over time.
    """

    NAME: ClassVar[str] = "monitor"

    name: str
    version: str
    records: str
    num_texts: int
    num_recorded: int
    num_other_versions: int
    first: str
    last: str
    reference: Reference
    settings: Mapping[str, Any]
    is_multi_label: bool
    labels: Sequence[LabelShareEstimate]
    tests: Sequence[DriftTest]
    expected_accuracy: Interval
    accuracy_after_label_shift: Interval | None
    windows: Sequence[TimeWindow]

    @property
    def period(self) -> str:
        """From when to when the texts were answered, to the second; the second day only where it is another."""
        first, last = (datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%S") for time in (self.first, self.last))
        return f"{first} to {last.removeprefix(first[:11])} UTC"

    @property
    def likely_accuracy(self) -> Interval:
        """The expected accuracy; for the estimated shares of the labels, where what is predicted has changed."""
        has_shifted = any(test.name == "labels" and test.is_alarm for test in self.tests)
        shifted = self.accuracy_after_label_shift
        return shifted if has_shifted and shifted is not None else self.expected_accuracy

    @property
    def alarms(self) -> list[str]:
        """Why this is an alarm, a sentence each; empty if it is none."""
        sentences = [_sentence(test) for test in self.tests if test.is_alarm]
        least, accuracy = self.settings["min_accuracy"], self.likely_accuracy
        if least is not None and accuracy.high < least:
            interval = percent(accuracy.low, accuracy.high)
            sentences.append(
                f"expected accuracy is {percent(accuracy.value)} (95 % interval {interval}), below {percent(least)}"
            )
        return sentences

    @property
    def remarks(self) -> list[str]:
        """What must be known to read the numbers."""
        few = min(self.num_texts, self.reference.num_texts)
        remarks = []
        if few < _FEW:
            side = "recorded" if self.num_texts <= self.reference.num_texts else "reference"
            remarks.append(f"there are only {few:,} {side} texts, so only large differences can show")
        if self.num_texts < self.num_recorded:
            remarks.append(f"{self.num_texts:,} of {self.num_recorded:,} recorded texts were compared, evenly spaced")
        if self.num_other_versions:
            remarks.append(f"{self.num_other_versions:,} records of other models or versions were left out")
        if any(test.is_alarm and test.name not in {"labels", "confidence"} for test in self.tests):
            remarks.append(
                "the texts themselves have changed, so the estimated shares and the expected accuracy may be far off: "
                "a model is often too sure of texts of another kind; only labels of some of them can tell"
            )
        return remarks

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and whether and why it is an alarm."""
        content = Report.to_json(self)
        tests = [{**item, "title": test.title} for item, test in zip(content["tests"], self.tests, strict=True)]
        return {
            **content,
            "tests": tests,
            "is_alarm": bool(self.alarms),
            "alarms": self.alarms,
            "remarks": self.remarks,
        }

    def page_values(self) -> Mapping[str, Any]:
        """Give the template what writes p-values."""
        return {"p_in_words": p_in_words}

    def charts(self) -> Mapping[str, str]:
        """Draw what changed over time."""
        from textwright.monitor import figures

        return figures.charts(self) if len(self.windows) > 1 else {}

    def to_prometheus(self) -> str:
        """Write gauges in Prometheus' text format, for the textfile collector of its node exporter."""
        model = f'model="{_escaped(self.name)}",version="{self.version}"'
        accuracy = self.likely_accuracy
        gauges: dict[str, list[tuple[str, float]]] = {
            "monitor_alarm": [("", float(bool(self.alarms)))],
            "monitor_texts": [("", float(self.num_texts))],
            "monitor_expected_accuracy": [("", accuracy.value)],
            "monitor_expected_accuracy_low": [("", accuracy.low)],
            "monitor_expected_accuracy_high": [("", accuracy.high)],
            "monitor_effect": [(f',test="{test.name}"', test.effect) for test in self.tests],
            "monitor_adjusted_p_value": [(f',test="{test.name}"', test.adjusted_p_value) for test in self.tests],
            "monitor_label_share": [
                (f',label="{_escaped(row.label)}"', row.predicted if row.estimated is None else row.estimated.value)
                for row in self.labels
            ],
        }
        lines = []
        for name, samples in gauges.items():
            lines.append(f"# TYPE textwright_{name} gauge")
            lines += [f"textwright_{name}{{{model}{labels}}} {value:.9g}" for labels, value in samples]
        return "\n".join([*lines, ""])

    def write_prometheus(self, path: Path) -> None:
        """Write the gauges at once: the old file or the new, never a part."""
        write_text(path, self.to_prometheus())


def _sentence(test: DriftTest) -> str:
    p_value = p_in_words(test.adjusted_p_value)
    return f"{test.title}: {100 * test.effect:.1f} points from the reference (adjusted p-value {p_value})"


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
