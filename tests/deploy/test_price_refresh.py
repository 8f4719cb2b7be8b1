"""Prices from AWS's public files, read from a local server that sends files in their form."""

from __future__ import annotations

import json

import pytest
from price_server import VERSION, price_file, price_server

from textwright.cli.main import run
from textwright.deploy.price_refresh import RULES, _read_file, refresh_prices
from textwright.deploy.prices import load_prices, packaged_prices, refreshed_path
from textwright.errors import CloudError, NotFoundError, SettingsError

FILE = "/offers/v1.0/aws/{}/" + VERSION + "/us-east-1/index.json"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Keep refreshed prices away from the user's."""
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))


def refresh(address: str, **arguments: object):
    """Read prices from a local server."""
    return refresh_prices(address=address, report=lambda _: None, **arguments)


def test_a_rule_stands_for_each_price_of_the_table():
    tables = packaged_prices().model_dump(by_alias=True)
    paid = {
        f"{table}.{key}"
        for table, values in tables.items()
        if isinstance(values, dict) and table not in ("free", "hours")
        for key in values
        if not key.startswith(("unit_", "min_", "max_", "memory_")) and key != "types"
    }
    assert {rule.name for rule in RULES} == paid


def test_refreshed_prices_are_kept_for_cost_and_deploy_alike():
    with price_server() as (address, _):
        refreshed = refresh(address)
    prices = load_prices()
    assert prices == refreshed.prices
    assert (prices.region, prices.as_of) > ("us-east-1", packaged_prices().as_of)
    assert prices.staleness(prices.as_of) == ""
    assert "AmazonEC2 2026-11-20" in prices.source
    assert prices.network.out_gb == 0.0911, "the first tier, not the first written"
    assert prices.functions.gb_second == 0.0000171111
    assert prices.functions.request_million == pytest.approx(0.21)
    assert prices.secrets.calls_10k == pytest.approx(0.061)
    assert prices.load_balancer.hour == 0.0311, "not a network load balancer's, nor a trust store's"
    assert prices.ec2.surplus_vcpu_hour == 0.0611, "that of Linux"
    assert prices.storage.s3_gb_month == 0.0241
    assert prices.instance_type("c7i.large").hour == 0.0911
    assert prices.instance_type("t3.micro").baseline == packaged_prices().instance_type("t3.micro").baseline
    assert prices.free == packaged_prices().free
    assert ("ec2.surplus_vcpu_hour", 0.05, 0.0611) in refreshed.changes


def test_another_region_has_prefixes_and_its_own_table():
    with price_server() as (address, _):
        refreshed = refresh(address, region="eu-west-1")
    assert refreshed.missing_types == ["c7a.medium", "c7a.large", "c7a.xlarge", "c7a.2xlarge"]
    assert load_prices(region="eu-west-1").region == "eu-west-1"
    assert load_prices() == packaged_prices()
    assert load_prices(region="ap-south-1") == packaged_prices()


def test_a_type_that_the_packaged_table_lacks_can_be_asked_for():
    with price_server() as (address, _):
        refresh(address, instance_types=["c8i.large", "u7i-12tb.224xlarge"])
        kind = load_prices().instance_type("u7i-12tb.224xlarge")
        assert (kind.vcpus, kind.memory_gib, kind.hour) == (896, 12288, 152.88)
        with pytest.raises(SettingsError, match=r"t4g\.small is burstable"):
            refresh(address, instance_types=["t4g.small"])


def test_reserved_terms_are_not_read():
    def chunks():
        text = price_file("AWSELB", "us-east-1")
        yield text[: text.index('"Reserved"') + 1]
        raise AssertionError("read on")

    found = {}
    assert _read_file(chunks(), [rule for rule in RULES if rule.service == "AWSELB"], found) == "2026-11-20"
    assert set(found) == {"load_balancer.hour", "load_balancer.capacity_unit_hour"}


@pytest.mark.parametrize("size", [1, 7, 997])
def test_pieces_of_any_size_give_the_same_prices(size):
    rules = [rule for rule in RULES if rule.service == "AWSLambda"]
    text, whole, parts = price_file("AWSLambda", "us-east-1", fillers=3), {}, {}
    _read_file([text], rules, whole)
    _read_file((text[at : at + size] for at in range(0, len(text), size)), rules, parts)
    assert parts == whole
    assert len(whole) == len(rules)


def test_a_missing_product_is_named_and_nothing_is_kept():
    path = FILE.format("AWSLambda")
    with (
        price_server({path: price_file("AWSLambda", "us-east-1", without="Lambda-GB-Second").encode()}) as (
            address,
            _,
        ),
        pytest.raises(CloudError, match=r"lack lambda\.gb_second \(AWSLambda, usage type Lambda-GB-Second\)"),
    ):
        refresh(address)
    assert not refreshed_path("us-east-1").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>a proxy</html>", "is not a price file of AWS: '<' stands where one of { is expected"),
        (price_file("AWSELB", "us-east-1")[:900].encode(), "is not a price file of AWS"),
        (b'{"products" : {}, "terms" : {}}', "it has no terms on demand"),
        (price_file("AWSELB", "us-east-1").replace("0.0311", "-1").encode(), "the prices of SELB000000000000 are"),
        (price_file("AWSELB", "us-east-1").replace('"USD"', '"CNY"').encode(), "is not a price file of AWS: 'USD'"),
        (500, r"answers 500 for /offers/v1\.0/aws/AWSELB/"),
    ],
)
def test_what_is_no_price_file_is_refused_in_words(content, said):
    with price_server({FILE.format("AWSELB"): content}) as (address, _), pytest.raises(CloudError, match=said):
        refresh(address)
    assert not refreshed_path("us-east-1").exists()


def test_two_products_with_two_prices_are_refused():
    text = price_file("AWSELB", "us-east-1").replace('"Load Balancer-Network"', '"Load Balancer-Application"')
    said = r"two products are load_balancer\.hour and cost 0\.0311 and 0\.0999"
    with price_server({FILE.format("AWSELB"): text.encode()}) as (address, _), pytest.raises(CloudError, match=said):
        refresh(address)


def test_an_unknown_region_and_a_wrong_address_are_refused_in_words(tmp_path):
    with price_server() as (address, asked):
        with pytest.raises(
            NotFoundError, match=r"no prices of AmazonEC2 in region 'mars-1'; it has eu-west-1, us-east-1"
        ):
            refresh(address, region="mars-1")
        with pytest.raises(SettingsError, match=r"must end in \.json"):
            refresh(address, out=tmp_path / "prices.toml")
        assert len(asked) == 1
    with pytest.raises(CloudError, match=r"cannot be read from 127\.0\.0\.1:\d+: .*refused; check the network"):
        refresh(address)
    with pytest.raises(SettingsError, match=r"--price-files is 'prices\.example'; give an address with http://"):
        refresh("prices.example")


def test_the_command_refreshes_and_says_what_changed(tmp_path, capsys):
    out = tmp_path / "mine.json"
    with price_server() as (address, _):
        words = ["cost", "--refresh", "--price-files", address, "--prices", str(out), "--region", "eu-west-1", "--json"]
        assert run(words) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["prices"]["region"] == "eu-west-1"
    assert "eu-west-1 has no c7a.medium" in " ".join(shown.err.split())
    assert load_prices(out).region == "eu-west-1"
    assert run(["cost", "--requests-per-day", "5"]) == 3
    assert "textwright cost ARTIFACT --requests-per-day 50000" in " ".join(capsys.readouterr().err.split())
