"""Estimates: the words multiply to the dollars, and the dollars are those of AWS's own worked examples."""

from __future__ import annotations

import math
import re

import pytest

from textwright.deploy.cost_estimate.arithmetic import Line, Traffic
from textwright.deploy.cost_estimate.plans import FunctionPlan, InstancePlan, estimate_function, estimate_instances
from textwright.deploy.prices import packaged_prices
from textwright.errors import NotFoundError, SettingsError

PRICES = packaged_prices()
TRAFFIC = Traffic(requests_per_day=100_000, texts_per_request=4)
SMALL = InstancePlan(
    "t3.small",
    cpu_use=0.35,
    num_secrets=1,
    num_alarms=3,
    num_metrics=2,
    has_detailed_monitoring=True,
    secret_reads_per_hour=12,
)
FLEET = InstancePlan("c7i.large", num_instances=3, has_load_balancer=True, num_alarms=12)
ON_DEMAND = FunctionPlan(512, 0.02, init_seconds=0.8, num_metrics=8)
SNAPSTART = FunctionPlan(1769, 0.02, has_snapstart=True, num_versions=2, cold_share=0.005)
PROVISIONED = FunctionPlan(1024, 0.02, init_seconds=0.8, provisioned=2, is_image=True)


def product_of(line: Line) -> float:
    """Multiply the words of a line as a reader would."""
    words = re.sub(r"\(.*?\)", "", line.arithmetic).split(" x ")
    numbers = [float(re.match(r"\s*\$?([\d.,]+)", word)[1].replace(",", "")) for word in words]
    return math.prod(numbers)


@pytest.mark.parametrize("counts_free", [False, True])
@pytest.mark.parametrize("plan", [SMALL, FLEET, ON_DEMAND, SNAPSTART, PROVISIONED], ids=range(5))
def test_the_arithmetic_in_words_gives_the_dollars(plan, counts_free):
    estimator = estimate_instances if isinstance(plan, InstancePlan) else estimate_function
    estimate = estimator(plan, TRAFFIC, PRICES, counts_free_allowance=counts_free)
    assert estimate.lines
    for line in estimate.lines:
        assert product_of(line) == pytest.approx(line.usd, rel=1e-4), line
    assert estimate.usd_per_month == pytest.approx(sum(line.usd for line in estimate.lines))
    predictions = 100_000 * 4 * 730 / 24
    assert estimate.usd_per_million == pytest.approx(estimate.usd_per_month / predictions * 1e6)


def dollars(estimate, start: str) -> float:
    """Return the dollars of the one line whose name starts so."""
    (line,) = (line for line in estimate.lines if line.name.startswith(start))
    return line.usd


def test_agrees_with_the_worked_example_of_lambdas_price_page():
    # 3 million requests of 120 ms at 1,536 MB a month: 540,000 GB-seconds, less 400,000 free; 2 million requests paid.
    month = Traffic(requests_per_day=3_000_000 * 24 / 730)
    plan = FunctionPlan(1536, 0.120, cold_share=0)
    estimate = estimate_function(plan, month, PRICES, counts_free_allowance=True)
    assert dollars(estimate, "warm requests") == pytest.approx(2.33, abs=0.005)
    assert dollars(estimate, "requests") == pytest.approx(0.40, abs=0.005)


def test_an_instance_of_one_month():
    estimate = estimate_instances(InstancePlan("t3.small"), TRAFFIC, PRICES)
    assert dollars(estimate, "instances") == pytest.approx(15.184)
    assert not [line for line in estimate.lines if "baseline" in line.name]


def test_a_burstable_type_pays_for_use_above_its_baseline_and_no_other_type_does():
    busy = estimate_instances(InstancePlan("t3.small", cpu_use=0.5), TRAFFIC, PRICES)
    assert dollars(busy, "vCPUs above the baseline") == pytest.approx(2 * (0.5 - 0.2) * 730 * 0.05)
    steady = estimate_instances(InstancePlan("c7i.large", cpu_use=1), TRAFFIC, PRICES)
    assert not [line for line in steady.lines if "baseline" in line.name]


def test_a_load_balancer_costs_its_hours_its_use_and_two_addresses():
    estimate = estimate_instances(FLEET, TRAFFIC, PRICES)
    (hours, use) = (line.usd for line in estimate.lines if line.name.startswith("load balancer"))
    assert hours == pytest.approx(730 * 0.0225)
    assert use == pytest.approx(100_000 / 86_400 / 25 * 730 * 0.008)
    assert dollars(estimate, "public addresses") == pytest.approx(5 * 730 * 0.005)


def test_large_answers_fill_the_load_balancer_instead_of_connections():
    heavy = Traffic(requests_per_day=86_400, response_bytes=2**20, request_bytes=0)
    lines = estimate_instances(FLEET, heavy, PRICES).lines
    use = next(line for line in lines if line.name == "load balancer, by use")
    assert use.usd == pytest.approx(3600 / 1024 * 730 * 0.008)


def test_the_free_allowance_covers_warm_requests_first_and_cold_starts_with_the_rest():
    plan = FunctionPlan(1024, 0.1, init_seconds=1, cold_share=0.1)
    month = Traffic(requests_per_day=3_000_000 * 24 / 730)  # 300,000 warm and 300,000 cold GB-seconds
    estimate = estimate_function(plan, month, PRICES, counts_free_allowance=True)
    assert not [line for line in estimate.lines if line.name.startswith("warm")]
    assert dollars(estimate, "cold starts") == pytest.approx(200_000 * 0.0000166667)
    assert not any("free each month" in item for item in estimate.excluded)
    without = estimate_function(plan, month, PRICES)
    assert dollars(without, "warm") == pytest.approx(300_000 * 0.0000166667)
    assert any("free each month" in item for item in without.excluded)


def test_provisioned_concurrency_pays_for_readiness_and_less_for_each_second():
    estimate = estimate_function(PROVISIONED, TRAFFIC, PRICES, counts_free_allowance=True)
    assert dollars(estimate, "provisioned") == pytest.approx(2 * 730 * 3600 * 0.0000041667)
    assert dollars(estimate, "warm") == pytest.approx(100_000 * 730 / 24 * 0.02 * 0.0000097222)
    assert not [line for line in estimate.lines if line.name.startswith("cold")]


def test_snapstart_pays_for_kept_versions_and_restores_in_place_of_init():
    estimate = estimate_function(SNAPSTART, TRAFFIC, PRICES)
    gb = 1769 / 1024
    assert dollars(estimate, "SnapStart, snapshots") == pytest.approx(2 * 730 * 3600 * gb * 0.0000015046)
    assert dollars(estimate, "SnapStart, restores") == pytest.approx(100_000 * 730 / 24 * 0.005 * gb * 0.0001397998)


def test_every_estimate_says_its_prices_and_what_it_leaves_out():
    told = estimate_function(ON_DEMAND, TRAFFIC, PRICES).to_json()
    assert PRICES.as_of.isoformat() in told["prices"]
    assert "taxes" in " ".join(told["excluded"])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Traffic(0), "requests per day is 0; it must be more than 0"),
        (lambda: Traffic(1, texts_per_request=0), "texts per request is 0; it must be at least 1"),
        (lambda: Traffic(1, peak_factor=0.5), "peak factor is 0.5; it must be at least 1"),
        (lambda: InstancePlan("t3.small", 0), "number of instances is 0; it must be at least 1"),
        (lambda: InstancePlan("t3.small", cpu_use=1.5), "between 0 and 1"),
        (lambda: FunctionPlan(512, 0), "more than 0"),
        (lambda: FunctionPlan(512, 1, cold_share=2), "between 0 and 1"),
        (lambda: estimate_function(FunctionPlan(64, 1), TRAFFIC, PRICES), "it must be 128 to 10240"),
        (lambda: estimate_function(FunctionPlan(20_000, 1), TRAFFIC, PRICES), "it must be 128 to 10240"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make, said):
    with pytest.raises(SettingsError, match=re.escape(said)):
        make()


def test_an_instance_type_without_a_price_is_refused():
    with pytest.raises(NotFoundError, match=r"p5\.48xlarge"):
        estimate_instances(InstancePlan("p5.48xlarge"), TRAFFIC, PRICES)
