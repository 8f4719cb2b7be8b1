"""What a month costs: each line with its arithmetic in words, so that a reader can check it with a pocket calculator.

Callers: the plans of ``deploy`` and ``deploy.sizing``. Pure arithmetic on a price table; measures nothing.

A month has 730 hours. Nothing is rounded before the sum, no free allowance is counted unless it is asked for, and every
estimate names what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from textwright.deploy.created import METRICS_OF_DETAILED_MONITORING
from textwright.deploy.prices import FreeAllowance, Prices
from textwright.errors import SettingsError

GB: Final = 2**30
_MILLION: Final = 1e6
_HOURS_PER_DAY: Final = 24
_SECONDS_PER_HOUR: Final = 3600
_NOTHING: Final = FreeAllowance(lambda_requests=0, lambda_gb_seconds=0, out_gb=0, logs_gb=0, alarms=0, metrics=0)
_ZONES: Final = 2
"""A load balancer stands in two zones, with a public address in each."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is asked, on average.

    Args:
        requests_per_day: Mean over a month, > 0.
        texts_per_request: Texts in each request, >= 1; each is one prediction.
        peak_factor: The busiest moments against the mean, >= 1; decides how many instances stand ready.
        response_bytes: Of one answer with its headers; sent to the internet.
        request_bytes: Of one request with its headers; costs nothing to receive, but fills a load balancer's units.
        log_bytes: Of the line that each request leaves in the log.
    """

    requests_per_day: float
    texts_per_request: int = 1
    peak_factor: float = 3.0
    response_bytes: float = 600
    request_bytes: float = 600
    log_bytes: float = 450

    def __post_init__(self) -> None:
        """Check the bounds."""
        _require(self.requests_per_day > 0, "requests per day", self.requests_per_day, "more than 0")
        _require(self.texts_per_request >= 1, "texts per request", self.texts_per_request, "at least 1")
        _require(self.peak_factor >= 1, "the peak factor", self.peak_factor, "at least 1")

    @property
    def mean_per_second(self) -> float:
        """Requests a second, over day and night."""
        return self.requests_per_day / _HOURS_PER_DAY / _SECONDS_PER_HOUR

    @property
    def peak_per_second(self) -> float:
        """Requests a second at the busiest moments."""
        return self.mean_per_second * self.peak_factor

    def requests_per_month(self, prices: Prices) -> float:
        """Requests in a month of the price table's hours."""
        return self.requests_per_day / _HOURS_PER_DAY * prices.hours.per_month


@dataclass(frozen=True, slots=True)
class InstancePlan:
    """Instances of EC2 that serve the container.

    Args:
        instance_type: Of the price table.
        num_instances: Running all month, >= 1.
        has_load_balancer: Whether one stands before them, in two zones.
        disk_gib: Of each instance.
        image_gb: Of the container's image in ECR.
        num_alarms: CloudWatch alarms.
        num_metrics: CloudWatch metrics of one's own.
        num_secrets: In Secrets Manager.
        has_detailed_monitoring: Whether each instance sends its metrics each minute, which is paid for by metric.
        secret_reads_per_hour: How often each instance reads its secrets.
        cpu_use: Mean share of the vCPUs in use, 0 to 1; above a burstable type's baseline it costs extra.
        log_retention_days: Days that a log line is kept.
    """

    instance_type: str
    num_instances: int = 1
    has_load_balancer: bool = False
    disk_gib: float = 16
    image_gb: float = 0.4
    num_alarms: int = 0
    num_metrics: int = 0
    num_secrets: int = 0
    has_detailed_monitoring: bool = False
    secret_reads_per_hour: float = 0.0
    cpu_use: float = 0.0
    log_retention_days: int = 30

    def __post_init__(self) -> None:
        """Check the bounds."""
        _require(self.num_instances >= 1, "the number of instances", self.num_instances, "at least 1")
        _require(0 <= self.cpu_use <= 1, "the use of the vCPUs", self.cpu_use, "between 0 and 1")


@dataclass(frozen=True, slots=True)
class FunctionPlan:
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
        num_alarms: CloudWatch alarms.
        num_metrics: CloudWatch metrics of one's own.
        num_secrets: In Secrets Manager.
        log_retention_days: Days that a log line is kept.
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
    num_alarms: int = 0
    num_metrics: int = 0
    num_secrets: int = 0
    log_retention_days: int = 30

    def __post_init__(self) -> None:
        """Check the bounds that hold whatever the price table says."""
        _require(self.seconds_per_request > 0, "the seconds of a request", self.seconds_per_request, "more than 0")
        _require(0 <= self.cold_share <= 1, "the share of cold starts", self.cold_share, "between 0 and 1")
        _require(self.provisioned >= 0, "the provisioned concurrency", self.provisioned, "at least 0")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an estimate.

    Args:
        name: What is paid for.
        usd: Dollars a month.
        arithmetic: How they come about, in words: factors joined by "x".
    """

    name: str
    usd: float
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A month of one plan at one traffic.

    Args:
        title: The plan in words.
        lines: What is paid for; lines of no dollars are left out.
        caption: Region, currency and day of the prices.
        left_out: What is not in the sum.
        num_predictions: Texts predicted in the month.
    """

    title: str
    lines: Sequence[Line]
    caption: str
    left_out: Sequence[str]
    num_predictions: float

    @property
    def usd_per_month(self) -> float:
        """The sum."""
        return sum(line.usd for line in self.lines)

    @property
    def usd_per_million(self) -> float:
        """Dollars for a million predictions at this traffic."""
        return self.usd_per_month / self.num_predictions * _MILLION

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON-ready values."""
        return {
            "title": self.title,
            "usd_per_month": self.usd_per_month,
            "usd_per_million_predictions": self.usd_per_million,
            "lines": [{"name": it.name, "usd": it.usd, "arithmetic": it.arithmetic} for it in self.lines],
            "prices": self.caption,
            "left_out": list(self.left_out),
        }


def estimate_instances(
    plan: InstancePlan, traffic: Traffic, prices: Prices, *, counts_free_allowance: bool = False
) -> Estimate:
    """Estimate a month of EC2.

    Args:
        plan: What runs.
        traffic: What is asked.
        prices: The price table.
        counts_free_allowance: Take off what an account gets free each month.

    Returns:
        The estimate; instances cost the same whatever is asked of them, up to a burstable type's baseline.

    Raises:
        NotFoundError: If the price table has no such instance type.
    """
    free = prices.free if counts_free_allowance else _NOTHING
    balancer = " behind a load balancer" if plan.has_load_balancer else ""
    title = f"EC2: {plan.num_instances} x {plan.instance_type}{balancer}"
    lines = [
        *_instances(plan, prices),
        *_balancer(plan, traffic, prices),
        _line("image in ECR", [(plan.image_gb, "GB")], prices.storage.ecr_gb_month),
        *_around(plan, traffic, prices, free),
        *_of_each_instance(plan, prices, free),
    ]
    return _estimate(title, lines, traffic, prices, free)


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
    free = prices.free if counts_free_allowance else _NOTHING
    ready = f", {plan.provisioned} provisioned" if plan.provisioned else ""
    title = f"Lambda: {plan.memory_mb:,} MB{ready}{', SnapStart' if plan.has_snapstart else ''}"
    place, price = ("image in ECR", "ecr_gb_month") if plan.is_image else ("zip in S3", "s3_gb_month")
    lines = [
        *_invocations(plan, traffic, prices, free),
        *_readiness(plan, traffic, prices),
        _line(place, [(plan.package_gb, "GB")], getattr(prices.storage, price)),
        *_around(plan, traffic, prices, free),
    ]
    return _estimate(title, lines, traffic, prices, free)


def _instances(plan: InstancePlan, prices: Prices) -> Iterator[Line]:
    kind, hours = prices.instance_type(plan.instance_type), (prices.hours.per_month, "hours")
    instances = (plan.num_instances, kind.name)
    yield _line("instances", [instances, hours], kind.hour)
    surplus = plan.num_instances * kind.vcpus * max(0.0, plan.cpu_use - kind.baseline)
    yield _line("vCPUs above the baseline", [(surplus, "vCPUs"), hours], prices.ec2.surplus_vcpu_hour)
    yield _line("disks (gp3)", [instances, (plan.disk_gib, "GB")], prices.ebs.gp3_gb_month)
    addresses = plan.num_instances + (_ZONES if plan.has_load_balancer else 0)
    yield _line("public addresses", [_count(addresses, "address"), hours], prices.network.public_ipv4_hour)


def _of_each_instance(plan: InstancePlan, prices: Prices, free: FreeAllowance) -> Iterator[Line]:
    if plan.has_detailed_monitoring:
        number = plan.num_instances * METRICS_OF_DETAILED_MONITORING
        left = max(0.0, free.metrics - plan.num_metrics)
        yield _line("detailed monitoring", [_count(number, "metric")], prices.cloudwatch.metric_month, left)
    reads = plan.num_secrets * plan.num_instances * plan.secret_reads_per_hour * prices.hours.per_month
    yield _line("secrets, read", [(reads / 1e4, "times 10,000 reads")], prices.secrets.calls_10k)


def _balancer(plan: InstancePlan, traffic: Traffic, prices: Prices) -> Iterator[Line]:
    if plan.has_load_balancer:
        it, hours = prices.load_balancer, (prices.hours.per_month, "hours")
        per_hour = _SECONDS_PER_HOUR * traffic.mean_per_second
        gb_per_hour = per_hour * (traffic.request_bytes + traffic.response_bytes) / GB
        units = max(traffic.mean_per_second / it.unit_connections_per_second, gb_per_hour / it.unit_gb_per_hour)
        yield _line("load balancer", [hours], it.hour)
        yield _line("load balancer, by use", [(units, "capacity units"), hours], it.capacity_unit_hour)


def _invocations(plan: FunctionPlan, traffic: Traffic, prices: Prices, free: FreeAllowance) -> Iterator[Line]:
    requests, it = traffic.requests_per_month(prices), prices.functions
    asked = (requests / _MILLION, "million requests")
    yield _line("requests", [asked], it.request_million, free.lambda_requests / _MILLION)
    gb, allowance = plan.memory_mb / 1024, free.lambda_gb_seconds
    warm = requests * plan.seconds_per_request * gb
    name = f"warm requests, {1e3 * plan.seconds_per_request:,.4g} ms each at {gb:,.4g} GB"
    if plan.provisioned:  # the free allowance is not for what provisioned concurrency answers
        yield _line(name, [(warm, "GB-seconds")], it.provisioned_duration_gb_second)
        return
    yield _line(name, [(warm, "GB-seconds")], it.gb_second, allowance)
    if not plan.has_snapstart:
        cold = requests * plan.cold_share * plan.init_seconds * gb
        name = f"cold starts, {plan.cold_share:.2%} of the requests, {1e3 * plan.init_seconds:,.4g} ms each"
        yield _line(name, [(cold, "GB-seconds")], it.gb_second, max(0.0, allowance - warm))


def _readiness(plan: FunctionPlan, traffic: Traffic, prices: Prices) -> Iterator[Line]:
    seconds, gb = (prices.hours.per_month * _SECONDS_PER_HOUR, "seconds"), (plan.memory_mb / 1024, "GB")
    it = prices.functions
    yield _line("provisioned", [_count(plan.provisioned, "instance"), seconds, gb], it.provisioned_gb_second)
    if plan.has_snapstart:
        kept = [_count(plan.num_versions, "version"), seconds, gb]
        yield _line("SnapStart, snapshots kept", kept, it.snapstart_cache_gb_second)
        starts = traffic.requests_per_month(prices) * plan.cold_share
        yield _line("SnapStart, restores", [(starts, "restores"), gb], it.snapstart_restore_gb)


def _around(plan: InstancePlan | FunctionPlan, traffic: Traffic, prices: Prices, free: FreeAllowance) -> Iterator[Line]:
    requests, it = traffic.requests_per_month(prices), prices.cloudwatch
    out, logs = requests * traffic.response_bytes / GB, requests * traffic.log_bytes / GB
    months = plan.log_retention_days * _HOURS_PER_DAY / prices.hours.per_month
    yield _line("answers to the internet", [(out, "GB")], prices.network.out_gb, free.out_gb)
    yield _line("logs, written", [(logs, "GB")], it.logs_in_gb, free.logs_gb)
    kept = f"logs, kept {plan.log_retention_days} days"
    yield _line(kept, [(logs, "GB"), (months, "months")], it.logs_stored_gb_month)
    yield _line("alarms", [_count(plan.num_alarms, "alarm")], it.alarm_month, free.alarms)
    yield _line("metrics", [_count(plan.num_metrics, "metric")], it.metric_month, free.metrics)
    yield _line("secrets", [_count(plan.num_secrets, "secret")], prices.secrets.secret_month)


def _count(number: int, noun: str) -> tuple[float, str]:
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return number, noun + ending


def _line(name: str, factors: Sequence[tuple[float, str]], price: float, free: float = 0.0) -> Line:
    """Multiply factors and a price; ``free`` is taken off the first factor, which it must be in the unit of."""
    (first, unit), *others = factors
    paid = max(0.0, first - free)
    taken = f" (of {_number(first)}, {_number(free)} free)" if free else ""
    usd = paid * price
    for value, _ in others:
        usd *= value
    words = [f"{_number(paid)} {unit}{taken}", *(f"{_number(value)} {its}" for value, its in others), _dollars(price)]
    return Line(name, usd, " x ".join(words))


def _estimate(title: str, lines: Sequence[Line], traffic: Traffic, prices: Prices, free: FreeAllowance) -> Estimate:
    allowance = ("what an account gets free each month",) if free == _NOTHING else ()
    predictions = traffic.requests_per_month(prices) * traffic.texts_per_request
    paid = [line for line in lines if line.usd > 0]
    return Estimate(title, paid, prices.caption, (*prices.left_out, *allowance), predictions)


def _number(value: float) -> str:
    """Write a factor with enough digits to multiply by hand: whole, or six significant ones."""
    if value == int(value) or abs(value) >= _MILLION:
        return f"{value:,.0f}"
    digits = f"{value:,.6g}" if abs(value) >= 1e-4 else f"{value:.10f}"
    return digits.rstrip("0") if "." in digits else digits


def _dollars(price: float) -> str:
    cents = f"{price:.10f}".rstrip("0")
    return f"${price:.2f}" if len(cents.partition(".")[2]) <= 2 else f"${cents}"


def _require(holds: bool, what: str, value: float, bound: str) -> None:
    if not holds:
        raise SettingsError(f"{what} is {value:g}; it must be {bound}")
