"""The walk from an artifact to a Lambda function; every step can be interrupted and run again.

1. package; the zip, or the image, answers its golden examples here
2. the store: a bucket or a repository; upload what is not there
3. the stack gets the new code; `live` stays what it was
4. a version is published (the same one, if nothing has changed) and answers its golden examples, asked by its number
5. a share of the traffic goes to it while alarms are watched; one that rings undoes it
6. all of it does; the golden examples are replayed through the public address
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from textwright.core.artifact import Artifact
from textwright.deploy.cloud import costs, store, templates, walk
from textwright.deploy.cloud.address import Replay, replay, version_of_function
from textwright.deploy.cloud.deployment import MODEL_TAG, Deployment, address_of
from textwright.deploy.cloud.plan import Plan, StackPlan
from textwright.deploy.cloud.settings import FunctionSettings, PlaceSettings
from textwright.deploy.cloud.stack import StackState, Tell
from textwright.deploy.cloud.walk import Deployed, Job, KeysSecret
from textwright.deploy.package.engine import Engine
from textwright.deploy.package.packaging import package
from textwright.deploy.package.selection import write_selection
from textwright.deploy.package.settings import ImageSettings
from textwright.errors import GoldenMismatchError, SettingsError, StackError

TEMPLATE: Final = "function.yaml"
_READY_S: Final = 600.0


def deploy_function(
    source: Path, place: PlaceSettings, settings: FunctionSettings, image: ImageSettings, *, tell: Tell
) -> Plan | Deployed:
    """Plan a function, or with ``place.apply`` deploy it.

    Args:
        source: An artifact folder, or the run folder that holds it.
        place: Which deployment, where, and whether to act.
        settings: The function.
        image: How the artifact is packaged.
        tell: Called with each step.

    Returns:
        The plan, or what was deployed.

    Raises:
        SettingsError: If choices exclude each other.
        CloudError: If AWS refuses; see its subclasses.
        GoldenMismatchError: If the new version does not reproduce; then it got no traffic, or was taken from it.
        PackageTooLargeError: If the artifact is too large for a zip.
    """
    _check(settings)
    job = walk.begin(source, "lambda", place, image, tell)
    where = walk.connect(job)
    secret = walk.find_secret(where, settings)
    if where is None or not place.apply:
        return _plan(job, where, settings, secret)
    walk.require_key_for_replay(secret is not None)
    return _apply(job, where, settings, secret)


def _check(settings: FunctionSettings) -> None:
    if settings.snap_start and settings.package == "image":
        raise SettingsError("--snap-start takes --package zip: Lambda makes no snapshots of images")
    if settings.snap_start and settings.provisioned_concurrency:
        raise SettingsError("--snap-start and --provisioned-concurrency exclude each other; choose one")
    if settings.auth == "key" and settings.api_keys_secret is None:
        raise SettingsError("--auth key needs --api-keys-secret: the secret that holds the file of API keys")
    if settings.auth == "open" and settings.api_keys_secret is not None:
        raise SettingsError("--auth open and --api-keys-secret exclude each other; --auth key asks for the keys")


def _parameters(
    job: Job, settings: FunctionSettings, secret: KeysSecret | None, code: Mapping[str, str]
) -> dict[str, str]:
    reserved = -1 if settings.reserved_concurrency is None else settings.reserved_concurrency
    runtime = {"Runtime": f"python{job.image.python_of('lambda-zip')}"} if settings.package == "zip" else {}
    return {
        "Name": job.name,
        **code,
        **runtime,
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


def _plan(job: Job, where: Deployment | None, settings: FunctionSettings, secret: KeysSecret | None) -> Plan:
    found = where.main.state() if where else None
    walk.require_target(job, found)
    keys = {"CodeBucket": "", "CodeKey": ""} if settings.package == "zip" else {"Image": ""}
    code = walk.pending(job, found, keys)
    is_same = found is not None and code == {key: found.parameters.get(key) for key in keys}
    live = found.outputs.get("Live", "") if found and is_same else "(published)"
    previous = found.outputs.get("Previous" if is_same else "Live", "") if found else ""
    parameters = {**_parameters(job, settings, secret, code), "LiveVersion": live, "PreviousVersion": previous}
    stacks = [
        StackPlan(
            where.store(settings.package) if where else None,
            f"store-{settings.package}.yaml",
            store.template_of(settings.package),
            store.parameters_of(settings.package, job.name),
        ),
        StackPlan(where.main if where else None, TEMPLATE, templates.read(TEMPLATE), parameters),
    ]
    notes = ["everybody on the internet may ask (--auth open), and you pay for it"] if settings.auth == "open" else []
    return walk.make_plan(job, where, stacks, notes, costs.of_function(settings))


def _apply(job: Job, where: Deployment, settings: FunctionSettings, secret: KeysSecret | None) -> Deployed:
    before = where.main.settle(job.tell)
    walk.require_target(job, before)
    template = templates.read(TEMPLATE)
    with tempfile.TemporaryDirectory(prefix="textwright-deploy-") as temporary:
        shipped = write_selection(job.artifact, job.image.variant, Path(temporary) / "artifact")
        code = _send(job, where, settings, Path(temporary) / "package")
        parameters = _parameters(job, settings, secret, code)
        live = before.parameters.get("LiveVersion", "") if before else ""
        previous = before.parameters.get("PreviousVersion", "") if before else ""
        standing = {**parameters, "LiveVersion": live, "PreviousVersion": previous}
        state = where.main.bring_to(template, standing, job.tags, job.tell)
        version = _publish(job, where, state.outputs["Function"])
        tried = _try(job, where, state.outputs["Function"], version, shipped, live)
        if _only_keys_change(job, before, parameters):
            settings = settings.model_copy(update={"shift_percent": 0})
        state = _shift(job, where, settings, template, standing, state, version)
        replayed = _replay(job, where, template, state, shipped)
    _prune(job, where, state)
    return walk.deployed(job, state, tried.first_ms, replayed)


def _only_keys_change(job: Job, before: StackState | None, parameters: Mapping[str, str]) -> bool:
    """Whether the same model goes on with other API keys; a revoked one is then not left a share of the traffic."""
    if before is None or before.tags.get(MODEL_TAG) != job.model:
        return False
    return before.parameters.get("ApiKeysVersion", "") != parameters["ApiKeysVersion"]


def _send(job: Job, where: Deployment, settings: FunctionSettings, folder: Path) -> dict[str, str]:
    made = package(job.source, walk.target_of(settings.package), folder, job.package_settings(), tell=job.tell)
    kept = store.ensure(where.store(settings.package), settings.package, job.name, job.store_tags, job.tell)
    if settings.package == "zip":
        key = store.put_zip(where.cloud, kept.outputs["Bucket"], made.path, made.version, job.tell)
        return {"CodeBucket": kept.outputs["Bucket"], "CodeKey": key}
    engine = Engine(job.image.engine)
    return {"Image": store.put_image(where.cloud, kept, engine, made.image or "", made.path, job.tell)}


def _publish(job: Job, where: Deployment, function: str) -> str:
    """Publish what the function holds now; Lambda answers with the last version if nothing has changed since."""
    job.tell("publishing a version")
    _await(where, function, "$LATEST")
    version = str(
        where.cloud.call("lambda", "publish_version", FunctionName=function, Description=job.model)["Version"]
    )
    _await(where, function, version)
    return version


def _await(where: Deployment, function: str, version: str) -> None:
    deadline = monotonic() + _READY_S
    while True:
        found = where.cloud.call("lambda", "get_function_configuration", FunctionName=function, Qualifier=version)
        states = {found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")}
        if states <= {"Active", "Successful", "Inactive"}:
            return
        if "Failed" in states or monotonic() > deadline:
            reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "it does not become active"
            raise StackError(f"version {version} of {function} cannot start: {reason}; its log: textwright deploy logs")
        sleep(1)


def _try(job: Job, where: Deployment, function: str, version: str, shipped: Artifact, live: str) -> Replay:
    job.tell(f"asking version {version} for the golden examples; it gets no traffic yet")
    try:
        return replay(shipped, version_of_function(where.cloud, function, version), f"version {version} of {function}")
    except GoldenMismatchError as error:
        standing = f"version {live} goes on answering" if live else "nothing answers at an address"
        raise GoldenMismatchError(f"{error}. No traffic was moved: {standing}") from error


def _shift(
    job: Job,
    where: Deployment,
    settings: FunctionSettings,
    template: str,
    standing: Mapping[str, str],
    state: StackState,
    version: str,
) -> StackState:
    live = standing["LiveVersion"]
    if live == version:
        return state
    alarms, minutes = walk.alarms(state) if live else [], settings.watch_minutes
    if live and settings.shift_percent and not settings.provisioned_concurrency:
        job.tell(f"{settings.shift_percent} % of the traffic goes to version {version}, for {minutes} minutes")
        shifting = {**standing, "NewVersion": version, "NewWeight": str(settings.shift_percent / 100)}
        where.main.bring_to(template, shifting, job.tags, job.tell, watch_alarms=alarms, watch_minutes=minutes)
    job.tell(f"all of the traffic goes to version {version}")
    moved = {**standing, "LiveVersion": version, "PreviousVersion": live or standing["PreviousVersion"]}
    return where.main.bring_to(template, moved, job.tags, job.tell, watch_alarms=alarms, watch_minutes=minutes)


def _replay(job: Job, where: Deployment, template: str, state: StackState, shipped: Artifact) -> Replay:
    job.tell("replaying the golden examples through the public address")
    address = address_of(where.cloud, state)
    try:
        return replay(shipped, address.predict, address.url)
    except GoldenMismatchError as error:
        previous = state.parameters.get("PreviousVersion", "")
        if not previous:
            raise
        back = {**state.parameters, "LiveVersion": previous, "PreviousVersion": state.parameters["LiveVersion"]}
        where.main.bring_to(template, back, state.tags, job.tell)
        raise GoldenMismatchError(f"{error}. Version {previous} answers again") from error


def _prune(job: Job, where: Deployment, state: StackState) -> None:
    """Delete versions that are neither live nor the one to go back to: snapshots of them would cost by the hour."""
    function = state.outputs["Function"]
    kept = {"$LATEST", state.outputs.get("Live"), state.outputs.get("Previous")}
    for item in list(where.cloud.pages("lambda", "list_versions_by_function", "Versions", FunctionName=function)):
        if item["Version"] not in kept:
            job.tell(f"deleting version {item['Version']}, which nothing leads to")
            where.cloud.call("lambda", "delete_function", FunctionName=function, Qualifier=item["Version"])
