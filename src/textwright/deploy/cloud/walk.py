"""What the walks to a function and to servers share: the artifact, the secret, the tags, the result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.deploy.cloud.address import API_KEY, Replay
from textwright.deploy.cloud.deployment import MODEL_TAG, NAME_TAG, TARGET_TAG, Deployment, deployment
from textwright.deploy.cloud.plan import Plan, StackPlan, compare, write_files
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.cloud.settings import PlaceSettings, WatchSettings
from textwright.deploy.cloud.stack import StackState, Tell
from textwright.deploy.names import name_for, tag_value_for
from textwright.deploy.package.settings import ImageSettings, PackageSettings, Target
from textwright.errors import CloudAccessError, CloudError, SettingsError

_MAX_NAME_CHARS: Final = 128
"""Of a model's name in a tag, so that version and variant find room behind it."""


@dataclass(frozen=True, slots=True)
class Job:
    """One artifact on its way to one deployment.

    Args:
        source: The artifact's folder as it was named.
        artifact: The verified artifact.
        name: Name of the deployment.
        target: lambda or ec2.
        folder: Where files to review are written.
        place: Which deployment, where.
        image: How it is packaged.
        tell: Called with each step.
    """

    source: Path
    artifact: Artifact
    name: str
    target: str
    folder: Path
    place: PlaceSettings
    image: ImageSettings
    tell: Tell

    @property
    def model(self) -> str:
        """The model and variant that are deployed, as a tag of the stack says it."""
        variant = self.image.variant or self.artifact.manifest.default_variant
        name = self.artifact.manifest.name[:_MAX_NAME_CHARS]
        return tag_value_for(f"{name}@{self.artifact.version}/{variant}")

    @property
    def tags(self) -> dict[str, str]:
        """The tags of each resource."""
        return {NAME_TAG: self.name, TARGET_TAG: self.target, MODEL_TAG: self.model}

    @property
    def store_tags(self) -> dict[str, str]:
        """The tags of the store, which is the same for each model."""
        return {NAME_TAG: self.name}

    def package_settings(self) -> PackageSettings:
        """The choices as ``textwright package`` takes them; a zip goes through S3, so it may be large."""
        return PackageSettings(**self.image.model_dump(), build=True, max_zip_bytes=250 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class KeysSecret:
    """The secret that holds the file of API keys.

    Args:
        arn: Its ARN.
        version: Id of the version that holds now; another one changes a function, which keeps what it was made with.
    """

    arn: str
    version: str


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was deployed, and has reproduced its golden examples through its public address.

    Args:
        name: Name of the deployment.
        target: lambda or ec2.
        model: Model, version and variant.
        address: Where it answers.
        live: The version, or the image, that answers.
        previous: The one to go back to; empty for none.
        num_golden: Golden examples that were reproduced.
        cold_ms: First answer of a new instance, round trip from here.
        warm_ms: Median of the later ones.
        notes: What the reader should know.
    """

    name: str
    target: str
    model: str
    address: str
    live: str
    previous: str
    num_golden: int
    cold_ms: float
    warm_ms: float
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else value for name in self.__slots__
        }


def begin(source: Path, target: str, place: PlaceSettings, image: ImageSettings, tell: Tell) -> Job:
    """Verify the artifact and name the deployment.

    Raises:
        NotFoundError: If there is no such artifact or variant.
        ArtifactError: If it cannot be trusted.
    """
    artifact = artifacts.read(source)
    artifact.manifest.variant(image.variant)
    name = place.name or name_for("deployment", artifact.manifest.name)
    folder = place.out or Path("deploy") / name
    return Job(source, artifact, name, target, folder, place, image, tell)


def connect(job: Job) -> Deployment | None:
    """Find the account; None if there is none and only a plan is asked for.

    Raises:
        SettingsError: If no region is known, and it is needed.
        CloudAccessError: If there are no credentials, and they are needed, or they are no good.
    """
    try:
        cloud = Cloud(job.place.region)
    except SettingsError:
        if job.place.apply:
            raise
        return None
    if cloud.session.get_credentials() is None and not job.place.apply:
        return None
    job.tell(f"account {cloud.account}, region {cloud.region}")
    return deployment(cloud, job.name)


def require_target(job: Job, found: StackState | None) -> None:
    """Refuse to turn a function into servers, or the other way round.

    Raises:
        SettingsError: If the deployment is of the other kind.
    """
    there = found.tags.get(TARGET_TAG, job.target) if found else job.target
    if there != job.target:
        raise SettingsError(
            f"the deployment {job.name} is of kind {there}; give this one another --name, or first: textwright deploy "
            f"destroy {job.name}"
        )


def find_secret(where: Deployment | None, watch: WatchSettings) -> KeysSecret | None:
    """Find the secret of API keys.

    Returns:
        The secret; without an account its name stands for the ARN; None if no keys are asked for.

    Raises:
        SettingsError: If there is no such secret, or it holds nothing.
    """
    if watch.api_keys_secret is None:
        return None
    if where is None:
        return KeysSecret(watch.api_keys_secret, "(current version)")
    described = _describe_secret(where, watch.api_keys_secret)
    for version, stages in described.get("VersionIdsToStages", {}).items():
        if "AWSCURRENT" in stages:
            return KeysSecret(described["ARN"], version)
    raise SettingsError(
        f"the secret {watch.api_keys_secret!r} holds nothing; put the file of API keys into it: aws secretsmanager "
        f"put-secret-value --secret-id {watch.api_keys_secret} --secret-string file://keys.txt"
    )


def _describe_secret(where: Deployment, name: str) -> dict[str, Any]:
    try:
        return where.cloud.call("secretsmanager", "describe_secret", SecretId=name)
    except CloudError as error:
        if isinstance(error, CloudAccessError):
            raise
        raise SettingsError(
            f"there is no secret {name!r} in region {where.cloud.region}; make it from a file of "
            "lines NAME SHA256-OF-THE-KEY: aws secretsmanager create-secret --name textwright/keys --secret-string "
            "file://keys.txt"
        ) from error


def require_key_for_replay(has_keys: bool) -> None:
    """Refuse to deploy what could not be checked afterwards.

    Raises:
        SettingsError: If the deployment asks for API keys and none is given.
    """
    if has_keys and not os.environ.get(API_KEY):
        raise SettingsError(
            f"the deployment asks for API keys, so the golden examples need one to be replayed: set {API_KEY} to a key "
            "whose hash is in the secret"
        )


def make_plan(job: Job, where: Deployment | None, stacks: list[StackPlan], notes: list[str], costs: list[str]) -> Plan:
    """Compare with what is deployed and write the files for review."""
    if where is None:
        notes = ["no AWS credentials or region were found, so nothing could be compared with what is deployed", *notes]
    changes = [item for stack in stacks for item in compare(stack, stack.stack.state() if stack.stack else None)]
    files = write_files(job.folder, stacks)
    region = where.cloud.region if where else job.place.region
    return Plan(job.name, job.target, region, job.model, changes, notes, files, costs)


def deployed(job: Job, state: StackState, cold_ms: float, replayed: Replay, notes: tuple[str, ...] = ()) -> Deployed:
    """Say what was deployed."""
    outputs = state.outputs
    return Deployed(
        job.name,
        job.target,
        job.model,
        outputs["Address"],
        outputs.get("Live", ""),
        outputs.get("Previous", ""),
        replayed.num_golden,
        round(cold_ms, 1),
        round(replayed.warm_ms, 1),
        notes,
    )


def alarms(state: StackState | None) -> list[str]:
    """Name the alarms that undo an update."""
    return [arn for arn in (state.outputs.get("RollbackAlarms", "") if state else "").split(",") if arn]


def pending(job: Job, found: StackState | None, parameters: Mapping[str, str]) -> dict[str, str]:
    """Fill what only packaging will tell: as it is deployed for the same model, else a word for it."""
    is_same = found is not None and found.tags.get(MODEL_TAG) == job.model
    word = f"(package of {job.model})"
    return {key: found.parameters.get(key, word) if is_same and found else word for key in parameters}


def target_of(package: str) -> Target:
    """Name the packaging target of a function's package."""
    return "lambda-zip" if package == "zip" else "lambda-image"
