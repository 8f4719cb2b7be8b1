"""The price table: complete, plausible, and refused in words when it is not."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from importlib import resources
from itertools import pairwise

import pytest

from textwright.deploy.prices import MAX_AGE_DAYS, load_prices, packaged_prices
from textwright.errors import NotFoundError, SettingsError

OURS = resources.files("textwright.deploy") / "prices.toml"


def test_says_its_day_its_region_and_what_it_leaves_out():
    prices = packaged_prices()
    assert date(2024, 1, 1) < prices.as_of
    assert prices.as_of.isoformat() in prices.caption
    assert prices.region in prices.caption
    assert prices.source
    assert len(prices.excluded) >= 3


def test_sizes_of_one_family_cost_in_proportion_to_their_vcpus():
    families: dict[str, set[float]] = {}
    for kind in packaged_prices().ec2.types:
        family = kind.name.partition(".")[0]
        if not kind.is_burstable:
            families.setdefault(family, set()).add(round(kind.hour / kind.vcpus, 6))
    assert set(families) == {"c7i", "c7a", "m7i"}
    assert all(len(rates) == 1 for rates in families.values()), families


def test_burstable_sizes_double_in_price_with_each_step():
    hours = [kind.hour for kind in packaged_prices().ec2.types if kind.is_burstable]
    assert hours == sorted(hours)
    assert all(round(larger / smaller, 6) == 2 for smaller, larger in pairwise(hours))


def test_memory_of_1769_mb_is_one_vcpu():
    functions = packaged_prices().functions
    assert functions.vcpus(1769) == 1
    assert functions.vcpus(512) == pytest.approx(0.2894, abs=1e-4)


def test_an_unknown_type_is_refused_with_those_that_are_known():
    with pytest.raises(NotFoundError, match=r"no instance type 'c5\.large'; it has t3\.micro"):
        packaged_prices().instance_type("c5.large")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hour = 0.0208", "hour = -1", r"ec2\.types\.1\.hour: input should be greater than 0 \(got -1\)"),
        ("gb_second = 0.0000166667\n", "", r"lambda\.gb_second: field required"),
        ("out_gb = 0.09", "out_gb = 0.09\nin_gb = 0", r"network\.in_gb: no such setting"),
        ('name = "t3.small"', 'name = "t3.micro"', "an instance type stands twice"),
        ('region = "us-east-1"', "region = ", "not a TOML file"),
    ],
)
def test_a_wrong_table_of_ones_own_is_refused_in_words(tmp_path, old, new, said):
    text = OURS.read_text()
    assert old in text
    path = tmp_path / "prices.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SettingsError, match=said):
        load_prices(path)


def test_a_table_of_ones_own_takes_the_place_of_ours(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(OURS.read_text().replace('region = "us-east-1"', 'region = "eu-west-1"'))
    assert load_prices(path).region == "eu-west-1"
    with pytest.raises(NotFoundError, match=r"no price table .*absent\.toml"):
        load_prices(tmp_path / "absent.toml")


def test_every_price_of_the_file_is_read():
    written = tomllib.loads(OURS.read_text())
    read = packaged_prices().model_dump(by_alias=True)
    assert set(written) == set(read)


def test_old_prices_are_said_to_be_old():
    prices = packaged_prices()
    assert prices.staleness(prices.as_of + timedelta(days=MAX_AGE_DAYS)) == ""
    assert "12 months old (2025-06-30)" in prices.staleness(date(2026, 6, 30))


@pytest.mark.parametrize("days", [0, -40])
def test_prices_of_today_or_later_are_not_old(days):
    prices = packaged_prices()
    assert prices.staleness(prices.as_of + timedelta(days=days)) == ""
