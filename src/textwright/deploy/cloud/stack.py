"""One CloudFormation stack: apply a template and parameters by change set, wait, and say why when it fails.

Each step can be interrupted and repeated: what is in progress is waited for, what failed on its first creation is
removed, and a change set is named after what it would do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from textwright.deploy import OnStep
from textwright.deploy.cloud.error_translation import reason_to_error
from textwright.errors import CloudError, CloudNotFoundError, StackError, TextwrightError

if TYPE_CHECKING:
    from textwright.deploy.cloud.session import Cloud

NAME_TAG, TARGET_TAG, MODEL_TAG = "textwright:name", "textwright:target", "textwright:model"
_POLL_S: Final = 2.0
_TIMEOUT_S: Final = 3600.0
_FIRST_FAILED: Final = frozenset({"ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"})
_NO_CHANGE: Final = ("didn't contain changes", "No updates are to be performed")
_CANCELLED: Final = "cancelled"


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack as it is.

    Args:
        id: Its ARN, which names it also after it was deleted.
        name: Its name.
        status: CloudFormation's word.
        outputs: Name -> value.
        parameters: Name -> value.
        tags: Name -> value.
    """

    id: str
    name: str
    status: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Whether its resources are in place."""
        return self.status.endswith("_COMPLETE") and self.status not in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"}


class Stack:
    """A stack by its name, whether or not it exists.

    Args:
        cloud: The account.
        name: The stack's name.
        poll_s: Seconds between looks while waiting.
    """

    def __init__(self, cloud: Cloud, name: str, *, poll_s: float = _POLL_S) -> None:
        self._cloud, self.name, self._poll_s = cloud, name, poll_s

    def state(self) -> StackState | None:
        """Look at the stack; None if there is none, or only a plan of one."""
        state = self._describe(self.name)
        return None if state is None or state.status in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else state

    def exists(self) -> bool:
        """Whether there is anything of it, a failed or planned stack included."""
        state = self._describe(self.name)
        return state is not None and state.status != "DELETE_COMPLETE"

    def template(self) -> str:
        """Read the template that is deployed."""
        body = self._cloud.call("cloudformation", "get_template", StackName=self.name)["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)

    def apply(
        self,
        template: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        report: OnStep,
        *,
        watch_alarms: Sequence[str] = (),
        watch_minutes: int = 0,
    ) -> StackState:
        """Make the stack, or change it, so that it is as described; nothing happens where it already is.

        Args:
            template: The template's text.
            parameters: Name -> value.
            tags: Name -> value; every resource gets them.
            report: Called with each step.
            watch_alarms: ARNs of alarms; one that rings during the update or the minutes after undoes it.
            watch_minutes: Minutes to watch after the update.

        Returns:
            The stack as it is then.

        Raises:
            StackError: If it failed, which undid it, or cannot be changed in the state that it is in.
            CloudAccessError: If a permission is missing, CloudFormation's own included.
            CloudQuotaError: If a quota is reached.
        """
        before = self.wait_until_stable(report)
        change = self._change_set(template, parameters, tags, before, watch_alarms if before else (), watch_minutes)
        if change is None:
            report(f"{self.name}: nothing to change")
            return self._known()
        since = datetime.now(UTC)
        self._cloud.call("cloudformation", "execute_change_set", StackName=self.name, ChangeSetName=change)
        return self._wait(report, since)

    def wait_until_stable(self, report: OnStep) -> StackState | None:
        """Wait for what is in progress; remove a stack whose first creation failed.

        Returns:
            The stack; None if there is none.

        Raises:
            StackError: If it is stuck in a state that only a person can end; says how.
        """
        state = self._describe(self.name)
        if state is not None and state.status.endswith("_IN_PROGRESS") and state.status != "REVIEW_IN_PROGRESS":
            report(f"{self.name}: waiting for {state.status}, which was begun before")
            state = self._wait_while_in_progress(report, datetime.now(UTC), state.id)
        if state is not None and state.status in _FIRST_FAILED:
            report(f"{self.name}: removing what is left of a creation that failed ({state.status})")
            self.delete(report)
            return None
        if state is not None and state.status in {"UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_FAILED"}:
            raise StackError(
                f"the stack {self.name} is in the failed state {state.status}: {self._first_reason(state.id)}; "
                + _cure(state.status, self.name)
            )
        return None if state is None or state.status in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else state

    def delete(self, report: OnStep) -> None:
        """Delete the stack with everything in it, and wait.

        Raises:
            StackError: If something could not be deleted; names it.
        """
        state = self._describe(self.name)
        if state is None or state.status == "DELETE_COMPLETE":
            return
        since = datetime.now(UTC)
        if state.status != "DELETE_IN_PROGRESS":
            self._cloud.call("cloudformation", "delete_stack", StackName=self.name)
        ended = self._wait_while_in_progress(report, since, state.id)
        if ended is not None and ended.status != "DELETE_COMPLETE":
            raise StackError(
                f"the stack {self.name} could not be deleted ({ended.status}): {self._first_reason(state.id, since)}; "
                "remove what it names and run destroy again"
            )

    def resources(self) -> list[dict[str, Any]]:
        """List the stack's resources as CloudFormation summarizes them."""
        return list(
            self._cloud.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=self.name)
        )

    def _change_set(
        self,
        template: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        before: StackState | None,
        alarms: Sequence[str],
        watch_minutes: int,
    ) -> str | None:
        content = json.dumps([template, sorted(parameters.items()), sorted(tags.items()), list(alarms), watch_minutes])
        name = f"textwright-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
        self._drop(name)
        triggers = [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in alarms]
        self._cloud.call(
            "cloudformation",
            "create_change_set",
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if before else "CREATE",
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            Capabilities=["CAPABILITY_IAM"],
            RollbackConfiguration={
                "RollbackTriggers": triggers,
                "MonitoringTimeInMinutes": watch_minutes if alarms else 0,
            },
        )
        while True:
            change_set = self._cloud.call(
                "cloudformation", "describe_change_set", StackName=self.name, ChangeSetName=name
            )
            if change_set["Status"] == "CREATE_COMPLETE":
                return name
            if change_set["Status"] == "FAILED":
                reason = change_set.get("StatusReason", "")
                self._drop(name)
                if any(words in reason for words in _NO_CHANGE):
                    return None
                raise reason_to_error(reason, self.name) or StackError(
                    f"the stack {self.name} cannot be planned: {reason}"
                )
            sleep(self._poll_s)

    def _drop(self, change_set: str) -> None:
        try:
            self._cloud.call("cloudformation", "describe_change_set", StackName=self.name, ChangeSetName=change_set)
            self._cloud.call("cloudformation", "delete_change_set", StackName=self.name, ChangeSetName=change_set)
        except CloudNotFoundError:
            return

    def _wait(self, report: OnStep, since: datetime) -> StackState:
        ended = self._wait_while_in_progress(report, since, self.name)
        if ended is None or not ended.is_usable or "ROLLBACK" in ended.status:
            raise self._failure(ended, since)
        return ended

    def _failure(self, ended: StackState | None, since: datetime) -> TextwrightError:
        status = ended.status if ended else "gone"
        reason = self._first_reason(ended.id if ended else self.name, since)
        error = reason_to_error(reason, self.name)
        if error is not None:
            return error
        undone = "; what was there before is back" if status == "UPDATE_ROLLBACK_COMPLETE" else ""
        return StackError(f"the stack {self.name} ended in {status}: {reason}{undone}")

    def _wait_while_in_progress(self, report: OnStep, since: datetime, name: str) -> StackState | None:
        seen: set[str] = set()
        deadline = monotonic() + _TIMEOUT_S
        while True:
            state = self._describe(name)
            self._report_events(report, since, name, seen)
            if state is None or not state.status.endswith("_IN_PROGRESS"):
                return state
            if monotonic() > deadline:
                raise StackError(
                    f"the stack {self.name} is still {state.status} after {_TIMEOUT_S / 60:.0f} minutes; run the same "
                    "command again to go on waiting"
                )
            sleep(self._poll_s)

    def _report_events(self, report: OnStep, since: datetime, name: str, seen: set[str]) -> None:
        for event in reversed(self._events(name)):
            if event["Timestamp"] >= since and event["EventId"] not in seen:
                seen.add(event["EventId"])
                reason = event.get("ResourceStatusReason", "")
                report(f"{event['LogicalResourceId']}: {event['ResourceStatus']}{f' - {reason}' if reason else ''}")

    def _first_reason(self, name: str, since: datetime | None = None) -> str:
        """Find what failed first: later failures are its consequences."""
        for event in reversed(self._events(name)):
            reason = event.get("ResourceStatusReason", "")
            is_failure = event["ResourceStatus"].endswith("_FAILED") or "Alarm" in reason
            if is_failure and _CANCELLED not in reason and (since is None or event["Timestamp"] >= since):
                return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
        return "CloudFormation names no reason"

    def _events(self, name: str) -> list[dict[str, Any]]:
        try:
            answer = self._cloud.call("cloudformation", "describe_stack_events", StackName=name)
        except CloudNotFoundError:
            return []
        return list(answer["StackEvents"])

    def _describe(self, name: str) -> StackState | None:
        try:
            stack = self._cloud.call("cloudformation", "describe_stacks", StackName=name)["Stacks"][0]
        except CloudNotFoundError:
            return None
        return StackState(
            stack["StackId"],
            stack["StackName"],
            stack["StackStatus"],
            {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])},
            {item["ParameterKey"]: item.get("ParameterValue", "") for item in stack.get("Parameters", [])},
            {item["Key"]: item["Value"] for item in stack.get("Tags", [])},
        )

    def _known(self) -> StackState:
        state = self.state()
        if state is None:
            raise CloudError(f"the stack {self.name} has gone while it was being changed; run the command again")
        return state


def _cure(status: str, name: str) -> str:
    if status == "UPDATE_ROLLBACK_FAILED":
        return (
            "cure what it names, then: aws cloudformation continue-update-rollback --stack-name "
            f"{name}; or remove it with textwright deploy destroy"
        )
    return "cure what it names, then run textwright deploy destroy again"
