"""Lambda by the code path of ``--apply``: made, changed, refused, gone back, removed; the zip really runs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from cloud_inventory import inventory
from rehearsal import REGION

from textwright.core import artifact as artifacts
from textwright.deploy.cloud import common
from textwright.deploy.cloud.common import DeployRequest
from textwright.deploy.cloud.plan import DeploymentPlan
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.cloud.settings import DeploymentSettings
from textwright.deploy.cloud.stack import Stack
from textwright.deploy.package import packaging
from textwright.deploy.package.settings import ImageSettings
from textwright.deploy.targets.aws_lambda import FunctionSettings, LambdaDeployer
from textwright.errors import GoldenMismatchError, NotFoundError, SettingsError

TARGET = "lambda"
QUICK = FunctionSettings(auth="open", watch_minutes=0)


@pytest.fixture(scope="session")
def packed(tmp_path_factory):
    """Package each artifact once, for real: the bytes are the same each time, which tests of ``package`` hold."""
    made = {}

    def package(artifact, form, out, settings, *, report):
        if artifact.path not in made:
            folder = tmp_path_factory.mktemp("zip")
            made[artifact.path] = packaging.package(artifact, form, folder, settings, report=report)
        report("packaged")
        return made[artifact.path]

    return package


@pytest.fixture
def deploy(where, tmp_path, packed, monkeypatch):
    monkeypatch.setattr(common, "package", packed)

    def run(source, settings=QUICK, *, apply=True, report=print):
        deployment = DeploymentSettings(name="demo", apply=apply, out=tmp_path / "review")
        image = ImageSettings(python="3.12")
        request = DeployRequest(artifacts.read(source), deployment, settings, image, report)
        deployer = LambdaDeployer()
        return deployer.apply(request) if apply else deployer.plan(request)

    return run


def ask(address, text="good", *, key=""):
    body = json.dumps({"text": text}).encode()
    headers = {"content-type": "application/json", **({"x-api-key": key} if key else {})}
    request = urllib.request.Request(f"{address.rstrip('/')}/v1/predict", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def actions(plan):
    return {item.resource: item.action for item in plan.changes}


def test_from_nothing_to_an_address_and_back_to_nothing(aws, where, deploy, first):
    before = inventory(aws)
    plan = deploy(first, apply=False)
    assert isinstance(plan, DeploymentPlan)
    assert set(actions(plan).values()) == {"create"}
    assert inventory(aws) == before, "a plan acts on nothing"

    made = deploy(first)
    assert made.num_golden == len(artifacts.read(first).golden())
    assert ask(made.address)["predictions"][0]["label"] == "positive"
    assert (made.live, made.previous) == ("1", "")
    assert made.cold_ms > made.warm_ms

    again = deploy(first)
    assert (again.live, again.previous, again.address) == ("1", "", made.address), "nothing is made twice"
    assert set(actions(deploy(first, apply=False)).values()) == {"keep"}

    status = where.status()
    assert status.answers.startswith("ready")
    assert len(status.alarms) == 3

    assert where.destroy(print) > 8
    assert inventory(aws) == before
    with pytest.raises(NotFoundError, match="no deployment 'demo'"):
        where.status()
    with pytest.raises(NotFoundError, match="no deployment 'demo'"):
        where.destroy(print)


def test_another_model_comes_by_a_shift_and_goes_by_a_rollback(aws, where, deploy, first, second):
    made = deploy(first)
    old = ask(made.address)["model"]["version"]
    assert actions(deploy(second, apply=False))["Function"] == "change"
    changed = deploy(second)
    assert (changed.live, changed.previous, changed.address) == ("2", "1", made.address)
    assert ask(made.address)["model"]["version"] != old
    events = aws("cloudformation").describe_stack_events(StackName="textwright-demo")["StackEvents"]
    moves = [
        item for item in events if item["LogicalResourceId"] == "Live" and item["ResourceStatus"] == "UPDATE_COMPLETE"
    ]
    assert len(moves) == 2, "a share first, then all"

    rollback = where.plan_rollback()
    assert (rollback.live, rollback.previous) == ("2", "1")
    where.rollback(print)
    assert ask(made.address)["model"]["version"] == old
    where.rollback(print)
    assert ask(made.address)["model"]["version"] != old


def test_interrupted_at_any_step_the_same_command_finishes_the_work(aws, where, deploy, first):
    class Stopped(BaseException):
        pass

    def stopping_after(steps):
        lines = []

        def report(line):
            lines.append(line)
            if len(lines) > steps:
                raise Stopped(line)

        return report

    before, num_stops = inventory(aws), 0
    for steps in range(0, 60, 3):
        try:
            made = deploy(first, report=stopping_after(steps))
        except Stopped:
            num_stops += 1
        else:
            break
    assert num_stops > 2
    assert ask(made.address)["predictions"][0]["label"] == "positive"
    versions = aws("lambda").list_versions_by_function(FunctionName="textwright-demo")["Versions"]
    assert [item["Version"] for item in versions] == ["$LATEST", "1"], "nothing was made twice"
    assert len(aws("s3").list_buckets()["Buckets"]) == 1
    where.destroy(print)
    assert inventory(aws) == before


def test_versions_that_nothing_leads_to_are_deleted(aws, deploy, first, second, make_artifact):
    for source in (first, second, make_artifact("tiny", temperature=2.0)):
        deploy(source)
    versions = aws("lambda").list_versions_by_function(FunctionName="textwright-demo")["Versions"]
    assert [item["Version"] for item in versions] == ["$LATEST", "2", "3"]


def test_what_does_not_reproduce_gets_no_traffic(deploy, packed, first, second, make_artifact, monkeypatch):
    spoiled = make_artifact("tiny", temperature=3.0)
    made = deploy(first)
    old = ask(made.address)["model"]["version"]

    # Another model is shipped than the one that is compared with: as if the version computed otherwise.
    def wrong_package(_, *arguments, report):
        made = packed(artifacts.read(spoiled), *arguments, report=report)
        report("another model is packaged")
        return made

    monkeypatch.setattr(common, "package", wrong_package)
    with pytest.raises(GoldenMismatchError, match=r"No traffic was moved: version 1 goes on answering"):
        deploy(second)
    assert ask(made.address)["model"]["version"] == old
    monkeypatch.setattr(common, "package", packed)
    assert deploy(second).live == "3", "the same command finishes the work"


def test_the_address_of_iam_takes_signed_requests_alone(deploy, first):
    made = deploy(first, FunctionSettings(watch_minutes=0))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        ask(made.address)


def test_a_key_is_asked_for_and_stands_nowhere(aws, deploy, first, monkeypatch):
    from hashlib import sha256

    secret = f"alice {sha256(b'key-of-alice').hexdigest()}\n"
    aws("secretsmanager").create_secret(Name="keys", SecretString=secret)
    monkeypatch.setenv("TEXTWRIGHT_API_KEY", "key-of-alice")
    made = deploy(first, FunctionSettings(auth="key", api_keys_secret="keys", watch_minutes=0))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(made.address)
    template = aws("cloudformation").get_template(StackName="textwright-demo")["TemplateBody"]
    assert "key-of-alice" not in str(template)
    assert sha256(b"key-of-alice").hexdigest() not in str(template)


def test_a_revoked_key_is_refused_after_the_next_apply_and_no_rollback_brings_it_back(
    aws, where, deploy, first, monkeypatch
):
    from hashlib import sha256

    def lines(*keys):
        return "".join(f"{name} {sha256(name.encode()).hexdigest()}\n" for name in keys)

    settings = FunctionSettings(auth="key", api_keys_secret="keys", watch_minutes=0)
    aws("secretsmanager").create_secret(Name="keys", SecretString=lines("alice", "bob"))
    monkeypatch.setenv("TEXTWRIGHT_API_KEY", "bob")
    made = deploy(first, settings)
    assert ask(made.address, key="alice")

    aws("secretsmanager").put_secret_value(SecretId="keys", SecretString=lines("bob"))
    assert actions(deploy(first, settings, apply=False))["Function"] == "change"
    lines = []
    assert deploy(first, settings, report=lines.append).live == "2"
    assert not [line for line in lines if "traffic is split" in line], "a revoked key keeps no share"
    assert ask(made.address, key="bob")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(made.address, key="alice")
    with pytest.raises(SettingsError, match="would take API keys"):
        where.rollback(print)


def test_a_secret_that_changes_behind_the_same_reference_changes_nothing(aws):
    """The emulator does what CloudFormation does: it compares before it reads secrets."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "{{resolve:secretsmanager:name}}"}}
    aws("secretsmanager").create_secret(Name="name", SecretString="before")
    stack = Stack(Cloud(REGION), "demo", poll_s=0.1)
    other = {"Type": "AWS::SNS::Topic", "Properties": {}}
    stack.apply(json.dumps({"Resources": {"Topic": topic}}), {}, {}, print)
    aws("secretsmanager").put_secret_value(SecretId="name", SecretString="after")
    stack.apply(json.dumps({"Resources": {"Topic": topic, "Other": other}}), {}, {}, print)
    (arn,) = [item["PhysicalResourceId"] for item in stack.resources() if item["LogicalResourceId"] == "Topic"]
    assert aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "before"


def test_every_resource_is_really_there_as_it_is_described(aws, deploy, first):
    """What moto alone would say CREATE_COMPLETE to and ignore."""
    deploy(
        first,
        FunctionSettings(
            auth="open",
            watch_minutes=0,
            reserved_concurrency=5,
            keep_failed_events=True,
            log_days=7,
            alarm_email="me@example.org",
        ),
    )
    function = aws("lambda").get_function(FunctionName="textwright-demo")
    assert function["Configuration"]["MemorySize"] == 1769
    assert function["Configuration"]["Environment"]["Variables"]["ORT_DISABLE_TELEMETRY"] == "1"
    alias = aws("lambda").get_alias(FunctionName="textwright-demo", Name="live")
    assert alias["FunctionVersion"] == "1"
    assert not (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
    assert aws("lambda").get_function_url_config(FunctionName="textwright-demo")["AuthType"] == "NONE"
    sent = aws("lambda").get_function_event_invoke_config(FunctionName="textwright-demo")
    assert sent["DestinationConfig"]["OnFailure"]["Destination"].startswith("arn:aws:sqs:")
    (group,) = aws("logs").describe_log_groups(logGroupNamePrefix="/textwright/demo")["logGroups"]
    assert group["retentionInDays"] == 7
    (filtered,) = aws("logs").describe_metric_filters(logGroupName="/textwright/demo")["metricFilters"]
    assert filtered["filterPattern"] == "{ $.status >= 500 }"
    alarms = aws("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {item["MetricName"] for item in alarms} == {"Errors", "Failures", "Throttles"}
    assert all(item["AlarmActions"] for item in alarms)
    (bucket,) = aws("s3").list_buckets()["Buckets"]
    block = aws("s3").get_public_access_block(Bucket=bucket["Name"])["PublicAccessBlockConfiguration"]
    assert all(block.values())
    assert aws("s3").get_bucket_versioning(Bucket=bucket["Name"])["Status"] == "Enabled"
    assert aws("s3").get_bucket_policy(Bucket=bucket["Name"])["Policy"].count("aws:SecureTransport") == 1
