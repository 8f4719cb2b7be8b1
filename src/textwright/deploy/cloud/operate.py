"""What is done with a deployment that is there: look, read its log, go back, remove it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter, sleep, time
from typing import Any, Final

from textwright.deploy.cloud import store
from textwright.deploy.cloud.deployment import MODEL_TAG, TARGET_TAG, Deployment, address_of
from textwright.deploy.cloud.stack import Stack, StackState, Tell
from textwright.errors import CloudError, NotFoundError, SettingsError, StackError
from textwright.serverless.settings import variable

_LIVE: Final = {"lambda": ("LiveVersion", "PreviousVersion"), "ec2": ("Image", "PreviousImage")}
"""Target -> parameters that hold what answers and what to go back to."""
_POLL_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Status:
    """How a deployment is.

    Args:
        name: Its name.
        target: lambda or ec2.
        model: Model, version and variant.
        stack: CloudFormation's word.
        address: Where it answers; empty before the first version is live.
        live: What answers.
        previous: What to go back to.
        answers: What the address says: "ready" and the milliseconds, or what is wrong.
        alarms: Name -> state.
    """

    name: str
    target: str
    model: str
    stack: str
    address: str
    live: str
    previous: str
    answers: str
    alarms: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


def status(where: Deployment) -> Status:
    """Look at a deployment.

    Raises:
        NotFoundError: If there is none of that name.
    """
    state = where.state()
    return Status(
        where.name,
        state.tags[TARGET_TAG],
        state.tags.get(MODEL_TAG, ""),
        state.status,
        state.outputs.get("Address", ""),
        state.outputs.get("Live", ""),
        state.outputs.get("Previous", ""),
        _answers(where, state),
        _alarms(where),
    )


def logs(where: Deployment, *, minutes: float, follow: bool) -> Iterator[str]:
    """Read the log, oldest line first.

    Args:
        where: The deployment.
        minutes: How far back.
        follow: Go on with new lines, without end.
    """
    # A stack whose creation failed has no outputs, and its log is wanted most.
    group = where.state().outputs.get("LogGroup", f"/textwright/{where.name}")
    since = int(1000 * (time() - 60 * minutes))
    seen: set[str] = set()
    while True:
        found = where.cloud.pages("logs", "filter_log_events", "events", logGroupName=group, startTime=since)
        for event in found:
            if event["eventId"] not in seen:
                seen.add(event["eventId"])
                yield str(event["message"]).rstrip("\n")
        if not follow:
            return
        sleep(_POLL_S)


@dataclass(frozen=True, slots=True)
class Rollback:
    """A way back.

    Args:
        name: Name of the deployment.
        live: What answers now.
        previous: What answers after it.
    """

    name: str
    live: str
    previous: str


def plan_rollback(where: Deployment) -> Rollback:
    """Tell what a rollback would do.

    Raises:
        NotFoundError: If there is nothing to go back to.
        SettingsError: If a function's version before takes API keys that are revoked, or none at all.
    """
    state = where.state()
    outputs = state.outputs
    if not outputs.get("Previous"):
        raise NotFoundError(f"the deployment {where.name} has nothing to go back to: it was deployed once")
    if state.tags[TARGET_TAG] == "lambda":
        _refuse_revoked_keys(where, outputs["Function"], outputs["Live"], outputs["Previous"])
    return Rollback(where.name, outputs["Live"], outputs["Previous"])


def _refuse_revoked_keys(where: Deployment, function: str, live: str, previous: str) -> None:
    """A published version of a function keeps the API keys that it was published with."""
    now, before = _keys_of(where, function, live), _keys_of(where, function, previous)
    if now and (not before or before - now):
        raise SettingsError(
            f"version {previous} of {function} would take API keys that version {live} refuses; deploy the model "
            "before again, which gives it the secret's current keys: textwright deploy lambda ARTIFACT --apply"
        )


def _keys_of(where: Deployment, function: str, version: str) -> set[str]:
    found = where.cloud.call("lambda", "get_function_configuration", FunctionName=function, Qualifier=version)
    lines = found.get("Environment", {}).get("Variables", {}).get(variable("api_keys"), "")
    return set(lines.replace(",", "\n").split("\n")) - {""}


def roll_back(where: Deployment, tell: Tell) -> StackState:
    """Let the version, or the image, before answer; what answered becomes the one to go back to.

    Raises:
        NotFoundError: If there is nothing to go back to.
        StackError: If it failed.
    """
    where.main.settle(tell)
    plan_rollback(where)
    state = where.state()
    live, previous = _LIVE[state.tags[TARGET_TAG]]
    swapped = {live: state.parameters[previous], previous: state.parameters[live]}
    shifting = {"NewVersion": "", "NewWeight": "0"} if "NewVersion" in state.parameters else {}
    parameters = {**state.parameters, **swapped, **shifting}
    return where.main.bring_to(where.main.template(), parameters, state.tags, tell)


def plan_destroy(where: Deployment) -> list[tuple[str, str, str]]:
    """List what would be removed.

    Returns:
        Stack, type and physical name of each resource.

    Raises:
        NotFoundError: If there is nothing of that name.
    """
    found = [
        (stack.name, item["ResourceType"], item.get("PhysicalResourceId", item["LogicalResourceId"]))
        for stack in _stacks(where)
        for item in stack.resources()
        if item["ResourceStatus"] != "DELETE_COMPLETE"
    ]
    if not found and not _stacks(where):
        where.state()
    return found


def destroy(where: Deployment, tell: Tell) -> int:
    """Remove everything of a deployment, and look whether anything is left.

    Returns:
        The number of resources that were removed.

    Raises:
        NotFoundError: If there is nothing of that name.
        StackError: If something is left; names it.
    """
    listed = plan_destroy(where)
    for stack in _stacks(where):
        tell(f"removing {stack.name}")
        if stack.name == where.zip_store.name:
            _empty(where, stack)
        stack.delete(tell)
    if left := _stacks(where):
        raise StackError(f"left behind: {', '.join(stack.name for stack in left)}; run destroy again")
    return len(listed)


def _stacks(where: Deployment) -> list[Stack]:
    """What is there, in the order in which it is removed: what answers before what it was made from."""
    return [stack for stack in (where.main, where.image_store, where.zip_store) if stack.exists()]


def _empty(where: Deployment, stack: Stack) -> None:
    for item in stack.resources():
        if item["ResourceType"] == "AWS::S3::Bucket" and item["ResourceStatus"] != "DELETE_COMPLETE":
            store.empty_bucket(where.cloud, item["PhysicalResourceId"])


def _answers(where: Deployment, state: StackState) -> str:
    if not state.outputs.get("Address"):
        return "nothing yet: no version is live"
    start = perf_counter()
    try:
        code, body = address_of(where.cloud, state).ask("GET", "/readyz")
    except CloudError as error:
        return str(error)
    took_ms = 1e3 * (perf_counter() - start)
    return f"ready ({took_ms:.0f} ms)" if code == 200 else f"status {code}: {body.decode(errors='replace')[:200]}"


def _alarms(where: Deployment) -> dict[str, str]:
    names = [
        item["PhysicalResourceId"]
        for item in where.main.resources()
        if item["ResourceType"] == "AWS::CloudWatch::Alarm" and item.get("PhysicalResourceId")
    ]
    if not names:
        return {}
    found = where.cloud.call("cloudwatch", "describe_alarms", AlarmNames=names)["MetricAlarms"]
    return {item["AlarmDescription"]: item["StateValue"] for item in found}
