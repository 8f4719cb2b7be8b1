"""``textwright monitor``: recorded predictions against the reference of their model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.errors import DriftError
from textwright.monitor.settings import MonitorSettings

if TYPE_CHECKING:
    from textwright.monitor.report import MonitorReport

_DATA: Final = DataSettings()
_SETTINGS: Final = MonitorSettings()


def monitor(
    artifact: Path,
    records: str,
    /,
    *,
    reference: str | None = None,
    out: Path | None = None,
    prometheus: Path | None = None,
    settings: Annotated[MonitorSettings, Parameter(name="*", group="Monitoring")] = _SETTINGS,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Compare recorded predictions with what the model was validated on; exit code 12 is an alarm.

    Example: textwright monitor runs/demo records --out build/monitor

    The records are those of: textwright serve runs/demo --record records

    Args:
        artifact: The artifact that was served, or the run folder that holds it.
        records: Folder that serve --record writes, also s3://BUCKET/KEY, or one of its files.
        reference: Labeled texts to compare with in place of the artifact's profile: a built-in name, a file, a folder
            or a hub id. With recorded texts, a domain classifier is then tried as well.
        out: Page (.html), the values as .json beside it; or a folder for monitor.html and monitor.json; absent: the
            terminal alone.
        prometheus: File for gauges in Prometheus' text format; absent: none.
    """
    from textwright.display.monitoring import show_monitoring
    from textwright.monitor.monitoring import monitor as compare_records
    from textwright.monitor.report import MonitorReport

    if out is not None:
        MonitorReport.html_path(out)
    terminal = Terminal(output)
    with terminal.steps("monitoring") as on_step:
        report = compare_records(artifact, records, settings, reference=reference, data=data, on_step=on_step)
    if out is not None:
        report.write(out)
    if prometheus is not None:
        report.write_prometheus(prometheus)
    terminal.result(report.to_json(), lambda: show_monitoring(terminal, report))
    if out is not None:
        terminal.note(f"report: {report.html_path(out)}, {report.json_path(out)}")
    _end(terminal, report, f"textwright monitor {shlex.quote(str(artifact))} {shlex.quote(records)}", out)


def _end(terminal: Terminal, report: MonitorReport, command: str, out: Path | None) -> None:
    """Leave with the exit code of an alarm, or say what to type next."""
    if report.alarms:
        raise DriftError(f"alarm: {'; '.join(report.alarms)}")
    if out is None:
        terminal.next(f"{command} --out build/monitor")
