"""A month of what computes: EC2 instances that serve the container, or a Lambda function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from textwright.core.percent import percent
from textwright.deploy.cost_estimate.arithmetic import (
    GB,
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

METRICS_OF_DETAILED_MONITORING: Final = 7
"""Metrics that an instance sends each minute; each costs as much as one of one's own."""
_ZONES: Final = 2
"""A load balancer stands in two zones, with a public address in each."""


@dataclass(frozen=True, slots=True)
class InstancePlan(Recurring):
    """Instances of EC2 that serve the container.

    Args:
        instance_type: Of the price table.
        num_instances: Running all month, >= 1.
        has_load_balancer: Whether one stands before them, in two zones.
        disk_gib: Of each instance.
        image_gb: Of the container's image in ECR.
        has_detailed_monitoring: Whether each instance sends its metrics each minute, which is paid for by metric.
        secret_reads_per_hour: How often each instance reads its secrets.
        cpu_use: Mean share of the vCPUs in use, 0 to 1; above a burstable type's baseline it costs extra.
    """

    instance_type: str
    num_instances: int = 1
    has_load_balancer: bool = False
    disk_gib: float = 16
    image_gb: float = 0.4
    has_detailed_monitoring: bool = False
    secret_reads_per_hour: float = 0.0
    cpu_use: float = 0.0

    def __post_init__(self) -> None:
        """Check the bounds."""
        check_bound(self.num_instances >= 1, "the number of instances", self.num_instances, "at least 1")
        check_bound(0 <= self.cpu_use <= 1, "the use of the vCPUs", self.cpu_use, "between 0 and 1")


def estimate_instances(
    plan: InstancePlan, traffic: Traffic, prices: Prices, *, counts_free_allowance: bool = False
) -> Estimate:
    """Estimate a month of EC2.

    Args:
        plan: What runs.
        traffic: What is sent to it.
        prices: The price table.
        counts_free_allowance: Take off what an account gets free each month.

    Returns:
        The estimate; instances cost the same whatever the traffic, up to a burstable type's baseline.

    Raises:
        NotFoundError: If the price table has no such instance type.
    """
    free = prices.free if counts_free_allowance else NO_FREE_ALLOWANCE
    balancer = " behind a load balancer" if plan.has_load_balancer else ""
    title = f"EC2: {plan.num_instances} x {plan.instance_type}{balancer}"
    lines = [
        *_instances(plan, prices),
        *_balancer(plan, traffic, prices),
        price_line("image in ECR", [(plan.image_gb, "GB")], prices.storage.ecr_gb_month),
        *traffic_lines(plan, traffic, prices, free),
        *_of_each_instance(plan, prices, free),
    ]
    return make_estimate(title, lines, traffic, prices, free)


def _instances(plan: InstancePlan, prices: Prices) -> Iterator[Line]:
    kind, hours = prices.instance_type(plan.instance_type), (prices.hours.per_month, "hours")
    instances = (plan.num_instances, kind.name)
    yield price_line("instances", [instances, hours], kind.hour)
    surplus = plan.num_instances * kind.vcpus * max(0.0, plan.cpu_use - kind.baseline)
    yield price_line("vCPUs above the baseline", [(surplus, "vCPUs"), hours], prices.ec2.surplus_vcpu_hour)
    yield price_line("disks (gp3)", [instances, (plan.disk_gib, "GB")], prices.ebs.gp3_gb_month)
    addresses = plan.num_instances + (_ZONES if plan.has_load_balancer else 0)
    yield price_line("public addresses", [count(addresses, "address"), hours], prices.network.public_ipv4_hour)


def _of_each_instance(plan: InstancePlan, prices: Prices, free: FreeAllowance) -> Iterator[Line]:
    if plan.has_detailed_monitoring:
        number = plan.num_instances * METRICS_OF_DETAILED_MONITORING
        free_metrics = max(0.0, free.metrics - plan.num_metrics)
        yield price_line("detailed monitoring", [count(number, "metric")], prices.cloudwatch.metric_month, free_metrics)
    reads = plan.num_secrets * plan.num_instances * plan.secret_reads_per_hour * prices.hours.per_month
    yield price_line("secrets, read", [(reads / 1e4, "times 10,000 reads")], prices.secrets.calls_10k)


def _balancer(plan: InstancePlan, traffic: Traffic, prices: Prices) -> Iterator[Line]:
    if plan.has_load_balancer:
        it, hours = prices.load_balancer, (prices.hours.per_month, "hours")
        per_hour = SECONDS_PER_HOUR * traffic.mean_per_second
        gb_per_hour = per_hour * (traffic.request_bytes + traffic.response_bytes) / GB
        units = max(traffic.mean_per_second / it.unit_connections_per_second, gb_per_hour / it.unit_gb_per_hour)
        yield price_line("load balancer", [hours], it.hour)
        yield price_line("load balancer, by use", [(units, "capacity units"), hours], it.capacity_unit_hour)


@dataclass(frozen=True, slots=True)
class FunctionPlan(Recurring):
    """A Lambda function.

    Args:
        memory_mb: Its memory, which decides its share of a vCPU.
        seconds_per_request: Billed for a warm request, > 0.
        init_seconds: Billed for a cold start, beside its request; 0 with SnapStart or where none is known.
        cold_share: Share of the requests that start a new instance, 0 to 1.
        provisioned: Instances that stand ready all month; they are taken to answer every request.
        has_snapstart: Whether cold starts restore a snapshot instead of initializing.
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
        traffic: What is sent to it.
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
    yield price_line(
        "requests", [(requests / MILLION, "million requests")], it.request_million, free.lambda_requests / MILLION
    )
    gb, allowance = plan.memory_mb / 1024, free.lambda_gb_seconds
    warm = requests * plan.seconds_per_request * gb
    name = f"warm requests, {1e3 * plan.seconds_per_request:,.4g} ms each at {gb:,.4g} GB"
    if plan.provisioned:  # the free allowance is not for what provisioned concurrency answers
        yield price_line(name, [(warm, "GB-seconds")], it.provisioned_duration_gb_second)
        return
    yield price_line(name, [(warm, "GB-seconds")], it.gb_second, allowance)
    if not plan.has_snapstart:
        cold = requests * plan.cold_share * plan.init_seconds * gb
        share = percent(plan.cold_share, digits=2)
        name = f"cold starts, {share} of the requests, {1e3 * plan.init_seconds:,.4g} ms each"
        yield price_line(name, [(cold, "GB-seconds")], it.gb_second, max(0.0, allowance - warm))


def _readiness(plan: FunctionPlan, traffic: Traffic, prices: Prices) -> Iterator[Line]:
    seconds, gb = (prices.hours.per_month * SECONDS_PER_HOUR, "seconds"), (plan.memory_mb / 1024, "GB")
    it = prices.functions
    yield price_line("provisioned", [count(plan.provisioned, "instance"), seconds, gb], it.provisioned_gb_second)
    if plan.has_snapstart:
        quantities = [count(plan.num_versions, "version"), seconds, gb]
        yield price_line("SnapStart, snapshots kept", quantities, it.snapstart_cache_gb_second)
        starts = traffic.requests_per_month(prices) * plan.cold_share
        yield price_line("SnapStart, restores", [(starts, "restores"), gb], it.snapstart_restore_gb)
