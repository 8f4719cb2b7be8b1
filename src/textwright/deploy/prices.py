"""The price table, the packaged one or a refreshed one; whoever quotes a price says its date and its region.

Callers: ``deploy.cost_estimate`` and the plans of ``deploy``; ``deploy.price_refresh`` writes refreshed tables.
Imports pydantic; asks nobody on the network.
"""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from textwright.config import Settings, read_toml
from textwright.data.cache import cache_dir
from textwright.errors import NotFoundError, SettingsError

MAX_AGE_DAYS: Final = 183
"""From then on whoever quotes a price warns: half a year."""
DAYS_PER_MONTH: Final = 30.4
DEFAULT_REGION: Final = "us-east-1"
PRICE_FILES: Final = "https://pricing.us-east-1.amazonaws.com"
"""AWS's own address of its price files; it has those of all regions."""
_FILE: Final = "prices.toml"
_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class InstanceType(Settings):
    """One EC2 instance type."""

    name: str
    """As AWS calls it: "c7i.large"."""
    hour: _Amount
    """Dollars an hour, on demand."""
    vcpus: Annotated[int, Field(ge=1)]
    """Hardware threads on Intel, whole cores on c7a."""
    memory_gib: _Amount
    """Memory in GiB."""
    baseline: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of each vCPU that the price includes; below 1 for burstable types, which pay for more by the vCPU-hour."""

    @property
    def is_burstable(self) -> bool:
        """Whether a mean use above the baseline costs extra."""
        return self.baseline < 1


class Hours(Settings):
    """How long a month is."""

    per_month: _Amount


class Ec2Prices(Settings):
    """Instances."""

    surplus_vcpu_hour: _Price
    """Dollars for each vCPU-hour above a burstable type's baseline."""
    types: tuple[InstanceType, ...]


class Ebs(Settings):
    """Disks."""

    gp3_gb_month: _Price


class LoadBalancer(Settings):
    """An application load balancer: an hour's price, and one for the capacity that is used."""

    hour: _Price
    capacity_unit_hour: _Price
    unit_connections_per_second: _Amount
    unit_gb_per_hour: _Amount


class NetworkPrices(Settings):
    """Addresses, and data to the internet."""

    public_ipv4_hour: _Price
    out_gb: _Price


class CloudWatch(Settings):
    """Logs, alarms and metrics of one's own."""

    logs_in_gb: _Price
    logs_stored_gb_month: _Price
    alarm_month: _Price
    metric_month: _Price


class Storage(Settings):
    """Images and zips."""

    ecr_gb_month: _Price
    s3_gb_month: _Price


class Secrets(Settings):
    """Secrets Manager."""

    secret_month: _Price
    calls_10k: _Price


class LambdaPrices(Settings):
    """Functions on x86_64, and how their memory is their processor."""

    min_memory_mb: Annotated[int, Field(gt=0)]
    max_memory_mb: Annotated[int, Field(gt=0)]
    memory_mb_per_vcpu: _Amount
    """Memory in MB that comes with one whole vCPU."""
    request_million: _Price
    gb_second: _Price
    provisioned_gb_second: _Price
    """For each second in which provisioned concurrency stands ready, asked or not."""
    provisioned_duration_gb_second: _Price
    """In place of ``gb_second`` for what provisioned concurrency answers."""
    snapstart_cache_gb_second: _Price
    """For each second in which a published version is kept."""
    snapstart_restore_gb: _Price
    """For each restore, by the function's memory."""

    def check_memory(self, memory_mb: int) -> None:
        """Refuse a memory size that Lambda does not have.

        Raises:
            SettingsError: Names the size and the bounds.
        """
        if not self.min_memory_mb <= memory_mb <= self.max_memory_mb:
            raise SettingsError(
                f"a function's memory in MB is {memory_mb}; it must be {self.min_memory_mb} to {self.max_memory_mb}"
            )

    def vcpus(self, memory_mb: int) -> float:
        """Tell how many vCPUs come with a function's memory; 0.29 for 512 MB."""
        return memory_mb / self.memory_mb_per_vcpu


class FreeAllowance(Settings):
    """What an account gets free each month."""

    lambda_requests: _Price
    lambda_gb_seconds: _Price
    out_gb: _Price
    logs_gb: _Price
    alarms: _Price
    metrics: _Price


class Prices(Settings):
    """One region's prices on one day."""

    as_of: date
    """Day on which the prices were known to hold."""
    region: str
    currency: str
    source: str
    """Where they come from, in words."""
    excluded: tuple[str, ...]
    """What no estimate on these prices includes."""
    hours: Hours
    ec2: Ec2Prices
    ebs: Ebs
    load_balancer: LoadBalancer
    network: NetworkPrices
    cloudwatch: CloudWatch
    storage: Storage
    secrets: Secrets
    functions: Annotated[LambdaPrices, Field(alias="lambda")]
    free: FreeAllowance

    @model_validator(mode="after")
    def _each_type_once(self) -> Self:
        names = [kind.name for kind in self.ec2.types]
        if len(set(names)) != len(names):
            raise ValueError("an instance type stands twice")
        return self

    @property
    def caption(self) -> str:
        """The sentence to print beside every estimate."""
        return f"prices of {self.region} in {self.currency} as of {self.as_of.isoformat()}, on demand, before tax"

    def staleness(self, today: date) -> str:
        """Warn of old prices.

        Args:
            today: The day on which somebody relies on them.

        Returns:
            A sentence; empty for prices of at most half a year.
        """
        days = (today - self.as_of).days
        if days <= MAX_AGE_DAYS:
            return ""
        return (
            f"these prices are {round(days / DAYS_PER_MONTH)} months old ({self.as_of.isoformat()}): "
            "textwright cost --refresh reads AWS's of today"
        )

    def instance_type(self, name: str) -> InstanceType:
        """Find an instance type.

        Args:
            name: As AWS calls it.

        Returns:
            Its price and its size.

        Raises:
            NotFoundError: If the table has no such type; names those that it has.
        """
        for kind in self.ec2.types:
            if kind.name == name:
                return kind
        names = ", ".join(kind.name for kind in self.ec2.types)
        raise NotFoundError(f"the price table has no instance type {name!r}; it has {names}")


def load_prices(path: Path | None = None, *, region: str | None = None) -> Prices:
    """Read the price table.

    Args:
        path: A table of one's own, of the same form, as TOML or JSON, for a negotiated price; None takes the
            refreshed one, or else ours.
        region: Region whose refreshed table is wanted; None takes us-east-1, as does a region that has none.

    Returns:
        The prices; their ``region`` says of which.

    Raises:
        NotFoundError: If there is no such file.
        SettingsError: If it cannot be read, or a price is missing, unknown or negative.
    """
    if path is not None:
        if not path.is_file():
            raise NotFoundError(f"there is no price table {path}; copy textwright/deploy/{_FILE} and change it")
        return _read(path)
    for place in dict.fromkeys((region or DEFAULT_REGION, DEFAULT_REGION)):
        if refreshed_path(place).is_file():
            return _read(refreshed_path(place))
    return packaged_prices()


def packaged_prices() -> Prices:
    """Read the table that comes with the package."""
    with resources.as_file(resources.files("textwright.deploy") / _FILE) as ours:
        return Prices.parse(read_toml(ours), source=f"price table {_FILE}")


def refreshed_path(region: str) -> Path:
    """Name the file of a region's refreshed prices, there or not."""
    return cache_dir() / "prices" / f"{region}.json"


def _read(path: Path) -> Prices:
    source = f"price table {path}"
    if path.suffix.lower() != ".json":
        return Prices.parse(read_toml(path), source=source)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingsError(f"{source}: not JSON: {error}; write it again with textwright cost --refresh") from error
    return Prices.parse(content, source=source)


def hourly_usd(instance_type: str | None, own: float | None = None) -> float | None:
    """Say what an hour costs.

    Args:
        instance_type: Of EC2, by our table; None for none.
        own: Dollars that are given; they win.

    Returns:
        Dollars an hour; None if neither is given.

    Raises:
        NotFoundError: If the table has no such type.
    """
    return own if own is not None or instance_type is None else load_prices().instance_type(instance_type).hour
