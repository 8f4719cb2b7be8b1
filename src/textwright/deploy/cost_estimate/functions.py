"""A month of a Lambda function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textwright.deploy.cost_estimate.arithmetic import (
    MILLION,
    NO_FREE_ALLOWANCE,
    SECONDS_PER_HOUR,
    Estimate,
    Line,
    Recurring,
    Traffic,
    check_bound,
    count,
    make_estimate,
    price_line,
    traffic_lines,
)
from textwright.deploy.prices import FreeAllowance, Prices


@dataclass(frozen=True, slots=True)
class FunctionPlan(Recurring):
    """A Lambda function.

    Args:
        memory_mb: Its memory, which decides its share of a vCPU.
        seconds_per_request: Billed for a warm request, > 0.
        init_seconds: Billed for a cold start, beside its request; 0 with SnapStart or where none is known.
        cold_share: Share of the requests that start a new instance, 0 to 1.
        provisioned: Instances that stand ready all month; they are taken to answer every request.
        has_snapstart: Whether cold starts restore a snapshot instead of initialising.
        num_versions: Published versions whose snapshots are kept.
        package_gb: Of the zip in S3, or of the image in ECR.
        is_image: Whether it is an image.
    """

    memory_mb: int
    seconds_per_request: float
    init_seconds: float = 0.0
    cold_share: float = 0.01
    provisioned: int = 0
    has_snapstart: bool = False
    num_versions: int = 1
    package_gb: float = 0.05
    is_image: bool = False

    def __post_init__(self) -> None:
        """Check the bounds that hold whatever the price table says."""
        check_bound(self.seconds_per_request > 0, "the seconds of a request", self.seconds_per_request, "more than 0")
        check_bound(0 <= self.cold_share <= 1, "the share of cold starts", self.cold_share, "between 0 and 1")
        check_bound(self.provisioned >= 0, "the provisioned concurrency", self.provisioned, "at least 0")


def estimate_function(
    plan: FunctionPlan, traffic: Traffic, prices: Prices, *, counts_free_allowance: bool = False
) -> Estimate:
    """Estimate a month of a Lambda function behind its Function URL, which costs nothing by itself.

    Args:
        plan: What runs.
        traffic: What is asked.
        prices: The price table.
        counts_free_allowance: Take off what an account gets free each month.

    Returns:
        The estimate.

    Raises:
        SettingsError: If Lambda has no such memory size.
    """
    prices.functions.check_memory(plan.memory_mb)
    free = prices.free if counts_free_allowance else NO_FREE_ALLOWANCE
    ready = f", {plan.provisioned} provisioned" if plan.provisioned else ""
    title = f"Lambda: {plan.memory_mb:,} MB{ready}{', SnapStart' if plan.has_snapstart else ''}"
    place, price = ("image in ECR", "ecr_gb_month") if plan.is_image else ("zip in S3", "s3_gb_month")
    lines = [
        *_invocations(plan, traffic, prices, free),
        *_readiness(plan, traffic, prices),
        price_line(place, [(plan.package_gb, "GB")], getattr(prices.storage, price)),
        *traffic_lines(plan, traffic, prices, free),
    ]
    return make_estimate(title, lines, traffic, prices, free)


def _invocations(plan: FunctionPlan, traffic: Traffic, prices: Prices, free: FreeAllowance) -> Iterator[Line]:
    requests, it = traffic.requests_per_month(prices), prices.functions
    asked = (requests / MILLION, "million requests")
    yield price_line("requests", [asked], it.request_million, free.lambda_requests / MILLION)
    gb, allowance = plan.memory_mb / 1024, free.lambda_gb_seconds
    warm = requests * plan.seconds_per_request * gb
    name = f"warm requests, {1e3 * plan.seconds_per_request:,.4g} ms each at {gb:,.4g} GB"
    if plan.provisioned:  # the free allowance is not for what provisioned concurrency answers
        yield price_line(name, [(warm, "GB-seconds")], it.provisioned_duration_gb_second)
        return
    yield price_line(name, [(warm, "GB-seconds")], it.gb_second, allowance)
    if not plan.has_snapstart:
        cold = requests * plan.cold_share * plan.init_seconds * gb
        name = f"cold starts, {plan.cold_share:.2%} of the requests, {1e3 * plan.init_seconds:,.4g} ms each"
        yield price_line(name, [(cold, "GB-seconds")], it.gb_second, max(0.0, allowance - warm))


def _readiness(plan: FunctionPlan, traffic: Traffic, prices: Prices) -> Iterator[Line]:
    seconds, gb = (prices.hours.per_month * SECONDS_PER_HOUR, "seconds"), (plan.memory_mb / 1024, "GB")
    it = prices.functions
    yield price_line("provisioned", [count(plan.provisioned, "instance"), seconds, gb], it.provisioned_gb_second)
    if plan.has_snapstart:
        kept = [count(plan.num_versions, "version"), seconds, gb]
        yield price_line("SnapStart, snapshots kept", kept, it.snapstart_cache_gb_second)
        starts = traffic.requests_per_month(prices) * plan.cold_share
        yield price_line("SnapStart, restores", [(starts, "restores"), gb], it.snapstart_restore_gb)
