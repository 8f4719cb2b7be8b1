"""The walk from an artifact to EC2 servers; every step can be interrupted and run again.

1. package, build with the local engine, run it: the image answers its golden examples here
2. the repository; push what is not there
3. the stack gets the new image: each new instance must be healthy, which includes its golden examples, before an old
   one ends; one that is not, or an alarm, undoes the update
4. the golden examples are replayed through the public address
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from textwright.core import artifact as artifacts
from textwright.deploy.cloud import costs, store, templates, walk
from textwright.deploy.cloud.address import replay
from textwright.deploy.cloud.deployment import Deployment, address_of
from textwright.deploy.cloud.network import Network, find_network
from textwright.deploy.cloud.plan import Plan, StackPlan
from textwright.deploy.cloud.settings import Ec2Settings, PlaceSettings
from textwright.deploy.cloud.stack import StackState, Tell
from textwright.deploy.cloud.walk import Deployed, Job
from textwright.deploy.package.engine import Engine
from textwright.deploy.package.packaging import package
from textwright.deploy.package.settings import ImageSettings
from textwright.errors import GoldenMismatchError, SettingsError

TEMPLATE: Final = "server.yaml"
EVERYBODY: Final = "0.0.0.0/0"
_UNKNOWN: Final = Network("(default network)", ("(its subnets)",))


def deploy_servers(
    source: Path, place: PlaceSettings, settings: Ec2Settings, image: ImageSettings, *, tell: Tell
) -> Plan | Deployed:
    """Plan servers, or with ``place.apply`` deploy them.

    Args:
        source: An artifact folder, or the run folder that holds it.
        place: Which deployment, where, and whether to act.
        settings: The servers.
        image: How the artifact is packaged.
        tell: Called with each step.

    Returns:
        The plan, or what was deployed.

    Raises:
        SettingsError: If choices exclude each other, nobody has said who may ask, or there is no network to run in.
        CloudError: If AWS refuses; see its subclasses.
        ContainerEngineError: If there is no container engine, or it fails.
        GoldenMismatchError: If what was deployed does not reproduce; the image before is brought back then.
    """
    _check(settings)
    if place.apply:
        _require_choice_of_callers(settings)
    job = walk.begin(source, "ec2", place, image, tell)
    where = walk.connect(job)
    found = walk.find_secret(where, settings)
    secret = found.arn if found else ""
    network = find_network(where.cloud, settings) if where else _UNKNOWN
    template = templates.server_template(settings.profile)
    if where is None or not place.apply:
        return _plan(job, where, settings, _parameters(job, settings, secret, network), template)
    walk.require_key_for_replay(bool(secret))
    return _apply(job, where, settings, _parameters(job, settings, secret, network), template)


def _check(settings: Ec2Settings) -> None:
    if settings.profile == "single" and (settings.certificate or settings.domain):
        raise SettingsError("--certificate and --domain belong to a load balancer; --profile single has none")
    if bool(settings.certificate) != bool(settings.domain):
        raise SettingsError("--certificate and --domain go together: the domain is the certificate's name")
    if settings.min_instances > settings.max_instances:
        raise SettingsError(
            f"--min-instances {settings.min_instances} is more than --max-instances {settings.max_instances}"
        )
    if settings.public and settings.api_keys_secret is not None:
        raise SettingsError("--public and --api-keys-secret exclude each other; leave --public out to ask for the keys")
    family = settings.instance_type.partition(".")[0]
    if "g" in family[1:]:
        raise SettingsError(
            f"--instance-type {settings.instance_type} is an arm64 machine, on which nobody has measured; choose one "
            "of x86_64, such as t3.small"
        )


def _is_open(settings: Ec2Settings) -> bool:
    return settings.api_keys_secret is None and settings.allow_from == EVERYBODY


def _require_choice_of_callers(settings: Ec2Settings) -> None:
    if _is_open(settings) and not settings.public:
        raise SettingsError(
            "everybody on the internet could ask these servers; give --api-keys-secret NAME (those with a key), "
            "--allow-from 192.0.2.0/24 (those addresses), or --public if that is meant"
        )


def _parameters(job: Job, settings: Ec2Settings, secret: str, network: Network) -> dict[str, str]:
    balanced = {
        "Certificate": settings.certificate or "",
        "Domain": settings.domain or "",
        "MinInstances": str(settings.min_instances),
        "MaxInstances": str(settings.max_instances),
        "CpuPercent": str(settings.cpu_percent),
        "RequestsPerMinute": str(settings.requests_per_minute),
    }
    return {
        "Name": job.name,
        "RepositoryName": f"textwright/{job.name}",
        "InstanceType": settings.instance_type,
        "Vpc": network.vpc,
        "Subnets": ",".join(network.subnets),
        "AllowFrom": settings.allow_from,
        "ApiKeysSecret": secret,
        **(balanced if settings.profile == "balanced" else {}),
        "LogDays": str(settings.log_days),
        "AlarmEmail": settings.alarm_email or "",
    }


def _plan(
    job: Job, where: Deployment | None, settings: Ec2Settings, parameters: Mapping[str, str], template: str
) -> Plan:
    found = where.main.state() if where else None
    walk.require_target(job, found)
    image = walk.pending(job, found, {"Image": ""})["Image"]
    previous = found.outputs.get("Previous" if found.outputs.get("Live") == image else "Live", "") if found else ""
    stacks = [
        StackPlan(
            where.image_store if where else None,
            "store-image.yaml",
            store.template_of("image"),
            store.parameters_of("image", job.name),
        ),
        StackPlan(
            where.main if where else None,
            TEMPLATE,
            template,
            {**parameters, "Image": image, "PreviousImage": previous},
        ),
    ]
    return walk.make_plan(job, where, stacks, _notes(settings), costs.of_servers(settings))


def _notes(settings: Ec2Settings) -> list[str]:
    notes = []
    if _is_open(settings):
        choice = "(--public)" if settings.public else "and --apply asks for a choice: --public says that this is meant"
        notes.append(
            f"everybody on the internet may ask {choice}; --api-keys-secret asks for a key, --allow-from for an address"
        )
    if settings.certificate is None:
        how = "a proxy with a certificate in front" if settings.profile == "single" else "--certificate and --domain"
        notes.append(f"texts and keys travel unencrypted (HTTP); {how} would encrypt them")
    return notes


def _apply(
    job: Job, where: Deployment, settings: Ec2Settings, parameters: Mapping[str, str], template: str
) -> Deployed:
    engine = Engine(job.image.engine)
    before = where.main.settle(job.tell)
    walk.require_target(job, before)
    made = package(job.source, "docker", job.folder / "image", job.package_settings(), tell=job.tell)
    shipped = artifacts.read(made.path / "artifact")
    kept = store.ensure(where.image_store, "image", job.name, job.store_tags, job.tell)
    image = store.put_image(where.cloud, kept, engine, made.image or "", made.path, job.tell)
    live = before.parameters.get("Image", "") if before else ""
    previous = (before.parameters.get("PreviousImage", "") if live == image else live) if before else ""
    state = where.main.bring_to(
        template,
        {**parameters, "Image": image, "PreviousImage": previous},
        job.tags,
        job.tell,
        watch_alarms=walk.alarms(before),
        watch_minutes=settings.watch_minutes,
    )
    address = address_of(where.cloud, state)
    job.tell(f"replaying the golden examples through {address.url}")
    try:
        replayed = replay(shipped, address.predict, address.url)
    except GoldenMismatchError as error:
        raise _undone(job, where, template, state, error) from error
    return walk.deployed(job, state, replayed.first_ms, replayed, tuple(_notes(settings)))


def _undone(
    job: Job, where: Deployment, template: str, state: StackState, error: GoldenMismatchError
) -> GoldenMismatchError:
    previous = state.parameters.get("PreviousImage", "")
    if not previous:
        return error
    back = {**state.parameters, "Image": previous, "PreviousImage": state.parameters["Image"]}
    where.main.bring_to(template, back, state.tags, job.tell)
    return GoldenMismatchError(f"{error}. The image before answers again")
