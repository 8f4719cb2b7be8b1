"""A row for each size of each target: what it costs at a traffic, or why it will not do.

The scaling is linear: a request takes as many processor seconds there as here, divided by the speed of a vCPU. What is
particular to a target stands in its file in ``deploy.targets``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from textwright.deploy.cost_estimate.arithmetic import Estimate, Traffic
from textwright.deploy.cost_estimate.measure import Measured
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.prices import Prices

_ALIKE: Final = 1.02
"""Dollars that differ by less are alike: the measurement is no finer."""
_HEADER_BYTES: Final = 350
"""Headers of a request, as browsers and clients of HTTP send them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One size at one traffic.

    Args:
        target: Title of the target, such as "EC2".
        size: Instance type, or memory.
        estimate: A month of it.
        num_instances: Instances that run; where use is paid for, those that answer at once in the busiest moments.
        latency_ms: Processor time of one request there: on a quiet machine, the time that a warm one takes.
        use: Mean share of the vCPUs in use; 1 where use is paid for.
        rejection_reason: Why it will not do; "" if it will.
        is_paid_by_use: Whether requests are paid for instead of hours.
    """

    target: str
    size: str
    estimate: Estimate
    num_instances: int
    latency_ms: float
    use: float
    rejection_reason: str = ""
    is_paid_by_use: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "target": self.target,
            "size": self.size,
            "num_instances": self.num_instances,
            "latency_ms": self.latency_ms,
            "use": self.use,
            "rejection_reason": self.rejection_reason or None,
            "estimate": self.estimate.to_json(),
        }


class CostModel(Protocol):
    """What a target costs."""

    @property
    def title(self) -> str:
        """The target's name in an estimate."""

    @property
    def package(self) -> str:
        """What to package for it: a value of ``textwright package --target``."""

    def check(self, settings: CostSettings, prices: Prices) -> None:
        """Refuse sizes that there are not, before minutes are spent on measuring.

        Raises:
            NotFoundError: If the price table lacks a size.
            SettingsError: If there is no such size.
        """

    def choices(
        self, measured: Measured, settings: CostSettings, prices: Prices, requests_per_day: float
    ) -> list[Choice]:
        """Lay out every size at a traffic, in the order of the settings."""


def traffic_of(measured: Measured, settings: CostSettings, requests_per_day: float, log_bytes: float) -> Traffic:
    """Describe the traffic as it was measured, at another number of requests."""
    return Traffic(
        requests_per_day,
        texts_per_request=measured.texts_per_request,
        peak_factor=settings.peak_factor,
        response_bytes=measured.server.response_bytes,
        request_bytes=measured.server.request_bytes + _HEADER_BYTES,
        log_bytes=log_bytes,
    )


def choose(choices: Iterable[Choice], target: str) -> Choice | None:
    """Choose the size that costs least; of those that cost at most 2 % more, the fastest.

    Args:
        choices: Every size at one traffic.
        target: Title of the target.

    Returns:
        One that will do; None if there is none.
    """
    possible = [it for it in choices if it.target == target and not it.rejection_reason]
    least = min((it.estimate.usd_per_month for it in possible), default=0.0)
    alike = [it for it in possible if it.estimate.usd_per_month <= _ALIKE * least]
    return min(alike, key=lambda it: (it.latency_ms, it.estimate.usd_per_month), default=None)


class Sizes:
    """Every size of every target, at any traffic.

    Args:
        measured: What a request takes on this machine.
        settings: Sizes and assumptions.
        prices: The price table.
        models: What each target costs; the order is kept.

    Raises:
        NotFoundError: If the price table lacks a size.
        SettingsError: If a target has no such size.
    """

    def __init__(self, measured: Measured, settings: CostSettings, prices: Prices, models: Sequence[CostModel]) -> None:
        self.measured, self.settings, self.prices, self.models = measured, settings, prices, models
        for model in models:
            model.check(settings, prices)

    @property
    def titles(self) -> list[str]:
        """Titles of the targets."""
        return [model.title for model in self.models]

    def at(self, requests_per_day: float) -> list[Choice]:
        """Lay out every size at a traffic.

        Args:
            requests_per_day: Mean over a month, > 0.

        Returns:
            The sizes of each target in turn.
        """
        return [
            choice
            for model in self.models
            for choice in model.choices(self.measured, self.settings, self.prices, requests_per_day)
        ]
