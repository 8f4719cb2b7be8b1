"""Each size: the stated scaling and nothing else, and what will not do is refused."""

from __future__ import annotations

import math

import pytest

from textwright.deploy.cost_estimate.choices import Choice, choose
from textwright.errors import NotFoundError, SettingsError

DAY = 86_400


def named(choices: list[Choice], size: str) -> Choice:
    (choice,) = (it for it in choices if it.size == size)
    return choice


def usd(choice: Choice, start: str) -> float:
    return sum(line.usd for line in choice.estimate.lines if line.name.startswith(start))


def test_a_function_is_as_fast_as_its_share_of_a_vcpu_and_no_faster_than_one(sizes):
    at = sizes(memory_mb=(512, 1769, 3008), overhead_ms=0).at(1000)
    assert named(at, "1,769 MB").latency_ms == pytest.approx(8)
    assert named(at, "512 MB").latency_ms == pytest.approx(8 * 1769 / 512)
    assert named(at, "3,008 MB").latency_ms == pytest.approx(8)


def test_a_request_is_billed_by_whole_milliseconds(sizes):
    choice = named(sizes(memory_mb=(1024,), overhead_ms=0.5, cold_share=0).at(DAY), "1,024 MB")
    milliseconds = math.ceil(8.5 * 1769 / 1024)
    assert usd(choice, "warm") == pytest.approx(730 * 3600 * milliseconds / 1e3 * 0.0000166667)


def test_cold_starts_pay_for_init_at_the_speed_of_the_size(sizes):
    choice = named(sizes(memory_mb=(1024,), cold_share=0.1).at(DAY), "1,024 MB")
    assert usd(choice, "cold starts") == pytest.approx(730 * 3600 * 0.1 * 0.5 * 1769 / 1024 * 0.0000166667)
    assert usd(named(sizes(memory_mb=(1024,), snapstart=True).at(DAY), "1,024 MB"), "cold starts") == 0


def test_instances_stand_ready_for_the_busiest_moments(sizes):
    # 1,000 requests a second, four times that at the peak, 10 ms each: 40 vCPUs, of which half may be busy.
    at = sizes(instance_types=("c7i.large", "c7i.xlarge"), peak_factor=4, utilization=0.5).at(1000 * DAY)
    assert named(at, "c7i.large").num_instances == 40
    assert named(at, "c7i.xlarge").num_instances == 20
    assert named(at, "c7i.large").use == pytest.approx(10 / 80)
    assert named(at, "c7i.large").latency_ms == pytest.approx(10)


def test_a_load_balancer_is_counted_where_more_than_one_instance_runs(sizes):
    assert usd(named(sizes().at(1000), "c7i.large"), "load balancer") == 0
    assert usd(named(sizes(min_instances=2).at(1000), "c7i.large"), "load balancer") > 16


def test_a_burstable_type_that_is_always_busy_pays_for_it(sizes):
    settings = {"instance_types": ("t3.medium",), "peak_factor": 1, "utilization": 0.5}
    assert usd(named(sizes(**settings).at(1000), "t3.medium"), "vCPUs above") == 0
    busy = named(sizes(**settings).at(100 * DAY), "t3.medium")  # 1 vCPU of 2: half, at a baseline of a fifth
    assert usd(busy, "vCPUs above") == pytest.approx(2 * (0.5 - 0.2) * 730 * 0.05)


def test_slower_vcpus_take_longer_and_need_more_instances(sizes):
    half = sizes(vcpu_speed=0.5, instance_types=("c7i.large",), overhead_ms=0).at(1000 * DAY)
    whole = sizes(instance_types=("c7i.large",), overhead_ms=0).at(1000 * DAY)
    assert named(half, "1,769 MB").latency_ms == pytest.approx(2 * named(whole, "1,769 MB").latency_ms)
    assert named(half, "c7i.large").num_instances == 2 * named(whole, "c7i.large").num_instances


def test_too_little_memory_and_too_slow_will_not_do(sizes):
    at = sizes(instance_types=("t3.micro", "t3.small"), max_latency_ms=20).at(1000)
    assert named(at, "256 MB").rejection_reason == "needs 300 MB"
    assert named(at, "512 MB").rejection_reason == "slower than 20 ms"
    assert named(at, "1,024 MB").rejection_reason == ""
    assert named(at, "t3.micro").rejection_reason == "needs 1.1 GiB"
    assert named(at, "t3.small").rejection_reason == ""
    assert choose(at, "EC2") == named(at, "t3.small")


def test_of_sizes_that_cost_alike_the_fastest_is_chosen(sizes):
    at = sizes(memory_mb=(512, 1769), overhead_ms=0).at(DAY)
    least = min(at[:2], key=lambda it: it.estimate.usd_per_month)
    chosen = choose(at, "Lambda")
    assert chosen is not None
    assert chosen.size == "1,769 MB"
    assert chosen.estimate.usd_per_month <= 1.02 * least.estimate.usd_per_month


def test_none_is_chosen_where_none_will_do(sizes):
    assert choose(sizes(memory_mb=(128, 256)).at(1000), "Lambda") is None


def test_what_aws_does_not_have_is_refused_before_anything_else(sizes):
    with pytest.raises(NotFoundError, match=r"no instance type 'x9\.huge'"):
        sizes(instance_types=("x9.huge",))
    with pytest.raises(SettingsError, match="memory in MB is 64; it must be 128 to 10240"):
        sizes(memory_mb=(64,))
