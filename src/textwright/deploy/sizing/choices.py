"""A row for each size of EC2 and of Lambda: what it costs at a traffic, or why it will not do.

The scaling is linear: a request takes as many processor seconds there as here, divided by the speed of a vCPU; an
instance of V vCPUs answers V times what one core answers; a function of M MB has M / 1,769 of a vCPU, and one request
uses one at most, because the model runs with one thread.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from textwright.deploy.cost import Estimate, FunctionPlan, InstancePlan, Traffic, estimate_function, estimate_instances
from textwright.deploy.created import FUNCTION, LAMBDA_LOG_BYTES, SERVERS
from textwright.deploy.prices import InstanceType, Prices
from textwright.deploy.sizing.measured import Measured
from textwright.deploy.sizing.settings import CostSettings

Target: TypeAlias = Literal["EC2", "Lambda"]
TARGETS: Final[tuple[Target, ...]] = ("Lambda", "EC2")
_SYSTEM_BYTES: Final = 2**29
"""Memory that an instance's system and its container engine are taken to need."""
_ALIKE: Final = 1.02
"""Dollars that differ by less are alike: the measurement is no finer."""
_SPARE: Final = 1.25
"""Memory of a function against the most that was measured."""
_MB: Final = 2**20
_HEADER_BYTES: Final = 350
"""Headers of a request, as browsers and clients of HTTP send them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One size at one traffic.

    Args:
        target: EC2 or Lambda.
        size: Instance type, or memory.
        estimate: A month of it.
        num_instances: Instances of EC2 that run; for Lambda, those that answer at once in the busiest moments.
        latency_ms: Processor time of one request there: on a quiet machine, the time that a warm one takes.
        use: Mean share of the vCPUs in use; 1 for Lambda, which is paid for by use.
        refusal: Why it will not do; "" if it will.
    """

    target: Target
    size: str
    estimate: Estimate
    num_instances: int
    latency_ms: float
    use: float
    refusal: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "target": self.target,
            "size": self.size,
            "num_instances": self.num_instances,
            "latency_ms": self.latency_ms,
            "use": self.use,
            "refusal": self.refusal or None,
            "estimate": self.estimate.to_json(),
        }


def choose(choices: Iterable[Choice], target: Target) -> Choice | None:
    """Choose the size that costs least; of those that cost at most 2 % more, the fastest.

    Args:
        choices: Every size at one traffic.
        target: EC2 or Lambda.

    Returns:
        One that will do; None if there is none.
    """
    possible = [it for it in choices if it.target == target and not it.refusal]
    least = min((it.estimate.usd_per_month for it in possible), default=0.0)
    alike = [it for it in possible if it.estimate.usd_per_month <= _ALIKE * least]
    return min(alike, key=lambda it: (it.latency_ms, it.estimate.usd_per_month), default=None)


class Sizes:
    """Every size, at any traffic.

    Args:
        measured: What a request takes on this machine.
        settings: Sizes and assumptions.
        prices: The price table.

    Raises:
        NotFoundError: If the price table lacks an instance type.
        SettingsError: If Lambda has no such memory.
    """

    def __init__(self, measured: Measured, settings: CostSettings, prices: Prices) -> None:
        self.measured, self.settings, self.prices = measured, settings, prices
        self._types = [prices.instance_type(name) for name in settings.instance_types]
        self.at(1.0)  # refuses a wrong size before anything is drawn

    def at(self, requests_per_day: float) -> list[Choice]:
        """Lay out every size at a traffic.

        Args:
            requests_per_day: Mean over a month, > 0.

        Returns:
            Sizes of Lambda, then of EC2, in the order of the settings.
        """
        functions = [self._function(memory_mb, requests_per_day) for memory_mb in self.settings.memory_mb]
        return functions + [self._instances(kind, requests_per_day) for kind in self._types]

    def _traffic(self, requests_per_day: float, log_bytes: float) -> Traffic:
        server = self.measured.server
        return Traffic(
            requests_per_day,
            texts_per_request=self.measured.texts_per_request,
            peak_factor=self.settings.peak_factor,
            response_bytes=server.response_bytes,
            request_bytes=server.request_bytes + _HEADER_BYTES,
            log_bytes=log_bytes,
        )

    def _function(self, memory_mb: int, requests_per_day: float) -> Choice:
        settings, load = self.settings, self.measured.function
        speed = min(1.0, self.prices.functions.vcpus(memory_mb)) * settings.vcpu_speed
        latency_ms = 1e3 * load.cpu_s / speed + settings.overhead_ms / min(1.0, self.prices.functions.vcpus(memory_mb))
        plan = FunctionPlan(
            memory_mb,
            seconds_per_request=math.ceil(latency_ms) / 1e3,  # AWS rounds each request up to a millisecond
            init_seconds=load.init_cpu_s / speed,
            cold_share=settings.cold_share,
            provisioned=settings.provisioned,
            has_snapstart=settings.snapstart,
            num_alarms=FUNCTION.num_alarms,
            num_metrics=FUNCTION.num_metrics,
        )
        traffic = self._traffic(requests_per_day, load.log_bytes + LAMBDA_LOG_BYTES)
        estimate = estimate_function(plan, traffic, self.prices, counts_free_allowance=settings.free_allowance)
        at_once = math.ceil(traffic.peak_per_second * latency_ms / 1e3)
        refusal = self._refuse_function(memory_mb, latency_ms)
        return Choice("Lambda", f"{memory_mb:,} MB", estimate, at_once, latency_ms, 1.0, refusal)

    def _refuse_function(self, memory_mb: int, latency_ms: float) -> str:
        needed = math.ceil(_SPARE * self.measured.function.memory_bytes / _MB)
        if memory_mb < needed:
            return f"needs {needed:,} MB"
        most = self.settings.max_latency_ms
        return "" if most is None or latency_ms <= most else f"slower than {most:g} ms"

    def _instances(self, kind: InstanceType, requests_per_day: float) -> Choice:
        settings, load = self.settings, self.measured.server
        cpu_s = load.cpu_s / settings.vcpu_speed
        traffic = self._traffic(requests_per_day, load.log_bytes)
        busy_vcpus = traffic.peak_per_second * cpu_s / settings.utilisation
        number = max(settings.min_instances, math.ceil(busy_vcpus / kind.vcpus))
        use = traffic.mean_per_second * cpu_s / (number * kind.vcpus)
        created = asdict(SERVERS["balanced" if number > 1 else "single"])
        plan = InstancePlan(kind.name, number, has_load_balancer=number > 1, cpu_use=use, **created)
        estimate = estimate_instances(plan, traffic, self.prices, counts_free_allowance=settings.free_allowance)
        needed = (_SYSTEM_BYTES + kind.vcpus * load.memory_bytes) / 2**30
        refusal = f"needs {needed:.1f} GiB" if kind.memory_gib < needed else ""
        return Choice("EC2", kind.name, estimate, number, 1e3 * cpu_s, use, refusal)
