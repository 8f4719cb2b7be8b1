"""Refresh the price table from AWS's public price files, which anybody may read without an account.

For each service ``/offers/v1.0/aws/SERVICE/current/region_index.json`` names the file of a region: products by SKU
first, then what each costs on demand, then reserved terms. The file of EC2 has hundreds of megabytes, most of them
reserved terms: it is read as it comes, an entry at a time, and left where they begin.

Called by ``textwright cost --refresh``. Imports httpx, the extra "client", when it asks.

Source:
    AWS Billing, "Getting price list files using the AWS Price List Bulk API"; "Reading the service price list file".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from textwright.core.files import open_binary
from textwright.deploy import OnStep
from textwright.deploy.prices import DEFAULT_REGION, PRICE_FILES, Prices, load_prices, packaged_prices, refreshed_path
from textwright.errors import CloudError, NotFoundError, SettingsError
from textwright.optional_deps import require

if TYPE_CHECKING:
    import httpx

_MAX_ENTRY_CHARS: Final = 1 << 23
_MAX_INDEX_BYTES: Final = 1 << 23
_CHUNK_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 30.0
_PREFIX: Final = re.compile(r"(?:[A-Z]{3}\d+|EU)-")
"""Before a usage type: the region, except for us-east-1, where some services have none."""
_BURSTABLE: Final = re.compile(r"t\d")


@dataclass(frozen=True, slots=True)
class PriceRule:
    """Which product of a price file is meant by one price of the table.

    Args:
        name: The price, "table.key" as in the price table; an instance type's name for its hour.
        service: Code of the service, whose file has it.
        usage_type: Its usage type, without the region before it.
        attributes: Further attributes that the product must have; "productFamily" is one of them.
        factor: The table's unit in units of the file: 1e6 for a million requests.
    """

    name: str
    service: str
    usage_type: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    factor: float = 1.0

    def fits(self, attributes: Mapping[str, str]) -> bool:
        """Whether a product of this usage type is the one that is meant."""
        return all(attributes.get(name) == value for name, value in self.attributes.items())


_APPLICATION: Final = {"productFamily": "Load Balancer-Application"}
_ON_LINUX: Final = {
    "productFamily": "Compute Instance",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
_OUTBOUND: Final = {"transferType": "AWS Outbound", "toLocation": "External"}
RULES: Final = (
    PriceRule("ec2.surplus_vcpu_hour", "AmazonEC2", "CPUCredits:t3", {"operatingSystem": "Linux"}),
    PriceRule("ebs.gp3_gb_month", "AmazonEC2", "EBS:VolumeUsage.gp3", {"volumeApiName": "gp3"}),
    PriceRule("load_balancer.hour", "AWSELB", "LoadBalancerUsage", _APPLICATION),
    PriceRule("load_balancer.capacity_unit_hour", "AWSELB", "LCUUsage", _APPLICATION),
    PriceRule("network.public_ipv4_hour", "AmazonVPC", "PublicIPv4:InUseAddress"),
    PriceRule("network.out_gb", "AWSDataTransfer", "DataTransfer-Out-Bytes", _OUTBOUND),
    PriceRule("cloudwatch.logs_in_gb", "AmazonCloudWatch", "DataProcessing-Bytes"),
    PriceRule("cloudwatch.logs_stored_gb_month", "AmazonCloudWatch", "TimedStorage-ByteHrs"),
    PriceRule("cloudwatch.alarm_month", "AmazonCloudWatch", "CW:AlarmMonitorUsage"),
    PriceRule("cloudwatch.metric_month", "AmazonCloudWatch", "CW:MetricMonitorUsage"),
    PriceRule("storage.ecr_gb_month", "AmazonECR", "TimedStorage-ByteHrs"),
    PriceRule("storage.s3_gb_month", "AmazonS3", "TimedStorage-ByteHrs", {"volumeType": "Standard"}),
    PriceRule("secrets.secret_month", "AWSSecretsManager", "AWSSecretsManager-Secrets"),
    PriceRule("secrets.calls_10k", "AWSSecretsManager", "AWSSecretsManagerAPIRequest", factor=1e4),
    PriceRule("lambda.request_million", "AWSLambda", "Request", factor=1e6),
    PriceRule("lambda.gb_second", "AWSLambda", "Lambda-GB-Second"),
    PriceRule("lambda.provisioned_gb_second", "AWSLambda", "Lambda-Provisioned-Concurrency"),
    PriceRule("lambda.provisioned_duration_gb_second", "AWSLambda", "Lambda-Provisioned-GB-Second"),
    PriceRule("lambda.snapstart_cache_gb_second", "AWSLambda", "Lambda-SnapStart-Cached-GB-S"),
    PriceRule("lambda.snapstart_restore_gb", "AWSLambda", "Lambda-SnapStart-Restored-GB"),
)
"""Where each price of the table is, but for the instance types; a test compares the names with the table."""


@dataclass(frozen=True, slots=True)
class ProductPrice:
    """A price, and the product that has it."""

    usd: float
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did.

    Args:
        path: The file that holds the prices now.
        prices: What it holds.
        missing_types: Instance types that the region does not have.
        changes: Name, dollars before and dollars now, for each price that differs from the table used until now.
    """

    path: Path
    prices: Prices
    missing_types: list[str]
    changes: list[tuple[str, float, float]]


def refresh_prices(
    *,
    region: str | None = None,
    instance_types: Iterable[str] = (),
    out: Path | None = None,
    address: str = PRICE_FILES,
    report: OnStep,
) -> Refreshed:
    """Read today's prices and keep them.

    Args:
        region: Code of the region; None takes us-east-1.
        instance_types: Types of EC2 beside those of the packaged table.
        out: File to keep them in, ends in .json; None takes the user's cache, where ``cost`` and ``deploy`` find it.
        address: Where the price files are, with http:// or https://.
        report: Called with what is being read, a line at a time.

    Returns:
        The file, the prices, and how they differ from those that were used until now.

    Raises:
        MissingExtraError: If httpx is not installed.
        CloudError: If the files cannot be reached or read, or a price is not in them; nothing is kept.
        NotFoundError: If AWS has no such region.
        SettingsError: If the address, the file's name or an instance type cannot be used.
        DataError: If the file cannot be written.
    """
    require("client", what="reading AWS's price files")
    if out is not None and out.suffix.lower() != ".json":
        raise SettingsError(f"refreshed prices are kept as JSON; {out} must end in .json")
    region, base = region or DEFAULT_REGION, packaged_prices()
    names = list(dict.fromkeys([*(kind.name for kind in base.ec2.types), *instance_types]))
    _refuse_unknown_burstable(names, base)
    rules = [*RULES, *(PriceRule(name, "AmazonEC2", f"BoxUsage:{name}", _ON_LINUX) for name in names)]
    priced, published = _read_services(address.rstrip("/"), region, rules, report)
    earlier = load_prices(region=region)
    prices = _table(base, priced, names, region, _source(address, published))
    path = refreshed_path(region) if out is None else out
    with open_binary(path) as file:
        file.write(f"{json.dumps(prices.model_dump(mode='json', by_alias=True), indent=2)}\n".encode())
    return Refreshed(path, prices, [name for name in names if name not in priced], _changes(earlier, prices))


def _refuse_unknown_burstable(names: Iterable[str], base: Prices) -> None:
    known = {kind.name for kind in base.ec2.types}
    for name in names:
        if name not in known and _BURSTABLE.match(name):
            raise SettingsError(
                f"{name} is burstable, and price files do not say which share of its vCPUs the price includes; of "
                f"these there are {', '.join(kind.name for kind in base.ec2.types if kind.is_burstable)}"
            )


def _read_services(
    address: str, region: str, rules: Iterable[PriceRule], report: OnStep
) -> tuple[dict[str, ProductPrice], dict[str, str]]:
    """Read one file after another; say at once all that is missing."""
    import httpx

    by_service: dict[str, list[PriceRule]] = {}
    for rule in rules:
        by_service.setdefault(rule.service, []).append(rule)
    priced: dict[str, ProductPrice] = {}
    published: dict[str, str] = {}
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True) as client:
        for service, wanted in by_service.items():
            report(f"prices of {service} in {region}")
            with _words_for_failures(address, service):
                url = _file_of(client, address, service, region)
                with client.stream("GET", url) as response:
                    response.raise_for_status()
                    published[service] = _read_file(response.iter_text(_CHUNK_BYTES), wanted, priced)
    missing = [rule for service in by_service.values() for rule in service if rule.name not in priced and rule in RULES]
    if missing:
        names = ", ".join(f"{rule.name} ({rule.service}, usage type {rule.usage_type})" for rule in missing)
        raise CloudError(
            f"the price files of {region} at {address} lack {names}; nothing was kept. Go on without --refresh, or "
            "give a price table of your own by --prices"
        )
    return priced, published


@contextmanager
def _words_for_failures(address: str, service: str) -> Iterator[None]:
    """Say which host failed, and what to do."""
    import httpx

    host = urlsplit(address).netloc or address
    cure = (
        "check the network and the proxy variables (HTTPS_PROXY), or name a copy of the files by --price-files; "
        "without --refresh the prices at hand are used"
    )
    try:
        yield
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise CloudError(f"{host} answers {status} for {error.request.url.path} ({service}); {cure}") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise SettingsError(f"--price-files is {address!r}; give an address with http:// or https://") from error
    except httpx.HTTPError as error:
        words = str(error) or type(error).__name__
        raise CloudError(f"the price files of {service} cannot be read from {host}: {words}; {cure}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CloudError(
            f"what {host} sends for {service} is not a price file of AWS: {error}; is --price-files right, and is "
            "there a proxy in between that answers itself?"
        ) from error


def _file_of(client: httpx.Client, address: str, service: str, region: str) -> str:
    """Find the address of a region's file."""
    content = bytearray()
    with client.stream("GET", f"{address}/offers/v1.0/aws/{service}/current/region_index.json") as response:
        response.raise_for_status()
        for part in response.iter_bytes():
            content += part
            if len(content) > _MAX_INDEX_BYTES:
                raise ValueError(f"the index of regions has more than {_MAX_INDEX_BYTES:,} bytes")
    regions = json.loads(content)["regions"]
    if region not in regions:
        raise NotFoundError(f"AWS has no prices of {service} in region {region!r}; it has {', '.join(sorted(regions))}")
    path = regions[region]["currentVersionUrl"]
    if not path.startswith("/"):
        raise ValueError(f"the file of {region} is at {path!r}, which is no path")
    return f"{address}{path}"


def _read_file(chunks: Iterable[str], rules: Iterable[PriceRule], priced: dict[str, ProductPrice]) -> str:
    """Find the products that rules mean, then what they cost on demand; leave before the reserved terms.

    Args:
        chunks: The file's text, in pieces.
        rules: The prices that this file has.
        priced: Takes the prices.

    Returns:
        Day on which AWS published the file.
    """
    reader, published = _JsonReader(chunks), ""
    by_usage: dict[str, list[PriceRule]] = {}
    for rule in rules:
        by_usage.setdefault(rule.usage_type, []).append(rule)
    products: dict[str, tuple[PriceRule, dict[str, str]]] = {}
    for key in reader.names():
        if key == "products":
            for sku in reader.names():
                product = reader.value()
                attributes = {"productFamily": product.get("productFamily", ""), **product["attributes"]}
                usage = attributes.get("usagetype", "")
                begin = _PREFIX.match(usage)
                for rule in by_usage.get(usage[begin.end() :] if begin else usage, ()):
                    if rule.fits(attributes):
                        products[sku] = (rule, attributes)
        elif key == "terms":
            for term in reader.names():
                if term == "OnDemand":
                    _read_terms(reader, products, priced)
                    return published
                reader.value()
        else:
            value = reader.value()
            published = value[:10] if key == "publicationDate" else published
    raise ValueError("it has no terms on demand")


def _read_terms(
    reader: _JsonReader, products: Mapping[str, tuple[PriceRule, dict[str, str]]], priced: dict[str, ProductPrice]
) -> None:
    for sku in reader.names():
        terms = reader.value()
        if sku not in products:
            continue
        rule, attributes = products[sku]
        usd = rule.factor * _first_paid(terms, sku)
        earlier = priced.get(rule.name)
        if earlier is not None and not math.isclose(earlier.usd, usd):
            raise ValueError(f"two products are {rule.name} and cost {earlier.usd:g} and {usd:g}, one is {sku}")
        priced[rule.name] = ProductPrice(usd, attributes)


def _first_paid(terms: Mapping[str, Any], sku: str) -> float:
    """Read the price of the first tier that costs something; 0 if all is free."""
    tiers = [
        (float(part.get("beginRange", 0)), float(part["pricePerUnit"]["USD"]))
        for term in terms.values()
        for part in term["priceDimensions"].values()
    ]
    if not tiers or not all(math.isfinite(usd) and usd >= 0 for _, usd in tiers):
        raise ValueError(f"the prices of {sku} are {tiers}")
    return next((usd for _, usd in sorted(tiers) if usd > 0), 0.0)


def _table(base: Prices, priced: Mapping[str, ProductPrice], names: Iterable[str], region: str, source: str) -> Prices:
    """Put prices into the table; what no price file says stays: sizes, units, what is free, what is excluded."""
    content = base.model_dump(mode="json", by_alias=True)
    content |= {"as_of": _today(), "region": region, "source": source}
    for rule in RULES:
        table, key = rule.name.split(".")
        content[table][key] = float(f"{priced[rule.name].usd:.10g}")
    shares = {kind.name: kind.baseline for kind in base.ec2.types}
    content["ec2"]["types"] = [
        {
            "name": name,
            "hour": priced[name].usd,
            "vcpus": int(priced[name].attributes["vcpu"]),
            "memory_gib": float(priced[name].attributes["memory"].removesuffix("GiB").replace(",", "")),
            "baseline": shares.get(name, 1.0),
        }
        for name in names
        if name in priced
    ]
    return Prices.parse(content, source="AWS's price files")


def _changes(earlier: Prices, now: Prices) -> list[tuple[str, float, float]]:
    old, new = _flat(earlier), _flat(now)
    return [(name, old[name], new[name]) for name in new if name in old and not math.isclose(old[name], new[name])]


def _flat(prices: Prices) -> dict[str, float]:
    content = prices.model_dump(mode="json", by_alias=True)
    tables = (rule.name.split(".") for rule in RULES)
    return {f"{table}.{key}": content[table][key] for table, key in tables} | {
        kind.name: kind.hour for kind in prices.ec2.types
    }


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _source(address: str, published: Mapping[str, str]) -> str:
    days = ", ".join(f"{service} {day}" for service, day in published.items())
    return f"AWS's public price files at {urlsplit(address).netloc}, read on {_today()}; published: {days}"


class _JsonReader:
    """Walk through a JSON text of any size; one entry at a time is held.

    Args:
        chunks: The text, in pieces.
    """

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self._text, self._at = "", 0
        self._decoder = json.JSONDecoder()

    def names(self) -> Iterator[str]:
        """Give the names of the object that begins here; who takes one reads its value before the next."""
        self._expect("{")
        if self._next() == "}":
            self._at += 1
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise ValueError(f"{key!r} stands where a name is expected")  # noqa: TRY004  one error for a bad file
            self._expect(":")
            yield key
            if self._expect(",}") == "}":
                return

    def value(self) -> Any:  # noqa: ANN401  JSON
        """Read the whole value that begins here."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end < len(self._text) or not self._more():  # a number at the end of what is there may go on
                self._at = end
                return value

    def _next(self) -> str:
        while True:
            while self._at < len(self._text):
                character = self._text[self._at]
                if character not in " \t\r\n":
                    return character
                self._at += 1
            if not self._more():
                raise ValueError("it ends in the middle")

    def _expect(self, characters: str) -> str:
        character = self._next()
        if character not in characters:
            raise ValueError(f"{character!r} stands where one of {characters} is expected")
        self._at += 1
        return character

    def _more(self) -> bool:
        part = next(self._chunks, "")
        if len(self._text) - self._at > _MAX_ENTRY_CHARS:
            raise ValueError(f"one entry has more than {_MAX_ENTRY_CHARS:,} characters")
        self._text, self._at = self._text[self._at :] + part, 0
        return bool(part)
