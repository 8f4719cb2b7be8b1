"""The plan's estimate of a month: what its settings imply, put into the arithmetic of ``deploy.cost``."""

from __future__ import annotations

from dataclasses import asdict

from textwright.deploy.cloud.settings import Ec2Settings, FunctionSettings
from textwright.deploy.cost import Estimate, FunctionPlan, InstancePlan, Traffic, estimate_function, estimate_instances
from textwright.deploy.created import FUNCTION, FUNCTION_LOG_BYTES, LAMBDA_LOG_BYTES, SERVERS
from textwright.deploy.prices import load_prices
from textwright.errors import NotFoundError


def of_servers(settings: Ec2Settings) -> list[str]:
    """Estimate servers; a group is taken to run its fewest instances, which is what quiet hours cost.

    Returns:
        Lines to print; one that says so where the price table has no such instance type.
    """
    is_single = settings.profile == "single"
    plan = InstancePlan(
        settings.instance_type,
        num_instances=1 if is_single else settings.min_instances,
        has_load_balancer=not is_single,
        num_secrets=int(settings.api_keys_secret is not None),
        log_retention_days=settings.log_days,
        **asdict(SERVERS[settings.profile]),
    )
    try:
        return _lines(estimate_instances(plan, Traffic(settings.requests_per_day), load_prices()), settings)
    except NotFoundError as error:
        return [f"no estimate of costs: {error}"]


def of_function(settings: FunctionSettings) -> list[str]:
    """Estimate a function; the time of a request is the setting's, not measured here.

    Returns:
        Lines to print.
    """
    plan = FunctionPlan(
        settings.memory_mb,
        settings.request_ms / 1e3,
        init_seconds=1.0,
        provisioned=settings.provisioned_concurrency,
        has_snapstart=settings.snap_start,
        num_versions=2,
        is_image=settings.package == "image",
        package_gb=0.4 if settings.package == "image" else 0.05,
        num_alarms=FUNCTION.num_alarms,
        num_metrics=FUNCTION.num_metrics,
        num_secrets=int(settings.api_keys_secret is not None),
        log_retention_days=settings.log_days,
    )
    traffic = Traffic(settings.requests_per_day, log_bytes=FUNCTION_LOG_BYTES + LAMBDA_LOG_BYTES)
    return _lines(estimate_function(plan, traffic, load_prices()), settings)


def _lines(estimate: Estimate, settings: Ec2Settings | FunctionSettings) -> list[str]:
    asked = f"{settings.requests_per_day:,.0f} requests a day"
    return [
        f"about {estimate.usd_per_month:,.2f} USD a month at {asked} ({estimate.title}; {estimate.caption}):",
        *(f"  {line.usd:9,.2f}  {line.name}: {line.arithmetic}" for line in estimate.lines),
        *(f"  left out: {item}" for item in estimate.left_out),
    ]
