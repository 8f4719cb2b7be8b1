"""Lesson 26: ``textwright deploy ec2 --apply`` against the emulator, whose instances really run the start-up script.

From nothing to an address, to a second model, to one that does not become healthy, back, and to nothing.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from cloud_inventory import inventory
from rehearsal import REGION, emulating, image_settings

from booktools.recordings.models import TEXTS
from textwright.core import artifact as artifacts
from textwright.deploy.cloud import artifact_store
from textwright.deploy.cloud.common import DeployRequest
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.cloud.settings import DeploymentSettings
from textwright.deploy.targets.ec2 import Ec2Deployer, Ec2Settings
from textwright.errors import StackError


def record(work: Path, made: tuple[Path, Path]) -> dict[str, Any]:
    """Make the recording.

    Args:
        work: Empty folder.
        made: The artifacts of two versions.
    """
    (work / "emulator").mkdir()
    with emulating(work / "emulator"):
        return _Rehearsal(work, made).record()


class _Rehearsal:
    def __init__(self, work: Path, made: tuple[Path, Path]) -> None:
        self.work, self.made = work, made
        self.aws: Callable[[str], Any] = lambda service: boto3.client(service, region_name=REGION)
        self.where = Ec2Deployer().deployment(Cloud(REGION), "demo", poll_s=0.1)
        self.num_events = 0

    def record(self) -> dict[str, Any]:
        before = inventory(self.aws)
        steps = [self.step("the first version", lambda report: self.deploy(self.made[0], report))]
        steps.append(self.step("the second version", lambda report: self.deploy(self.made[1], report)))
        steps.append(self.step("one that cannot be pulled", self.broken))
        steps.append(self.step("back to the first", self.where.rollback))
        log = self.log_lines()
        machine = min((self.work / "emulator" / "machines").iterdir(), key=lambda path: path.stat().st_mtime)
        told = {
            "user_data": _plain((machine / "user-data").read_text()),
            "boot_log": _shortened((machine / "log").read_text()),
            "systemctl": (machine / "systemctl").read_text().split("\n"),
            "container_log": log,
            "steps": steps,
        }
        num_removed = self.where.destroy(print)
        return told | {"removed": num_removed, "left": inventory(self.aws) != before}

    def step(self, name: str, act: Callable[[Callable[[str], object]], object]) -> dict[str, Any]:
        """Do something to the deployment; keep what was said, what the stack went through, and who answers then."""
        said: list[str] = []
        start = time.monotonic()
        error = ""
        try:
            act(said.append)
        except StackError as reason:
            error = str(reason)
        seconds = time.monotonic() - start
        events = self.events()
        return {
            "name": name,
            "seconds": round(seconds, 1),
            "said": [_plain(line) for line in said if line and not line.startswith("#")],
            "error": _plain(error),
            "events": events,
            "answers": self.version(),
        }

    def deploy(self, artifact: Path, report: Callable[[str], object]) -> object:
        deployment = DeploymentSettings(name="demo", apply=True, out=self.work / "review")
        settings = Ec2Settings(profile="single", watch_minutes=0, public=True)
        request = DeployRequest(artifacts.read(artifact), deployment, settings, image_settings(), report)
        return Ec2Deployer().apply(request)

    def broken(self, report: Callable[[str], object]) -> object:
        """The registry does not have the image that the template names, as if somebody had removed it."""
        state = self.where.state()
        strange = state.parameters["Image"].partition("@")[0] + "@sha256:" + "0" * 64
        with mock.patch.object(artifact_store, "put_image", return_value=strange):
            return self.deploy(self.made[0], report)

    def version(self) -> str:
        address = self.where.endpoint(self.where.state()).url
        body = json.dumps({"text": TEXTS[0]}).encode()
        request = urllib.request.Request(f"{address}/v1/predict", body, {"content-type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  the emulator's
            return str(json.loads(answer.read())["model"]["version"])

    def events(self) -> list[dict[str, Any]]:
        """List what happened to the stack since the last step, the oldest first; seconds from the first event."""
        found = self.aws("cloudformation").describe_stack_events(StackName="textwright-demo")["StackEvents"]
        ordered = sorted(found, key=lambda item: item["Timestamp"])
        new, self.num_events = ordered[self.num_events :], len(ordered)
        first = new[0]["Timestamp"] if new else None
        return [
            {
                "at": round((item["Timestamp"] - first).total_seconds(), 2),
                "resource": item["LogicalResourceId"],
                "type": item["ResourceType"],
                "status": item["ResourceStatus"],
                "reason": _plain(item.get("ResourceStatusReason") or ""),
            }
            for item in new
        ]

    def log_lines(self) -> list[str]:
        """Read the container's log from its log group."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            streams = self.aws("logs").describe_log_streams(logGroupName="/textwright/demo")["logStreams"]
            names = [item["logStreamName"] for item in streams]
            read = [
                self.aws("logs").get_log_events(logGroupName="/textwright/demo", logStreamName=name) for name in names
            ]
            lines = [item["message"] for answer in read for item in answer["events"]]
            if lines:
                return [_plain(line) for line in lines[:6]]
            time.sleep(0.5)
        raise TimeoutError("no line came into the log group")


def _shortened(log: str) -> list[str]:
    """Keep the commands that the start-up script ran and what they said, without what waits in a loop."""
    lines = [line for line in log.splitlines() if not re.match(r"\+ (\(\(|'?\[|sleep)|\+\+ docker inspect", line)]
    return [_plain(line)[:200] for line in lines]


def _plain(text: str) -> str:
    """Leave out what is this machine's: ports, which stand for an address and a registry, and folders."""
    text = re.sub(r"/\S+/machines/[^/\s]+/", "/root/", text)
    registry = re.sub(r"127\.0\.0\.1:\d+/textwright", "REGISTRY/textwright", text)
    return re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", registry)
