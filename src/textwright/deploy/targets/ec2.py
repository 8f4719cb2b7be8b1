"""EC2: one instance, or a group behind a load balancer, each running the image of the REST API.

The stack gets the new image: each new instance must be healthy, which includes its golden examples, before an old one
ends; one that is not, or an alarm, undoes the update.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias

from pydantic import Field

from textwright.deploy.cloud import templates
from textwright.deploy.cloud.common import AwsDeployer, Rollout, alarms_of
from textwright.deploy.cloud.lifecycle import AwsDeployment
from textwright.deploy.cloud.settings import WatchSettings
from textwright.deploy.cloud.stack import StackState
from textwright.deploy.cost_estimate.arithmetic import Estimate, Traffic
from textwright.deploy.cost_estimate.choices import Choice, traffic_of
from textwright.deploy.cost_estimate.measure import Measured
from textwright.deploy.cost_estimate.plans import InstancePlan, estimate_instances
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.package.packaging import PackageFormat
from textwright.deploy.prices import InstanceType, Prices
from textwright.deploy.smoke_test import SmokeTest
from textwright.deploy.targets.docker import ServerImage
from textwright.errors import SettingsError

Profile: TypeAlias = Literal["balanced", "single"]
ANY_IPV4: Final = "0.0.0.0/0"
USER_DATA: Final = "user-data.sh"
ALARMS_OF_A_SCALING_POLICY: Final = 2
"""Target tracking makes one alarm to scale out and one to scale in."""
_SYSTEM_BYTES: Final = 2**29
"""Memory that an instance's system and its container engine are taken to need."""


_CREATED: Final = InstancePlan("", num_metrics=1, disk_gib=8, has_detailed_monitoring=True, secret_reads_per_hour=12)
CREATED: Final[dict[Profile, InstancePlan]] = {
    "single": replace(_CREATED, num_alarms=2),
    "balanced": replace(_CREATED, num_alarms=2 + 2 * ALARMS_OF_A_SCALING_POLICY, has_load_balancer=True),
}
"""What the template creates, as far as it is paid for, but for type and number; a test counts it there."""


class Ec2Settings(WatchSettings):
    """The servers."""

    profile: Profile = "balanced"
    """balanced: two instances or more behind a load balancer. single: one instance, for small budgets."""
    instance_type: str = "t3.small"
    """Size of an instance; x86_64."""
    min_instances: Annotated[int, Field(ge=1)] = 2
    """Fewest instances (balanced)."""
    max_instances: Annotated[int, Field(ge=2)] = 6
    """Maximum number of instances (balanced)."""
    cpu_percent: Annotated[int, Field(ge=5, le=95)] = 60
    """Processor use that scaling keeps to (balanced)."""
    requests_per_minute: Annotated[int, Field(ge=1)] = 3000
    """Requests a minute and instance that scaling keeps to (balanced)."""
    certificate: str | None = None
    """ARN of a certificate of ACM in the region: the address then speaks HTTPS alone (balanced)."""
    domain: str | None = None
    """The certificate's name, which you point to the load balancer."""
    public: bool = False
    """Let everybody ask without a key; --apply takes this, --api-keys-secret or a narrower --allow-from."""
    allow_from: Annotated[str, Field(pattern=r"^[0-9.]{7,15}/[0-9]{1,2}$")] = "0.0.0.0/0"
    """IPv4 addresses that may ask; 0.0.0.0/0 is everybody."""
    vpc: str | None = None
    """Network to run in; absent: the region's default one."""
    subnets: tuple[str, ...] = ()
    """Public subnets, in two zones for balanced; absent: the network's default ones."""


class Network(NamedTuple):
    """A network and subnets of it, each in another zone."""

    vpc: str
    subnets: tuple[str, ...]


class InstanceCosts:
    """What each instance type costs."""

    title = "EC2"
    package = ServerImage.name

    def check(self, settings: CostSettings, prices: Prices) -> None:
        """Refuse types that the price table does not have."""
        for name in settings.instance_types:
            prices.instance_type(name)

    def choices(
        self, measured: Measured, settings: CostSettings, prices: Prices, requests_per_day: float
    ) -> list[Choice]:
        """Lay out every type: an instance of V vCPUs answers V times what one core answers."""
        kinds = [prices.instance_type(name) for name in settings.instance_types]
        return [self._choice(kind, measured, settings, prices, requests_per_day) for kind in kinds]

    def _choice(
        self, kind: InstanceType, measured: Measured, settings: CostSettings, prices: Prices, requests_per_day: float
    ) -> Choice:
        load = measured.server
        cpu_s = load.cpu_s / settings.vcpu_speed
        traffic = traffic_of(measured, settings, requests_per_day, load.log_bytes)
        busy_vcpus = traffic.peak_per_second * cpu_s / settings.utilization
        number = max(settings.min_instances, math.ceil(busy_vcpus / kind.vcpus))
        use = traffic.mean_per_second * cpu_s / (number * kind.vcpus)
        created = CREATED["balanced" if number > 1 else "single"]
        plan = replace(created, instance_type=kind.name, num_instances=number, cpu_use=use)
        estimate = estimate_instances(plan, traffic, prices, counts_free_allowance=settings.free_allowance)
        needed = (_SYSTEM_BYTES + kind.vcpus * load.memory_bytes) / 2**30
        rejection_reason = f"needs {needed:.1f} GiB" if kind.memory_gib < needed else ""
        return Choice(self.title, kind.name, estimate, number, 1e3 * cpu_s, use, rejection_reason)


class Ec2Deployer(AwsDeployer[Ec2Settings]):
    """Deploys the image of the REST API to instances."""

    target, extra, settings, group = "ec2", "aws", Ec2Settings, "Servers"
    help = """Plan a REST API on EC2; with --apply, make it and check it.

    Example: textwright deploy ec2 runs/demo --profile single --api-keys-secret textwright/keys

    Args:
        artifact: An artifact folder, or the run folder that holds it.
    """
    file = "server.yaml"
    live_parameters = ("Image", "PreviousImage")
    previous_words = "The image before"

    def check(self, settings: Ec2Settings, *, applies: bool) -> None:
        """Refuse choices that exclude each other, and to let in everybody unless somebody has said so."""
        if settings.profile == "single" and (settings.certificate or settings.domain):
            raise SettingsError("--certificate and --domain belong to a load balancer; --profile single has none")
        if bool(settings.certificate) != bool(settings.domain):
            raise SettingsError("--certificate and --domain go together: the domain is the certificate's name")
        if settings.min_instances > settings.max_instances:
            raise SettingsError(
                f"--min-instances {settings.min_instances} is more than --max-instances {settings.max_instances}"
            )
        if settings.public and settings.api_keys_secret is not None:
            raise SettingsError(
                "--public and --api-keys-secret exclude each other; leave --public out to ask for the keys"
            )
        if "g" in settings.instance_type.partition(".")[0][1:]:
            raise SettingsError(
                f"--instance-type {settings.instance_type} is an arm64 machine, on which nobody has measured; choose "
                "one of x86_64, such as t3.small"
            )
        if applies and _is_open(settings) and not settings.public:
            raise SettingsError(
                "everybody on the internet could ask these servers; give --api-keys-secret NAME (those with a key), "
                "--allow-from 192.0.2.0/24 (those addresses), or --public if that is meant"
            )

    def package_format(self, settings: Ec2Settings) -> PackageFormat:  # noqa: ARG002  the form for all targets
        """Take the image of the REST API."""
        return ServerImage()

    def template(self, settings: Ec2Settings) -> str:
        """Render the template of a profile."""
        return server_template(settings.profile)

    def scripts(self) -> dict[str, str]:
        """Return the start-up script of an instance."""
        return {USER_DATA: templates.read(USER_DATA)}

    def parameters(self, rollout: Rollout[Ec2Settings]) -> dict[str, str]:
        """Return the parameters of the network, the callers and the group."""
        settings, name = rollout.settings, rollout.request.name
        network = find_network(rollout.deployment, settings)
        balanced = {
            "Certificate": settings.certificate or "",
            "Domain": settings.domain or "",
            "MinInstances": str(settings.min_instances),
            "MaxInstances": str(settings.max_instances),
            "CpuPercent": str(settings.cpu_percent),
            "RequestsPerMinute": str(settings.requests_per_minute),
        }
        return {
            "Name": name,
            "RepositoryName": f"textwright/{name}",
            "InstanceType": settings.instance_type,
            "Vpc": network.vpc,
            "Subnets": ",".join(network.subnets),
            "AllowFrom": settings.allow_from,
            "ApiKeysSecret": rollout.secret.arn if rollout.secret else "",
            **(balanced if settings.profile == "balanced" else {}),
            "LogDays": str(settings.log_days),
            "AlarmEmail": settings.alarm_email or "",
        }

    def planned(self, rollout: Rollout[Ec2Settings]) -> dict[str, str]:
        """Take the image of the same model, if it is deployed."""
        image, before = rollout.pending("Image")["Image"], rollout.before
        live = before.outputs.get("Live") if before else None
        previous = before.outputs.get("Previous" if live == image else "Live", "") if before else ""
        return {"Image": image, "PreviousImage": previous}

    def roll_out(
        self,
        deployment: AwsDeployment,
        rollout: Rollout[Ec2Settings],
        parameters: Mapping[str, str],
        smoke_test: SmokeTest,  # noqa: ARG002  an instance runs its own before it is healthy
        version: str,  # noqa: ARG002
    ) -> tuple[StackState, float | None]:
        """Let instances of the new image take the place of the old ones, watched by the alarms."""
        live = rollout.current("Image")
        previous = rollout.current("PreviousImage") if live == parameters["Image"] else live
        state = deployment.main.apply(
            self.template(rollout.settings),
            {**parameters, "PreviousImage": previous},
            self.tags(rollout.request),
            rollout.request.report,
            watch_alarms=alarms_of(rollout.before),
            watch_minutes=rollout.settings.watch_minutes,
        )
        return state, None

    def notes(self, settings: Ec2Settings) -> list[str]:
        """Say who may ask, and what travels unencrypted."""
        notes = []
        if _is_open(settings):
            choice = (
                "(--public)" if settings.public else "and --apply asks for a choice: --public says that this is meant"
            )
            notes.append(
                f"everybody on the internet may ask {choice}; --api-keys-secret asks for a key, --allow-from for an "
                "address"
            )
        if settings.certificate is None:
            how = (
                "a proxy with a certificate in front" if settings.profile == "single" else "--certificate and --domain"
            )
            notes.append(f"texts and keys travel unencrypted (HTTP); {how} would encrypt them")
        return notes

    def estimate(self, settings: Ec2Settings, prices: Prices) -> Estimate:
        """Estimate a month; a group is taken to run its fewest instances, which is what quiet hours cost."""
        plan = replace(
            CREATED[settings.profile],
            instance_type=settings.instance_type,
            num_instances=1 if settings.profile == "single" else settings.min_instances,
            num_secrets=int(settings.api_keys_secret is not None),
            log_retention_days=settings.log_days,
        )
        return estimate_instances(plan, Traffic(settings.requests_per_day), prices)


def server_template(profile: str) -> str:
    """Render the template, the start-up script within.

    Args:
        profile: ``single`` for one instance, ``balanced`` for a group behind a load balancer.
    """
    return templates.render("server.yaml.j2", profile=profile, user_data=templates.read(USER_DATA))


def find_network(deployment: AwsDeployment | None, settings: Ec2Settings) -> Network:
    """Find the network that was named, or the region's default one, and its subnets.

    Raises:
        SettingsError: If the region has no default network, or there are subnets in too few zones.
    """
    if deployment is None:
        return Network("(default network)", ("(its subnets)",))
    cloud = deployment.cloud
    vpc = settings.vpc or _default_vpc(deployment)
    by_zone: dict[str, str] = {}
    if settings.subnets:
        subnets = cloud.call("ec2", "describe_subnets", SubnetIds=list(settings.subnets))["Subnets"]
    else:
        subnets = cloud.call("ec2", "describe_subnets", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    for subnet in sorted(subnets, key=lambda item: (item["AvailabilityZone"], item["SubnetId"])):
        if settings.subnets or subnet.get("MapPublicIpOnLaunch"):
            by_zone.setdefault(subnet["AvailabilityZone"], subnet["SubnetId"])
    needed = 1 if settings.profile == "single" else 2
    if len(by_zone) < needed:
        raise SettingsError(
            f"the network {vpc} has public subnets in {len(by_zone)} zones and {needed} are needed; name some with "
            "--subnets"
        )
    return Network(vpc, tuple(by_zone.values())[:needed])


def _default_vpc(deployment: AwsDeployment) -> str:
    filters = [{"Name": "is-default", "Values": ["true"]}]
    vpcs = deployment.cloud.call("ec2", "describe_vpcs", Filters=filters)["Vpcs"]
    if not vpcs:
        raise SettingsError(
            f"the region {deployment.cloud.region} has no default network; name one with --vpc and --subnets, or make "
            "one: aws ec2 create-default-vpc"
        )
    return str(vpcs[0]["VpcId"])


def _is_open(settings: Ec2Settings) -> bool:
    return settings.api_keys_secret is None and settings.allow_from == ANY_IPV4


class Ec2:
    """Instances that serve the image of the REST API."""

    name = "ec2"
    formats = ()
    costs = InstanceCosts()
    deployer = Ec2Deployer()


TARGET = Ec2()
