"""The walk from an artifact to dollars; the terminal, ``cost.json`` and the page show what is gathered here.

Caller: ``cli.cost``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textwright.core import artifact as artifacts
from textwright.core.files import write_text
from textwright.deploy.prices import Prices, load_prices
from textwright.deploy.sizing.break_even import BreakEven, find_break_even
from textwright.deploy.sizing.choices import Choice, Sizes, Target, choose
from textwright.deploy.sizing.function import measure_function
from textwright.deploy.sizing.measured import Measured
from textwright.deploy.sizing.requests import make_requests
from textwright.deploy.sizing.server import measure_server
from textwright.deploy.sizing.settings import CostSettings
from textwright.diagnosis import machine
from textwright.errors import SettingsError
from textwright.extras import require
from textwright.runtime.loading import open_predictor

REPORT: Final = "cost.json"
PAGE: Final = "cost.html"


@dataclass(frozen=True, slots=True)
class CostReport:
    """What an artifact costs.

    Args:
        measured: What a request takes on the machine that was measured.
        requests_per_day: What is asked.
        settings: The rest of the traffic, the sizes, the assumptions.
        prices: The price table.
        choices: Every size at that traffic.
        break_even: Dollars over traffic.
    """

    measured: Measured
    requests_per_day: float
    settings: CostSettings
    prices: Prices
    choices: Sequence[Choice]
    break_even: BreakEven

    def cheapest(self, target: Target) -> Choice | None:
        """Find the size that costs least at this traffic; None if none will do."""
        return choose(self.choices, target)

    @property
    def assumptions(self) -> list[str]:
        """Every step between what was measured here and the dollars, in words."""
        it, measured = self.settings, self.measured
        speed = "as fast as one core" if it.vcpu_speed == 1 else f"{it.vcpu_speed:g} times as fast as one core"
        memory = f"{self.prices.functions.memory_mb_per_vcpu:,.0f}"
        peak = f"{it.peak_factor:g} times the mean"
        return [
            f"texts in each request: {measured.texts_per_request:,}, of {measured.mean_tokens:.0f} tokens on average",
            f"a vCPU of AWS is {speed} of the machine that was measured; on Intel it is half a core, if both are busy",
            "an instance of V vCPUs answers V times what one answers",
            f"the busiest moments ask {peak}, and then at most {it.utilisation:.0%} of the vCPUs of EC2 are busy",
            f"a function of M MB has M / {memory} of a vCPU, and a request uses one at most",
            f"Lambda's own runtime takes {it.overhead_ms:g} ms of a vCPU for each request",
            f"{it.cold_share:.2%} of the requests start a new instance of the function",
        ]

    @property
    def left_out(self) -> Sequence[str]:
        """What no estimate includes."""
        return self.choices[0].estimate.left_out

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "requests_per_day": self.requests_per_day,
            "settings": self.settings.model_dump(mode="json"),
            "measured": self.measured.to_json(),
            "prices": {"caption": self.prices.caption, "as_of": self.prices.as_of.isoformat()},
            "choices": [choice.to_json() for choice in self.choices],
            "break_even": self.break_even.to_json(),
            "assumptions": self.assumptions,
            "left_out": list(self.left_out),
        }


def report_cost(
    source: Path, requests_per_day: float, settings: CostSettings, *, tell: Callable[[str], object]
) -> CostReport:
    """Measure an artifact here, unless it was measured before, and price it.

    Args:
        source: An artifact folder, or the run folder that holds it.
        requests_per_day: Mean over a month, > 0.
        settings: Traffic, sizes and assumptions.
        tell: Called with what is being done, a line at a time.

    Returns:
        The report.

    Raises:
        MissingExtraError: If the extra "server" is not installed.
        SettingsError: If a number is out of its bounds, or an earlier measurement is of something else.
        NotFoundError: If there is no such artifact, variant, file or instance type.
        ArtifactError: If the artifact cannot be trusted.
        DeployError: If server or function cannot be measured.
    """
    if not (requests_per_day > 0 and math.isfinite(requests_per_day)):
        raise SettingsError(f"--requests-per-day is {requests_per_day:g}; it must be more than 0")
    prices = load_prices(settings.prices)
    for name in settings.instance_types:
        prices.instance_type(name)  # a typing error is said before minutes are spent
    for memory_mb in settings.memory_mb:
        prices.functions.check_memory(memory_mb)
    measured = _measured_before(source, settings) if settings.measured else _measure(source, settings, tell)
    sizes = Sizes(measured, settings, prices)
    return CostReport(measured, requests_per_day, settings, prices, sizes.at(requests_per_day), find_break_even(sizes))


def write_report(report: CostReport, out: Path) -> None:
    """Write ``cost.json`` and ``cost.html``, each at once.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed; then nothing is written.
    """
    from textwright.deploy.sizing.page import render_page

    page = render_page(report)
    write_text(out / REPORT, json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(out / PAGE, page)


def _measure(source: Path, settings: CostSettings, tell: Callable[[str], object]) -> Measured:
    require("server", what="measuring the server")
    tell("loading the model")
    predictor = open_predictor(artifacts.read(source), variant=settings.variant, num_threads=1)
    manifest, folder = predictor.artifact.manifest, predictor.artifact.path
    bodies, mean_tokens = make_requests(predictor, texts_per_request=settings.texts_per_request, tokens=settings.tokens)
    tell("measuring the server")
    server = measure_server(folder, predictor.variant, bodies, settings.measure_s)
    tell("measuring the Lambda function")
    function = measure_function(folder, predictor.variant, bodies, settings.measure_s)
    return Measured(
        manifest.name,
        predictor.artifact.version,
        predictor.variant,
        settings.texts_per_request,
        settings.tokens,
        mean_tokens,
        server,
        function,
        machine(),
    )


def _measured_before(source: Path, settings: CostSettings) -> Measured:
    assert settings.measured is not None  # noqa: S101  asked by the caller
    measured, artifact = Measured.read(settings.measured), artifacts.read(source)
    asked = {
        "version": (artifact.version, measured.version),
        "--variant": (settings.variant or measured.variant, measured.variant),
        "--texts-per-request": (settings.texts_per_request, measured.texts_per_request),
        "--tokens": (settings.tokens, measured.tokens),
    }
    for name, (here, there) in asked.items():
        if here != there:
            raise SettingsError(f"{settings.measured} was measured with {name} {there}, asked is {here}; measure again")
    return measured
