"""The flow of a plan and of an apply on AWS; what is particular to a target stands in its file in ``deploy.targets``.

1. package; what was built answers its golden examples here
2. the store: a bucket or a repository; upload what is not there
3. the target's stack gets the new package; how the traffic moves to it, and what undoes that, is the target's
4. the smoke test: the golden examples through the public address; an answer that differs brings back what was before

Every step can be interrupted and run again.
"""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from textwright.config import Settings
from textwright.deploy import OnStep
from textwright.deploy.cloud import artifact_store
from textwright.deploy.cloud.endpoint import API_KEY
from textwright.deploy.cloud.lifecycle import PREFIX, AwsDeployment
from textwright.deploy.cloud.plan import DeploymentPlan, StackPlan, compare, write_files
from textwright.deploy.cloud.settings import DeploymentSettings, WatchSettings
from textwright.deploy.cloud.stack import MODEL_TAG, NAME_TAG, TARGET_TAG, Stack, StackState
from textwright.deploy.cost_estimate.arithmetic import Estimate
from textwright.deploy.names import name_for, tag_value_for
from textwright.deploy.package.packaging import PackageFormat, package
from textwright.deploy.package.settings import ImageSettings, PackageSettings
from textwright.deploy.prices import Prices, load_prices
from textwright.deploy.smoke_test import SmokeTest, SmokeTestResult
from textwright.errors import CloudAccessError, CloudError, GoldenMismatchError, NotFoundError, SettingsError
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.core.artifact import Artifact
    from textwright.deploy.cloud.session import Cloud

_MAX_NAME_CHARS: Final = 128
"""Of a model's name in a tag, so that version and variant find room behind it."""
_MAX_ZIP_BYTES: Final = 250 * 1024 * 1024
"""A zip goes through S3, so it may be larger than a direct upload."""
_AnySettingsT = TypeVar("_AnySettingsT", bound=Settings)
_SettingsT = TypeVar("_SettingsT", bound=WatchSettings)


@dataclass(frozen=True, slots=True)
class DeployRequest(Generic[_AnySettingsT]):
    """One artifact on its way to one deployment.

    Args:
        artifact: The verified artifact.
        deployment: Which deployment, where.
        settings: The target's own choices.
        image: How the artifact is packaged.
        report: Called with each step.

    Raises:
        NotFoundError: If there is no such variant.
    """

    artifact: Artifact
    deployment: DeploymentSettings
    settings: _AnySettingsT
    image: ImageSettings
    report: OnStep

    def __post_init__(self) -> None:
        """Check the variant before anything is done."""
        self.artifact.manifest.variant(self.image.variant)

    @property
    def name(self) -> str:
        """Name of the deployment."""
        return self.deployment.name or name_for("deployment", self.artifact.manifest.name)

    @property
    def folder(self) -> Path:
        """Where files to review are written."""
        return self.deployment.out or Path("deploy") / self.name

    @property
    def model(self) -> str:
        """The model and variant that are deployed, as a tag of the stack says it."""
        variant = self.image.variant or self.artifact.manifest.default_variant
        name = self.artifact.manifest.name[:_MAX_NAME_CHARS]
        return tag_value_for(f"{name}@{self.artifact.version}/{variant}")

    def package_settings(self) -> PackageSettings:
        """Return the choices as packaging takes them."""
        return PackageSettings(**self.image.model_dump(), build=True, max_zip_bytes=_MAX_ZIP_BYTES)


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
class Rollout(Generic[_SettingsT]):
    """A request, and what there is of its deployment.

    Args:
        request: What is deployed.
        deployment: The stacks; None without an account, in a plan.
        before: What answers now; None if nothing does.
        secret: The API keys; None if none are required.
    """

    request: DeployRequest[_SettingsT]
    deployment: AwsDeployment | None
    before: StackState | None
    secret: KeysSecret | None

    @property
    def settings(self) -> _SettingsT:
        """The target's own choices."""
        return self.request.settings

    @property
    def is_same_model(self) -> bool:
        """Whether what answers now is the same model and variant."""
        return self.before is not None and self.before.tags.get(MODEL_TAG) == self.request.model

    def current(self, parameter: str) -> str:
        """Return a parameter of what answers now; empty if nothing does."""
        return self.before.parameters.get(parameter, "") if self.before else ""

    def pending(self, *parameters: str) -> dict[str, str]:
        """Fill what only packaging will tell: as it is deployed for the same model, else a word for it."""
        word = f"(package of {self.request.model})"
        known = self.before.parameters if self.before and self.is_same_model else {}
        return {name: known.get(name, word) for name in parameters}


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was deployed, and has reproduced its golden examples through its public address.

    Args:
        name: Name of the deployment.
        target: As the command line calls it.
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
        return {**asdict(self), "notes": list(self.notes)}


class AwsDeployer(ABC, Generic[_SettingsT]):
    """Deploys to one target on AWS; a subclass says what is particular."""

    target: ClassVar[str]
    """As the command line, tags and plans call it."""
    file: ClassVar[str]
    """Name of the template's file."""
    live_parameters: ClassVar[tuple[str, str]]
    """Parameters of the stack that hold what answers and what to go back to."""
    previous_words: ClassVar[str]
    """What to go back to, in words; ``{}`` stands for its parameter."""

    @abstractmethod
    def check(self, settings: _SettingsT, *, applies: bool) -> None:
        """Refuse choices that exclude each other.

        Raises:
            SettingsError: Names the flags.
        """

    @abstractmethod
    def package_format(self, settings: _SettingsT) -> PackageFormat:
        """Choose how the artifact is packaged."""

    @abstractmethod
    def template(self, settings: _SettingsT) -> str:
        """Return the CloudFormation template."""

    @abstractmethod
    def parameters(self, rollout: Rollout[_SettingsT]) -> dict[str, str]:
        """Return the template's parameters; those of the package as far as they are known without packaging."""

    @abstractmethod
    def planned(self, rollout: Rollout[_SettingsT]) -> dict[str, str]:
        """Return the parameters of what would answer after a rollout, for a plan."""

    @abstractmethod
    def roll_out(
        self,
        deployment: AwsDeployment,
        rollout: Rollout[_SettingsT],
        parameters: Mapping[str, str],
        smoke_test: SmokeTest,
        version: str,
    ) -> tuple[StackState, float | None]:
        """Bring the stack to a package that was uploaded, so that it answers.

        Args:
            deployment: The stacks.
            rollout: The request, and what answers now.
            parameters: The template's, those of the package included.
            smoke_test: The golden examples.
            version: Version of the artifact in the package.

        Returns:
            The stack, and the milliseconds of a cold start if one was measured on the way.
        """

    @abstractmethod
    def estimate(self, settings: _SettingsT, prices: Prices) -> Estimate:
        """Estimate a month of what would be deployed.

        Raises:
            NotFoundError: If the price table lacks something.
        """

    def notes(self, settings: _SettingsT) -> list[str]:  # noqa: ARG002  the form for all targets
        """Say what the reader of a plan should know."""
        return []

    def scripts(self) -> dict[str, str]:
        """Return what stands in the template and is reviewed by itself, file name -> text."""
        return {}

    def check_rollback(self, cloud: Cloud, state: StackState) -> None:
        """Refuse a rollback that must not be."""

    def clean_up(self, cloud: Cloud, state: StackState, report: OnStep) -> None:
        """Remove what earlier rollouts have left behind."""

    def tags(self, request: DeployRequest[_SettingsT]) -> dict[str, str]:
        """Return the tags of each resource."""
        return {NAME_TAG: request.name, TARGET_TAG: self.target, MODEL_TAG: request.model}

    def plan(self, request: DeployRequest[_SettingsT]) -> DeploymentPlan:
        """Plan a deployment; nothing on AWS is touched.

        Returns:
            What would be made and what would change; without an account all of it, as if nothing were there.

        Raises:
            SettingsError: If choices exclude each other, or there is no network to run in.
            CloudError: If AWS refuses; see its subclasses.
        """
        self.check(request.settings, applies=False)
        deployment = self._connect_if_possible(request)
        secret = find_secret(deployment, request.settings)
        rollout = Rollout(request, deployment, deployment.main.state() if deployment else None, secret)
        self._require_target(rollout)
        kind = self.package_format(request.settings).kind
        stacks = [
            StackPlan(
                deployment.store(kind) if deployment else None,
                f"store-{kind}.yaml",
                artifact_store.template_of(kind),
                artifact_store.parameters_of(kind, request.name),
            ),
            StackPlan(
                deployment.main if deployment else None,
                self.file,
                self.template(request.settings),
                {**self.parameters(rollout), **self.planned(rollout)},
                self.scripts(),
            ),
        ]
        region = deployment.cloud.region if deployment else request.deployment.region
        changes = [item for stack in stacks for item in compare(stack, stack.stack.state() if stack.stack else None)]
        unknown = ["no AWS credentials or region were found, so nothing could be compared with what is deployed"]
        return DeploymentPlan(
            request.name,
            self.target,
            region,
            request.model,
            changes,
            [*([] if deployment else unknown), *self.notes(request.settings)],
            write_files(request.folder, stacks),
            self.costs(request.settings, region),
        )

    def apply(self, request: DeployRequest[_SettingsT]) -> Deployed:
        """Deploy, and check what was deployed.

        Raises:
            SettingsError: If choices exclude each other, nobody has said who may ask, or there is no network to run in.
            CloudError: If AWS refuses; see its subclasses.
            ContainerEngineError: If an image is needed and there is no container engine, or it fails.
            GoldenMismatchError: If what was deployed does not reproduce; what was before is brought back then.
            PackageTooLargeError: If the artifact is too large for a zip.
        """
        settings, report = request.settings, request.report
        self.check(settings, applies=True)
        deployment = self._connect(request, _cloud(request.deployment.region))
        secret = find_secret(deployment, settings)
        _require_key_for_smoke_test(has_keys=secret is not None)
        form = self.package_format(settings)
        form.check_engine(request.image)
        rollout = Rollout(request, deployment, deployment.main.wait_until_stable(report), secret)
        self._require_target(rollout)
        parameters = self.parameters(rollout)
        with tempfile.TemporaryDirectory(prefix="textwright-deploy-") as temporary:
            folder = request.folder / "image" if form.kind == "image" else Path(temporary)
            packaged = package(request.artifact, form, folder, request.package_settings(), report=report)
            store = deployment.store(form.kind)
            parameters |= artifact_store.upload(
                deployment.cloud, store, request.name, packaged, request.image.engine, report
            )
        smoke_test = SmokeTest(request.artifact, request.image.variant)
        state, cold_ms = self.roll_out(deployment, rollout, parameters, smoke_test, packaged.version)
        result = self._smoke_test(deployment, rollout, state, smoke_test, packaged.version)
        self.clean_up(deployment.cloud, state, report)
        return Deployed(
            request.name,
            self.target,
            request.model,
            state.outputs["Address"],
            state.outputs.get("Live", ""),
            state.outputs.get("Previous", ""),
            result.num_golden,
            round(result.first_ms if cold_ms is None else cold_ms, 1),
            round(result.warm_ms, 1),
            tuple(self.notes(settings)),
        )

    def find(self, name: str, region: str | None) -> AwsDeployment | None:
        """Find a deployment by its name.

        Returns:
            The deployment, or what is left of it; None if it is one of another target.

        Raises:
            NotFoundError: If there is none of that name; names those that there are.
            SettingsError: If no region is known.
            CloudError: If AWS refuses; see its subclasses.
        """
        require("aws", what="speaking to AWS")
        deployment = self.deployment(_cloud(region), name)
        state = deployment.main.state()
        if state is None and not deployment.stacks():
            raise deployment.not_found()
        return None if state and state.tags.get(TARGET_TAG) != self.target else deployment

    def deployment(self, cloud: Cloud, name: str, *, poll_s: float = 2.0) -> AwsDeployment:
        """Name a deployment's stacks."""
        main, images, zips = (Stack(cloud, f"{PREFIX}{name}{part}", poll_s=poll_s) for part in ("", "-images", "-zips"))
        return AwsDeployment(cloud, name, main, images, zips, self.live_parameters, self.check_rollback)

    def costs(self, settings: _SettingsT, region: str | None) -> list[str]:
        """Print the estimate of a month; a line that says so where the price table lacks something."""
        try:
            estimate = self.estimate(settings, load_prices(region=region))
        except NotFoundError as error:
            return [f"no estimate of costs: {error}"]
        traffic = f"{settings.requests_per_day:,.0f} requests a day"
        return [
            f"about {estimate.usd_per_month:,.2f} USD a month at {traffic} ({estimate.title}; {estimate.caption}):",
            *(f"  {line.usd:9,.2f}  {line.name}: {line.arithmetic}" for line in estimate.lines),
            *(f"  excluded: {item}" for item in estimate.excluded),
        ]

    def _connect_if_possible(self, request: DeployRequest[_SettingsT]) -> AwsDeployment | None:
        try:
            cloud = _cloud(request.deployment.region)
        except SettingsError:  # no region is known
            return None
        return self._connect(request, cloud) if cloud.session.get_credentials() is not None else None

    def _connect(self, request: DeployRequest[_SettingsT], cloud: Cloud) -> AwsDeployment:
        request.report(f"account {cloud.account}, region {cloud.region}")
        return self.deployment(cloud, request.name)

    def _require_target(self, rollout: Rollout[_SettingsT]) -> None:
        """Refuse to turn a deployment of one target into one of another."""
        name, target = rollout.request.name, self.target
        deployed = rollout.before.tags.get(TARGET_TAG, target) if rollout.before else target
        if deployed != target:
            raise SettingsError(
                f"the deployment {name} is of kind {deployed}; give this one another --name, or first: textwright "
                f"deploy destroy {name}"
            )

    def _smoke_test(
        self,
        deployment: AwsDeployment,
        rollout: Rollout[_SettingsT],
        state: StackState,
        smoke_test: SmokeTest,
        version: str,
    ) -> SmokeTestResult:
        """Send the golden examples through the public address; bring back what was before if an answer differs."""
        report = rollout.request.report
        endpoint = deployment.endpoint(state)
        report(f"replaying the golden examples through {endpoint.url}")
        try:
            return smoke_test.run(endpoint.predict, version, endpoint.url)
        except GoldenMismatchError as error:
            previous = state.parameters.get(self.live_parameters[1], "")
            if not previous:
                raise
            deployment.swap(self.template(rollout.settings), state, report)
            raise GoldenMismatchError(f"{error}. {self.previous_words.format(previous)} answers again") from error


def find_secret(deployment: AwsDeployment | None, settings: WatchSettings) -> KeysSecret | None:
    """Find the secret of API keys.

    Returns:
        The secret; without an account its name stands for the ARN; None if no keys are required.

    Raises:
        SettingsError: If there is no such secret, or it holds nothing.
    """
    name = settings.api_keys_secret
    if name is None:
        return None
    if deployment is None:
        return KeysSecret(name, "(current version)")
    described = _describe_secret(deployment.cloud, name)
    for version, stages in described.get("VersionIdsToStages", {}).items():
        if "AWSCURRENT" in stages:
            return KeysSecret(described["ARN"], version)
    raise SettingsError(
        f"the secret {name!r} holds nothing; put the file of API keys into it: aws secretsmanager put-secret-value "
        f"--secret-id {name} --secret-string file://keys.txt"
    )


def _describe_secret(cloud: Cloud, name: str) -> dict[str, Any]:
    try:
        return cloud.call("secretsmanager", "describe_secret", SecretId=name)
    except CloudError as error:
        if isinstance(error, CloudAccessError):
            raise
        raise SettingsError(
            f"there is no secret {name!r} in region {cloud.region}; make it from a file of lines NAME "
            "SHA256-OF-THE-KEY: aws secretsmanager create-secret --name textwright/keys --secret-string file://keys.txt"
        ) from error


def _require_key_for_smoke_test(*, has_keys: bool) -> None:
    """Refuse to deploy what could not be checked afterwards."""
    if has_keys and not os.environ.get(API_KEY):
        raise SettingsError(
            f"the deployment asks for API keys, so the golden examples need one to be replayed: set {API_KEY} to a key "
            "whose hash is in the secret"
        )


def alarms_of(state: StackState | None) -> list[str]:
    """Name the alarms that undo an update; none where nothing answers yet."""
    return [arn for arn in (state.outputs.get("RollbackAlarms", "") if state else "").split(",") if arn]


def _cloud(region: str | None) -> Cloud:
    """Open the account of the AWS configuration; boto3 is imported only then."""
    from textwright.deploy.cloud.session import Cloud

    return Cloud(region)
