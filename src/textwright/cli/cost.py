"""``textwright cost``: dollars for predictions on EC2 and on Lambda, from what was measured here."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from textwright.core.percent import percent
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.prices import DEFAULT_REGION, PRICE_FILES
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.errors import SettingsError
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.deploy.cost_estimate.choices import Choice
    from textwright.deploy.cost_estimate.report import CostReport
    from textwright.deploy.price_refresh import Refreshed

DEFAULT_COST = CostSettings()


def cost(
    artifact: Path | None = None,
    /,
    *,
    requests_per_day: float | None = None,
    refresh: bool = False,
    price_files: str = PRICE_FILES,
    out: Path | None = None,
    assumed: Annotated[CostSettings, Parameter(name="*", group="Cost")] = DEFAULT_COST,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Estimate dollars a month and for a million predictions, on each size of EC2 and of Lambda.

    Example: textwright cost runs/demo --requests-per-day 50000 --out build/cost

    Server and function are measured on this machine; how that becomes dollars is said with every estimate.

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        requests_per_day: Requests a day, on average over a month.
        refresh: Read today's prices from AWS's public price files first, and keep them for cost and deploy (in --prices
            FILE.json, if that is given). Without an artifact nothing else is done.
        price_files: Address of the price files: AWS's own, or a copy of them.
        out: Page (.html) with the arithmetic and a plot, the values as .json beside it; or a folder for cost.html and
            cost.json; absent: the terminal alone.
    """
    from textwright.core import artifact as artifacts
    from textwright.deploy.cost_estimate.report import CostReport, report_cost
    from textwright.deploy.targets import cost_models

    if out is not None:
        CostReport.html_path(out)
        require("report", what="the HTML report")
    terminal = Terminal(output)
    if refresh:
        from textwright.deploy.price_refresh import refresh_prices

        types = () if assumed.instance_types == DEFAULT_COST.instance_types else assumed.instance_types
        with terminal.steps("prices") as on_step:
            refreshed = refresh_prices(
                region=assumed.region, instance_types=types, out=assumed.prices, address=price_files, report=on_step
            )
        if artifact is None:
            _show_refreshed(terminal, refreshed)
            return
        terminal.note(f"prices: {refreshed.path}, {refreshed.prices.source}")
    if artifact is None or requests_per_day is None:
        raise SettingsError(
            "cost needs an artifact and the traffic: textwright cost ARTIFACT --requests-per-day 50000; without them "
            "it takes --refresh alone"
        )
    with terminal.steps("cost") as on_step:
        report = report_cost(artifacts.read(artifact), requests_per_day, assumed, cost_models(), report=on_step)
    if out is not None:
        report.write(out)
    terminal.result(report.to_json(), lambda: _show(terminal, report))
    if out is not None:
        terminal.note(f"report: {report.html_path(out)}, {report.json_path(out)}")
    terminal.next(_next(report, artifact))


def _show_refreshed(terminal: Terminal, refreshed: Refreshed) -> None:
    """Say what changed against the table that was used until now."""
    content = {"path": str(refreshed.path), "missing_instance_types": refreshed.missing_types}
    prices = refreshed.prices.model_dump(mode="json", by_alias=True)

    def say() -> None:
        rows = [(name, f"{old:g}", f"{new:g}") for name, old, new in refreshed.changes]
        if rows:
            terminal.table(f"{refreshed.prices.caption}: what changed", ("price", "was", "is"), rows)
        else:
            terminal.say(f"{refreshed.prices.caption}: no price has changed")

    terminal.result({**content, "prices": prices}, say)
    if refreshed.missing_types:
        terminal.note(f"! {refreshed.prices.region} has no {', '.join(refreshed.missing_types)}")
    terminal.note(f"prices: {refreshed.path}, {refreshed.prices.source}")
    place = "" if refreshed.prices.region == DEFAULT_REGION else f" --region {refreshed.prices.region}"
    terminal.next(f"textwright cost ARTIFACT --requests-per-day 50000{place}")


def _show(terminal: Terminal, report: CostReport) -> None:
    measured = report.measured
    requests = f"{report.requests_per_day:,.0f} requests a day"
    title = f"{measured.name} {measured.variant}, {requests}; {report.prices.caption}"
    columns = ("size", "$ a month", "$ a million", "instances", "in use", "request", "")
    terminal.table(title, columns, [_row(choice, is_best=choice in report.best) for choice in report.choices])
    words = report.break_even.words()
    terminal.say(f"{words[:1].upper()}{words[1:]}.")
    if stale := report.prices.staleness(datetime.now(UTC).date()):
        terminal.note(f"! {stale}")
    terminal.note(
        f"measured: {1e3 * measured.server.cpu_s:.2f} ms of a processor for a request to the server, "
        f"{1e3 * measured.function.cpu_s:.2f} ms to the function, {measured.function.init_cpu_s:.2f} s for its init"
    )
    terminal.note(f"assumed: {'; '.join(report.assumptions)}")
    terminal.note(f"excluded: {'; '.join(report.excluded)}")


def _row(choice: Choice, *, is_best: bool) -> tuple[str, ...]:
    remark = f"no: {choice.rejection_reason}" if choice.rejection_reason else "cheapest" if is_best else ""
    return (
        f"{choice.target} {choice.size}",
        f"{choice.estimate.usd_per_month:,.2f}",
        f"{choice.estimate.usd_per_million:,.2f}",
        f"{choice.num_instances:,}",
        "-" if choice.is_paid_by_use else percent(choice.use),
        f"{choice.latency_ms:.1f} ms",
        remark,
    )


def _next(report: CostReport, artifact: Path) -> str:
    from textwright.deploy.targets import cost_models

    packages = {model.title: model.package for model in cost_models()}
    best = min(report.best, key=lambda it: it.estimate.usd_per_month, default=None)
    target = "docker" if best is None else packages[best.target]
    return f"textwright package {shlex.quote(str(artifact))} --target {target} --out build/{target}"
