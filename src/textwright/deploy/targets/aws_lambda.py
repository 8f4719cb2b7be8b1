"""Lambda: a function with an address, from a zip or an image.

A rollout publishes a version (the same one, if nothing has changed), which answers its golden examples, asked by its
number, before it gets traffic. A share of the traffic goes to it while alarms are watched, then all of it; an alarm
undoes each step. `live` stays what it was until then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AfterValidator, Field

from textwright.api.record import METRICS
from textwright.deploy import OnStep
from textwright.deploy.cloud import templates
from textwright.deploy.cloud.common import AwsDeployer, Rollout, alarms_of
from textwright.deploy.cloud.endpoint import function_version
from textwright.deploy.cloud.lifecycle import AwsDeployment
from textwright.deploy.cloud.settings import WatchSettings
from textwright.deploy.cloud.stack import StackState
from textwright.deploy.cost_estimate.arithmetic import Estimate, Recurring, Traffic
from textwright.deploy.cost_estimate.choices import Choice, traffic_of
from textwright.deploy.cost_estimate.measure import Measured
from textwright.deploy.cost_estimate.plans import FunctionPlan, estimate_function
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.package import function_zip
from textwright.deploy.package.engine import ContainerEngine
from textwright.deploy.package.packaging import ImageFormat, Package, PackageFormat
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.prices import Prices
from textwright.deploy.smoke_test import ASK_FUNCTION, SmokeTest, SmokeTestResult
from textwright.errors import GoldenMismatchError, SettingsError, StackError
from textwright.serverless.settings import variable

if TYPE_CHECKING:
    from textwright.core.artifact import Artifact
    from textwright.deploy.cloud.session import Cloud

CREATED: Final = Recurring(num_alarms=3, num_metrics=1 + len(METRICS))
"""What the template creates beside the function, as far as it is paid for; a test counts it there."""
NUM_VERSIONS: Final = 2
"""Published versions that a deployment keeps: the live one, and the one before for a rollback."""
LAMBDA_LOG_BYTES: Final = 300
"""Lambda's own three lines (START, END, REPORT) for each request."""
FUNCTION_LOG_BYTES: Final = 800
"""Our own line for a request with its metrics."""
TEMPLATE: Final = "function.yaml"
_READY_S: Final = 600.0
_SPARE: Final = 1.25
"""Memory of a function against the most that was measured."""
_MB: Final = 2**20


_WHOLE: Final = 100.0
_SIDES: Final = ("live", "new")


def split_shares(text: str) -> Mapping[str, float]:
    """Read shares of the requests as ``serve --split`` has them, of the two sides of a rollout.

    Args:
        text: "live=PERCENT,new=PERCENT".

    Raises:
        SettingsError: If it is of another form, names something else, or the shares are not 100 together.
    """
    from textwright.server.registry.traffic_split import TrafficSplit

    shares = TrafficSplit.parse(text).shares
    if set(shares) != set(_SIDES):
        raise SettingsError(
            f"--split {text!r} names {', '.join(shares)}; name live, which answers now, and new, for example "
            "live=90,new=10"
        )
    return shares


def _checked_split(text: str) -> str:
    try:
        split_shares(text)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return text


class FunctionSettings(WatchSettings):
    """The function."""

    package: Literal["zip", "image"] = "zip"
    """zip: for the managed runtimes, no container engine needed. image: for models too large for a zip."""
    memory_mb: Annotated[int, Field(ge=128, le=10_240)] = 1769
    """Memory; processor time grows with it, 1769 MB is one core."""
    function_timeout_s: Annotated[int, Field(ge=1, le=900)] = 30
    """Seconds after which a request is cut off."""
    auth: Literal["iam", "key", "open"] = "iam"
    """Who may ask: those whom IAM allows, those with an API key, or everybody."""
    base_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    """Path before the routes, for a custom domain's API mapping or a load balancer's rule, such as /sentiment."""
    snap_start: bool = False
    """Start instances from a snapshot of an initialized one (zip)."""
    provisioned_concurrency: Annotated[int, Field(ge=0)] = 0
    """Instances that are kept initialized; they cost by the hour."""
    reserved_concurrency: Annotated[int | None, Field(ge=0)] = None
    """Maximum number of instances at once, taken from the account's quota; absent: no bound of its own."""
    keep_failed_events: bool = False
    """A queue for asynchronous events that failed; requests through the address need none."""
    request_ms: Annotated[float, Field(gt=0)] = 30
    """Time of a request, for the estimate of costs alone; `textwright cost` measures it."""
    split: Annotated[str, AfterValidator(_checked_split)] = "live=90,new=10"
    """Shares of the requests while alarms are watched, in percent: live is the version that answers now, new the one
    that is deployed; live=0,new=100 moves all at once. An alarm returns all requests to live."""

    @property
    def new_share(self) -> float:
        """Percent of the requests that a new version gets first; 100 moves all of them at once."""
        return split_shares(self.split)["new"]


class FunctionImage(ImageFormat):
    """A Lambda function as an image."""

    name = "lambda-image"
    description = "a Lambda function as an image"
    stage = "lambda"
    tag_suffix = "-lambda"

    def answers(self, engine: ContainerEngine, image: str, bodies: Sequence[str]) -> str:
        """Call the function in a container of its own."""
        return engine.ask_once(image, ASK_FUNCTION, bodies)

    def run_step(self, image: str) -> str:
        """Say where it goes."""
        return f"push {image} to a registry and make a function of it"


class FunctionZip(PackageFormat):
    """A Lambda function as a zip."""

    name = function_zip.NAME
    description = "one as a zip, for the managed Python runtimes on x86_64"
    kind = "zip"

    def make(
        self, artifact: Artifact, out: Path, settings: PackageSettings, measured: Measured | None, report: OnStep
    ) -> Package:
        """Write the zip; its unpacked tree answers the golden examples if there is a Python to run it with."""
        del measured  # of the server; a function's memory is chosen when it is deployed
        python = settings.python or function_zip.DEFAULT_PYTHON
        return function_zip.write_function_zip(
            artifact,
            settings.variant,
            out,
            python=python,
            report=report,
            max_bytes=settings.max_zip_bytes,
            example_text=settings.example_text,
        )

    def next_step(self, result: Package, path: str) -> str:  # noqa: ARG002  the form for all packages
        """Say where it goes."""
        return f"upload {path} to a function of runtime python3.12, x86_64, handler function.handler"


class FunctionCosts:
    """What each memory size costs."""

    title = "Lambda"
    package = FunctionZip.name

    def check(self, settings: CostSettings, prices: Prices) -> None:
        """Refuse memory sizes that Lambda does not have."""
        for memory_mb in settings.memory_mb:
            prices.functions.check_memory(memory_mb)

    def choices(
        self, measured: Measured, settings: CostSettings, prices: Prices, requests_per_day: float
    ) -> list[Choice]:
        """Lay out every size: M MB have M / 1,769 of a vCPU; a request has one thread, so it uses one at most."""
        return [
            self._choice(memory_mb, measured, settings, prices, requests_per_day) for memory_mb in settings.memory_mb
        ]

    def _choice(
        self, memory_mb: int, measured: Measured, settings: CostSettings, prices: Prices, requests_per_day: float
    ) -> Choice:
        load, vcpus = measured.function, min(1.0, prices.functions.vcpus(memory_mb))
        speed = vcpus * settings.vcpu_speed
        latency_ms = 1e3 * load.cpu_s / speed + settings.overhead_ms / vcpus
        plan = FunctionPlan(
            memory_mb,
            seconds_per_request=math.ceil(latency_ms) / 1e3,  # AWS rounds each request up to a millisecond
            init_seconds=load.init_cpu_s / speed,
            cold_share=settings.cold_share,
            provisioned=settings.provisioned,
            has_snapstart=settings.snapstart,
            num_versions=NUM_VERSIONS,
            num_alarms=CREATED.num_alarms,
            num_metrics=CREATED.num_metrics,
        )
        traffic = traffic_of(measured, settings, requests_per_day, load.log_bytes + LAMBDA_LOG_BYTES)
        estimate = estimate_function(plan, traffic, prices, counts_free_allowance=settings.free_allowance)
        at_once = math.ceil(traffic.peak_per_second * latency_ms / 1e3)
        rejection_reason = _rejection_reason(memory_mb, latency_ms, load.memory_bytes, settings.max_latency_ms)
        size = f"{memory_mb:,} MB"
        return Choice(self.title, size, estimate, at_once, latency_ms, 1.0, rejection_reason, is_paid_by_use=True)


def _rejection_reason(memory_mb: int, latency_ms: float, memory_bytes: int, max_latency_ms: float | None) -> str:
    needed = math.ceil(_SPARE * memory_bytes / _MB)
    if memory_mb < needed:
        return f"needs {needed:,} MB"
    is_fast_enough = max_latency_ms is None or latency_ms <= max_latency_ms
    return "" if is_fast_enough else f"slower than {max_latency_ms:g} ms"


class LambdaDeployer(AwsDeployer[FunctionSettings]):
    """Deploys a function with an address."""

    target, extra, settings, group = "lambda", "aws", FunctionSettings, "Function"
    help = """Plan a Lambda function with an address; with --apply, make it and check it.

    Example: textwright deploy lambda runs/demo --region eu-central-1

    Args:
        artifact: An artifact folder, or the run folder that holds it.
    """
    file = TEMPLATE
    live_parameters = ("LiveVersion", "PreviousVersion")
    previous_words = "Version {}"

    def check(self, settings: FunctionSettings, *, applies: bool) -> None:  # noqa: ARG002  the form for all targets
        """Refuse choices that exclude each other."""
        if settings.snap_start and settings.package == "image":
            raise SettingsError("--snap-start takes --package zip: Lambda makes no snapshots of images")
        if settings.snap_start and settings.provisioned_concurrency:
            raise SettingsError("--snap-start and --provisioned-concurrency exclude each other; choose one")
        if settings.auth == "key" and settings.api_keys_secret is None:
            raise SettingsError("--auth key needs --api-keys-secret: the secret that holds the file of API keys")
        if settings.auth == "open" and settings.api_keys_secret is not None:
            raise SettingsError("--auth open and --api-keys-secret exclude each other; --auth key asks for the keys")

    def package_format(self, settings: FunctionSettings) -> PackageFormat:
        """Take the zip, or the image."""
        return FunctionZip() if settings.package == "zip" else FunctionImage()

    def template(self, settings: FunctionSettings) -> str:  # noqa: ARG002  the form for all targets
        """Read the template."""
        return templates.read(TEMPLATE)

    def parameters(self, rollout: Rollout[FunctionSettings]) -> dict[str, str]:
        """Return the parameters of the function."""
        settings, secret = rollout.settings, rollout.secret
        reserved = -1 if settings.reserved_concurrency is None else settings.reserved_concurrency
        python = rollout.request.image.python or function_zip.DEFAULT_PYTHON
        return {
            "Name": rollout.request.name,
            **self._code(rollout),
            **({"Runtime": f"python{python}"} if settings.package == "zip" else {}),
            "MemoryMb": str(settings.memory_mb),
            "TimeoutS": str(settings.function_timeout_s),
            "Auth": settings.auth,
            "ApiKeysSecret": secret.arn if secret else "",
            "ApiKeysVersion": secret.version if secret else "",
            "BasePath": settings.base_path,
            "UseSnapStart": str(settings.snap_start).lower(),
            "ProvisionedConcurrency": str(settings.provisioned_concurrency),
            "ReservedConcurrency": str(reserved),
            "KeepFailedEvents": str(settings.keep_failed_events).lower(),
            "LogDays": str(settings.log_days),
            "AlarmEmail": settings.alarm_email or "",
        }

    def planned(self, rollout: Rollout[FunctionSettings]) -> dict[str, str]:
        """Take the package of the same model, if it is deployed."""
        before, code = rollout.before, self._code(rollout)
        is_same = before is not None and code == {key: before.parameters.get(key) for key in code}
        live = before.outputs.get("Live", "") if before and is_same else "(published)"
        previous = before.outputs.get("Previous" if is_same else "Live", "") if before else ""
        return {"LiveVersion": live, "PreviousVersion": previous}

    def _code(self, rollout: Rollout[FunctionSettings]) -> dict[str, str]:
        return rollout.pending(*(("CodeBucket", "CodeKey") if rollout.settings.package == "zip" else ("Image",)))

    def roll_out(
        self,
        deployment: AwsDeployment,
        rollout: Rollout[FunctionSettings],
        parameters: Mapping[str, str],
        smoke_test: SmokeTest,
        version: str,
    ) -> tuple[StackState, float | None]:
        """Publish a version, try it without traffic, and move the traffic to it."""
        live, previous = (rollout.current(name) for name in self.live_parameters)
        standing = {**parameters, "LiveVersion": live, "PreviousVersion": previous}
        request = rollout.request
        state = deployment.main.apply(templates.read(TEMPLATE), standing, self.tags(request), request.report)
        function = state.outputs["Function"]
        published = _publish(deployment.cloud, function, request.model, request.report)
        tried = _try(deployment.cloud, function, published, smoke_test, version, live, request.report)
        if live != published:
            state = self._shift(deployment, rollout, standing, state, published)
        return state, tried.first_ms

    def _shift(
        self,
        deployment: AwsDeployment,
        rollout: Rollout[FunctionSettings],
        standing: Mapping[str, str],
        state: StackState,
        version: str,
    ) -> StackState:
        settings, report, tags = rollout.settings, rollout.request.report, self.tags(rollout.request)
        template, live, minutes = templates.read(TEMPLATE), standing["LiveVersion"], settings.watch_minutes
        alarms = alarms_of(state) if live else []
        # Where the same model goes on with other API keys, a revoked one is not left a share of the traffic.
        other_keys = rollout.is_same_model and rollout.current("ApiKeysVersion") != standing["ApiKeysVersion"]
        if live and settings.new_share < _WHOLE and not settings.provisioned_concurrency and not other_keys:
            report(f"traffic is split for {minutes} minutes: {settings.split}; new is version {version}")
            shifting = {**standing, "NewVersion": version, "NewWeight": f"{settings.new_share / _WHOLE:g}"}
            deployment.main.apply(template, shifting, tags, report, watch_alarms=alarms, watch_minutes=minutes)
        report(f"all of the traffic goes to version {version}")
        moved = {**standing, "LiveVersion": version, "PreviousVersion": live or standing["PreviousVersion"]}
        return deployment.main.apply(template, moved, tags, report, watch_alarms=alarms, watch_minutes=minutes)

    def clean_up(self, cloud: Cloud, state: StackState, report: OnStep) -> None:
        """Delete versions that are neither live nor the one to go back to: snapshots of them would cost by the hour."""
        function = state.outputs["Function"]
        needed = {"$LATEST", state.outputs.get("Live"), state.outputs.get("Previous")}
        for item in list(cloud.pages("lambda", "list_versions_by_function", "Versions", FunctionName=function)):
            if item["Version"] not in needed:
                report(f"deleting version {item['Version']}, which nothing leads to")
                cloud.call("lambda", "delete_function", FunctionName=function, Qualifier=item["Version"])

    def check_rollback(self, cloud: Cloud, state: StackState) -> None:
        """Refuse to bring revoked API keys back: a version keeps those that it was published with."""
        function, live, previous = (state.outputs[name] for name in ("Function", "Live", "Previous"))
        now, before = _keys_of(cloud, function, live), _keys_of(cloud, function, previous)
        if now and (not before or before - now):
            raise SettingsError(
                f"version {previous} of {function} would take API keys that version {live} refuses; deploy the model "
                "before again, which gives it the secret's current keys: textwright deploy lambda ARTIFACT --apply"
            )

    def notes(self, settings: FunctionSettings) -> list[str]:
        """Say who may ask."""
        return (
            ["everybody on the internet may ask (--auth open), and you pay for it"] if settings.auth == "open" else []
        )

    def estimate(self, settings: FunctionSettings, prices: Prices) -> Estimate:
        """Estimate a month; the time of a request is the setting's, not measured here."""
        plan = FunctionPlan(
            settings.memory_mb,
            settings.request_ms / 1e3,
            init_seconds=1.0,
            provisioned=settings.provisioned_concurrency,
            has_snapstart=settings.snap_start,
            num_versions=NUM_VERSIONS,
            is_image=settings.package == "image",
            package_gb=0.4 if settings.package == "image" else 0.05,
            num_alarms=CREATED.num_alarms,
            num_metrics=CREATED.num_metrics,
            num_secrets=int(settings.api_keys_secret is not None),
            log_retention_days=settings.log_days,
        )
        traffic = Traffic(settings.requests_per_day, log_bytes=FUNCTION_LOG_BYTES + LAMBDA_LOG_BYTES)
        return estimate_function(plan, traffic, prices)


def _publish(cloud: Cloud, function: str, model: str, report: OnStep) -> str:
    """Publish what the function holds now; Lambda answers with the last version if nothing has changed since."""
    report("publishing a version")
    _wait_until_active(cloud, function, "$LATEST")
    version = str(cloud.call("lambda", "publish_version", FunctionName=function, Description=model)["Version"])
    _wait_until_active(cloud, function, version)
    return version


def _wait_until_active(cloud: Cloud, function: str, version: str) -> None:
    deadline = monotonic() + _READY_S
    while True:
        configuration = cloud.call("lambda", "get_function_configuration", FunctionName=function, Qualifier=version)
        states = {configuration.get("State", "Active"), configuration.get("LastUpdateStatus", "Successful")}
        if states <= {"Active", "Successful", "Inactive"}:
            return
        if "Failed" in states or monotonic() > deadline:
            reason = (
                configuration.get("StateReason")
                or configuration.get("LastUpdateStatusReason")
                or "it does not become active"
            )
            raise StackError(f"version {version} of {function} cannot start: {reason}; its log: textwright deploy logs")
        sleep(1)


def _try(
    cloud: Cloud, function: str, published: str, smoke_test: SmokeTest, version: str, live: str, report: OnStep
) -> SmokeTestResult:
    """Send the golden examples to a version that gets no traffic yet."""
    report(f"asking version {published} for the golden examples; it gets no traffic yet")
    try:
        return smoke_test.run(
            function_version(cloud, function, published), version, f"version {published} of {function}"
        )
    except GoldenMismatchError as error:
        standing = f"version {live} goes on answering" if live else "nothing answers at an address"
        raise GoldenMismatchError(f"{error}. No traffic was moved: {standing}") from error


def _keys_of(cloud: Cloud, function: str, version: str) -> set[str]:
    configuration = cloud.call("lambda", "get_function_configuration", FunctionName=function, Qualifier=version)
    lines = configuration.get("Environment", {}).get("Variables", {}).get(variable("api_keys"), "")
    return set(lines.replace(",", "\n").split("\n")) - {""}


class AwsLambda:
    """A function with an address."""

    name = "lambda"
    formats = (FunctionImage(), FunctionZip())
    costs = FunctionCosts()
    deployer = LambdaDeployer()


TARGET = AwsLambda()
