"""The flow from an artifact to dollars; the terminal, ``cost.json`` and the page show what is gathered here.

Caller: ``cli.cost``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from textwright.core.artifact import Artifact
from textwright.core.percent import percent
from textwright.deploy import OnStep
from textwright.deploy.cost_estimate.break_even import BreakEven, find_break_even
from textwright.deploy.cost_estimate.choices import Choice, CostModel, Sizes, choose
from textwright.deploy.cost_estimate.measure import Measured, make_requests, measure_function, measure_server
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.prices import Prices, load_prices
from textwright.environment import machine
from textwright.errors import SettingsError
from textwright.optional_deps import require
from textwright.report.base import Report
from textwright.runtime.loading import open_predictor


@dataclass(frozen=True, slots=True)
class CostReport(Report):
    """What an artifact costs.

    Args:
        measured: What a request takes on the machine that was measured.
        requests_per_day: Mean over a month.
        settings: The rest of the traffic, the sizes, the assumptions.
        prices: The price table.
        choices: Every size at that traffic.
        break_even: Dollars over traffic.
        targets: Titles of the targets.
    """

    NAME: ClassVar[str] = "cost"

    measured: Measured
    requests_per_day: float
    settings: CostSettings
    prices: Prices
    choices: Sequence[Choice]
    break_even: BreakEven
    targets: Sequence[str]

    def cheapest(self, target: str) -> Choice | None:
        """Find the size that costs least at this traffic; None if none will do."""
        return choose(self.choices, target)

    @property
    def best(self) -> list[Choice]:
        """The cheapest size of each target of which one will do."""
        return [choice for target in self.targets if (choice := self.cheapest(target)) is not None]

    @property
    def assumptions(self) -> list[str]:
        """Every step between what was measured here and the dollars, in words."""
        it, measured = self.settings, self.measured
        speed = "as fast as one core" if it.vcpu_speed == 1 else f"{it.vcpu_speed:g} times as fast as one core"
        memory = f"{self.prices.functions.memory_mb_per_vcpu:,.0f}"
        peak, busy = f"{it.peak_factor:g} times the mean", percent(it.utilization, digits=0)
        return [
            f"texts in each request: {measured.texts_per_request:,}, of {measured.mean_tokens:.0f} tokens on average",
            f"a vCPU of AWS is {speed} of the machine that was measured; on Intel it is half a core, if both are busy",
            "an instance of V vCPUs answers V times what one answers",
            f"the busiest moments ask {peak}, and then at most {busy} of the vCPUs of EC2 are busy",
            f"a function of M MB has M / {memory} of a vCPU, and a request uses one at most",
            f"Lambda's own runtime takes {it.overhead_ms:g} ms of a vCPU for each request",
            f"{percent(it.cold_share, digits=2)} of the requests start a new instance of the function",
        ]

    @property
    def excluded(self) -> Sequence[str]:
        """What no estimate includes."""
        return self.choices[0].estimate.excluded

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "requests_per_day": self.requests_per_day,
            "settings": self.settings.model_dump(mode="json"),
            "measured": self.measured.to_json(),
            "prices": {
                "caption": self.prices.caption,
                "as_of": self.prices.as_of.isoformat(),
                "region": self.prices.region,
                "staleness": self.prices.staleness(datetime.now(UTC).date()),
            },
            "choices": [choice.to_json() for choice in self.choices],
            "break_even": self.break_even.to_json(),
            "assumptions": self.assumptions,
            "excluded": list(self.excluded),
        }

    def charts(self) -> dict[str, str]:
        """Draw dollars over traffic, where a size will do."""
        from textwright.deploy.cost_estimate.figures import dollars_over_traffic

        return {"traffic": dollars_over_traffic(self)} if self.break_even.usd_per_month else {}

    def page_values(self) -> dict[str, Any]:
        """Give the page the cheapest size of each target."""
        return {"best": self.best}


def report_cost(
    artifact: Artifact,
    requests_per_day: float,
    settings: CostSettings,
    models: Sequence[CostModel],
    *,
    report: OnStep,
) -> CostReport:
    """Measure an artifact here, unless it was measured before, and price it.

    Args:
        artifact: A verified artifact; it is not verified again.
        requests_per_day: Mean over a month, > 0.
        settings: Traffic, sizes and assumptions.
        models: What each target costs.
        report: Called with what is being done, a line at a time.

    Returns:
        The report.

    Raises:
        MissingExtraError: If the extra "server" is not installed.
        SettingsError: If a number is out of its bounds, or an earlier measurement is of something else.
        NotFoundError: If there is no such variant, file or instance type.
        DeployError: If server or function cannot be measured.
    """
    if not (requests_per_day > 0 and math.isfinite(requests_per_day)):
        raise SettingsError(f"--requests-per-day is {requests_per_day:g}; it must be more than 0")
    prices = load_prices(settings.prices, region=settings.region)
    for model in models:
        model.check(settings, prices)  # a typing error is said before minutes are spent
    measured = (
        _measure(artifact, settings, report)
        if settings.measured is None
        else _read_measured(artifact, settings, settings.measured)
    )
    sizes = Sizes(measured, settings, prices, models)
    choices, break_even = sizes.at(requests_per_day), find_break_even(sizes)
    return CostReport(measured, requests_per_day, settings, prices, choices, break_even, sizes.titles)


def _measure(artifact: Artifact, settings: CostSettings, report: OnStep) -> Measured:
    require("server", what="measuring the server")
    report("loading the model")
    predictor = open_predictor(artifact, variant=settings.variant, num_threads=1)
    bodies, mean_tokens = make_requests(predictor, texts_per_request=settings.texts_per_request, tokens=settings.tokens)
    report("measuring the server")
    server = measure_server(artifact.path, predictor.variant, bodies, settings.measure_s)
    report("measuring the Lambda function")
    function = measure_function(artifact.path, predictor.variant, bodies, settings.measure_s)
    return Measured(
        artifact.manifest.name,
        artifact.version,
        predictor.variant,
        settings.texts_per_request,
        settings.tokens,
        mean_tokens,
        server,
        function,
        machine(),
    )


def _read_measured(artifact: Artifact, settings: CostSettings, path: Path) -> Measured:
    measured = Measured.read(path)
    expected = {
        "version": (artifact.version, measured.version),
        "--variant": (settings.variant or measured.variant, measured.variant),
        "--texts-per-request": (settings.texts_per_request, measured.texts_per_request),
        "--tokens": (settings.tokens, measured.tokens),
    }
    for name, (current, stored) in expected.items():
        if current != stored:
            raise SettingsError(f"{path} was measured with {name} {stored}, asked is {current}; measure again")
    return measured
