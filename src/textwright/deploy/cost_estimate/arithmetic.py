"""What a month costs: each line with its arithmetic in words, so that a reader can check it with a pocket calculator.

Callers: ``plans`` and targets with lines of their own. Pure arithmetic on prices; measures nothing.

A month has 730 hours. Nothing is rounded before the sum, no free allowance is counted unless that is chosen, and every
estimate names what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from textwright.deploy.prices import FreeAllowance, Prices
from textwright.errors import SettingsError

GB: Final = 2**30
MILLION: Final = 1e6
_HOURS_PER_DAY: Final = 24
SECONDS_PER_HOUR: Final = 3600
NO_FREE_ALLOWANCE: Final = FreeAllowance(
    lambda_requests=0, lambda_gb_seconds=0, out_gb=0, logs_gb=0, alarms=0, metrics=0
)


@dataclass(frozen=True, slots=True)
class Traffic:
    """The traffic, on average.

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
        check_bound(self.requests_per_day > 0, "requests per day", self.requests_per_day, "more than 0")
        check_bound(self.texts_per_request >= 1, "texts per request", self.texts_per_request, "at least 1")
        check_bound(self.peak_factor >= 1, "the peak factor", self.peak_factor, "at least 1")

    @property
    def mean_per_second(self) -> float:
        """Requests a second, over day and night."""
        return self.requests_per_day / _HOURS_PER_DAY / SECONDS_PER_HOUR

    @property
    def peak_per_second(self) -> float:
        """Requests a second at the busiest moments."""
        return self.mean_per_second * self.peak_factor

    def requests_per_month(self, prices: Prices) -> float:
        """Requests in a month of the price table's hours."""
        return self.requests_per_day / _HOURS_PER_DAY * prices.hours.per_month


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """What is paid for by the month around what computes.

    Args:
        num_alarms: CloudWatch alarms, those of scaling policies included.
        num_metrics: CloudWatch metrics of one's own: of the log's filter, and those that a function's log carries.
        num_secrets: In Secrets Manager.
        log_retention_days: Days that a log line is kept.
    """

    num_alarms: int = 0
    num_metrics: int = 0
    num_secrets: int = 0
    log_retention_days: int = 30


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
        excluded: What is not in the sum.
        num_predictions: Texts predicted in the month.
    """

    title: str
    lines: Sequence[Line]
    caption: str
    excluded: Sequence[str]
    num_predictions: float

    @property
    def usd_per_month(self) -> float:
        """The sum."""
        return sum(line.usd for line in self.lines)

    @property
    def usd_per_million(self) -> float:
        """Dollars for a million predictions at this traffic."""
        return self.usd_per_month / self.num_predictions * MILLION

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON-ready values."""
        return {
            "title": self.title,
            "usd_per_month": self.usd_per_month,
            "usd_per_million_predictions": self.usd_per_million,
            "lines": [{"name": it.name, "usd": it.usd, "arithmetic": it.arithmetic} for it in self.lines],
            "prices": self.caption,
            "excluded": list(self.excluded),
        }


def traffic_lines(plan: Recurring, traffic: Traffic, prices: Prices, free: FreeAllowance) -> Iterator[Line]:
    """Price what follows from the traffic wherever it is answered: answers, logs, alarms, metrics, secrets."""
    requests, it = traffic.requests_per_month(prices), prices.cloudwatch
    out, logs = requests * traffic.response_bytes / GB, requests * traffic.log_bytes / GB
    months = plan.log_retention_days * _HOURS_PER_DAY / prices.hours.per_month
    yield price_line("answers to the internet", [(out, "GB")], prices.network.out_gb, free.out_gb)
    yield price_line("logs, written", [(logs, "GB")], it.logs_in_gb, free.logs_gb)
    retention = f"logs, kept {plan.log_retention_days} days"
    yield price_line(retention, [(logs, "GB"), (months, "months")], it.logs_stored_gb_month)
    yield price_line("alarms", [count(plan.num_alarms, "alarm")], it.alarm_month, free.alarms)
    yield price_line("metrics", [count(plan.num_metrics, "metric")], it.metric_month, free.metrics)
    yield price_line("secrets", [count(plan.num_secrets, "secret")], prices.secrets.secret_month)


def count(number: int, noun: str) -> tuple[float, str]:
    """Return a factor of a line: a number of things."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return number, noun + ending


def price_line(name: str, factors: Sequence[tuple[float, str]], price: float, free: float = 0.0) -> Line:
    """Multiply factors and a price; ``free`` is taken off the first factor, which it must be in the unit of."""
    (first, unit), *others = factors
    paid = max(0.0, first - free)
    taken = f" (of {_number(first)}, {_number(free)} free)" if free else ""
    usd = paid * price
    for value, _ in others:
        usd *= value
    words = [f"{_number(paid)} {unit}{taken}", *(f"{_number(value)} {its}" for value, its in others), _dollars(price)]
    return Line(name, usd, " x ".join(words))


def make_estimate(title: str, lines: Sequence[Line], traffic: Traffic, prices: Prices, free: FreeAllowance) -> Estimate:
    """Gather the lines that cost something; what an account gets free is left out unless ``free`` counts it."""
    allowance = ("what an account gets free each month",) if free == NO_FREE_ALLOWANCE else ()
    predictions = traffic.requests_per_month(prices) * traffic.texts_per_request
    paid = [line for line in lines if line.usd > 0]
    return Estimate(title, paid, prices.caption, (*prices.excluded, *allowance), predictions)


def _number(value: float) -> str:
    """Write a factor with enough digits to multiply by hand: whole, or six significant ones."""
    if value == int(value) or abs(value) >= MILLION:
        return f"{value:,.0f}"
    digits = f"{value:,.6g}" if abs(value) >= 1e-4 else f"{value:.10f}"
    return digits.rstrip("0") if "." in digits else digits


def _dollars(price: float) -> str:
    cents = f"{price:.10f}".rstrip("0")
    return f"${price:.2f}" if len(cents.partition(".")[2]) <= 2 else f"${cents}"


def check_bound(holds: bool, what: str, value: float, bound: str) -> None:
    """Refuse a value out of its bound."""
    if not holds:
        raise SettingsError(f"{what} is {value:g}; it must be {bound}")
