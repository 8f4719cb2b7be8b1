"""Where instances run: the network that was named, or the region's default one."""

from __future__ import annotations

from dataclasses import dataclass

from textwright.deploy.cloud.session import Cloud
from textwright.deploy.cloud.settings import Ec2Settings
from textwright.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Network:
    """A network and subnets of it, each in another zone."""

    vpc: str
    subnets: tuple[str, ...]


def find_network(cloud: Cloud, settings: Ec2Settings) -> Network:
    """Find the network and its subnets.

    Raises:
        SettingsError: If the region has no default network, or there are subnets in too few zones.
    """
    vpc = settings.vpc or _default(cloud)
    chosen: dict[str, str] = {}
    if settings.subnets:
        found = cloud.call("ec2", "describe_subnets", SubnetIds=list(settings.subnets))["Subnets"]
    else:
        found = cloud.call("ec2", "describe_subnets", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    for subnet in sorted(found, key=lambda item: (item["AvailabilityZone"], item["SubnetId"])):
        if settings.subnets or subnet.get("MapPublicIpOnLaunch"):
            chosen.setdefault(subnet["AvailabilityZone"], subnet["SubnetId"])
    needed = 1 if settings.profile == "single" else 2
    if len(chosen) < needed:
        raise SettingsError(
            f"the network {vpc} has public subnets in {len(chosen)} zones and {needed} are needed; name some with "
            "--subnets"
        )
    return Network(vpc, tuple(chosen.values())[:needed])


def _default(cloud: Cloud) -> str:
    found = cloud.call("ec2", "describe_vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not found:
        raise SettingsError(
            f"the region {cloud.region} has no default network; name one with --vpc and --subnets, or make one: "
            "aws ec2 create-default-vpc"
        )
    return str(found[0]["VpcId"])
