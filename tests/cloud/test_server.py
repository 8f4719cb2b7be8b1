"""EC2 by the code path of ``--apply``: the start-up script really runs, with the real docker and aws program."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import Path

import pytest
from cloud_inventory import inventory

from textwright.core import artifact as artifacts
from textwright.deploy.cloud import artifact_store
from textwright.deploy.cloud.common import DeployRequest
from textwright.deploy.cloud.settings import DeploymentSettings
from textwright.deploy.targets.ec2 import Ec2Deployer, Ec2Settings
from textwright.errors import ContainerEngineError, StackError

TARGET = "ec2"
SINGLE = Ec2Settings(profile="single", watch_minutes=0, public=True)


@pytest.fixture
def deploy(where, image, tmp_path):
    def run(source, settings=SINGLE, **changes):
        deployment = DeploymentSettings(name="demo", apply=True, out=tmp_path / "review")
        packaging = image.model_copy(update=changes)
        return Ec2Deployer().apply(DeployRequest(artifacts.read(source), deployment, settings, packaging, print))

    yield run
    if where.main.exists() or where.image_store.exists():
        where.destroy(print)


def ask(address, path="/v1/predict", body=b'{"text": "good"}', **headers):
    request = urllib.request.Request(address + path, body, {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def machines(emulator):
    """The folders of the instances that were started, in order."""
    return sorted((emulator / "machines").iterdir(), key=lambda path: path.stat().st_mtime)


def log_lines(aws):
    streams = aws("logs").describe_log_streams(logGroupName="/textwright/demo")["logStreams"]
    names = [item["logStreamName"] for item in streams]
    events = [aws("logs").get_log_events(logGroupName="/textwright/demo", logStreamName=name) for name in names]
    return names, [item["message"] for answer in events for item in answer["events"]]


def test_one_instance_from_nothing_to_a_second_model_back_and_to_nothing(aws, emulator, where, deploy, first, second):
    before = inventory(aws)
    made = deploy(first)
    assert made.num_golden == len(artifacts.read(first).golden())
    assert "@sha256:" in made.live
    version = ask(made.address)["model"]["version"]

    again = deploy(first)
    assert (again.live, again.previous) == (made.live, ""), "nothing is made twice"
    assert len(aws("ec2").describe_instances()["Reservations"]) == 1

    changed = deploy(second)
    assert (changed.previous, changed.address) == (made.live, made.address)
    assert ask(made.address)["model"]["version"] != version

    where.rollback(print)
    assert ask(made.address)["model"]["version"] == version
    assert where.status().answers.startswith("ready")

    instance = machines(emulator)[-1]
    deadline = time.monotonic() + 30
    while not log_lines(aws)[1]:
        assert time.monotonic() < deadline, "the container's log is in its log group"
        time.sleep(0.5)
    assert instance.name in log_lines(aws)[0]
    assert list(where.logs(minutes=5, follow=False))
    assert "enable --now docker" in (instance / "systemctl").read_text()

    where.destroy(print)
    assert inventory(aws) == before
    with pytest.raises(urllib.error.URLError):
        ask(made.address)


def test_keys_come_from_the_secret_and_stand_in_no_script(aws, emulator, deploy, first, monkeypatch):
    line = f"alice {sha256(b'key-of-alice').hexdigest()}"
    aws("secretsmanager").create_secret(Name="keys", SecretString=line)
    monkeypatch.setenv("TEXTWRIGHT_API_KEY", "key-of-alice")
    made = deploy(first, Ec2Settings(profile="single", watch_minutes=0, api_keys_secret="keys"))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(made.address)
    assert ask(made.address, **{"x-api-key": "key-of-alice"})["predictions"]
    instance = machines(emulator)[-1]
    script = (instance / "user-data").read_text()
    assert "key-of-alice" not in script
    assert line not in script
    assert (instance / "etc/new/textwright/api-keys").read_text().strip() == line
    assert (instance / "etc/new/systemd/system/textwright-keys.timer").is_file()
    assert not Path("/etc/textwright").exists(), "the rehearsal writes nothing into this machine"


def test_a_group_behind_a_load_balancer(aws, where, deploy, first, second):
    before = inventory(aws)
    balanced = Ec2Settings(watch_minutes=0, public=True, min_instances=2, max_instances=3)
    made = deploy(first, balanced)
    assert made.num_golden
    (group,) = aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["MinSize"], group["MaxSize"], len(group["AvailabilityZones"])) == (2, 3, 2)
    policies = aws("autoscaling").describe_policies()["ScalingPolicies"]
    kinds = {
        item["TargetTrackingConfiguration"]["PredefinedMetricSpecification"]["PredefinedMetricType"]
        for item in policies
    }
    assert kinds == {"ASGAverageCPUUtilization", "ALBRequestCountPerTarget"}
    alarms = aws("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {"UnHealthyHostCount", "Failures"} <= {item["MetricName"] for item in alarms}
    changed = deploy(second, balanced)
    assert changed.previous == made.live
    where.destroy(print)
    assert inventory(aws) == before


def test_an_instance_that_does_not_become_healthy_gets_no_traffic(where, deploy, first, second, monkeypatch):
    made = deploy(first)
    # The script asks for a stranger's image: docker cannot pull it, as when the registry loses it.
    monkeypatch.setattr(artifact_store, "put_image", lambda *_: made.live.partition("@")[0] + "@sha256:" + "0" * 64)
    with pytest.raises(StackError, match=r"UPDATE_ROLLBACK_COMPLETE: Instance .*FAILURE signal.*is back"):
        deploy(second)
    monkeypatch.undo()
    assert ask(made.address)["model"]["version"]
    assert deploy(second).previous == made.live, "the same command finishes the work"


def test_no_engine_is_said_before_anything_is_made(aws, deploy, first):
    before = inventory(aws)
    with pytest.raises(ContainerEngineError, match="install Docker"):
        deploy(first, engine="no-such-docker")
    assert inventory(aws) == before
