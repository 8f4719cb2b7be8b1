"""A deployment that is there: its status, its log, its rollback, its end. The stacks remember it, nothing here does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from time import perf_counter, sleep, time
from typing import TYPE_CHECKING, Any, Final

from textwright.deploy import OnStep
from textwright.deploy.cloud import artifact_store
from textwright.deploy.cloud.endpoint import Endpoint
from textwright.deploy.cloud.stack import MODEL_TAG, NAME_TAG, TARGET_TAG, Stack, StackState
from textwright.errors import CloudError, NotFoundError, StackError

if TYPE_CHECKING:
    from textwright.deploy.cloud.session import Cloud

PREFIX: Final = "textwright-"
_POLL_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Status:
    """How a deployment is.

    Args:
        name: Its name.
        target: As the command line calls it.
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
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback would do.

    Args:
        name: Name of the deployment.
        live: What answers now.
        previous: What answers after it.
    """

    name: str
    live: str
    previous: str


@dataclass(frozen=True, slots=True)
class AwsDeployment:
    """The stacks of a deployment, whether or not they exist.

    Args:
        cloud: The account.
        name: Name of the deployment.
        main: What answers.
        image_store: The repository of images.
        zip_store: The bucket of zips.
        live_parameters: Parameters of the main stack that hold what answers and what to go back to.
        check_rollback: Refuses a rollback that must not be.
    """

    cloud: Cloud
    name: str
    main: Stack
    image_store: Stack
    zip_store: Stack
    live_parameters: tuple[str, str] = ("", "")
    check_rollback: Callable[[Cloud, StackState], None] = lambda _cloud, _state: None

    def store(self, package: str) -> Stack:
        """Return the store of a kind of package, "image" or "zip"."""
        return self.image_store if package == "image" else self.zip_store

    def state(self) -> StackState:
        """Look at what answers.

        Raises:
            NotFoundError: If there is no such deployment; names those that there are.
        """
        state = self.main.state()
        if state is None:
            raise self.not_found()
        return state

    def not_found(self) -> NotFoundError:
        """Make the error that there is no such deployment; it names those that there are."""
        deployments = ", ".join(sorted(names(self.cloud))) or "none"
        return NotFoundError(
            f"there is no deployment {self.name!r} in region {self.cloud.region}; there are: {deployments}. Another "
            "region is named by --region"
        )

    def stacks(self) -> list[Stack]:
        """List the stacks that exist, in the order in which they are removed: what answers before its packages."""
        return [stack for stack in (self.main, self.image_store, self.zip_store) if stack.exists()]

    def status(self) -> Status:
        """Look at the deployment.

        Raises:
            NotFoundError: If there is none of that name.
        """
        state = self.state()
        return Status(
            self.name,
            state.tags[TARGET_TAG],
            state.tags.get(MODEL_TAG, ""),
            state.status,
            state.outputs.get("Address", ""),
            state.outputs.get("Live", ""),
            state.outputs.get("Previous", ""),
            self._readiness(state),
            self._alarms(),
        )

    def logs(self, *, minutes: float, follow: bool) -> Iterator[str]:
        """Read the log, oldest line first.

        Args:
            minutes: How far back.
            follow: Go on with new lines, without end.
        """
        # A stack whose creation failed has no outputs, and its log is wanted most.
        group = self.state().outputs.get("LogGroup", f"/textwright/{self.name}")
        since = int(1000 * (time() - 60 * minutes))
        seen: set[str] = set()
        while True:
            events = self.cloud.pages("logs", "filter_log_events", "events", logGroupName=group, startTime=since)
            for event in events:
                if event["eventId"] not in seen:
                    seen.add(event["eventId"])
                    yield str(event["message"]).rstrip("\n")
            if not follow:
                return
            sleep(_POLL_S)

    def plan_rollback(self) -> Rollback:
        """Say what a rollback would do.

        Raises:
            NotFoundError: If there is nothing to go back to.
            SettingsError: If a function's version before takes API keys that are revoked, or none at all.
        """
        state = self.state()
        if not state.outputs.get("Previous"):
            raise NotFoundError(f"the deployment {self.name} has nothing to go back to: it was deployed once")
        self.check_rollback(self.cloud, state)
        return Rollback(self.name, state.outputs["Live"], state.outputs["Previous"])

    def rollback(self, report: OnStep) -> StackState:
        """Let the version, or the image, before answer; what answered becomes the one to go back to.

        Raises:
            NotFoundError: If there is nothing to go back to.
            StackError: If it failed.
        """
        self.main.wait_until_stable(report)
        self.plan_rollback()
        return self.swap(self.main.template(), self.state(), report)

    def swap(self, template: str, state: StackState, report: OnStep) -> StackState:
        """Let what answered before answer again, without a share for a version that was being tried."""
        live, previous = self.live_parameters
        swapped = {live: state.parameters[previous], previous: state.parameters[live]}
        shifting = {"NewVersion": "", "NewWeight": "0"} if "NewVersion" in state.parameters else {}
        return self.main.apply(template, {**state.parameters, **swapped, **shifting}, state.tags, report)

    def plan_destroy(self) -> list[tuple[str, str, str]]:
        """List what would be removed.

        Returns:
            Stack, type and physical name of each resource.

        Raises:
            NotFoundError: If there is nothing of that name.
        """
        stacks = self.stacks()
        if not stacks:
            raise self.not_found()
        return [
            (stack.name, item["ResourceType"], item.get("PhysicalResourceId", item["LogicalResourceId"]))
            for stack in stacks
            for item in stack.resources()
            if item["ResourceStatus"] != "DELETE_COMPLETE"
        ]

    def destroy(self, report: OnStep) -> int:
        """Remove everything of the deployment, and look whether anything is left.

        Returns:
            The number of resources that were removed.

        Raises:
            NotFoundError: If there is nothing of that name.
            StackError: If something is left; names it.
        """
        resources = self.plan_destroy()
        for stack in self.stacks():
            report(f"removing {stack.name}")
            if stack.name == self.zip_store.name:
                self._empty(stack)
            stack.delete(report)
        if remaining := self.stacks():
            raise StackError(f"left behind: {', '.join(stack.name for stack in remaining)}; run destroy again")
        return len(resources)

    def endpoint(self, state: StackState) -> Endpoint:
        """Return the public address of what answers; requests are signed where IAM guards it."""
        is_iam = state.parameters.get("Auth") == "iam"
        balancer = state.outputs.get("LoadBalancer") if state.parameters.get("Domain") else None
        return Endpoint(state.outputs["Address"], connect_to=balancer, signed_by=self.cloud if is_iam else None)

    def _empty(self, stack: Stack) -> None:
        for item in stack.resources():
            if item["ResourceType"] == "AWS::S3::Bucket" and item["ResourceStatus"] != "DELETE_COMPLETE":
                artifact_store.empty_bucket(self.cloud, item["PhysicalResourceId"])

    def _readiness(self, state: StackState) -> str:
        if not state.outputs.get("Address"):
            return "nothing yet: no version is live"
        start = perf_counter()
        try:
            code, body = self.endpoint(state).send("GET", "/readyz")
        except CloudError as error:
            return str(error)
        elapsed_ms = 1e3 * (perf_counter() - start)
        return (
            f"ready ({elapsed_ms:.0f} ms)" if code == 200 else f"status {code}: {body.decode(errors='replace')[:200]}"
        )

    def _alarms(self) -> dict[str, str]:
        alarms = [
            item["PhysicalResourceId"]
            for item in self.main.resources()
            if item["ResourceType"] == "AWS::CloudWatch::Alarm" and item.get("PhysicalResourceId")
        ]
        if not alarms:
            return {}
        states = self.cloud.call("cloudwatch", "describe_alarms", AlarmNames=alarms)["MetricAlarms"]
        return {item["AlarmDescription"]: item["StateValue"] for item in states}


def names(cloud: Cloud) -> Iterator[str]:
    """List the deployments of the region."""
    for stack in cloud.pages("cloudformation", "describe_stacks", "Stacks"):
        tags = {item["Key"]: item["Value"] for item in stack.get("Tags", [])}
        if TARGET_TAG in tags and stack["StackName"] == PREFIX + tags.get(NAME_TAG, ""):
            yield tags[NAME_TAG]
